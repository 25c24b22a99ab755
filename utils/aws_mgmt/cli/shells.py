"""How bash, zsh and fish are answered at a Tab: as click does it, and where a value stands behind "=" too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)


class _AsTheyComplete(ShellComplete):
    """The script's function is `_dr`, as its file of zsh's fpath: zsh runs one that defines another function again.

    At the second Tab it then offers nothing. Source: zsh manual, "Autoloading Functions".
    """

    @property
    def func_name(self) -> str:
        """The name of the script's function."""
        return super().func_name.removesuffix("_completion")

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Return what click offers; where `--format=js` is one word, what takes the place of all of it."""
        option, equals, _ = incomplete.partition("=")
        if not equals or not option.startswith("-"):
            return super().get_completions(args, incomplete)
        if not any(option in each.opts for each in _options(self.cli) if not each.is_flag):
            return []  # click offers commands
        offered = super().get_completions(args, incomplete)
        return [CompletionItem(f"{option}={item.value}", item.type, item.help) for item in offered]


def _options(command: click.Command) -> Iterator[click.Option]:
    yield from (each for each in command.params if isinstance(each, click.Option))
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _options(inner)


class DrInZsh(_AsTheyComplete, ZshComplete):
    """In zsh, which looks for a file by the name of the whole word unless the option before "=" is set aside."""

    source_template = ZshComplete.source_template.replace("_path_files", "compset -P '-*='; _path_files")


class DrInFish(_AsTheyComplete, FishComplete):
    """In fish."""


class DrInBash(_AsTheyComplete, BashComplete):
    """In bash, which completes the last of the three words `--format`, `=`, `js`, or all: see COMP_WORDBREAKS."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one to complete, and that one: its value alone, of an option with "="."""
        words, incomplete = super().get_completion_args()
        args: list[str] = []
        value_follows = False
        for word in words:
            if value_follows or (word == "=" and args and args[-1].startswith("-")):
                args[-1] += word
                value_follows = word == "=" and not value_follows
            else:
                args.append(word)
        if value_follows:
            return [*args[:-1], args[-1].removesuffix("=")], incomplete
        if incomplete == "=" and args and args[-1].startswith("-"):
            return args, ""
        return args, incomplete


SHELLS: Mapping[str, type[ShellComplete]] = {"bash": DrInBash, "zsh": DrInZsh, "fish": DrInFish}


def register() -> None:
    """Answer these shells so."""
    for name, kind in SHELLS.items():
        add_completion_class(kind, name)
