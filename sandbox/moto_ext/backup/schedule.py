"""When an AWS Backup rule runs: cron(minute hour day-of-month month day-of-week year) and rate(n hours|days).

Source: AWS Backup developer guide, "Scheduling backups". ``L``, ``W`` and ``#`` are not supported and refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
CRON_FIELDS = 6
HOUR_S = 3600


class ScheduleError(ValueError):
    """The schedule expression is not one this world can follow."""


def _values(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    for number, name in enumerate(names, start=1):
        field = field.replace(name, str(number))
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if not re.fullmatch(r"[*?]|\d+(-\d+)?", span) or (step and not step.isdigit()):
            raise ScheduleError(f"cannot read '{part}' in a cron expression")
        first, _, last = (f"{low}-{high}" if span in "*?" else span).partition("-")
        end = int(last) if last else (high if step else int(first))
        found.update(range(int(first), end + 1, int(step or 1)))
    return frozenset(found)


def _cron(fields: list[str], zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    if len(fields) != CRON_FIELDS:
        raise ScheduleError("a cron expression has six fields")
    minutes, hours = sorted(_values(fields[0], 0, 59)), sorted(_values(fields[1], 0, 23))
    days, months = _values(fields[2], 1, 31), _values(fields[3], 1, 12, MONTHS)
    weekdays, years = _values(fields[4], 1, 7, DAYS), _values(fields[5], 1970, 2199)
    day = after.astimezone(zone).date()
    while day <= until.astimezone(zone).date():
        weekday = day.isoweekday() % 7 + 1
        if day.day in days and day.month in months and weekday in weekdays and day.year in years:
            for hour in hours:
                for minute in minutes:
                    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
                    if after < moment <= until:
                        yield moment
        day += timedelta(days=1)


def _rate(said: str, after: datetime, until: datetime) -> Iterator[datetime]:
    match = re.fullmatch(r"(\d+) (hour|day)s?", said.strip())
    if match is None or int(match[1]) == 0:
        raise ScheduleError(f"cannot read 'rate({said})'")
    every_s = int(match[1]) * (HOUR_S if match[2] == "hour" else 24 * HOUR_S)
    tick = int(after.timestamp()) // every_s + 1
    while (moment := datetime.fromtimestamp(tick * every_s, UTC)) <= until:
        yield moment
        tick += 1


def occurrences(expression: str, timezone: str, after: datetime, until: datetime) -> list[datetime]:
    """The runs later than ``after`` and not later than ``until``, oldest first (UTC).

    Raises ScheduleError when the expression cannot be followed.
    """
    kind, _, said = expression.strip().rstrip(")").partition("(")
    if kind == "cron":
        return list(_cron(said.split(), ZoneInfo(timezone), after, until))
    if kind == "rate":
        return list(_rate(said, after, until))
    raise ScheduleError(f"'{expression}' is neither cron(...) nor rate(...)")
