"""Completion of the installed command in bash, zsh and fish. Lists that take time are imported when they are needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from utils.aws_mgmt.cli.pages import HelpPage

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
    """Let click answer shells as ``cli.shells`` does, where one asks."""
    if os.environ.get(VARIABLE):
        from utils.aws_mgmt.cli.shells import register

        register()


def _print_script(shell: str) -> None:
    from utils.aws_mgmt.cli.shells import SHELLS

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
