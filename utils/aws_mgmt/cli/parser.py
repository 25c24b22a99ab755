"""The command line: its commands, options, help pages and examples. Each command gives its typed options."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import NoArgsIsHelpError

from dr_estate.model.engines import ENGINES
from dr_estate.model.invocation import Program
from reports.terminal import console
from utils.aws_mgmt.cli import completion
from utils.aws_mgmt.cli.pages import WIDTH, InputPath, OptionsPage, PageOfCommands, overrides_in, print_version, time_in

if TYPE_CHECKING:  # help builds no options
    from utils.aws_mgmt.app.options import Options

_FILE = click.Path(path_type=Path, readable=False)
_FOLDER = click.Path(path_type=Path, readable=False, resolve_path=True)
_INPUT = InputPath(path_type=Path, readable=False)
_RUN = InputPath(path_type=Path, readable=False, resolve_path=True)
_FORMAT, _FROM_0, _FROM_1 = click.Choice(completion.FORMATS), click.IntRange(min=0), click.IntRange(min=1)
_WORKERS = click.IntRange(0, 64)  # each is a Python of 150 MB that starts in a second: more are never faster


def _flag(name: str, about: str, field: str = "", **more: Any) -> click.Option:
    return click.Option([f"--{name}", field or name.replace("-", "_")], is_flag=True, help=about, **more)


def _option(name: str, metavar: str, about: str, field: str = "", **more: Any) -> click.Option:
    names = [f"-{part}" if len(part) == 1 else f"--{part}" for part in name.split("|")]
    return click.Option([*names, field or name.replace("-", "_")], metavar=metavar or None, help=about, **more)


def _word(name: str, metavar: str, about: str, **more: Any) -> click.Argument:
    return click.Argument([name], metavar=metavar, required=metavar[0] != "[", help=about, **more)


def _pace(usual: str) -> click.Option:
    about = f"real: changes take as long as on AWS, by the sandbox's clock ({usual})."
    return _option("pace", "", about, type=click.Choice(["quick", "real"]))


_ENV = "Environment file to use: dev, sit, prod, ...; of status also several (dev,sit), or all."
_WHO = "Sandbox: whose keys to use (operator, approver, reader, driller)."
_RESULTS = "Folder for results (reports/out; installed: the user's state folder)."
_GATE = "Ignore one gate by its id, until a time such as 2026-01-07T18:00Z; may be repeated."
_AGREED = "Agree to an override that the operator gives, word for word; may be repeated."
_FOUR_WORDS: dict[str, Any] = {"nargs": 4, "multiple": True, "callback": overrides_in}
GLOBAL = (
    _option("e|environment", "ENV", _ENV, "environment", **completion.ENVIRONMENT),
    _option("config", "DIR", "Folder of the environment files (DR_CONFIG, or environments upwards).", type=_FILE),
    _option("profile", "NAME", "Profile of the AWS configuration (AWS_PROFILE); {env} in it is the environment."),
    _flag("sandbox", "Use the embedded sandbox instead of AWS."),
    _option("as", "WHO", _WHO, "person", **completion.PERSON),
    _option("tenants", "N", "Number of tenants of a sandbox that is started (12).", type=_FROM_1),
    _option("speed", "N", "How fast the clock of a sandbox that is started runs (1).", type=click.FloatRange(1, 3600)),
    _option("tenant", "T", "Narrow to this tenant; may be repeated.", "only_tenants", multiple=True),
    _option("format", "", "How to print the result (terminal).", type=_FORMAT),
    _flag(
        "all", "List every finding (also expected, or not applicable ones) and every step of a plan.", "every_finding"
    ),
    _option("workers", "N", "Judge in N processes (0: this one); of several environments: N at once.", type=_WORKERS),
    _option("output", "DIR", _RESULTS, type=_FOLDER),
    _option("save-evidence", "FILE", "Save what was observed to FILE, signed where the caller may sign.", type=_FILE),
    _option("from-evidence", "FILE", "Judge the saved FILE instead of observing.", type=_INPUT),
    _option("record", "DIR", "Keep AWS's answers in DIR, with placeholders for ids, names and values.", type=_FOLDER),
    _option("exceptions", "FILE", "Accepted gaps (exceptions.toml beside ENV).", type=_INPUT),
    click.Option(["-v", "--debug"], is_flag=True, help="Log each API call, its time and request id, in a file."),
    _option("deadline", "S", "Longest time of an observation, in seconds.", "deadline_s", type=_FROM_1),
)
_NO_REGION = _option("region", "REGION", "Refused: an environment file names both regions.", hidden=True)
_REPORT = _flag("report", "Also build Allure's page beside report.html.", "html")
_OVERRIDE = _option("override", "GATE WHO UNTIL REASON", _GATE, "overrides", **_FOUR_WORDS)
_JUDGING = (
    _flag("gate", "For a pipeline: the exit code by the rules of the next three options."),
    _option("min-score", "N", "With --gate: stop below this score.", type=click.IntRange(0, 100)),
    _option("fail-on", "", "With --gate: stop from this on (unknown).", type=click.Choice(completion.FAILING)),
    _option("baseline", "FILE", "With --gate: stop for new gaps only; the JSON report of before.", type=_INPUT),
    _option("metrics", "FILE", "Also write metrics: OpenMetrics, or for node exporter (*.prom).", type=_FILE),
)
_RECOVERY = (
    _flag("assess-only", "Assess and plan, change nothing (the default)."),
    _flag("execute", "Run the plan."),
    _flag("replan", "With --execute: drop the plan of an unfinished run and begin with today's."),
    _option("incident|confirmation-code", "TICKET", "The incident ticket.", "incident"),
    _option("digest", "DIGEST", "With --execute: run no plan but the one of this digest."),
    _option("automation", "ID", "With --execute: the execution by which AWS started this; the task's own option."),
    _option("confirm", "STEP", "Confirm an irreversible step beforehand; may be repeated.", multiple=True),
    _OVERRIDE,
    _REPORT,
)
_WATCH = _option(
    "watch",
    "[S]",
    "Watch: look again every S seconds (10) on one screen; q leaves.",
    "watch_s",
    is_flag=False,
    flag_value=10,
    type=_FROM_1,
)
_SIDE = _option(
    "side", "", "The region to fence (the one that visitors do not get).", type=click.Choice(completion.SIDES)
)
_GROUPS = {
    "Look (changes nothing)": (
        *("doctor", "status", "explain", "schedule"),
        *("log", "review", "evidence", "report", "diff"),
    ),
    "Act": ("failover", "failback", "fence", "approve", "attach", "pause", "unpause", "repair"),
    "Practise": ("tour", "test", "drill", "sandbox"),
    "Set up": ("scan", "init", "iam", "completion"),
}
_ABOUT = {
    "doctor": "Try every read that the tool needs, and print what to grant: the first command on an account.",
    "status": "Show whether the DR region could take over now.",
    "explain": "Show what the judgement of an estate rests on.",
    "explain needs": "Show what a tenant needs in the DR region, and which check follows each edge.",
    "explain check": "Show what a check judges, and why (offline, without -e).",
    "explain gate": "Show when a gate or a rule is met, and what to do where it is not (offline, without -e).",
    "explain trap": "Show a trap of AWS, such as T05, and how it is avoided (offline, without -e).",
    "explain exit": "Show what an exit code means (offline, without -e).",
    "explain calls": "Show the API calls of an observation, and what they would be with N tenants.",
    "schedule": "Show which DR test was run when, which is due next, and what is overdue.",
    "log": "Show the log of an incident: timeline, recovery times, and whether its chain is unbroken.",
    "review": "Show the post-incident review of an evidence pack (offline, without -e).",
    "evidence": "Make one signed archive of an incident or a run, or verify one (offline, without -e).",
    "report": "Print an earlier run again and draw both its pages, or merge several (offline, without -e).",
    "diff": "Show what changed between two runs of one environment (offline, without -e).",
    "failover": "Assess, or execute, a failover to the DR region.",
    "failback": "Assess, or execute, the return to the primary region.",
    "fence": "Assess, or execute, how one region is stopped from writing: first aid for a split.",
    "approve": "Approve today's plan as the second person.",
    "attach": "Watch the run that AWS started for an incident, from any machine.",
    "pause": "Stop all runs: none changes anything until `unpause`.",
    "unpause": "Let runs change things again.",
    "repair": "Set aside what cannot be read in the control table (without ITEM: list it).",
    "tour": "The product in three minutes, in a sandbox of its own (without -e: prod).",
    "test": "Run DR tests.",
    "drill": "Show or remove what is left of a drill.",
    "drill show": "Show which drill is not over, and what is left of it.",
    "drill clean": "Bring a drill to its end, remove what it made, and prove that nothing else is left.",
    "sandbox": "The embedded AWS: start it, break it, train in it.",
    "sandbox up": "Start the sandbox in the background.",
    "sandbox down": "Stop the sandbox; its world is stored.",
    "sandbox show": "Show the endpoint, the account and the access keys of its people.",
    "sandbox clock": "Show the clock of the sandbox's world, or let it run faster (--speed N).",
    "sandbox list": "List the disasters that it can play.",
    "sandbox break": "Play a disaster.",
    "sandbox mend": "Undo a disaster (without a name: all of them, and a training scenario ends).",
    "sandbox train": "Set up a training scenario and print its briefing (without a name: list them).",
    "sandbox debrief": "Judge by the world how the training scenario was played.",
    "scan": "Show what the account runs in two regions, and what has no counterpart (without -e).",
    "init": "Write an environment file from what the account holds, by asking.",
    "iam": "Print the IAM policies of the roles.",
}
_EXAMPLES = {
    "": "-e prod status; -e prod failover; -e sit --sandbox test --infra",
    "doctor": "-e prod doctor; -e prod doctor --format json; -e prod doctor --start",
    "status": "-e prod status; -e prod status --replication --tenant tenant2; -e prod status --baseline before.json; "
    "-e prod status --check backup.copy-age --no-cache; -e all --profile '{env}-reader' status --gate",
    "explain": "-e sit explain needs tenant2; -e prod explain calls 2000",
    "explain calls": "-e prod explain calls; -e sit --sandbox explain calls 2000 --format json",
    "explain needs": "-e sit explain needs tenant2; -e sit --sandbox explain needs tenant2 --format json",
    "explain check": "explain check backup.copy-age",
    "explain gate": "explain gate fence.primary",
    "explain trap": "explain trap T05",
    "explain exit": "explain exit 3",
    "schedule": "-e prod schedule; -e prod schedule --trend --format markdown",
    "log": "-e prod log; -e prod log --incident INC-123 --review",
    "review": "review prod-INC-123.evidence.tar",
    "evidence": "-e prod evidence --incident INC-123; evidence verify prod-INC-123.evidence.tar",
    "report": "-e prod report --incident INC-123; report reports/out/sit-status-20260107T101500000000 --format json; "
    "-e dev,sit report --merge runs/dev-status-20260107 runs/sit-status-20260107",
    "diff": "diff reports/out/sit-status-20260107T101500000000 reports/out/sit-status-20260108T101500000000",
    "failover": "-e prod failover; -e prod failover --execute --incident INC-123; -e prod failover --validate",
    "failback": "-e prod failback; -e prod failback --staged --execute --incident INC-123; "
    "-e prod failback --abort --execute --incident INC-123",
    "fence": "-e prod fence; -e prod fence --side primary --execute --incident INC-123; -e prod fence --release",
    "approve": "-e prod approve --rules; -e prod approve --incident INC-123 --failback --staged",
    "attach": "-e prod attach --incident INC-123",
    "pause": "-e prod pause --reason 'the provider repairs the network'",
    "unpause": "-e prod unpause",
    "repair": "-e prod repair; -e prod repair 3f9a01bc --reason 'a script of ours wrote it, CHG-12'",
    "tour": "tour; tour --non-interactive",
    "test": "-e prod test; -e prod test --infra --dns; -e prod test --tabletop; -e sit --sandbox test --full-drill",
    "drill": "-e sit drill show",
    "drill show": "-e sit drill show",
    "drill clean": "-e sit drill clean; -e sit drill clean --reason 'the old volume is needed for the audit'",
    "sandbox": "-e sit sandbox up; -e sit sandbox break primary-dark; -e sit sandbox down",
    "sandbox up": "-e sit sandbox up; -e sit sandbox up --tenants 3 --fresh; -e sit sandbox up --pace real --speed 60",
    "sandbox down": "-e sit sandbox down",
    "sandbox show": "-e sit sandbox show; -e sit sandbox show --format json",
    "sandbox clock": "-e sit sandbox clock; -e sit sandbox clock --speed 120",
    "sandbox list": "-e sit sandbox list",
    "sandbox break": "-e sit sandbox break primary-dark",
    "sandbox mend": "-e sit sandbox mend; -e sit sandbox mend primary-dark",
    "sandbox train": "-e sit sandbox train; -e sit sandbox train split-brain",
    "sandbox debrief": "-e sit sandbox debrief --hint; -e sit sandbox debrief --end",
    "scan": "scan; scan --region REGION; scan www.example.com --all",
    "init": "-e prod init --region REGION; -e prod --config my-rules init --yes; -e prod init --update",
    "iam": "-e prod iam; -e prod iam operator",
}
_PARAMS: dict[str, tuple[click.Parameter, ...]] = {
    "doctor": (_flag("start", "Have AWS start the recovery's task once, to look: no approval, no change."),),
    "status": (
        _flag("replication", "Only the data replication scenarios."),
        _flag("infrastructure", "Only the infrastructure scenarios."),
        _option("check", "ID", "Judge this check alone; may be repeated.", "checks", multiple=True, **completion.CHECK),
        _option("severity", "", "Judge only what is as severe, or worse.", type=click.Choice(completion.SEVERITIES)),
        _flag("no-cache", "Read again what is kept, too (task definition revisions, policies of unchanged secrets)."),
        _option("explain", "", "Print the calls of a look, and judge nothing.", type=click.Choice(["calls"])),
        _WATCH,
        *_JUDGING,
        _REPORT,
    ),
    "explain calls": (_word("number", "[N]", "The number of tenants.", type=_FROM_1),),
    "explain needs": (_word("name", "TENANT", "The tenant."),),
    "explain check": (_word("name", "CHECK", "Its id, as reports name it.", **completion.CHECK),),
    "explain gate": (_word("name", "GATE", "Its id, as the answer names it."),),
    "explain trap": (_word("name", "TRAP", "Its id."),),
    "explain exit": (_word("name", "CODE", "The code."),),
    "schedule": (_flag("trend", "Also score, worst lag and recovery time of the last runs."),),
    "log": (
        _option("incident", "TICKET", "Whose log (without it: the newest)."),
        _option("journal", "FILE", "Read this journal, whatever its world.", type=_INPUT),
        _flag("verify", "Also compare it with its mirror and its anchors; 0 only where they are the same."),
        _flag("review", "The post-incident review as Markdown."),
    ),
    "evidence": (
        _word("action", "[verify]", "Check a pack, or saved evidence.", type=click.Choice(["verify"])),
        _word("file", "[FILE]", "What is checked.", type=_INPUT),
        _option("public-key", "FILE", "Who vouches for it: what `aws kms get-public-key` printed once.", type=_INPUT),
        _option("incident", "TICKET", "A pack of all of this incident."),
        _option("run", "RUN_FOLDER", "A pack of this run: what it printed as its Results.", type=_RUN),
    ),
    "review": (_word("file", "PACK", "The pack: what `evidence` wrote.", type=_INPUT),),
    "report": (
        _word(
            "folders",
            "[RUN...]",
            "What the run printed as its Results; with --merge several, or a folder of such.",
            type=_RUN,
            nargs=-1,
        ),
        _option("incident", "TICKET", "Make the report of this incident from its record in AWS, on any machine."),
        _flag("merge", "Print the runs of several environments on one page; with -e those without a run are UNKNOWN."),
        _option("expected", "FILE", "With --merge: the environments, as JSON, in the place of -e.", type=_INPUT),
    ),
    "diff": (
        _word("before", "RUN", "The earlier run: its Results, or its JSON report.", type=_RUN),
        _word("after", "RUN", "The later run.", type=_RUN),
    ),
    "failover": (
        *_RECOVERY,
        _option("since", "TIME", "When the outage began (ticket), such as 2026-01-07T18:00Z.", callback=time_in),
        _flag("validate", "Validate that the DR region serves."),
        _WATCH,
        _flag("planned", "A switchover with a healthy primary: fence its writers first, lose nothing."),
    ),
    "failback": (
        *_RECOVERY,
        _flag("staged", "Shift traffic in stages."),
        _flag("abort", "Give an unfinished failback up: everybody is served by the DR region, which writes again."),
    ),
    "fence": (*_RECOVERY, _SIDE, _flag("release", "Let the fenced region write again, as it was before the fence.")),
    "approve": (
        _option("incident", "TICKET", "The incident ticket."),
        _option("digest", "DIGEST", "Approve only if the plan has this digest."),
        _option("override", "GATE WHO UNTIL REASON", _AGREED, "overrides", **_FOUR_WORDS),
        _flag("planned", "The plan of a switchover."),
        _flag("failback", "The plan of a failback."),
        _flag("staged", "With --failback: in stages."),
        _flag("abort", "With --failback: of giving it up."),
        _flag("fence", "The plan of a fence."),
        _SIDE,
        _flag("release", "With --fence: let the fenced region write again."),
        _flag("withdraw", "Withdraw your own approvals of the incident."),
        _flag("rules", "Pin the environment file and the exceptions: no run goes by others."),
    ),
    "attach": (_option("incident", "TICKET", "The incident ticket."),),
    "pause": (_option("reason", "TEXT", "Why everything is to stop."),),
    "repair": (
        _word("item", "[ITEM]", "The item to set aside, by its id in the list."),
        _option("reason", "TEXT", "Why it may be set aside."),
    ),
    "tour": (_flag("non-interactive", "No pause after a screen."),),
    "test": (
        _flag("tabletop", "Walk through the playbook on today's evidence."),
        _flag("infra", "The readiness scenarios: infrastructure, replication, tenants, prerequisites."),
        _flag("dns", "The DNS scenarios."),
        _flag("full-drill", "Failover and failback of the whole environment (not in PROD)."),
        _flag("by-aws", "With --full-drill: have AWS hold it; this command starts it and watches."),
        _option("incident", "DRILL", "With --by-aws: the drill's id (DRILL-YYYYMMDD-HHMMSS; without it: of now)."),
        _option("automation", "ID", "With --full-drill: the execution by which AWS started this; its task's own."),
        _flag("restore", "With --infra: also restore the newest copies, and query them."),
        _flag("start", "With --infra: also start a task of each tenant's definition in the DR region."),
        _flag("canary", "With --dns: also steer a record of its own."),
        *_JUDGING,
        _OVERRIDE,
        _option("answers", "FILE", "With --tabletop: the decisions (TOML).", type=_INPUT),
        _flag("non-interactive", "With --tabletop: ask nobody."),
        _REPORT,
    ),
    "drill clean": (_option("reason", "TEXT", "Accept what is left over, and close the drill."),),
    "sandbox up": (
        _option("port", "PORT", "Port on 127.0.0.1 (default: a free one, then the same).", type=int),
        _flag("fresh", "Discard the stored world and seed a new one."),
        _flag("empty", "An account with nothing in it: Terraform or boto3 builds the estate."),
        _option("engine", "", "Engine of a new world's database (mysql).", type=click.Choice(sorted(ENGINES))),
        _pace("quick"),
    ),
    "sandbox break": (_word("name", "NAME", "The disaster.", **completion.DISASTER),),
    "sandbox mend": (_word("name", "[NAME]", "The disaster.", **completion.DISASTER),),
    "sandbox train": (_word("name", "[NAME]", "The scenario.", **completion.SCENARIO), _pace("real")),
    "sandbox debrief": (
        _flag("hint", "Give one more hint."),
        _flag("end", "End the scenario: the world is as before it."),
    ),
    "scan": (
        _word("start", "[ENTRY]", "Where to begin: a record's name, or an ECS cluster's (without it: all)."),
        _option("region", "REGION", "A region to look in beside those that DNS leads to (AWS_REGION)."),
        _option("save", "FILE", "Save the map to FILE: a map file where it ends in .toml, else JSON.", type=_FILE),
    ),
    "init": (
        _option("region", "REGION", "A region of the estate (AWS_REGION)."),
        _flag("yes", "Ask nobody: take every value as it was found."),
        _flag("update", "Show what the map file says otherwise than the account, and write the map of today."),
    ),
    "iam": (_word("role", "[ROLE]", "reader, operator, approver or drill.", **completion.ROLE),),
}


def _commands(names: tuple[str, ...], group: str = "") -> list[click.Command]:
    return [completion.COMMAND if name == "completion" else _command(f"{group} {name}".strip()) for name in names]


def _command(path: str) -> click.Command:
    shared = GLOBAL if path in ("init", "scan") else (*GLOBAL, _NO_REGION)
    page: dict[str, Any] = {"help": _ABOUT[path], "examples": _EXAMPLES[path], "shared": shared}
    if actions := tuple(other.split(" ")[1] for other in _ABOUT if other.startswith(f"{path} ")):
        return PageOfCommands(path, {"Actions": _commands(actions, path)}, **page)
    return OptionsPage(path.rsplit(" ", maxsplit=1)[-1], _PARAMS.get(path, ()), **page)


COMMAND_LINE = PageOfCommands(
    None,
    {title: _commands(names) for title, names in _GROUPS.items()},
    [_flag("version", "Print the version and exit.", is_eager=True, expose_value=False, callback=print_version)],
    help="AWS DR Manager: observes, judges and moves an estate of two regions.",
    examples=_EXAMPLES[""],
    shared=(*GLOBAL, _NO_REGION),
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": WIDTH, "max_content_width": WIDTH},
)


def parse(argv: list[str], program: Program = Program.CHECKOUT) -> Options:
    """Turn argv into the options of its command. Leaves by exit 2, with a sentence, where it cannot."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # help, completions: streams reports a full disk
    completion.register_shells()
    try:
        with contextlib.redirect_stdout(printed):
            parsed = COMMAND_LINE.main(argv, program.short, completion.VARIABLE, standalone_mode=False, obj=program)
    except click.UsageError as wrong:
        path = wrong.ctx.command_path if wrong.ctx else program.short
        page = f"{program}{path.removeprefix(program.short)} --help"
        hint = "" if isinstance(wrong, NoArgsIsHelpError) else f"See `{page}`.\n"
        console.complain(f"{wrong.format_message()}\n{hint}".rstrip())
        raise SystemExit(wrong.exit_code) from wrong
    except click.Abort as interrupted:  # what click makes of a Ctrl-C while it reads the words
        raise KeyboardInterrupt from interrupted
    finally:
        printed.seek(0)
        sys.stdout.write(printed.read())
    if isinstance(parsed, int):
        raise SystemExit(parsed)
    options: Options = parsed
    return options
