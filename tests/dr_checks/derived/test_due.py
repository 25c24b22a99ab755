"""How each test of the schedule stands: never run, in time, at risk, blocked, overdue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_checks.derived.due import DueState, ScheduledTest, block_reason, dues
from dr_estate.config.environment import Environment, load_environment
from dr_estate.config.recovery_settings import Period
from dr_estate.model.run_records import RunKind, RunRecord
from tests.dr_checks.worlds import SIT

FOLDER = Path(__file__).parents[3] / "environments"
WINDOW = ("2026-12-20..2027-01-05",)


def ran(kind: RunKind, at: str, **changed: Any) -> RunRecord:
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return RunRecord(kind, when, "run-1", "Alice", "values", **{"verdict": "READY", "complete": True, **changed})


def rules(env: Environment = SIT, **changed: Any) -> Environment:
    return env.model_copy(update={"schedule": env.schedule.model_copy(update={"timezone": "UTC", **changed})})


def tabletop(now: str, *runs: RunRecord, **changed: Any) -> ScheduledTest:
    rows = {row.test: row for row in dues(rules(**changed), runs, datetime.fromisoformat(now).replace(tzinfo=UTC))}
    return rows["tabletop"]


LAST = ran(RunKind.TABLETOP, "2026-01-31T12:00")


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-02-01T00:00", DueState.OK),
        ("2026-02-20T23:59", DueState.OK),
        ("2026-02-21T00:00", DueState.AT_RISK),
        ("2026-02-28T23:59", DueState.AT_RISK),
        ("2026-03-01T00:00", DueState.OVERDUE),
        ("2027-03-01T00:00", DueState.OVERDUE),
    ],
)
def test_a_monthly_test_is_in_time_then_at_risk_then_overdue(now: str, state: DueState) -> None:
    row = tabletop(now, LAST)
    assert (state, date(2026, 2, 28), LAST) == (row.state, row.due, row.last)


def test_a_test_never_run_is_due_today_and_late() -> None:
    row = tabletop("2026-02-01T00:00")
    assert (DueState.NEVER_RUN, date(2026, 2, 1), None) == (row.state, row.due, row.last)
    assert row.state.late


def test_a_weekly_test_is_not_at_risk_on_the_day_after_it_ran() -> None:
    last = ran(RunKind.TABLETOP, "2026-01-05T12:00")
    states = [tabletop(f"2026-01-{day:02}T12:00", last, tabletop=Period.WEEKLY).state for day in range(5, 14)]
    assert [DueState.OK] * 3 + [DueState.AT_RISK] * 5 + [DueState.OVERDUE] == states


@pytest.mark.parametrize(
    "other",
    [
        ran(RunKind.TABLETOP, "2026-02-27T12:00", complete=False),
        ran(RunKind.TEST_INFRA, "2026-02-27T12:00"),
        ran(RunKind.TABLETOP, "2026-03-02T12:00"),
    ],
)
def test_a_run_cut_short_of_another_kind_or_yet_to_come_does_not_count(other: RunRecord) -> None:
    assert DueState.OVERDUE is tabletop("2026-03-01T00:00", LAST, other).state


def test_what_is_run_as_needed_is_never_overdue_and_never_due() -> None:
    old = ran(RunKind.TABLETOP, "2020-01-01T00:00")
    for runs in ((), (old,)):
        row = tabletop("2026-03-01T00:00", *runs, tabletop=Period.AS_NEEDED)
        assert (DueState.OK, None) == (row.state, row.due)


def test_a_due_day_in_a_blocked_window_waits_for_its_end_and_says_so() -> None:
    last = ran(RunKind.TABLETOP, "2026-11-25T12:00")
    schedule = [
        tabletop(now, last, blocked=WINDOW) for now in ("2026-12-27T12:00", "2027-01-03T12:00", "2027-01-06T12:00")
    ]
    assert {date(2027, 1, 6)} == {row.due for row in schedule}
    assert [DueState.OK, DueState.BLOCKED, DueState.AT_RISK] == [row.state for row in schedule]
    assert DueState.OVERDUE is tabletop("2027-01-07T00:00", last, blocked=WINDOW).state


def test_no_drill_runs_in_a_blocked_window_by_the_days_of_the_time_zone() -> None:
    env = rules(blocked=WINDOW, timezone="Africa/Johannesburg")
    opens = datetime(2026, 12, 19, 22, 0, tzinfo=UTC)
    closes = datetime(2027, 1, 5, 22, 0, tzinfo=UTC)
    assert "from 2026-12-20 to 2027-01-05" in block_reason(env, opens)
    assert "" == block_reason(env, opens - timedelta(seconds=1)) == block_reason(env, closes)
    assert block_reason(env, closes - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("name", "periods"),
    [
        ("dev", ["monthly", "weekly", "as needed"]),
        ("sit", ["monthly", "monthly", "quarterly"]),
        ("prod", ["quarterly", "quarterly", "annually"]),
    ],
)
def test_the_shipped_schedules_are_as_agreed(name: str, periods: list[str]) -> None:
    rows = dues(load_environment(FOLDER, name), (), datetime(2026, 3, 2, tzinfo=UTC))
    assert periods == [row.period for row in rows]
    assert ["tabletop", "infrastructure", "full drill"] == [row.test for row in rows]


def test_where_no_full_drill_is_allowed_a_way_there_and_back_counts() -> None:
    prod = load_environment(FOLDER, "prod")
    now = datetime(2026, 3, 2, tzinfo=UTC)
    back = ran(RunKind.FAILBACK, "2026-02-01T00:00")
    assert back == dues(prod, [back], now)[2].last
    assert "failover --planned" in dues(prod, (), now)[2].command
    assert DueState.NEVER_RUN is dues(rules(), [back], now)[2].state
