"""How bash, zsh and fish are answered at a Tab: as click does it, and where a value stands behind "=" too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)


class _NamedAsItsFile(ShellComplete):
    """zsh keeps a file of its fpath as the function until the file defines one of its name: `_dr`.

    A file that defines another one offers nothing at the second Tab. Source: zsh manual, "Autoloading Functions".
    """

    @property
    def func_name(self) -> str:
        """The name of the script's function."""
        return f"_{self.prog_name}"


class _WholeWords(_NamedAsItsFile):
    """A shell to which `--format=js` is one word: what it is offered takes the place of all of it."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Return what click offers, behind the option that the value belongs to."""
        offered = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if not equals or not option.startswith("-"):
            return offered
        return [CompletionItem(f"{option}={item.value}", item.type, item.help) for item in offered]


class DrInZsh(_WholeWords, ZshComplete):
    """In zsh."""


class DrInFish(_WholeWords, FishComplete):
    """In fish."""


class DrInBash(_NamedAsItsFile, BashComplete):
    """In bash, to which `--format=js` is three words of which the last is completed."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one to complete, and that one: its value alone, of an option with "="."""
        words, incomplete = super().get_completion_args()
        if incomplete == "=":
            incomplete = ""
        elif words[-1:] == ["="]:
            words.pop()
        args: list[str] = []
        for word in words:
            if word == "=" or (args[-1:] and args[-1].endswith("=")):
                args[-1:] = ["".join([*args[-1:], word])]
            else:
                args.append(word)
        return args, incomplete


SHELLS: Mapping[str, type[ShellComplete]] = {"bash": DrInBash, "zsh": DrInZsh, "fish": DrInFish}


def register() -> None:
    """Answer these shells so."""
    for name, kind in SHELLS.items():
        add_completion_class(kind, name)
