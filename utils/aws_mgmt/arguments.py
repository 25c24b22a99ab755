"""The command line's grammar. Global options are accepted before and after the command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from utils.aws_mgmt.request import Request

_FORMATS = ("terminal", "markdown", "json", "csv")
_FLAGS = {
    "status": {
        "replication": "only the data replication scenarios",
        "infrastructure": "only the infrastructure scenarios",
        "report": "also build the single-file HTML report",
    },
    "test": {
        "tabletop": "walk through the playbook on today's evidence",
        "infra": "the readiness scenarios: infrastructure, replication, tenants, prerequisites",
        "dns": "the DNS scenarios",
        "full-drill": "failover and failback of the whole environment (not in PROD)",
    },
    "failover": {
        "assess-only": "assess and plan, change nothing (the default)",
        "execute": "run the plan",
        "validate": "validate that the DR region serves",
    },
    "failback": {
        "assess-only": "assess and plan, change nothing (the default)",
        "staged": "shift traffic in stages",
        "execute": "run the plan",
    },
}
_HELP = {
    "status": "show whether the DR region could take over now",
    "test": "run DR tests",
    "failover": "assess, or execute, a failover to the DR region",
    "failback": "assess, or execute, the return to the primary region",
    "sandbox": "the embedded AWS: up, down, show, list, break, mend",
}
_SANDBOX = {
    "up": "start the sandbox in the background",
    "down": "stop it; its world is kept",
    "show": "endpoint, account and the access keys of its people",
    "list": "the disasters it can play",
    "break": "play a disaster",
    "mend": "take a disaster back (all of them, without a name)",
}


class _Help(argparse.HelpFormatter):
    """Help of one width everywhere, so that docs/commands.md can be compared with it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=100, max_help_position=30)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """Options as Python 3.13 writes them, in every Python: ``-e, --environment ENV``."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    shared = _global_options()
    parser = argparse.ArgumentParser(
        prog="dr_cli.py",
        description="AWS DR Manager: sees, judges and moves a two-region estate.",
        parents=[shared],
        formatter_class=_Help,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, flags in _FLAGS.items():
        command = commands.add_parser(
            name, help=_HELP[name], description=_HELP[name], parents=[shared], formatter_class=_Help
        )
        for flag, about in flags.items():
            command.add_argument(f"--{flag}", action="store_true", help=about)
    sandbox = commands.add_parser("sandbox", help=_HELP["sandbox"], description=_HELP["sandbox"], formatter_class=_Help)
    actions = sandbox.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about in _SANDBOX.items():
        action = actions.add_parser(
            name, help=about, description=about, parents=[shared], formatter_class=_Help, allow_abbrev=False
        )
        if name == "up":
            action.add_argument(
                "--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one, then kept)"
            )
            action.add_argument("--fresh", action="store_true", help="throw the kept world away and seed a new one")
        if name in {"break", "mend"}:
            action.add_argument("name", nargs=None if name == "break" else "?", default="", help="the disaster's name")
    return parser


def _global_options() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = shared.add_argument_group("global options (before or after the command)")
    group.add_argument("-e", "--environment", metavar="ENV", help="environment file to go by: dev, sit, prod, ...")
    group.add_argument("--config", type=Path, metavar="DIR", help="folder of environment files")
    group.add_argument("--sandbox", action="store_true", help="use the embedded sandbox instead of AWS")
    group.add_argument("--tenants", type=_positive, metavar="N", help="tenants of a sandbox that is started (12)")
    group.add_argument("--tenant", action="append", dest="only_tenants", metavar="T", help="narrow to a tenant")
    group.add_argument("--format", choices=_FORMATS, help="how to print the result (terminal)")
    group.add_argument("--workers", type=_natural, metavar="N", help="judge in N processes (0: this one)")
    group.add_argument("--output", type=Path, metavar="DIR", help="folder for results (reports/out)")
    group.add_argument("--save-evidence", type=Path, metavar="FILE", help="keep what was observed in FILE")
    group.add_argument("--from-evidence", type=Path, metavar="FILE", help="judge FILE instead of looking")
    group.add_argument("--exceptions", type=Path, metavar="FILE", help="accepted gaps (exceptions.toml beside ENV)")
    group.add_argument("--deadline", type=_positive, dest="deadline_s", metavar="S", help="seconds to look at most")
    return shared


def _natural(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0")
    return int(text)


def _positive(text: str) -> int:
    number = _natural(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def parse(argv: list[str]) -> Request:
    """Turn argv into a Request. Leaves by argparse's exit 2, with a sentence, where it cannot."""
    parser = build_parser()
    given: dict[str, Any] = vars(parser.parse_args(argv))
    command, environment = given.pop("command"), given.pop("environment", None)
    if not environment:
        parser.error("which environment? Name it with -e, for example: -e sit")
    flags = frozenset(name for name in _FLAGS.get(command, {}) if given.pop(name.replace("-", "_"), False))
    action = given.pop("action", "")
    arguments: dict[str, Any] = {name: given.pop(name) for name in ("port", "fresh", "name") if name in given}
    if given.get("from_evidence") and given.get("sandbox"):
        parser.error("--from-evidence judges what was saved, --sandbox looks anew: choose one")
    given["only_tenants"] = tuple(given.pop("only_tenants", ()))
    return Request(command, environment, flags=flags, action=action, arguments=arguments, **given)
