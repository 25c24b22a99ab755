"""State of each scheduled test: the environment file's schedule compared with recorded runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from dr_checks.derived import calendar
from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import Period
from dr_estate.model.run_records import RunKind, RunRecord

_THERE_AND_BACK = "dr_cli.py failover --planned --execute && dr_cli.py failback --staged --execute"


class DueState(StrEnum):
    """How a test stands. ``blocked window``: it would be run now, but no drill runs today."""

    OK = "ok"
    AT_RISK = "at risk"
    OVERDUE = "overdue"
    NEVER_RUN = "never run"
    BLOCKED = "blocked window"

    @property
    def late(self) -> bool:
        """Whether it should have been run already."""
        return self in (DueState.OVERDUE, DueState.NEVER_RUN)


@dataclass(frozen=True)
class ScheduledTest:
    """A test: how often, its last complete run, the day it is due (None: as needed), its state, and how to run it.

    ``kind`` is that of its runs on record.
    """

    test: str
    period: Period
    last: RunRecord | None
    due: date | None
    state: DueState
    command: str
    kind: RunKind


def dues(env: Environment, runs: Iterable[RunRecord], now: datetime) -> tuple[ScheduledTest, ...]:
    """Every test of the schedule as it stands at ``now`` (aware)."""
    schedule, key = env.schedule, tuple(runs)
    rows = (
        ("tabletop", schedule.tabletop, RunKind.TABLETOP, "dr_cli.py test --tabletop"),
        ("infrastructure", schedule.infrastructure, RunKind.TEST_INFRA, "dr_cli.py test --infra"),
        ("full drill", schedule.full_drill, *_full_drill(env)),
    )
    return tuple(_due(env, row, key, now) for row in rows)


def blocked_now(env: Environment, now: datetime) -> str:
    """Why no drill may run at ``now``, "" where one may."""
    window = calendar.window_of(calendar.day_of(now, env.schedule.timezone), env.schedule.windows)
    if window is None:
        return ""
    return f"no drill runs from {window[0]} to {window[1]} (schedule.blocked, days of {env.schedule.timezone})"


def _full_drill(env: Environment) -> tuple[RunKind, str]:
    """Where a full drill is not allowed, the way there and back (a planned one) proves as much."""
    if env.approvals.full_drill:
        return RunKind.FULL_DRILL, "dr_cli.py test --full-drill"
    return RunKind.FAILBACK, _THERE_AND_BACK


def _due(
    env: Environment, row: tuple[str, Period, RunKind, str], runs: tuple[RunRecord, ...], now: datetime
) -> ScheduledTest:
    test, period, kind, command = row
    zone, windows = env.schedule.timezone, env.schedule.windows
    # A run that was broken off proves nothing, one of the future is a wrong clock.
    own = sorted((run for run in runs if run.kind is kind and run.complete and run.at <= now), key=lambda run: run.at)
    today = calendar.day_of(now, zone)
    days = [calendar.day_of(run.at, zone) for run in own]
    due = calendar.next_due(days, period, windows)
    if period is not Period.AS_NEEDED and not own:
        return ScheduledTest(
            test, period, None, calendar.after_windows(today, windows), DueState.NEVER_RUN, command, kind
        )
    state = DueState.OK
    if due is not None and today > due:
        state = DueState.OVERDUE
    elif due is not None and today >= _at_risk_from(days[-1], due, env.schedule.at_risk_days):
        # In a blocked window nobody may run it: no alarm about what is forbidden.
        state = DueState.BLOCKED if calendar.window_of(today, windows) else DueState.AT_RISK
    return ScheduledTest(test, period, own[-1] if own else None, due, state, command, kind)


def _at_risk_from(last: date, due: date, at_risk_days: int) -> date:
    return max(calendar.middle_of(last, due), due - timedelta(days=at_risk_days))
