"""When a backup rule runs, by cron or rate and time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import now
from sandbox.moto_ext.backup.durations import occurrences
from tests.sandbox.moto_ext.backup.backing_up import VAULT, rule
from tests.sandbox.moto_ext.conftest import PRIMARY, Clients


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("cron(0 * ? * * *)", 24),
        ("cron(30 5 ? * * *)", 1),
        ("cron(0 0/6 * * ? *)", 4),
        ("cron(0 5 ? * MON-FRI *)", 1),
        ("cron(0 5 ? * SAT,SUN *)", 0),
        ("cron(0 5 ? * 2#1 *)", 1),
        ("cron(0 5 ? * 2L *)", 0),
        ("cron(0 5 1W * ? *)", 1),
        ("cron(0 22-2 ? * * *)", 5),
        ("rate(1 hour)", 24),
        ("rate(12 hours)", 2),
        ("rate(1 day)", 1),
    ],
)
def test_schedules_are_followed(expression: str, count: int) -> None:
    monday = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    assert len(occurrences(expression, "Etc/UTC", monday, monday + timedelta(days=1))) == count


def test_a_schedule_follows_its_time_zone() -> None:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    (run,) = occurrences("cron(0 5 ? * * *)", "Africa/Johannesburg", start, start + timedelta(days=1))
    assert run == datetime(2026, 7, 1, 3, tzinfo=UTC)


def test_an_unreadable_schedule_is_refused(aws: Clients) -> None:
    with pytest.raises(ValueError, match="day-of-month"):
        occurrences("cron(0 5 32 * ? *)", "Etc/UTC", now(), now())
    aws("backup", PRIMARY).create_backup_vault(BackupVaultName=VAULT)
    with pytest.raises(ClientError, match="hourly"):
        aws("backup", PRIMARY).create_backup_plan(
            BackupPlan={"BackupPlanName": "odd", "Rules": [rule(None, schedule="cron(0 5 32 * ? *)")]}
        )
    assert aws("backup", PRIMARY).list_backup_plans()["BackupPlansList"] == []
