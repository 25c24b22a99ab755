"""What runs measured is learned from: a step's own time in one run, percentiles of enough of them, else the budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_actions.journal.entries import EntryKind
from dr_actions.model.plan import Goal, Plan, Step, to_json
from dr_actions.run_history.durations import (
    ENOUGH,
    SAMPLE,
    StepDurations,
    by_action,
    durations,
    is_measured,
    percentile,
    sample,
)
from dr_actions.run_history.run_history import measurements_of, write_record
from dr_estate.model.run_records import RunKind, RunRecord, from_item, to_item
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import Clock, Plain, a_plan, new_table, store
from tests.dr_actions.journal.test_timeline import EntryRow, entries

SECONDS = st.floats(0, 10_000)
STEP = a_plan().steps[0]


def plan(goal: Goal = Goal.FAILOVER) -> dict[str, Any]:
    by_hand = replace(STEP, id="traffic.origin", action="traffic", number=7, manual=True)
    steps = (*a_plan(steps=3).steps, by_hand)
    return to_json(Plan("sit", "1", goal, "PRIMARY_LOST", steps))


BEGIN: EntryRow = (0, EntryKind.BEGIN, None, {"plan": plan(), "digest": "abc"})
WALK: list[EntryRow] = [
    BEGIN,
    (1, EntryKind.INTENT, "compute/scale_dr_services:0", {}),
    (1, EntryKind.INTENT, "compute/scale_dr_services:1", {}),
    (2, EntryKind.CONFIRMED, "compute/scale_dr_services:0", {}),
    (4, EntryKind.CONFIRMED, "compute/scale_dr_services:1", {}),
    (4, EntryKind.CONFIRMED, "compute/scale_dr_services:2", {"says": "it was there already"}),
    (5, EntryKind.INTENT, "traffic.origin", {}),
    (50, EntryKind.CONFIRMED, "traffic.origin", {}),
]


def record(steps: dict[str, tuple[float, ...]], kind: RunKind = RunKind.FAILOVER) -> RunRecord:
    at = datetime(2026, 1, 7, 3, tzinfo=UTC)
    return RunRecord(kind, at, "run-1", "Alice", "values", "done", True, steps=steps)


def test_a_step_lasts_from_intent_to_confirmation_without_people() -> None:
    assert {"compute/scale_dr_services": (60.0, 180.0)} == durations(entries(WALK), "run-1")


def test_what_another_run_began_or_ended_and_what_failed_is_not_measured() -> None:
    rows: list[EntryRow] = [
        BEGIN,
        (1, EntryKind.INTENT, "compute/scale_dr_services:0", {}),
        (90, EntryKind.CONFIRMED, "compute/scale_dr_services:0", {"run": "run-2"}),
        (91, EntryKind.INTENT, "compute/scale_dr_services:1", {"run": "run-2"}),
        (92, EntryKind.FAILED, "compute/scale_dr_services:1", {"run": "run-2"}),
        (93, EntryKind.INTENT, "compute/scale_dr_services:1", {"run": "run-2"}),
        (95, EntryKind.CONFIRMED, "compute/scale_dr_services:1", {"run": "run-2"}),
    ]
    assert {} == durations(entries(rows), "run-1")
    assert {"compute/scale_dr_services": (120.0,)} == durations(entries(rows), "run-2")


def test_another_plan_counts_from_its_own_begin() -> None:
    rows: list[EntryRow] = [
        BEGIN,
        (1, EntryKind.INTENT, "compute/scale_dr_services:0", {}),
        BEGIN,
        (9, EntryKind.CONFIRMED, "compute/scale_dr_services:0", {}),
    ]
    assert {} == durations(entries(rows), "run-1")


@given(st.lists(SECONDS, min_size=1, max_size=200))
def test_a_sample_is_small_in_order_and_keeps_the_shortest_and_the_longest(seconds: list[float]) -> None:
    durations_s = sample(seconds)
    ranked = sorted(round(duration, 1) for duration in seconds)
    assert len(durations_s) == min(SAMPLE, len(seconds))
    assert list(durations_s) == sorted(durations_s)
    assert (durations_s[0], durations_s[-1]) == (ranked[0], ranked[-1])
    assert set(durations_s) <= set(ranked)


@given(st.lists(SECONDS, min_size=1, max_size=50), st.integers(1, 100))
def test_a_percentile_is_the_least_value_that_so_many_are_not_above(seconds: list[float], percent: int) -> None:
    found = percentile(seconds, percent)
    assert found in seconds
    assert 100 * sum(duration <= found for duration in seconds) >= percent * len(seconds)
    assert 100 * sum(duration < found for duration in seconds) < percent * len(seconds)


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_the_records_of_several_runs_are_measured_together() -> None:
    measurements = by_action(
        [
            record({"compute/scale_dr_services": (1.0, 2.0)}),
            record({"compute/scale_dr_services": (3.0,), "database/restore_dr": (900.0,)}),
            record({}),
        ]
    )
    assert {
        "compute/scale_dr_services": StepDurations(3, 2.0, 3.0),
        "database/restore_dr": StepDurations(1, 900.0, 900.0),
    } == measurements


@pytest.mark.parametrize(
    ("step", "known", "is_enough"),
    [
        (STEP, {}, False),
        (STEP, {"compute/scale_dr_services": StepDurations(ENOUGH - 1, 5.0, 7.2)}, False),
        (STEP, {"compute/scale_dr_services": StepDurations(ENOUGH, 5.0, 7.2)}, True),
        (STEP, {"database/restore_dr": StepDurations(ENOUGH, 5.0, 7.2)}, False),
        (replace(STEP, manual=True), {"compute/scale_dr_services": StepDurations(ENOUGH, 5.0, 7.2)}, False),
    ],
)
def test_a_step_is_measured_after_enough_like_runs_and_people_never_are(
    step: Step, known: dict[str, StepDurations], is_enough: bool
) -> None:
    assert is_measured(step, known) is is_enough


def test_what_a_journal_measured_becomes_the_record_of_its_run() -> None:
    measured_values = measurements_of(
        entries([*WALK, (60, EntryKind.VALIDATED, None, {"passed": True})]), "failover", "run-1"
    )
    assert {"compute/scale_dr_services": (60.0, 180.0)} == measured_values["steps"]
    assert 3600.0 == measured_values["duration_s"]
    assert {"execute", "DNS", "validate"} <= measured_values["phases"].keys()
    assert {} == measurements_of(entries(WALK), "failback", "run-1")
    assert {} == measurements_of([], "failover", "run-1")


def test_a_record_is_read_as_it_was_written(sandbox_world: Endpoint) -> None:
    """Through a real table: DynamoDB keeps numbers as text, and 2.0 comes back as 2."""
    clock = Clock()
    control = store(Plain(sandbox_world), new_table(sandbox_world), clock)
    full = replace(
        record({"compute/scale_dr_services": (2.0, 3.5)}, RunKind.FULL_DRILL),
        score=97,
        worst_lag_s=2.0,
        rto_s=3600.0,
        phases={"execute": 600.0},
        evidence="ab",
    )
    for run_record in (full, record({})):
        write_record(control, run_record)
        write_record(control, run_record)
        assert [run_record] == [from_item(item) for item in control.table.query(str(to_item(run_record)["pk"]))]
