"""What an incident's record says of how things were before: a plan made anew on the way forgets nothing of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from utils.aws_mgmt.app.incident_record import recorded_of

Begun = tuple[str, dict[str, int]]


def _past(*begun: Begun) -> list[Entry]:
    """A run's begin for each plan: its goal, and the desired count before each of its steps."""
    at = datetime(2026, 1, 7, tzinfo=UTC)
    return [Entry(n, at, "run", EntryKind.BEGIN, None, _plan(*plan), "", "") for n, plan in enumerate(begun, 1)]


def _plan(goal: str, steps: dict[str, int]) -> dict[str, Any]:
    rows = [{"id": name, "verb": "x", "before": {"desiredCount": count}} for name, count in steps.items()]
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
    assert {step: before["desiredCount"] for step, before in recorded_of(_past(*begun)).items()} == recorded
