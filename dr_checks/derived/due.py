"""State of each scheduled test: the environment file's schedule compared with recorded runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import Period
from dr_estate.model.run_records import RunKind, RunRecord

Window = tuple[date, date]

# A month after 31 January is the last day of February: so relativedelta counts.
_STEPS = {
    Period.WEEKLY: relativedelta(weeks=1),
    Period.MONTHLY: relativedelta(months=1),
    Period.QUARTERLY: relativedelta(months=3),
    Period.ANNUALLY: relativedelta(years=1),
}
_DAY = timedelta(days=1)


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


def block_reason(env: Environment, now: datetime) -> str:
    """Why no drill may run at ``now``, "" where one may."""
    window = window_of(day_of(now, env.schedule.timezone), env.schedule.windows)
    if window is None:
        return ""
    return f"no drill runs from {window[0]} to {window[1]} (schedule.blocked, days of {env.schedule.timezone})"


def _full_drill(env: Environment) -> tuple[RunKind, str]:
    """Where a full drill is not allowed, the way there and back (a planned one) proves as much."""
    if env.approvals.full_drill:
        return RunKind.FULL_DRILL, "dr_cli.py test --full-drill"
    return RunKind.FAILBACK, "dr_cli.py failover --planned --execute && dr_cli.py failback --staged --execute"


def _due(
    env: Environment, row: tuple[str, Period, RunKind, str], runs: tuple[RunRecord, ...], now: datetime
) -> ScheduledTest:
    test, period, kind, command = row
    zone, windows = env.schedule.timezone, env.schedule.windows
    # A run that was broken off proves nothing, one of the future is a wrong clock.
    own = sorted((run for run in runs if run.kind is kind and run.complete and run.at <= now), key=lambda run: run.at)
    today = day_of(now, zone)
    days = [day_of(run.at, zone) for run in own]
    due = next_due(days, period, windows)
    if period is not Period.AS_NEEDED and not own:
        return ScheduledTest(test, period, None, after_windows(today, windows), DueState.NEVER_RUN, command, kind)
    state = DueState.OK
    if due is not None and today > due:
        state = DueState.OVERDUE
    elif due is not None and today >= max(middle_of(days[-1], due), due - timedelta(days=env.schedule.at_risk_days)):
        # In a blocked window nobody may run it: no alarm about what is forbidden.
        state = DueState.BLOCKED if window_of(today, windows) else DueState.AT_RISK
    return ScheduledTest(test, period, own[-1] if own else None, due, state, command, kind)


def day_of(at: datetime, timezone: str) -> date:
    """The day on which ``at`` (aware) falls in ``timezone``."""
    return at.astimezone(ZoneInfo(timezone)).date()


def next_due(days: Sequence[date], period: Period, windows: Sequence[Window] = ()) -> date | None:
    """The day on which a test run on ``days`` (in order) is due again; None for one as needed, or never run.

    A run on the last day of a short month that kept to a longer month's day comes back to it: 31 January, 28 February,
    31 March. The same holds for 29 February of the next leap year. A day in a blocked window is moved after it.
    """
    if not days or period is Period.AS_NEEDED:
        return None
    due = days[-1] + _STEPS[period]
    # A week has no day of the month to come back to.
    if period is not Period.WEEKLY:
        # The runs keep to their day of the month: a month that is too short for it does not change it.
        expected = days[0].day
        for day in days[1:]:
            shortened = day.day < expected and (day + _DAY).day == 1
            expected = expected if shortened else day.day
        due += relativedelta(day=expected)
    return after_windows(due, windows)


def middle_of(last: date, due: date) -> date:
    """The day at which half the time from ``last`` to ``due`` is over."""
    return last + (due - last) / 2


def after_windows(day: date, windows: Sequence[Window]) -> date:
    """``day``, or the first day after the window it lies in, which may open into another one."""
    # In order, so that a day that is moved out of one window is seen in the next.
    for first, last in sorted(windows):
        if first <= day <= last:
            day = last + _DAY
    return day


def window_of(day: date, windows: Sequence[Window]) -> Window | None:
    """The blocked window in which ``day`` lies, None outside."""
    return next((window for window in windows if window[0] <= day <= window[1]), None)
