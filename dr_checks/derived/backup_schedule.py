"""How long an AWS Backup schedule may leave a resource without a new backup: the longest gap between two runs. Pure.

Source: AWS Backup developer guide, cron(minute hour day-of-month month day-of-week year) and rate(n unit).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_UNIT_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_DAY_MINUTES = 1440
_HORIZON_DAYS = 800  # two years and more, so that a yearly run is seen twice
_CRON_FIELDS = 6


@lru_cache(maxsize=64)  # asked by each check of a rule, of few rules, on one day
def longest_gap_minutes(expression: str, today: date) -> int | None:
    """The longest time between two runs from ``today`` on, in minutes; None where the expression cannot be followed.

    ``L``, ``W`` and ``#`` are not followed. A change of summer time is ignored.
    """
    kind, _, said = expression.strip().rstrip(")").partition("(")
    if kind == "rate":
        match = re.fullmatch(r"(\d+) (minute|hour|day)s?", said.strip())
        return int(match[1]) * _UNIT_MINUTES[match[2]] if match else None
    fields = said.split()
    if kind != "cron" or len(fields) != _CRON_FIELDS:
        return None
    return _cron_gap(fields, today)


def _cron_gap(fields: list[str], today: date) -> int | None:
    spans = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (1, 7, _DAYS), (1970, 2199, ()))
    sets = [_values(field, low, high, names) for field, (low, high, names) in zip(fields, spans, strict=True)]
    if any(not values for values in sets):
        return None
    minutes, hours, days, months, weekdays, years = sets
    times = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    within = max((after - before for before, after in pairwise(times)), default=0)
    running = [
        number
        for number in range(_HORIZON_DAYS)
        if _runs(today + timedelta(days=number), days, months, weekdays, years)
    ]
    apart = max((after - before for before, after in pairwise(running)), default=0)
    if not apart:
        return None
    return max(within, apart * _DAY_MINUTES - times[-1] + times[0])


def _runs(day: date, days: set[int], months: set[int], weekdays: set[int], years: set[int]) -> bool:
    return day.day in days and day.month in months and day.isoweekday() % 7 + 1 in weekdays and day.year in years


def _values(field: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    """The values a cron field allows; empty where it cannot be read."""
    for number, name in enumerate(names, start=1):
        field = field.replace(name, str(number))
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if not re.fullmatch(r"[*?]|\d+(-\d+)?", span) or (step and not step.isdigit()) or step == "0":
            return set()
        first, _, last = (f"{low}-{high}" if span in "*?" else span).partition("-")
        end = int(last) if last else (high if step else int(first))
        found.update(range(int(first), end + 1, int(step or 1)))
    return {value for value in found if low <= value <= high}
