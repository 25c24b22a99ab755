"""The command line's grammar: global options anywhere, selectors that add up, refusals in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_checks.core.model import Area
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.cli.parser import parse

READINESS = tuple(area for area in Area if area is not Area.VALIDATION)


@pytest.mark.parametrize(
    "words",
    [
        "-e sit --sandbox --tenants 3 --format json status --replication",
        "status --replication --environment sit --sandbox --tenants 3 --format json",
        "--sandbox status -e sit --tenants 3 --replication --format json",
    ],
)
def test_global_options_stand_before_or_after_the_command(words: str) -> None:
    request = parse(words.split())
    assert (request.environment, request.sandbox, request.tenants, request.format) == ("sit", True, 3, "json")
    assert request.flags == {"replication"}


def test_an_option_before_the_command_is_not_forgotten_after_it() -> None:
    assert parse(["-e", "sit", "--config", "/x", "status", "--tenant", "a", "--tenant", "b"]).only_tenants == ("a", "b")
    assert parse(["-e", "sit", "--config", "/x", "status"]).config == Path("/x")


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
        ("test --infra --dns", READINESS),
    ],
)
def test_selectors_add_up_and_none_means_all_but_what_holds_after_a_failover_alone(
    words: str, areas: tuple[Area, ...]
) -> None:
    assert areas == areas_of(parse(["-e", "sit", *words.split()]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("status", "which environment?"),
        ("-e sit", "COMMAND"),
        ("-e sit statsu", "invalid choice: 'statsu'"),
        ("-e sit status --replicaton", "unrecognized arguments: --replicaton"),
        ("-e sit --tenants 0 status", "must be at least 1"),
        ("-e sit --tenants many status", "'many' is not a whole number"),
        ("-e sit --format xml status", "invalid choice: 'xml'"),
        ("-e sit --sandbox --from-evidence f status", "choose one"),
        ("-e sit sandbox", "ACTION"),
        ("-e sit sandbox break", "name"),
        ("-e sit failover --assess-only --execute", "choose one"),
        ("-e sit failover --override check.a.b jane 2026-01-07T18:00Z", "expected 4 arguments"),
        ("-e sit failover --confirm", "expected one argument"),
        ("-e sit failover --forse", "unrecognized arguments: --forse"),
        ("-e sit approve --incid INC-1", "unrecognized arguments: --incid"),
    ],
)
def test_what_cannot_be_asked_is_exit_2_with_a_sentence(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(words.split())
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_folders_are_those_of_where_the_command_was_typed() -> None:
    assert parse(["-e", "sit", "--output", "here/there", "status"]).output == Path.cwd() / "here" / "there"
    assert parse(["report", "here/../there"]).arguments == {"folder": Path.cwd() / "there"}


def test_an_earlier_run_is_named_by_its_folder_alone() -> None:
    request = parse(["report", "there", "--format", "json"])
    assert (request.command, request.environment, request.format) == ("report", "", "json")


def test_sandbox_actions_carry_their_arguments() -> None:
    request = parse(["-e", "sit", "sandbox", "up", "--port", "4567", "--tenants", "3", "--fresh"])
    assert (request.action, request.tenants) == ("up", 3)
    assert request.arguments == {"port": 4567, "fresh": True}
    assert parse(["-e", "sit", "sandbox", "mend"]).arguments == {"name": ""}


def test_a_failover_carries_its_ticket_confirmations_and_overrides() -> None:
    until = "2026-01-07T18:00Z"
    words = f"failover --execute --incident INC-123 --confirm a.b --confirm c.d --override g.h jane {until} checked"
    request = parse(["-e", "prod", *words.split()])
    assert request.flags == {"execute"}
    assert request.arguments == {
        "incident": "INC-123",
        "confirm": ["a.b", "c.d"],
        "override": [["g.h", "jane", until, "checked"]],
    }


def test_the_ticket_may_be_called_the_confirmation_code() -> None:
    request = parse(["-e", "prod", "failover", "--confirmation-code", "INC-20260107-001"])
    assert request.arguments["incident"] == "INC-20260107-001"


def test_what_one_command_takes_leaves_nothing_behind_for_the_next() -> None:
    parse(["-e", "prod", "failover", "--confirm", "a.b"])
    assert parse(["-e", "prod", "failover"]).arguments["confirm"] == []


def test_a_failover_without_flags_only_assesses() -> None:
    assert parse(["-e", "prod", "failover"]).flags == set()
    assert parse(["-e", "prod", "failover", "--planned"]).flags == {"planned"}


@pytest.mark.parametrize(
    ("words", "flags", "arguments"),
    [
        ("approve --incident INC-1 --digest 0a1b --planned", {"planned"}, {"incident": "INC-1", "digest": "0a1b"}),
        ("pause --reason why", set(), {"reason": "why"}),
        ("unpause", set(), {}),
        ("log --incident INC-1 --verify", {"verify"}, {"incident": "INC-1"}),
        ("iam operator", set(), {"role": "operator"}),
        ("iam", set(), {"role": ""}),
    ],
)
def test_the_commands_around_a_failover_carry_their_own(words: str, flags: set[str], arguments: dict[str, str]) -> None:
    request = parse(["-e", "prod", *words.split()])
    assert set(request.flags) == flags
    assert request.arguments == arguments


def test_whose_keys_of_the_sandbox_are_used_is_a_global_option() -> None:
    assert parse(["-e", "prod", "--sandbox", "--as", "approver", "status"]).person == "approver"
    assert parse(["-e", "prod", "--sandbox", "status", "--as", "approver"]).person == "approver"
