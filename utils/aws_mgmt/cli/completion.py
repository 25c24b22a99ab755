"""Completion of the installed command in bash, zsh and fish. Lists that take time are imported when they are needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
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

from utils.aws_mgmt.cli.pages import HelpPage

# How bash, zsh and fish are answered at a Tab: as click does it, and where a value stands behind "=" too.


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


VARIABLE = "_DR_COMPLETE"
SIDES = ("primary", "dr")
CI_FORMATS = ("junit", "github", "sarif")
FORMATS = ("terminal", "markdown", "json", "csv", *CI_FORMATS)
SEVERITIES = ("blocker", "critical", "normal", "minor")
FAILING = ("fail", "unknown", "warn")
_COMMAND = "dr"


def _completer(names: Callable[[click.Context], Iterable[str]]) -> dict[str, Any]:
    """The names that begin with what was typed."""
    return {"shell_complete": lambda ctx, _param, typed: [name for name in names(ctx) if name.startswith(typed)]}


def _environments(ctx: click.Context) -> list[str]:
    """The environment files of --config, wherever it stands, or of the default folder."""
    from dr_estate.config.environment import environment_names
    from utils.aws_mgmt.app.options import EVERY, configuration

    while not ctx.params.get("config") and ctx.parent:
        ctx = ctx.parent
    return [*environment_names(Path(ctx.params.get("config") or configuration(""))), EVERY]


def _people(_ctx: click.Context) -> Iterable[str]:
    from sandbox.core.people import PEOPLE

    return PEOPLE


def _checks(_ctx: click.Context) -> Iterable[str]:
    from dr_checks.core.registry import checks

    return checks()


def _roles(_ctx: click.Context) -> Iterable[str]:
    from dr_actions.iam.policies import IamRole

    return IamRole


def _disasters(_ctx: click.Context) -> Iterable[str]:
    from sandbox.disasters import catalogue

    return (disaster.name for disaster in catalogue())


def _scenarios(_ctx: click.Context) -> Iterable[str]:
    from sandbox.training.scenarios import catalogue

    return (scenario.name for scenario in catalogue())


ENVIRONMENT, PERSON, ROLE = _completer(_environments), _completer(_people), _completer(_roles)
DISASTER, SCENARIO, CHECK = _completer(_disasters), _completer(_scenarios), _completer(_checks)


def register_shells() -> None:
    """Let click answer shells as the classes above do, where one asks."""
    if os.environ.get(VARIABLE):
        from utils.aws_mgmt.cli.completion import register

        register()


def _print_script(shell: str) -> None:
    from utils.aws_mgmt.cli.completion import SHELLS

    click.echo(SHELLS[shell](COMMAND, {}, _COMMAND, VARIABLE).source(), nl=False)
    click.get_current_context().exit()


COMMAND = HelpPage(
    "completion",
    [click.Argument(["shell"], metavar="SHELL", type=click.Choice(("bash", "zsh", "fish")), help="bash, zsh or fish.")],
    callback=_print_script,
    help="Print the script that completes the installed command `dr` in a shell.",
    examples="completion bash > ~/.local/share/bash-completion/completions/dr; completion zsh > ~/.zfunc/_dr; "
    "completion fish > ~/.config/fish/completions/dr.fish",
)
