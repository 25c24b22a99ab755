"""When an AWS Backup rule runs: cron(minute hour day-of-month month day-of-week year) and rate(n hours|days).

Source: AWS Backup developer guide, "Scheduling backups".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aws_croniter import AwsCroniter

HOUR_S = 3600
CLOCK_CHANGE = timedelta(hours=2)  # the most by which a zone's clock is set forward or back


def _cron(fields: str, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The library counts in UTC alone: it is given the zone's wall clock as UTC."""
    first, last = (moment.astimezone(zone).replace(tzinfo=UTC) for moment in (after, until))
    cron = AwsCroniter(" ".join(fields.split()))
    for wall in cron.get_all_schedule_bw_dates(first - CLOCK_CHANGE, last + CLOCK_CHANGE):
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        # The hours beyond both ends were asked for because of a change of the clock: they are left out again.
        if after < moment <= until:
            yield moment


def _rate(fields: str, after: datetime, until: datetime) -> Iterator[datetime]:
    match = re.fullmatch(r"(\d+) (hour|day)s?", fields.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"cannot read 'rate({fields})'")
    every_s = int(match[1]) * (HOUR_S if match[2] == "hour" else 24 * HOUR_S)
    # Counted from 1970, so that each look finds the same runs.
    tick = int(after.timestamp()) // every_s + 1
    while (moment := datetime.fromtimestamp(tick * every_s, UTC)) <= until:
        yield moment
        tick += 1


def occurrences(expression: str, timezone: str, after: datetime, until: datetime) -> list[datetime]:
    """The runs later than ``after`` and not later than ``until``, oldest first (UTC).

    Raises ValueError when the expression cannot be followed.
    """
    kind, _, fields = expression.strip().rstrip(")").partition("(")
    if kind == "cron":
        return list(_cron(fields, ZoneInfo(timezone), after, until))
    if kind == "rate":
        return list(_rate(fields, after, until))
    raise ValueError(f"'{expression}' is neither cron(...) nor rate(...)")
