"""When AWS Backup works: the times of a rule, and when a job begins and ends at the real pace.

A rule runs at cron(minute hour day-of-month month day-of-week year) or rate(n hours|days). A job takes its time by its
resource's size, and begins around a database's windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aws_croniter import AwsCroniter
from moto.efs.models import efs_backends

from dr_estate.model.stores import STORES
from sandbox.core.state import now
from sandbox.core.timing import is_real, phases_s, soon
from sandbox.moto_ext.backup.model import BackupResource
from sandbox.moto_ext.data.store_sizes import files_gib, kfiles
from sandbox.moto_ext.efs.model import gib_of

BACK_UPS = {store.backup.type: f"backup.back-up-{store.id}" for store in STORES if store.backup}
RESTORES = {store.backup.type: f"backup.restore-{store.id}" for store in STORES if store.backup}
# Rows of dr_estate/model/aws_durations.toml.
OTHERS, COPY = "backup.back-up", "backup.copy"
# RDS backups are not started in the hour before the windows (Backup guide, managing backup plans).
_BEFORE = timedelta(hours=1)
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR_S = 3600
CLOCK_CHANGE = timedelta(hours=2)  # the most by which a zone's clock is set forward or back


@dataclass(frozen=True)
class JobTimes:
    """When a job's work begins (None: after a third of its time) and ends.

    ``expired`` is when it was given up instead, None where it is not.
    """

    starts: datetime | None
    ends: datetime
    expired: datetime | None = None


def job_times(row: str, resource: BackupResource, start_window: timedelta | None = None) -> JobTimes:
    """The times of a job that is asked for now. Only a backup has a ``start_window``."""
    moment = now()
    if not is_real():
        # At the quick pace windows hold nobody up: a test would wait until two in the morning.
        return JobTimes(None, soon(row, resource.name))
    (_, waits_s), (_, works_s) = phases_s(row, resource.name, gib=_gib(resource), kfiles=kfiles())
    # Copies and restores have no start window and wait for none of the database's.
    begins = moment if start_window is None else after_windows(moment, resource)
    starts = begins + timedelta(seconds=waits_s)
    if start_window is not None and starts > moment + start_window:
        return JobTimes(starts, moment + start_window, moment + start_window)
    return JobTimes(starts, starts + timedelta(seconds=works_s))


def _gib(resource: BackupResource) -> float:
    if resource.kind == "RDS":
        return float(resource.facts.get("allocated_storage") or 0)
    if resource.kind != "EFS":
        # The size of tables and buckets is not modelled: their jobs count with 0 GiB.
        return 0.0
    *_, region, account, name = resource.arn.replace(":file-system/", ":").split(":")
    found = efs_backends[account][region].file_systems_by_id.get(name)
    return files_gib() if found is None else gib_of(found)


def after_windows(moment: datetime, resource: BackupResource) -> datetime:
    """The first moment from ``moment`` on at which the database's windows let a backup begin."""
    windows = [str(resource.facts.get(f"preferred_{name}_window") or "") for name in ("backup", "maintenance")]
    for window in filter(None, windows):
        # The window (``01:00-01:30`` or ``sun:03:00-sun:03:30``, UTC) that is open at ``moment`` or opens next
        first, last = window.lower().split("-")
        period = _WEEK if first.count(":") > 1 else _DAY
        # A window over midnight ends on a lesser time than it begins.
        length = (_offset(last) - _offset(first)) % period
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        start = midnight - timedelta(days=midnight.weekday() if period == _WEEK else 0) + _offset(first) - period
        # From a period before: the window that began yesterday may still be open.
        while start + length <= moment:
            start += period
        opens, closes = start, start + length
        if opens - _BEFORE <= moment < closes:
            moment = closes
    return moment


def _offset(word: str) -> timedelta:
    *day, hours, minutes = word.split(":")
    return timedelta(days=_DAYS.index(day[0]) if day else 0, hours=int(hours), minutes=int(minutes))


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
