"""Longest gap between two runs of an AWS Backup schedule. Pure.

Source: AWS Backup developer guide, cron(minute hour day-of-month month day-of-week year) and rate(n unit).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise

_UNIT_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_DAY_MINUTES = 1440
_EVERY_DAY = (["*", "*", "?", "*"], ["?", "*", "*", "*"])
_EVERY_HOUR = re.compile(r"[0-5]?[0-9] \*")
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
    if fields[2:] in _EVERY_DAY and _EVERY_HOUR.fullmatch(" ".join(fields[:2])):
        return _UNIT_MINUTES["hour"]
    from aws_croniter import AwsCroniter  # its patterns take 25 ms to compile, and most rules run every hour

    cron = AwsCroniter(" ".join(fields))
    times: list[int] = sorted(hour * 60 + minute for hour in cron.hours for minute in cron.minutes)
    within = max((after - before for before, after in pairwise(times)), default=0)
    if fields[2:] in _EVERY_DAY:  # 800 days need not be walked to know it
        return max(within, _DAY_MINUTES - times[-1] + times[0])
    start = datetime.combine(today, time(), UTC)
    midnights = AwsCroniter(" ".join(["0", "0", *fields[2:]])).get_all_schedule_bw_dates(start, start + _HORIZON)
    apart = max(((after - before).days for before, after in pairwise(midnights)), default=0)
    return max(within, apart * _DAY_MINUTES - times[-1] + times[0]) if apart else None
