"""The tool in worlds that nobody here wrote: no crash, the planted gaps found, true sentences, known exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.strangers import EMULATORS, ROOT, Emulator, Stranger, seed, started
from tests.utils.running import Ran, dr_cli

pytestmark = pytest.mark.proof
PLANTED = {
    ("ecs.service-exists", "sit-beta-service"),
    ("secrets.secret-exists", "sit-beta-db-credentials"),
    ("s3.versioning", "bbws-templates-sit-dr"),
}
WHOLE = {
    ("ecs.service-exists", "sit-alpha-service"),
    ("secrets.secret-exists", "sit-alpha-db-credentials"),
    ("s3.versioning", "bbws-backups-sit-dr"),
}
COMMANDS = ("status", "failover", "failback", "test --infra", "test --dns", "schedule", "log")
NOT_FOR_PEOPLE = re.compile(r"<!doctype|<html|Traceback|a defect|This is a defect|KeyError|NoneType", re.IGNORECASE)


@dataclass(frozen=True)
class Abroad:
    """The tool, pointed at an emulator of somebody else by the usual AWS variables alone."""

    world: Stranger
    home: Path

    def run(self, words: str) -> Ran:
        return dr_cli(f"-e sit --config {self.home / 'environments'} {words}", self.home, **self.world.variables)


@pytest.fixture(scope="module", params=EMULATORS, ids=lambda emulator: emulator.name)
def abroad(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    emulator: Emulator = request.param
    home = tmp_path_factory.mktemp(emulator.name)
    text = (ROOT / "environments" / "sit.toml").read_text(encoding="utf-8")
    (home / "environments").mkdir()
    (home / "environments" / "sit.toml").write_text(text.replace("815856636111", emulator.account), encoding="utf-8")
    with started(emulator, home) as world:
        seed(world, "sit")
        yield Abroad(world, home)


@pytest.fixture(scope="module")
def report(abroad: Abroad) -> dict[str, Any]:
    return abroad.run("--format json --deadline 120 status").report


def findings(report: dict[str, Any], status: str) -> set[tuple[str, str]]:
    return {(r["check"], f["subject"]) for r in report["results"] for f in r["findings"] if f["status"] == status}


def test_the_planted_gaps_are_found_and_what_is_whole_is_not_called_a_gap(report: dict[str, Any]) -> None:
    assert findings(report, "fail") >= PLANTED
    assert findings(report, "pass") >= WHOLE


def test_the_posture_says_no_more_than_was_seen(report: dict[str, Any]) -> None:
    """Nobody can be served: there is no load balancer, no record and no database."""
    assert report["posture"] != "NORMAL"


def test_what_another_emulator_does_not_know_is_never_green(report: dict[str, Any]) -> None:
    kinds = {part["kind"] for part in report["unseen"]}
    assert report["exit"] == 3
    assert "defect" not in kinds
    assert "credentials" not in kinds, "the keys are as good as any: other calls are answered with them"


@pytest.mark.parametrize("words", COMMANDS)
def test_no_command_crashes_or_prints_what_is_not_for_people(abroad: Abroad, words: str) -> None:
    ran = abroad.run(words)
    assert ran.code in ({1, 3} | ({2} if words == "log" else set())), ran.err
    assert NOT_FOR_PEOPLE.findall(ran.out + ran.err) == []


def test_nothing_is_failed_over_in_a_world_without_a_control_table(abroad: Abroad) -> None:
    ran = abroad.run("failover --execute --incident INC-1")
    assert ran.code in {3, 4}
    assert NOT_FOR_PEOPLE.findall(ran.out + ran.err) == []


def test_doctor_fits_on_a_screen_and_names_what_is_not_there(abroad: Abroad) -> None:
    ran = abroad.run("--format json doctor")
    assert ran.code in {1, 3}
    assert {problem["kind"] for service in ran.report["services"] for problem in service["problems"]} <= {
        *("unsupported", "unreachable", "error", "not-aws"),
    }
    assert len(abroad.run("doctor").out.splitlines()) <= 60
