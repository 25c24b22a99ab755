"""AWS Backup as a world that lives for days: plans run, points age, copies cross regions, restores make resources."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import cloudpickle
import pytest
import time_machine
from botocore.exceptions import ClientError

from sandbox.core.patching import state
from sandbox.core.state import STATE, now
from tests.sandbox.moto_ext.backup.backing_up import COPIES, ROLE, VAULT, backend, copy, plan, points, rule
from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients, go_dark


def _newest(found: list[dict[str, Any]]) -> datetime:
    return max(point["CreationDate"] for point in found if point["Status"] == "COMPLETED")  # type: ignore[no-any-return]


def test_a_plan_has_fresh_completed_points_in_both_vaults(aws: Clients) -> None:
    plan_ids = plan(aws)
    mine, copied = points(aws, PRIMARY, VAULT), points(aws, DR, COPIES)
    assert len(mine) == len(copied) == 24
    for found in (mine, copied):
        assert timedelta() <= now() - _newest(found) < timedelta(minutes=66)
        assert {point["ResourceArn"] for point in found} == {plan_ids["resource"]}
    assert {point["CreatedBy"]["BackupPlanId"] for point in copied} == {plan_ids["plan"]}
    source = aws("backup", PRIMARY).describe_backup_vault(BackupVaultName=VAULT)
    assert copied[0]["SourceBackupVaultArn"] == source["BackupVaultArn"]
    assert source["NumberOfRecoveryPoints"] == 24
    assert source["EncryptionKeyArn"].startswith(f"arn:aws:kms:{PRIMARY}")


@pytest.mark.parametrize("minute", [0, 1, 4, 30, 59])
def test_a_new_world_has_the_copy_of_its_hour_whatever_the_minute(aws: Clients, minute: int) -> None:
    with time_machine.travel(now().replace(minute=minute, second=30), tick=True):
        plan(aws)
        for found in (points(aws, PRIMARY, VAULT), points(aws, DR, COPIES)):
            assert timedelta(minutes=6) <= now() - _newest(found) < timedelta(minutes=60)


def _let_hours_pass(hours: float) -> None:
    """Make the plans believe they were last looked at so long ago."""
    for selection in state(backend(PRIMARY), "selections").values():
        selection.played_until -= timedelta(hours=hours)


def test_the_plan_keeps_running_as_time_passes(aws: Clients) -> None:
    STATE.extras["backup_history_h"] = 0
    plan(aws)
    assert points(aws, DR, COPIES) == []
    _let_hours_pass(5)
    assert len(points(aws, DR, COPIES)) == 5
    assert len(aws("backup", PRIMARY).list_backup_jobs(ByResourceType="EFS")["BackupJobs"]) == 5


def test_nothing_more_is_made_once_the_source_region_is_dark(aws: Clients) -> None:
    go_dark(PRIMARY, minutes_ago=180)
    plan(aws)
    assert now() - _newest(points(aws, DR, COPIES)) > timedelta(minutes=175)
    assert aws("backup", DR).list_protected_resources()["Results"][0]["ResourceType"] == "EFS"
    STATE.stopped.clear()
    assert now() - _newest(points(aws, DR, COPIES)) > timedelta(minutes=175), "missed runs are not made up later"


def test_copies_stop_when_the_plan_no_longer_copies(aws: Clients) -> None:
    STATE.extras["backup_history_h"] = 1
    plan_ids = plan(aws)
    aws("backup", PRIMARY).update_backup_plan(
        BackupPlanId=plan_ids["plan"], BackupPlan={"BackupPlanName": "shop", "Rules": [rule(None)]}
    )
    for point in points(aws, DR, COPIES):
        aws("backup", DR).delete_recovery_point(BackupVaultName=COPIES, RecoveryPointArn=point["RecoveryPointArn"])
    _let_hours_pass(4)
    assert points(aws, DR, COPIES) == []
    assert len(points(aws, PRIMARY, VAULT)) == 4


def test_failed_copies_are_jobs_with_a_reason(aws: Clients) -> None:
    state(backend(PRIMARY), "backup_hooks")["copies"] = {
        "how": "fail",
        "since": now() - timedelta(hours=5),
        "reason": "The option group does not exist in the destination region.",
    }
    plan(aws)
    failed = aws("backup", PRIMARY).list_copy_jobs(ByState="FAILED")["CopyJobs"]
    assert 4 <= len(failed) <= 5
    assert "option group" in failed[0]["StatusMessage"]
    assert now() - _newest(points(aws, DR, COPIES)) > timedelta(hours=4)
    assert len(aws("backup", PRIMARY).list_copy_jobs(ByState="COMPLETED")["CopyJobs"]) >= 18


def test_a_deleted_selection_takes_no_more_backups(aws: Clients) -> None:
    plan_ids = plan(aws)
    backup = aws("backup", PRIMARY)
    with pytest.raises(ClientError, match="selections must be deleted"):
        backup.delete_backup_plan(BackupPlanId=plan_ids["plan"])
    backup.delete_backup_selection(BackupPlanId=plan_ids["plan"], SelectionId=plan_ids["selection"])
    assert backup.list_backup_selections(BackupPlanId=plan_ids["plan"])["BackupSelectionsList"] == []
    backup.delete_backup_plan(BackupPlanId=plan_ids["plan"])
    assert backup.list_backup_plans()["BackupPlansList"] == []


def test_jobs_on_demand_pass_through_their_states(aws: Clients) -> None:
    plan_ids = plan(aws)
    backup = aws("backup", PRIMARY)
    STATE.extras["transition_s"] = 60
    job = backup.start_backup_job(BackupVaultName=VAULT, ResourceArn=plan_ids["resource"], IamRoleArn=ROLE)
    seen = backup.describe_backup_job(BackupJobId=job["BackupJobId"])
    assert seen["State"] == "CREATED"
    point = backup.describe_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=job["RecoveryPointArn"])
    assert point["Status"] == "CREATING"
    with pytest.raises(ClientError, match="not complete"):
        copy(aws, job["RecoveryPointArn"], plan_ids["target"])
    job_state = state(backend(PRIMARY), "backup_jobs")[job["BackupJobId"]]
    job_state.created -= timedelta(seconds=30)
    assert backup.describe_backup_job(BackupJobId=job["BackupJobId"])["State"] == "RUNNING"
    job_state.completes -= timedelta(seconds=60)
    assert backup.describe_backup_job(BackupJobId=job["BackupJobId"])["State"] == "COMPLETED"


def test_a_job_is_to_start_within_its_own_window(aws: Clients) -> None:
    plan_ids, backup = plan(aws), aws("backup", PRIMARY)
    for more, hours in (({"StartWindowMinutes": 60}, 1), ({}, 8)):
        wanted = {"BackupVaultName": VAULT, "ResourceArn": plan_ids["resource"], "IamRoleArn": ROLE, **more}
        job_id = backup.start_backup_job(**wanted)["BackupJobId"]
        (listed,) = (row for row in backup.list_backup_jobs()["BackupJobs"] if row["BackupJobId"] == job_id)
        for job in (backup.describe_backup_job(BackupJobId=job_id), listed):
            assert timedelta(hours=hours) == job["StartBy"] - job["CreationDate"]


def test_a_copy_on_demand_arrives_in_the_other_region(served: Clients) -> None:
    """Through a real socket: the ARNs in these paths must be routed as AWS routes them."""
    plan_ids = plan(served)
    backup = served("backup", PRIMARY)
    job = backup.start_backup_job(BackupVaultName=VAULT, ResourceArn=plan_ids["resource"], IamRoleArn=ROLE)
    arrived = backup.describe_copy_job(CopyJobId=copy(served, job["RecoveryPointArn"], plan_ids["target"]))["CopyJob"]
    assert arrived["State"] == "COMPLETED"
    there = served("backup", DR)
    point = there.describe_recovery_point(
        BackupVaultName=COPIES, RecoveryPointArn=arrived["DestinationRecoveryPointArn"]
    )
    assert point["ResourceArn"] == plan_ids["resource"]
    by_resource = there.list_recovery_points_by_resource(ResourceArn=plan_ids["resource"])["RecoveryPoints"]
    assert arrived["DestinationRecoveryPointArn"] in {
        recovery_point["RecoveryPointArn"] for recovery_point in by_resource
    }
    metadata = there.get_recovery_point_restore_metadata(
        BackupVaultName=COPIES, RecoveryPointArn=arrived["DestinationRecoveryPointArn"]
    )
    assert metadata["RestoreMetadata"]["file-system-id"] == plan_ids["resource"].rsplit("/", 1)[-1]


def test_the_past_can_be_saved_and_loaded(aws: Clients) -> None:
    plan(aws)
    saved_points = points(aws, PRIMARY, VAULT)
    saved = cloudpickle.dumps({name: backend(PRIMARY).__dict__[name] for name in ("selections", "backup_jobs")})
    loaded = cloudpickle.loads(saved)
    assert len(loaded["backup_jobs"]) == len(saved_points) == 24
