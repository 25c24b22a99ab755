"""The command line's grammar: global options anywhere, selectors that add up, refusals in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_checks.model import Area
from utils.aws_mgmt.arguments import parse
from utils.aws_mgmt.commands import areas_of


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
        ("status", tuple(Area)),
        ("status --replication", (Area.REPLICATION,)),
        ("status --infrastructure --replication", (Area.REPLICATION, Area.INFRASTRUCTURE)),
        ("status --report", tuple(Area)),
        ("test", tuple(Area)),
        ("test --dns", (Area.DNS,)),
        ("test --infra", (Area.REPLICATION, Area.INFRASTRUCTURE, Area.TENANTS, Area.PREREQUISITES)),
        ("test --infra --dns", tuple(Area)),
    ],
)
def test_selectors_add_up_and_none_means_all(words: str, areas: tuple[Area, ...]) -> None:
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
    ],
)
def test_what_cannot_be_asked_is_exit_2_with_a_sentence(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(words.split())
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_sandbox_actions_carry_their_arguments() -> None:
    request = parse(["-e", "sit", "sandbox", "up", "--port", "4567", "--tenants", "3", "--fresh"])
    assert (request.action, request.tenants) == ("up", 3)
    assert request.arguments == {"port": 4567, "fresh": True}
    assert parse(["-e", "sit", "sandbox", "mend"]).arguments == {"name": ""}
