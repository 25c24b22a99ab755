"""Backup jobs at the real pace: they wait for a database's windows to close, and expire where that takes too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dr_actions.actions.backup import START_WINDOW_MINUTES
from sandbox.core.state import STATE, now
from sandbox.core.timing import set_pace
from sandbox.moto_ext.backup.durations import after_windows, job_times
from sandbox.moto_ext.backup.model import BackupResource

TUESDAY = datetime(2026, 3, 3, tzinfo=UTC)
ARN = "arn:aws:rds:eu-west-3:123456789012:db:shop"


def database(backup: str = "01:00-01:30", maintenance: str = "tue:04:00-tue:04:30", gib: int = 100) -> BackupResource:
    facts = {
        "preferred_backup_window": backup,
        "preferred_maintenance_window": maintenance,
        "allocated_storage": gib,
    }
    return BackupResource(ARN, "RDS", "shop", {}, facts)


@pytest.mark.parametrize(
    ("wanted", "begins"),
    [
        ("2026-03-02T23:59", "2026-03-02T23:59"),
        ("2026-03-03T00:00", "2026-03-03T01:30"),
        ("2026-03-03T01:29", "2026-03-03T01:30"),
        ("2026-03-03T01:30", "2026-03-03T01:30"),
        ("2026-03-03T03:10", "2026-03-03T04:30"),
        ("2026-03-04T03:10", "2026-03-04T03:10"),
    ],
)
def test_no_backup_begins_in_the_hour_before_a_window_or_in_it(wanted: str, begins: str) -> None:
    moment = datetime.fromisoformat(f"{wanted}:00+00:00")
    assert f"{after_windows(moment, database()):%Y-%m-%dT%H:%M}" == begins


def test_a_window_over_midnight_is_one_window() -> None:
    assert after_windows(TUESDAY, database("23:45-00:15")) == TUESDAY + timedelta(minutes=15)


@pytest.mark.parametrize("maintenance", ["tue:04:00-tue:04:30", "tue:02:15-tue:02:45", "tue:00:00-tue:00:30"])
def test_whenever_a_failback_asks_for_its_backup_the_job_does_not_expire(maintenance: str) -> None:
    window, shop = timedelta(minutes=START_WINDOW_MINUTES), database(maintenance=maintenance)
    moments = (TUESDAY - timedelta(hours=6) + timedelta(minutes=5 * number) for number in range(288))
    assert max(after_windows(moment, shop) - moment for moment in moments) < window


def test_a_job_that_cannot_begin_in_its_start_window_expires() -> None:
    set_pace("real")
    del STATE.extras["transition_s"]
    opens = now() + timedelta(minutes=10)
    busy = database(f"{opens:%H:%M}-{opens + timedelta(hours=2):%H:%M}", "")
    in_time, late = (job_times("backup.back-up-database", busy, timedelta(hours=h)) for h in (8, 1))
    assert in_time.expired is None
    assert late.expired is not None
    assert now() + timedelta(minutes=59) < late.expired < now() + timedelta(minutes=61)


def test_a_larger_database_takes_longer_and_a_quick_world_no_time() -> None:
    del STATE.extras["transition_s"]
    quick = job_times("backup.back-up-database", database())
    assert quick.ends < now() + timedelta(seconds=3)
    set_pace("real")
    small, large = (job_times("backup.back-up-database", database(gib=gib)) for gib in (10, 1000))
    assert large.ends - small.ends > timedelta(minutes=15)
