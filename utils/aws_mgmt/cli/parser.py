"""The command line: its commands, options, help and numbers. Global options stand before or after the command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dr_estate.model.invocation import Program
from utils.aws_mgmt.app.request import Request

_FORMATS = ("terminal", "markdown", "json", "csv")
_FLAGS = {
    "doctor": {},
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
    "schedule": {"trend": "also score, worst lag and recovery time of the last runs"},
    "failover": {
        "assess-only": "assess and plan, change nothing (the default)",
        "execute": "run the plan",
        "validate": "validate that the DR region serves",
        "replan": "with --execute: leave an unfinished run's plan and begin with today's",
        "planned": "a switchover with a healthy primary: fence its writers first, lose nothing",
        "report": "also build the single-file HTML report",
    },
    "failback": {
        "assess-only": "assess and plan, change nothing (the default)",
        "staged": "shift traffic in stages",
        "execute": "run the plan",
        "replan": "with --execute: leave an unfinished run's plan and begin with today's",
        "report": "also build the single-file HTML report",
    },
}
_OTHER_FLAGS = {
    "test": ("non-interactive", "restore", "canary", "report"),
    "approve": ("planned", "failback", "staged", "withdraw"),
    "log": ("verify", "review"),
}
_ARGUMENTS = (
    *("answers", "port", "fresh", "name", "incident", "journal", "confirm", "override", "digest", "reason", "role"),
    "folder",
)
_SCENE_ARGUMENTS = ("hint", "end")
_HELP = {
    "doctor": "try every read that the tool needs, and print what to grant: the first command on an account",
    "status": "show whether the DR region could take over now",
    "test": "run DR tests",
    "schedule": "which DR test was run when, which is due next, and what is overdue",
    "failover": "assess, or execute, a failover to the DR region",
    "failback": "assess, or execute, the return to the primary region",
    "sandbox": "the embedded AWS: start it, stop it, inject disasters, repair them, train",
    "approve": "approve today's plan as the second person",
    "pause": "the global stop switch: no run changes anything any more",
    "unpause": "let runs change things again",
    "log": "the incident log: timeline, recovery times, and whether its chain holds",
    "iam": "print the IAM policies of reader, operator and approver",
    "drill": "what is left of a drill: show, clean",
    "report": "print an earlier run's report again and build its HTML page (offline, no -e needed)",
}
_DRILL = {
    "show": "which drill is not over, and what is left of it",
    "clean": "bring it home, take away what it made, and prove that nothing else is left",
}
_SANDBOX = {
    "up": "start the sandbox in the background",
    "down": "stop it; its world is kept",
    "show": "endpoint, account and the access keys of its people",
    "list": "the disasters it can play",
    "break": "play a disaster",
    "mend": "take a disaster back (all of them, without a name: a training scene ends)",
    "train": "set a training scene and read its briefing (without a name: list them)",
    "debrief": "judge by the world how the training scene was played",
}


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
    group.add_argument(
        "--output",
        type=folder,
        metavar="DIR",
        help="folder for results (reports/out; installed: the user's state folder)",
    )
    group.add_argument("--save-evidence", type=Path, metavar="FILE", help="keep what was observed in FILE")
    group.add_argument("--from-evidence", type=Path, metavar="FILE", help="judge FILE instead of looking")
    group.add_argument("--record", type=folder, metavar="DIR", help="keep AWS's answers in DIR, with placeholders")
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


def build_parser(program: Program = Program.CHECKOUT) -> argparse.ArgumentParser:
    """The parser of the whole command line, called as ``program``."""
    shared = global_options()
    parser = argparse.ArgumentParser(
        prog=program.short,
        description="AWS DR Manager: sees, judges and moves a two-region estate.",
        parents=[shared],
        formatter_class=Help,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, flags in _FLAGS.items():
        command = commands.add_parser(
            name, help=_HELP[name], description=_HELP[name], parents=[shared], formatter_class=Help
        )
        for flag, about in flags.items():
            command.add_argument(f"--{flag}", action="store_true", help=about)
        if name in {"failover", "failback"}:
            _execution_options(command)
        if name == "test":
            _exercise_options(command)
    _authority_commands(commands, shared)
    _drill_commands(commands, shared)
    _report_command(commands, shared)
    sandbox = commands.add_parser("sandbox", help=_HELP["sandbox"], description=_HELP["sandbox"], formatter_class=Help)
    actions = sandbox.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about in _SANDBOX.items():
        action = actions.add_parser(
            name, help=about, description=about, parents=[shared], formatter_class=Help, allow_abbrev=False
        )
        if name == "up":
            action.add_argument(
                "--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one, then kept)"
            )
            action.add_argument("--fresh", action="store_true", help="throw the kept world away and seed a new one")
        if name in {"break", "mend"}:
            action.add_argument("name", nargs=None if name == "break" else "?", default="", help="the disaster's name")
        _scene_options(name, action)
    return parser


def _scene_options(name: str, action: argparse.ArgumentParser) -> None:
    if name == "train":
        action.add_argument("name", nargs="?", default="", help="the scenario's name")
    if name == "debrief":
        action.add_argument("--hint", action="store_true", help="give one hint more")
        action.add_argument("--end", action="store_true", help="end the scene: the world is as before it")


def _execution_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--incident", "--confirmation-code", dest="incident", default="", metavar="TICKET", help="the incident ticket"
    )
    command.add_argument(
        "--confirm", action="append", default=[], metavar="STEP", help="confirm an irreversible step beforehand"
    )
    _override_option(command)


def _override_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--override",
        action="append",
        nargs=4,
        default=[],
        metavar=("GATE", "WHO", "UNTIL", "REASON"),
        help="ignore one gate by its id, until a time such as 2026-01-07T18:00Z",
    )


def _drill_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    drill = commands.add_parser("drill", help=_HELP["drill"], description=_HELP["drill"], formatter_class=Help)
    actions = drill.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about in _DRILL.items():
        action = actions.add_parser(
            name, help=about, description=about, parents=[shared], formatter_class=Help, allow_abbrev=False
        )
        if name == "clean":
            action.add_argument("--reason", metavar="TEXT", help="accept what is left over, and close the drill")


def _report_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    report = commands.add_parser(
        "report",
        help=_HELP["report"],
        description=_HELP["report"],
        parents=[shared],
        formatter_class=Help,
        allow_abbrev=False,
    )
    report.add_argument("folder", type=folder, metavar="RUN_FOLDER", help="what the run printed as its Results")


def _exercise_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--restore", action="store_true", help="with --infra: also restore the newest copies, and ask them"
    )
    command.add_argument("--canary", action="store_true", help="with --dns: also steer a record of its own")
    command.add_argument("--report", action="store_true", help="also build the single-file HTML report")
    _override_option(command)
    command.add_argument("--answers", type=Path, metavar="FILE", help="with --tabletop: the decisions (TOML)")
    command.add_argument("--non-interactive", action="store_true", help="with --tabletop: nobody is asked")


def _authority_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    made = {}
    for name in ("approve", "pause", "unpause", "log", "iam"):
        made[name] = commands.add_parser(
            name, help=_HELP[name], description=_HELP[name], parents=[shared], formatter_class=Help, allow_abbrev=False
        )
    approve = made["approve"]
    approve.add_argument("--incident", default="", metavar="TICKET", help="the incident ticket")
    approve.add_argument("--digest", default="", metavar="DIGEST", help="approve only if the plan is this one")
    approve.add_argument("--planned", action="store_true", help="the plan of a switchover")
    approve.add_argument("--failback", action="store_true", help="the plan of a failback")
    approve.add_argument("--staged", action="store_true", help="with --failback: in stages")
    approve.add_argument("--withdraw", action="store_true", help="take your own approvals of the incident back")
    made["pause"].add_argument("--reason", default="", metavar="TEXT", help="why everything is to stop")
    made["log"].add_argument("--incident", default="", metavar="TICKET", help="whose log (the newest without it)")
    made["log"].add_argument(
        "--journal", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="read this journal, whatever its world"
    )
    made["log"].add_argument("--verify", action="store_true", help="check the chain of the entries offline")
    made["log"].add_argument("--review", action="store_true", help="the post-incident review as Markdown")
    made["iam"].add_argument("role", nargs="?", default="", help="reader, operator or approver (all without it)")


def _one_thing_at_a_time(parser: argparse.ArgumentParser, flags: frozenset[str]) -> None:
    if {"assess-only", "execute"} <= flags:
        parser.error("--assess-only changes nothing, --execute runs the plan: choose one")


def parse(argv: list[str], program: Program = Program.CHECKOUT) -> Request:
    """Turn argv into a Request. Leaves by argparse's exit 2, with a sentence, where it cannot."""
    parser = build_parser(program)
    given: dict[str, Any] = vars(parser.parse_args(argv))
    command, environment = given.pop("command"), given.pop("environment", "")
    if not environment and command != "report":
        parser.error("which environment? Name it with -e, for example: -e sit")
    known = [*_FLAGS.get(command, {}), *_OTHER_FLAGS.get(command, ())]
    flags = frozenset(name for name in known if given.pop(name.replace("-", "_"), False))
    action = given.pop("action", "")
    arguments: dict[str, Any] = {name: given.pop(name) for name in (*_ARGUMENTS, *_SCENE_ARGUMENTS) if name in given}
    _one_thing_at_a_time(parser, flags)
    if given.get("from_evidence") and given.get("sandbox"):
        parser.error("--from-evidence judges saved evidence, --sandbox reads the sandbox: choose one")
    given["only_tenants"] = tuple(given.pop("only_tenants", ()))
    return Request(command, environment, flags=flags, action=action, arguments=arguments, program=program, **given)
