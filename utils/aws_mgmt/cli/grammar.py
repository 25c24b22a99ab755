"""What all commands share on the command line: the form of the help, global options, and numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

_FORMATS = ("terminal", "markdown", "json", "csv")


class Help(argparse.HelpFormatter):
    """Help of one width everywhere, so that docs/commands.md can be compared with it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=100, max_help_position=30)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """Options as Python 3.13 writes them, in every Python: ``-e, --environment ENV``."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def global_options() -> argparse.ArgumentParser:
    """The options of every command: accepted before it and after it."""
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = shared.add_argument_group("global options (before or after the command)")
    group.add_argument("-e", "--environment", metavar="ENV", help="environment file to go by: dev, sit, prod, ...")
    group.add_argument("--config", type=Path, metavar="DIR", help="folder of environment files")
    group.add_argument("--sandbox", action="store_true", help="use the embedded sandbox instead of AWS")
    group.add_argument("--as", dest="person", metavar="WHO", help="sandbox: whose keys (operator, approver, reader)")
    group.add_argument("--tenants", type=_positive, metavar="N", help="tenants of a sandbox that is started (12)")
    group.add_argument("--tenant", action="append", dest="only_tenants", metavar="T", help="narrow to a tenant")
    group.add_argument("--format", choices=_FORMATS, help="how to print the result (terminal)")
    group.add_argument("--workers", type=_natural, metavar="N", help="judge in N processes (0: this one)")
    group.add_argument("--output", type=folder, metavar="DIR", help="folder for results (reports/out)")
    group.add_argument("--save-evidence", type=Path, metavar="FILE", help="keep what was observed in FILE")
    group.add_argument("--from-evidence", type=Path, metavar="FILE", help="judge FILE instead of looking")
    group.add_argument("--exceptions", type=Path, metavar="FILE", help="accepted gaps (exceptions.toml beside ENV)")
    group.add_argument("--deadline", type=_positive, dest="deadline_s", metavar="S", help="seconds to look at most")
    return shared


def folder(text: str) -> Path:
    """The folder that is meant where the command was typed."""
    return Path(text).resolve()


def _natural(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0")
    return int(text)


def _positive(text: str) -> int:
    number = _natural(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
