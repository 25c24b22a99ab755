"""Due dates of tests: whole days in the schedule's time zone after the last run. Pure.

Months are counted as ``dateutil.relativedelta`` counts them: a month after 31 January is the last day of February.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from dr_estate.config.recovery_settings import Period

Window = tuple[date, date]

_STEPS = {
    Period.WEEKLY: relativedelta(weeks=1),
    Period.MONTHLY: relativedelta(months=1),
    Period.QUARTERLY: relativedelta(months=3),
    Period.ANNUALLY: relativedelta(years=1),
}
_DAY = timedelta(days=1)


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
        # The day of the month that the runs keep to: a month that is too short for it does not change it
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
