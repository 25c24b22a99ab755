"""AWS Backup as a world that lives for days: plans run, points age, copies cross regions, restores make resources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import cloudpickle
import pytest
from botocore.exceptions import ClientError
from moto.backup.models import backup_backends

from sandbox.lacks.backup_schedule import ScheduleError, occurrences
from sandbox.lacks.patching import state
from sandbox.state import STATE, now
from tests.sandbox.lacks.conftest import ACCOUNT, DR, PRIMARY, Clients, go_dark

ROLE = "arn:aws:iam::123456789012:role/backup"
VAULT, COPIES = "shop-vault", "shop-dr-vault"


def _file_system(aws: Clients, region: str = PRIMARY) -> str:
    made = aws("efs", region).create_file_system(
        CreationToken=f"shop-{region}", Encrypted=True, Tags=[{"Key": "Backup", "Value": "Required"}]
    )
    return str(made["FileSystemArn"])


def _rule(copies_to: str | None, schedule: str = "cron(0 * ? * * *)") -> dict[str, Any]:
    copies = [{"DestinationBackupVaultArn": copies_to, "Lifecycle": {"DeleteAfterDays": 7}}] if copies_to else []
    return {
        "RuleName": "hourly",
        "TargetBackupVaultName": VAULT,
        "ScheduleExpression": schedule,
        "Lifecycle": {"DeleteAfterDays": 7},
        "CopyActions": copies,
    }


def _plan(aws: Clients) -> dict[str, str]:
    """A protected file system, two vaults, and an hourly plan that copies to the DR region."""
    resource = _file_system(aws)
    aws("backup", PRIMARY).create_backup_vault(BackupVaultName=VAULT)
    target = aws("backup", DR).create_backup_vault(BackupVaultName=COPIES)["BackupVaultArn"]
    backup = aws("backup", PRIMARY)
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "shop", "Rules": [_rule(target)]})["BackupPlanId"]
    selection = backup.create_backup_selection(
        BackupPlanId=plan,
        BackupSelection={
            "SelectionName": "tagged",
            "IamRoleArn": ROLE,
            "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "Backup", "ConditionValue": "Required"}],
        },
    )["SelectionId"]
    return {"resource": resource, "plan": plan, "selection": selection, "target": target}


def _points(aws: Clients, region: str, vault: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws("backup", region).list_recovery_points_by_backup_vault(BackupVaultName=vault)[
        "RecoveryPoints"
    ]
    return found


def _newest(found: list[dict[str, Any]]) -> datetime:
    return max(point["CreationDate"] for point in found if point["Status"] == "COMPLETED")  # type: ignore[no-any-return]


def test_a_plan_has_fresh_completed_points_in_both_vaults(aws: Clients) -> None:
    made = _plan(aws)
    mine, copied = _points(aws, PRIMARY, VAULT), _points(aws, DR, COPIES)
    assert len(mine) == len(copied) == 24
    for found in (mine, copied):
        assert timedelta() <= now() - _newest(found) < timedelta(minutes=66)
        assert {point["ResourceArn"] for point in found} == {made["resource"]}
    assert {point["CreatedBy"]["BackupPlanId"] for point in copied} == {made["plan"]}
    source = aws("backup", PRIMARY).describe_backup_vault(BackupVaultName=VAULT)
    assert copied[0]["SourceBackupVaultArn"] == source["BackupVaultArn"]
    assert source["NumberOfRecoveryPoints"] == 24
    assert source["EncryptionKeyArn"].startswith(f"arn:aws:kms:{PRIMARY}")


def _let_hours_pass(hours: float) -> None:
    """Make the plans believe they were last looked at so long ago."""
    for selection in state(_backend(PRIMARY), "selections").values():
        selection.played_until -= timedelta(hours=hours)


def test_the_plan_keeps_running_as_time_passes(aws: Clients) -> None:
    STATE.extras["backup_history_h"] = 0
    _plan(aws)
    assert _points(aws, DR, COPIES) == []
    _let_hours_pass(5)
    assert len(_points(aws, DR, COPIES)) == 5
    assert len(aws("backup", PRIMARY).list_backup_jobs(ByResourceType="EFS")["BackupJobs"]) == 5


def _backend(region: str) -> Any:
    return backup_backends[ACCOUNT][region]


def test_nothing_more_is_made_once_the_source_region_is_dark(aws: Clients) -> None:
    go_dark(PRIMARY, minutes_ago=180)
    _plan(aws)
    assert now() - _newest(_points(aws, DR, COPIES)) > timedelta(minutes=175)
    assert aws("backup", DR).list_protected_resources()["Results"][0]["ResourceType"] == "EFS"
    STATE.stopped.clear()
    assert now() - _newest(_points(aws, DR, COPIES)) > timedelta(minutes=175), "missed runs are not made up later"


def test_copies_stop_when_the_plan_no_longer_copies(aws: Clients) -> None:
    STATE.extras["backup_history_h"] = 1
    made = _plan(aws)
    aws("backup", PRIMARY).update_backup_plan(
        BackupPlanId=made["plan"], BackupPlan={"BackupPlanName": "shop", "Rules": [_rule(None)]}
    )
    for point in _points(aws, DR, COPIES):
        aws("backup", DR).delete_recovery_point(BackupVaultName=COPIES, RecoveryPointArn=point["RecoveryPointArn"])
    _let_hours_pass(4)
    assert _points(aws, DR, COPIES) == []
    assert len(_points(aws, PRIMARY, VAULT)) == 4


def test_failed_copies_are_jobs_with_a_reason(aws: Clients) -> None:
    state(_backend(PRIMARY), "backup_hooks")["copies"] = {
        "how": "fail",
        "since": now() - timedelta(hours=5),
        "reason": "The option group does not exist in the destination region.",
    }
    _plan(aws)
    failed = aws("backup", PRIMARY).list_copy_jobs(ByState="FAILED")["CopyJobs"]
    assert 4 <= len(failed) <= 5
    assert "option group" in failed[0]["StatusMessage"]
    assert now() - _newest(_points(aws, DR, COPIES)) > timedelta(hours=4)
    assert len(aws("backup", PRIMARY).list_copy_jobs(ByState="COMPLETED")["CopyJobs"]) >= 18


def test_a_deleted_selection_takes_no_more_backups(aws: Clients) -> None:
    made = _plan(aws)
    backup = aws("backup", PRIMARY)
    with pytest.raises(ClientError, match="selections must be deleted"):
        backup.delete_backup_plan(BackupPlanId=made["plan"])
    backup.delete_backup_selection(BackupPlanId=made["plan"], SelectionId=made["selection"])
    assert backup.list_backup_selections(BackupPlanId=made["plan"])["BackupSelectionsList"] == []
    backup.delete_backup_plan(BackupPlanId=made["plan"])
    assert backup.list_backup_plans()["BackupPlansList"] == []


def test_jobs_on_demand_pass_through_their_states(aws: Clients) -> None:
    made = _plan(aws)
    backup = aws("backup", PRIMARY)
    STATE.extras["transition_s"] = 60
    job = backup.start_backup_job(BackupVaultName=VAULT, ResourceArn=made["resource"], IamRoleArn=ROLE)
    seen = backup.describe_backup_job(BackupJobId=job["BackupJobId"])
    assert seen["State"] == "CREATED"
    point = backup.describe_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=job["RecoveryPointArn"])
    assert point["Status"] == "CREATING"
    with pytest.raises(ClientError, match="not complete"):
        _copy(aws, job["RecoveryPointArn"], made["target"])
    kept = state(_backend(PRIMARY), "backup_jobs")[job["BackupJobId"]]
    kept.created -= timedelta(seconds=30)
    assert backup.describe_backup_job(BackupJobId=job["BackupJobId"])["State"] == "RUNNING"
    kept.completes -= timedelta(seconds=60)
    assert backup.describe_backup_job(BackupJobId=job["BackupJobId"])["State"] == "COMPLETED"


def _copy(aws: Clients, arn: str, target: str) -> str:
    started = aws("backup", PRIMARY).start_copy_job(
        RecoveryPointArn=arn, SourceBackupVaultName=VAULT, DestinationBackupVaultArn=target, IamRoleArn=ROLE
    )
    return str(started["CopyJobId"])


def test_a_copy_on_demand_arrives_in_the_other_region(served: Clients) -> None:
    """Through a real socket: the ARNs in these paths must be routed as AWS routes them."""
    made = _plan(served)
    backup = served("backup", PRIMARY)
    job = backup.start_backup_job(BackupVaultName=VAULT, ResourceArn=made["resource"], IamRoleArn=ROLE)
    copy = backup.describe_copy_job(CopyJobId=_copy(served, job["RecoveryPointArn"], made["target"]))["CopyJob"]
    assert copy["State"] == "COMPLETED"
    there = served("backup", DR)
    point = there.describe_recovery_point(BackupVaultName=COPIES, RecoveryPointArn=copy["DestinationRecoveryPointArn"])
    assert point["ResourceArn"] == made["resource"]
    by_resource = there.list_recovery_points_by_resource(ResourceArn=made["resource"])["RecoveryPoints"]
    assert copy["DestinationRecoveryPointArn"] in {one["RecoveryPointArn"] for one in by_resource}
    metadata = there.get_recovery_point_restore_metadata(
        BackupVaultName=COPIES, RecoveryPointArn=copy["DestinationRecoveryPointArn"]
    )
    assert metadata["RestoreMetadata"]["file-system-id"] == made["resource"].rsplit("/", 1)[-1]


def test_files_are_restored_into_a_new_file_system_in_the_dr_region(aws: Clients) -> None:
    _plan(aws)
    go_dark(PRIMARY)
    backup = aws("backup", DR)
    arn = next(point["RecoveryPointArn"] for point in _points(aws, DR, COPIES) if point["Status"] == "COMPLETED")
    job = backup.start_restore_job(
        RecoveryPointArn=arn, IamRoleArn=ROLE, Metadata={"newFileSystem": "true", "CreationToken": "restored"}
    )["RestoreJobId"]
    done = backup.describe_restore_job(RestoreJobId=job)
    assert done["Status"] == "COMPLETED"
    made = aws("efs", DR).describe_file_systems(CreationToken="restored")["FileSystems"][0]
    assert made["FileSystemArn"] == done["CreatedResourceArn"]
    assert backup.list_restore_jobs(ByStatus="COMPLETED")["RestoreJobs"][0]["RestoreJobId"] == job


def test_a_database_is_restored_from_its_copy(aws: Clients) -> None:
    arn = aws("rds", PRIMARY).create_db_instance(
        DBInstanceIdentifier="shop",
        DBInstanceClass="db.t3.small",
        Engine="mysql",
        EngineVersion="8.0.40",
        AllocatedStorage=30,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
    )["DBInstance"]["DBInstanceArn"]
    made = _plan(aws)
    job = aws("backup", PRIMARY).start_backup_job(BackupVaultName=VAULT, ResourceArn=arn, IamRoleArn=ROLE)
    _copy(aws, job["RecoveryPointArn"], made["target"])
    (point,) = [one for one in _points(aws, DR, COPIES) if one["ResourceType"] == "RDS"]
    aws("backup", DR).start_restore_job(
        RecoveryPointArn=point["RecoveryPointArn"], IamRoleArn=ROLE, Metadata={"DBInstanceIdentifier": "shop-back"}
    )
    back = aws("rds", DR).describe_db_instances(DBInstanceIdentifier="shop-back")["DBInstances"][0]
    assert (back["EngineVersion"], back["AllocatedStorage"]) == ("8.0.40", 30)


def test_a_locked_vault_keeps_its_points(aws: Clients) -> None:
    _plan(aws)
    backup = aws("backup", DR)
    backup.put_backup_vault_lock_configuration(BackupVaultName=COPIES, MinRetentionDays=7, MaxRetentionDays=30)
    seen = backup.describe_backup_vault(BackupVaultName=COPIES)
    assert (seen["Locked"], seen["MinRetentionDays"]) == (True, 7)
    arn = _points(aws, DR, COPIES)[0]["RecoveryPointArn"]
    with pytest.raises(ClientError, match="locked"):
        backup.delete_recovery_point(BackupVaultName=COPIES, RecoveryPointArn=arn)
    backup.delete_backup_vault_lock_configuration(BackupVaultName=COPIES)
    backup.delete_recovery_point(BackupVaultName=COPIES, RecoveryPointArn=arn)
    assert arn not in {point["RecoveryPointArn"] for point in _points(aws, DR, COPIES)}


def test_restore_tests_are_planned_and_listed(aws: Clients) -> None:
    backup = aws("backup", DR)
    backup.create_restore_testing_plan(
        RestoreTestingPlan={
            "RestoreTestingPlanName": "weekly",
            "ScheduleExpression": "cron(0 3 ? * SUN *)",
            "RecoveryPointSelection": {
                "Algorithm": "LATEST_WITHIN_WINDOW",
                "IncludeVaults": ["*"],
                "RecoveryPointTypes": ["SNAPSHOT"],
            },
        }
    )
    (plan,) = backup.list_restore_testing_plans()["RestoreTestingPlans"]
    assert now() - plan["LastExecutionTime"] < timedelta(days=8)
    got = backup.get_restore_testing_plan(RestoreTestingPlanName="weekly")["RestoreTestingPlan"]
    assert got["ScheduleExpression"] == "cron(0 3 ? * SUN *)"


def test_the_past_can_be_saved_and_loaded(aws: Clients) -> None:
    _plan(aws)
    made = _points(aws, PRIMARY, VAULT)
    saved = cloudpickle.dumps({name: _backend(PRIMARY).__dict__[name] for name in ("selections", "backup_jobs")})
    loaded = cloudpickle.loads(saved)
    assert len(loaded["backup_jobs"]) == len(made) == 24


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("cron(0 * ? * * *)", 24),
        ("cron(30 5 ? * * *)", 1),
        ("cron(0 0/6 * * ? *)", 4),
        ("cron(0 5 ? * MON-FRI *)", 1),
        ("cron(0 5 ? * SAT,SUN *)", 0),
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
    with pytest.raises(ScheduleError):
        occurrences("cron(0 5 L * ? *)", "Etc/UTC", now(), now())
    aws("backup", PRIMARY).create_backup_vault(BackupVaultName=VAULT)
    with pytest.raises(ClientError, match="hourly"):
        aws("backup", PRIMARY).create_backup_plan(
            BackupPlan={"BackupPlanName": "odd", "Rules": [_rule(None, schedule="cron(0 5 L * ? *)")]}
        )
    assert aws("backup", PRIMARY).list_backup_plans()["BackupPlansList"] == []
