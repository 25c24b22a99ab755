"""Longest gap between two runs of an AWS Backup schedule. Pure.

Source: AWS Backup developer guide, cron(minute hour day-of-month month day-of-week year) and rate(n unit).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise

_HOUR_MINUTES, _DAY_MINUTES = 60, 1440
_UNIT_MINUTES = {"minute": 1, "hour": _HOUR_MINUTES, "day": _DAY_MINUTES}
_EVERY_DAY = (["*", "*", "?", "*"], ["?", "*", "*", "*"])
_NUMBERS = re.compile(r"[0-9]{1,2}(,[0-9]{1,2})*")
_HORIZON = timedelta(days=799)  # two years and more, so that a yearly run is seen twice


@lru_cache(maxsize=64)  # asked by each check of a rule, of few rules, on one day
def longest_gap_minutes(expression: str, today: date) -> int | None:
    """The longest time between two runs from ``today`` on, in minutes; None where the expression cannot be followed.

    A change of summer time is ignored.
    """
    kind, _, fields = expression.strip().rstrip(")").partition("(")
    if kind == "rate":
        match = re.fullmatch(r"(\d+) (minute|hour|day)s?", fields.strip())
        return int(match[1]) * _UNIT_MINUTES[match[2]] if match else None
    try:
        return _cron_gap(fields.split(), today) if kind == "cron" else None
    except ValueError:
        return None


def _cron_gap(fields: list[str], today: date) -> int | None:
    is_daily = fields[2:] in _EVERY_DAY
    if is_daily and (listed := _listed_times(*fields[:2])):
        return _daily_gap(listed)
    from aws_croniter import AwsCroniter  # its patterns take 25 ms to compile, and most rules list their times

    cron = AwsCroniter(" ".join(fields))
    times: list[int] = sorted(hour * _HOUR_MINUTES + minute for hour in cron.hours for minute in cron.minutes)
    # Else days and times are walked separately: their product would be 800 days times each minute.
    if is_daily:  # 800 days need not be walked to know it
        return _daily_gap(times)
    within = max((after - before for before, after in pairwise(times)), default=0)
    start = datetime.combine(today, time(), UTC)
    midnights = AwsCroniter(" ".join(["0", "0", *fields[2:]])).get_all_schedule_bw_dates(start, start + _HORIZON)
    apart = max(((after - before).days for before, after in pairwise(midnights)), default=0)
    return max(within, apart * _DAY_MINUTES - times[-1] + times[0]) if apart else None


def _daily_gap(times: list[int]) -> int:
    return max(after - before for before, after in pairwise([*times, _DAY_MINUTES + times[0]]))


def _listed_times(minutes: str, hours: str) -> list[int]:
    """The minutes of the day at which a rule of plain numbers, or of every hour, runs; none where it is another."""
    if not _NUMBERS.fullmatch(minutes) or not (hours == "*" or _NUMBERS.fullmatch(hours)):
        return []
    at_minutes = {int(minute) for minute in minutes.split(",")}
    at_hours = range(_DAY_MINUTES // _HOUR_MINUTES) if hours == "*" else {int(hour) for hour in hours.split(",")}
    times = sorted(hour * _HOUR_MINUTES + minute for hour in at_hours for minute in at_minutes)
    return times if max(at_minutes) < _HOUR_MINUTES and times[-1] < _DAY_MINUTES else []
