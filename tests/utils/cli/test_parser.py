"""The command line's grammar: global options anywhere, selectors that add up, refusals in one sentence, and help."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from dr_actions.model.gates import Override
from dr_checks.core.model import Area
from dr_estate.model.invocation import Program
from tests.utils.parsed import parsed
from utils.aws_mgmt.app import options as of
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.cli.pages import HelpPage, contexts
from utils.aws_mgmt.cli.parser import COMMAND_LINE, parse

READINESS = tuple(area for area in Area if area is not Area.VALIDATION)
PAGES = {ctx.command_path: ctx for ctx in contexts(COMMAND_LINE, Program.SCRIPT)}


@pytest.mark.parametrize(
    "words",
    [
        "-e sit --sandbox --tenants 3 --format json status --replication",
        "status --replication --environment sit --sandbox --tenants 3 --format json",
        "--sandbox status -e sit --tenants 3 --replication --format=json",
        "-esit --sandbox status --tenants 3 --replication --format json",
        "-e=sit --sandbox status --tenants=3 --replication --format json",
    ],
)
def test_global_options_stand_before_or_after_the_command(words: str) -> None:
    wanted = of.StatusOptions(environment="sit", sandbox=True, tenants=3, format="json", replication=True)
    assert wanted == parse(words.split())


def test_global_options_stand_before_and_after_an_action() -> None:
    wanted = of.SandboxOptions(environment="sit", tenants=3, action="up")
    assert {wanted} == {parse(f"{words} --tenants 3".split()) for words in ("-e sit sandbox up", "sandbox up -e sit")}
    assert wanted == parse(["sandbox", "-e", "sit", "up", "--tenants", "3"])


def test_a_sandbox_is_started_at_one_of_two_paces() -> None:
    for words, pace in (("", ""), ("--pace real", "real")):
        wanted = of.SandboxOptions(environment="sit", action="up", pace=pace)
        assert wanted == parse(f"-e sit sandbox up {words}".split())
    with pytest.raises(SystemExit):
        parse(["-e", "sit", "sandbox", "up", "--pace", "slow"])


def test_an_option_before_the_command_is_not_forgotten_after_it() -> None:
    assert parse(["-e", "sit", "--tenant", "a", "status", "--tenant", "b", "--tenant", "c"]).only_tenants == (
        "a",
        "b",
        "c",
    )
    assert parse(["-e", "sit", "--config", "/x", "status"]).config == Path("/x")
    assert parse(["-e", "sit", "status", "-e", "prod"]).environment == "prod", "the last one counts"


@pytest.mark.parametrize(
    ("words", "areas"),
    [
        ("status", READINESS),
        ("status --replication", (Area.REPLICATION,)),
        ("status --infrastructure --replication", (Area.REPLICATION, Area.INFRASTRUCTURE)),
        ("status --report", READINESS),
        ("test", READINESS),
        ("test --dns", (Area.DNS,)),
        ("test --infra", (Area.REPLICATION, Area.INFRASTRUCTURE, Area.TENANTS, Area.PREREQUISITES)),
        ("test --restore", (Area.REPLICATION, Area.INFRASTRUCTURE, Area.TENANTS, Area.PREREQUISITES)),
        ("test --canary", (Area.DNS,)),
        ("test --infra --dns", READINESS),
    ],
)
def test_selectors_add_up_and_none_is_all_but_those_after_a_failover(words: str, areas: tuple[Area, ...]) -> None:
    options = parse(["-e", "sit", *words.split()])
    assert isinstance(options, (of.StatusOptions, of.DrTestOptions))
    assert areas == areas_of(options)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("status", "Which environment? Name one with -e (dev, prod, sit), for example: -e dev status."),
        ("sandbox break primary-dark", "(dev, prod, sit), for example: -e dev sandbox break."),
        ("--environment= status", "Which environment?"),
        ("-e sit status --workers -1", "Invalid value for '--workers': -1 is not in the range 0<=x<=64."),
        ("-e sit", "Missing command."),
        ("-e sit statsu", "No such command 'statsu'. Did you mean 'status'?"),
        (
            "-e sit status --replicaton",
            "No such option '--replicaton'. (Did you mean one of: '--explain', '--replication'",
        ),
        ("-e sit test --infr", "No such option '--infr'. Did you mean '--infra'?"),
        ("-e sit --tenants 0 status", "Invalid value for '--tenants': 0 is not in the range x>=1."),
        ("-e sit --tenants many status", "Invalid value for '--tenants': 'many' is not a valid integer range."),
        ("-e sit --format xml status", "Invalid value for '--format': 'xml' is not one of"),
        ("-e sit --sandbox --from-evidence f status", "choose one"),
        ("-e sit --sandbox status --from-evidence f", "choose one"),
        ("-e sit sandbox", "Missing command."),
        ("-e sit sandbox brek x", "Did you mean 'break'?"),
        ("-e sit sandbox break", "Missing argument 'NAME'."),
        ("-e sit sandbox break one two", "Got unexpected extra argument (two)"),
        ("-e sit failover --assess-only --execute", "choose one"),
        ("-e sit sandbox up --empty --tenants 3", "choose one"),
        ("-e sit failover --execute --incident INC-1 --from-evidence f", "--execute changes what is there: choose one"),
        ("-e prod --from-evidence f approve --incident INC-1", "is of what is there now. Omit it"),
        ("-e prod pause --reason storm --from-evidence f", "is of what is there now. Omit it"),
        ("-e prod --from-evidence f doctor", "is of what is there now. Omit it"),
        ("-e prod --from-evidence f evidence --incident I", "is of what is there now. Omit it"),
        ("-e prod log --from-evidence f", "is of what is there now. Omit it"),
        ("-e prod iam reader --from-evidence f", "`iam` judges no estate. Omit it"),
        ("-e prod sandbox show --from-evidence f", "`sandbox` judges no estate. Omit it"),
        ("explain check rpo.met --from-evidence f", "`explain check` judges no estate. Omit it"),
        ("-e /etc/x status", "'/etc/x' names no environment"),
        ("-e sit,** status", "'**' names no environment"),
        ("-e sit status --from-evidence /dev/zero", "/dev/zero is a device, and no file"),
        ("report --merge /dev/full", "/dev/full is a device, and no file"),
        ("-e sit status --workers 65", "65 is not in the range 0<=x<=64"),
        ("report somewhere --from-evidence f", "`report` judges no estate. Omit it"),
        ("-e sit approve --rules --override a.b jane 2099-01-07T18:00Z why", "choose one"),
        ("-e sit approve --withdraw --override a.b jane 2099-01-07T18:00Z why", "choose one"),
        ("-e sit failover --override check.a.b jane 2026-01-07T18:00Z", "Option '--override' requires 4 arguments."),
        ("-e sit failover --override check.a.b jane tonight why", "'tonight' is no time such as 2026-01-07T18:00Z."),
        ("-e sit failover --override g w 2026-01-07T18:00Z --execute", "requires a value before '--execute'"),
        ("-e sit failover --confirm", "Option '--confirm' requires an argument."),
        ("-e sit failover --incident --execute", "Option '--incident' requires a value before '--execute'."),
        ("-e --sandbox status", "Option '-e' requires a value before '--sandbox'."),
        ("-e sit failover --forse", "No such option '--forse'."),
        ("-e sit failover --validat", "No such option '--validat'. Did you mean '--validate'?"),
        ("-e sit approve --incidint INC-1", "No such option '--incidint'. Did you mean '--incident'?"),
        (
            "-e prod --config my-rules status --region eu-west-1",
            "my-rules/prod.toml names both regions ([regions]). Omit",
        ),
        ("-e sit --region eu-west-1 sandbox show", "--region has no effect: "),
        ("completion csh", "'csh' is not one of 'bash', 'zsh', 'fish'."),
    ],
)
def test_what_cannot_be_asked_is_exit_2_with_a_sentence(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(words.split())
    printed = capsys.readouterr()
    assert (2, "") == (left.value.code, printed.out)
    first, last = printed.err.splitlines()
    assert sentence in first
    assert last.startswith("See `python utils/aws_mgmt/dr_cli.py")
    assert last.endswith(" --help`.")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("-e sit failover --override check.a.b jane", "failover"),
        ("-e sit failover --incident", "failover"),
        ("-e sit failover --forse", "failover"),
        ("-e sit sandbox up --port", "sandbox up"),
    ],
)
def test_a_wrong_option_leads_to_the_help_of_its_own_command(
    words: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(words.split())
    assert capsys.readouterr().err.splitlines()[-1] == f"See `python utils/aws_mgmt/dr_cli.py {command} --help`."


def test_without_a_word_the_help_is_shown_and_the_exit_code_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse([])
    assert 2 == left.value.code
    assert "Examples:" in capsys.readouterr().err


def test_init_alone_takes_a_region_wherever_it_stands() -> None:
    for words in ("-e sit init --region eu-west-1", "--region eu-west-1 -e sit init"):
        assert of.InitOptions(environment="sit", region="eu-west-1") == parse(words.split())


def test_folders_are_those_of_where_the_command_was_typed() -> None:
    assert parse(["-e", "sit", "--output", "here/there", "status"]).output == Path.cwd() / "here" / "there"
    assert parsed(of.ReportOptions, "report here/../there").folders == (Path.cwd() / "there",)


def test_the_null_device_is_read_as_the_empty_file_that_it_is() -> None:
    given = parsed(of.StatusOptions, "-e sit status --exceptions /dev/null")
    assert given.exceptions == Path("/dev/null")


def test_an_earlier_run_is_named_by_its_folder_alone() -> None:
    options = parsed(of.ReportOptions, "report there --format json")
    assert (options.command, options.environment, options.format) == ("report", "", "json")


UNTIL = datetime(2026, 1, 7, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "kind", "given"),
    [
        ("failover", of.FailoverOptions, {}),
        ("failover --planned", of.FailoverOptions, {"planned": True}),
        ("failover --assess-only", of.FailoverOptions, {}),
        ("failover --validate --report", of.FailoverOptions, {"validate": True, "html": True}),
        (
            "failover --execute --incident INC-123 --confirm a.b --confirm c.d --override g me 2026-01-07T18:00Z 'a b'",
            of.FailoverOptions,
            {
                "execute": True,
                "incident": "INC-123",
                "confirm": ("a.b", "c.d"),
                "overrides": (Override("g", "me", "a b", UNTIL),),
            },
        ),
        ("failover --confirmation-code INC-20260107-001", of.FailoverOptions, {"incident": "INC-20260107-001"}),
        ("failback --staged --replan", of.FailbackOptions, {"staged": True, "replan": True}),
        (
            "approve --incident INC-1 --digest 0a1b --failback --staged",
            of.ApproveOptions,
            {"incident": "INC-1", "digest": "0a1b", "failback": True, "staged": True},
        ),
        ("approve --withdraw", of.ApproveOptions, {"withdraw": True}),
        ("pause --reason why", of.PauseOptions, {"reason": "why"}),
        ("pause --reason '-5 % capacity'", of.PauseOptions, {"reason": "-5 % capacity"}),
        ("unpause", of.UnpauseOptions, {}),
        (
            "log --incident INC-1 --verify --review",
            of.LogOptions,
            {"incident": "INC-1", "review": True, "verify": True},
        ),
        ("log --journal f", of.LogOptions, {"journal": Path("f")}),
        ("schedule --trend", of.ScheduleOptions, {"trend": True}),
        ("iam operator", of.IamOptions, {"role": "operator"}),
        ("iam", of.IamOptions, {}),
        ("test --tabletop --answers f", of.DrTestOptions, {"tabletop": True, "answers": Path("f")}),
        ("test --full-drill --non-interactive", of.DrTestOptions, {"full_drill": True, "non_interactive": True}),
        ("drill show", of.DrillOptions, {"action": "show"}),
        ("drill clean --reason ''", of.DrillOptions, {"action": "clean", "reason": ""}),
        ("sandbox up --port 4567 --fresh", of.SandboxOptions, {"action": "up", "port": 4567, "fresh": True}),
        ("sandbox mend", of.SandboxOptions, {"action": "mend"}),
        ("sandbox break x", of.SandboxOptions, {"action": "break", "name": "x"}),
        ("sandbox debrief --hint --end", of.SandboxOptions, {"action": "debrief", "hint": True, "end": True}),
        ("--as approver status", of.StatusOptions, {"person": "approver"}),
        ("status --as approver", of.StatusOptions, {"person": "approver"}),
    ],
)
def test_a_command_gives_its_typed_options(words: str, kind: Callable[..., of.Options], given: dict[str, Any]) -> None:
    assert kind(environment="prod", **given) == parse(["-e", "prod", *shlex.split(words)])


def test_what_one_command_takes_leaves_nothing_behind_for_the_next() -> None:
    parse(["-e", "prod", "failover", "--confirm", "a.b"])
    assert of.FailoverOptions(environment="prod") == parse(["-e", "prod", "failover"])


@pytest.mark.parametrize(
    ("options", "person", "acts"),
    [
        (of.StatusOptions(), "reader", False),
        (of.StatusOptions(person="approver"), "approver", False),
        (of.DrTestOptions(infra=True), "operator", False),
        (of.DrTestOptions(restore=True), "driller", True),
        (of.DrTestOptions(full_drill=True), "driller", True),
        (of.FailoverOptions(), "operator", False),
        (of.FailbackOptions(execute=True), "operator", True),
        (of.ApproveOptions(), "approver", False),
        (of.UnpauseOptions(), "operator", False),
        (of.DrillOptions(action="clean"), "driller", False),
    ],
)
def test_a_command_knows_whose_keys_it_takes_in_the_sandbox(options: of.Options, person: str, acts: bool) -> None:
    assert (person, acts) == (options.keys_of, options.acts)


NO_FIELD = {"assess_only", "help", "version", "shell"}
OF_SOME_PLANS = {"staged", "planned", "failback", "fence", "release", "side", "abort"}
ELSEWHERE = {"action", "program", "html"} | OF_SOME_PLANS


def test_every_parameter_is_a_field_and_every_field_can_be_given() -> None:
    for name, kind in of.TYPES.items():
        pages = [ctx.command for path, ctx in PAGES.items() if path.split(" ")[1:2] == [name]]
        params = (param for page in pages for param in page.params if not getattr(param, "hidden", False))
        given = {str(param.name) for param in params} - NO_FIELD
        fields = {field.name for field in dataclasses.fields(kind)}
        assert (set(), set()) == (given - fields, fields - given - ELSEWHERE), name


def test_every_option_has_a_help_sentence() -> None:
    for ctx in PAGES.values():
        for param in ctx.command.params:
            assert isinstance(param, (click.Option, click.Argument))
            assert param.help, param.name


@pytest.mark.parametrize("path", PAGES)
def test_a_help_page_ends_with_examples_that_its_grammar_accepts(path: str) -> None:
    ctx = PAGES[path]
    page = ctx.command
    assert isinstance(page, HelpPage)
    shown = ctx.get_help().partition("\nExamples:\n")[2].splitlines()
    assert shown == [f"  dr {example}" for example in page.examples]
    for line in shown:
        words = shlex.split(line.partition(" > ")[0])[1:]
        assert set(path.split(" ")[1:]) <= set(words), "it shows the command of its page"
        if "completion" not in words:
            assert of.TYPES[next(word for word in words if word in of.TYPES)] is type(parse(words))
    assert max(map(len, ctx.get_help().splitlines())) <= 100


@pytest.mark.parametrize("path", PAGES)
def test_what_an_example_names_is_there(path: str) -> None:
    page = PAGES[path].command
    assert isinstance(page, HelpPage)
    for words in map(shlex.split, page.examples):
        if "completion" in words:
            continue
        own = PAGES[max((other for other in PAGES if set(other.split(" ")[1:]) <= set(words)), key=len)]
        for param in own.command.params:
            value = getattr(parse(words), param.name or "", None) if param._custom_shell_complete else None
            names = {*value.split(",")} - {""} if isinstance(value, str) else {*(value or ())}
            assert names <= {item.value for item in param.shell_complete(own, "")}, words


def test_the_help_shows_every_command_under_what_it_is_for() -> None:
    groups = {title: [command.name for command in group] for title, group in COMMAND_LINE.groups.items()}
    assert {name for names in groups.values() for name in names} == set(COMMAND_LINE.commands)
    assert {"status", "log"} <= set(groups["Look (changes nothing)"])
    assert {"failover", "failback", "approve"} <= set(groups["Act"])
    assert {"test", "drill", "sandbox"} <= set(groups["Practise"])


@pytest.mark.parametrize("columns", ["40", "200"])
def test_help_does_not_depend_on_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [ctx.get_help() for ctx in PAGES.values()]
    monkeypatch.setenv("COLUMNS", columns)
    assert before == [ctx.get_help() for ctx in contexts(COMMAND_LINE, Program.SCRIPT)]


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse(["--version"])
    assert (0, "aws-dr-manager 0.1.0\n") == (left.value.code, capsys.readouterr().out)


class Pressed(str):
    """A word at whose reading Ctrl-C is pressed."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        raise KeyboardInterrupt


def test_ctrl_c_during_parsing_is_an_interrupt_and_no_library_error() -> None:
    with pytest.raises(KeyboardInterrupt):
        parse([Pressed("-e"), "sit", "status"])


def test_a_pipe_without_a_writer_is_refused_and_that_of_a_shell_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for option in ("--exceptions", "--from-evidence", "--baseline"):
        with pytest.raises(SystemExit):
            parse(["-e", "sit", "status", option, str(pipe)])
        assert f"{pipe} is a pipe or a socket, and no file." in capsys.readouterr().err
    reading, writing = os.pipe()
    try:
        options = parse(f"-e sit status --exceptions /dev/fd/{reading}".split())
    finally:
        os.close(reading)
        os.close(writing)
    assert str(options.exceptions) == f"/dev/fd/{reading}"
