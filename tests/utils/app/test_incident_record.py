"""What an incident's record says of how things were before: a plan made again on the way forgets nothing of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import Journal, read
from dr_checks.core.exceptions import ExceptionRule
from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_estate.config.environment import Side
from reports.incident.log import incident_log, render
from tests.dr_actions.control_tables import WORLD, Clock
from tests.dr_checks.worlds import SIT
from utils.aws_mgmt.app.incident_record import before_values, goes_in_stages, record_exceptions

Begun = tuple[str, dict[str, int]]


def _past(*begun: Begun) -> list[Entry]:
    """A run's begin for each plan: its goal, and the desired count before each of its steps."""
    at = datetime(2026, 1, 7, tzinfo=UTC)
    return [Entry(n, at, "run", EntryKind.BEGIN, None, _plan(*plan), "", "") for n, plan in enumerate(begun, 1)]


def _plan(goal: str, steps: dict[str, int]) -> dict[str, Any]:
    tenth = {"percent": 10}
    rows = [
        {"id": name, "action": "x", "before": {"desiredCount": count}, "after": tenth if name.endswith(":10") else {}}
        for name, count in steps.items()
    ]
    return {"plan": {"goal": goal, "steps": rows}}


@pytest.mark.parametrize(
    ("begun", "recorded"),
    [
        ([], {}),
        ([("failover", {"a": 1})], {"a": 1}),
        ([("failover", {"a": 1}), ("failover", {"a": 2, "b": 3})], {"a": 1, "b": 3}),
        ([("failover", {"a": 1}), ("failback", {"c": 2})], {"a": 1}),
        ([("failover", {"a": 1}), ("failback", {"c": 2}), ("failover", {"a": 5})], {"a": 5}),
        ([("failback", {"c": 2})], {}),
    ],
)
def test_the_first_plan_of_the_last_way_out_knows_how_things_were(begun: list[Begun], recorded: dict[str, int]) -> None:
    assert {step: before["desiredCount"] for step, before in before_values(_past(*begun)).items()} == recorded


def test_a_failback_goes_on_in_stages_by_its_plan_or_the_environment() -> None:
    tenth, whole = ("traffic/shift_to_primary:10", "traffic/shift_to_primary:100")
    demanding = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"staged": True})})
    customers = f"{whole}.customer.example"
    at_once = _past(("failback", {tenth: 0, whole: 0}), ("failback", {whole: 0, customers: 0}))
    assert (False, True) == (goes_in_stages(at_once, SIT), goes_in_stages(at_once, demanding))
    assert goes_in_stages(at_once[:1], SIT)
    assert not goes_in_stages((), SIT)


def test_an_exception_that_met_a_gate_is_recorded_as_an_override_is(tmp_path: Path) -> None:
    used, unused = (ExceptionRule(check, "*", "jane", "until March", date(2026, 3, 31)) for check in ("a.b", "c.d"))
    gap = Finding("a.b", Side.DR, "x", None, Status.EXCEPTED, "none", "one", "accepted")
    result = CheckResult("a.b", Severity.CRITICAL, Area.INFRASTRUCTURE, Status.EXCEPTED, (gap,))
    with Journal.open(tmp_path, "sit", "INC-1", "run-1", Clock(), world=WORLD) as journal:
        record_exceptions(journal, (used, unused), (result,), "arn:aws:iam::1:user/operator")
    log = incident_log(read(journal.path, "sit", "INC-1"), "sit", "INC-1", "a file", 60)
    assert [entry.data["gate"] for entry in log.chain.entries] == ["check.a.b"]
    shown = " ".join(render(log, "terminal").split())
    assert "by jane (arn:aws:iam::1:user/operator) until 2026-03-31: exception for *: until March" in shown
