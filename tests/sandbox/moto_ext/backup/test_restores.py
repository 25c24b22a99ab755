"""Restores from copies in the DR region, vault locks, and restore tests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE, now
from tests.sandbox.moto_ext.backup.backing_up import COPIES, ROLE, VAULT, copy, plan, points
from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients, Clock, go_dark


def test_files_are_restored_into_a_new_file_system_in_the_dr_region(aws: Clients) -> None:
    plan(aws)
    go_dark(PRIMARY)
    backup = aws("backup", DR)
    arn = next(point["RecoveryPointArn"] for point in points(aws, DR, COPIES) if point["Status"] == "COMPLETED")
    job = backup.start_restore_job(
        RecoveryPointArn=arn, IamRoleArn=ROLE, Metadata={"newFileSystem": "true", "CreationToken": "restored"}
    )["RestoreJobId"]
    done = backup.describe_restore_job(RestoreJobId=job)
    assert done["Status"] == "COMPLETED"
    file_system = aws("efs", DR).describe_file_systems(CreationToken="restored")["FileSystems"][0]
    assert file_system["FileSystemArn"] == done["CreatedResourceArn"]
    assert backup.list_restore_jobs(ByStatus="COMPLETED")["RestoreJobs"][0]["RestoreJobId"] == job


def _restored_files(aws: Clients, token: str = "", **more: Any) -> dict[str, Any]:
    """The job of a restore of the plan's files into a new file system of that token."""
    backup = aws("backup", DR)
    arn = next(point["RecoveryPointArn"] for point in points(aws, DR, COPIES) if point["Status"] == "COMPLETED")
    metadata = {"newFileSystem": "true", "Encrypted": "true"} | ({"CreationToken": token} if token else {})
    job = backup.start_restore_job(RecoveryPointArn=arn, IamRoleArn=ROLE, Metadata=metadata, **more)["RestoreJobId"]
    response: dict[str, Any] = backup.describe_restore_job(RestoreJobId=job)
    return response


@pytest.mark.parametrize("with_tags", [False, True])
def test_restored_files_bear_their_sources_tags_only_where_that_is_asked(aws: Clients, with_tags: bool) -> None:
    plan(aws)
    _restored_files(aws, "restored", CopySourceTagsToRestoredResource=with_tags)
    (file_system,) = aws("efs", DR).describe_file_systems(CreationToken="restored")["FileSystems"]
    assert [tag["Key"] for tag in file_system["Tags"]] == (["Backup"] if with_tags else [])


def test_a_restore_into_a_new_file_system_without_a_token_fails(aws: Clients) -> None:
    plan(aws)
    restored_files = _restored_files(aws)
    assert (restored_files["Status"], "CreationToken" in restored_files["StatusMessage"]) == ("FAILED", True)
    assert aws("efs", DR).describe_file_systems()["FileSystems"] == []


@pytest.mark.parametrize(
    ("service", "action", "status"),
    [
        ("backup.amazonaws.com", "elasticfilesystem:*", "COMPLETED"),
        ("backup.amazonaws.com", "elasticfilesystem:Backup", "FAILED"),
        ("ec2.amazonaws.com", "elasticfilesystem:*", "FAILED"),
        ("", "", "FAILED"),
    ],
)
def test_files_are_restored_by_a_role_that_backup_may_assume(
    aws: Clients, service: str, action: str, status: str
) -> None:
    plan(aws)
    if service:
        iam, name = aws("iam", PRIMARY), ROLE.rpartition("/")[2]
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        rights = {"Effect": "Allow", "Action": [action, "kms:CreateGrant", "kms:DescribeKey"], "Resource": "*"}
        allowed = {"Version": "2012-10-17", "Statement": [rights]}
        iam.put_role_policy(RoleName=name, PolicyName="files", PolicyDocument=json.dumps(allowed))
    STATE.extras["enforce_iam"] = True
    assert _restored_files(aws, "restored")["Status"] == status


@pytest.mark.proof
def test_one_idempotency_token_makes_one_restore_at_once(aws: Clients, clock: Clock) -> None:
    plan(aws)
    STATE.extras["transition_s"] = 1
    first = _restored_files(aws, "restored", IdempotencyToken="one")
    assert [first[key] for key in ("Status", "CreatedResourceArn") if key in first] == ["PENDING"]
    (file_system,) = aws("efs", DR).describe_file_systems(CreationToken="restored")["FileSystems"]
    assert file_system["LifeCycleState"] == "creating"
    assert _restored_files(aws, "restored", IdempotencyToken="one")["RestoreJobId"] == first["RestoreJobId"]
    clock.shift(1)
    (file_system,) = aws("efs", DR).describe_file_systems(CreationToken="restored")["FileSystems"]
    assert file_system["LifeCycleState"] == "available"


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
    plan_ids = plan(aws)
    job = aws("backup", PRIMARY).start_backup_job(BackupVaultName=VAULT, ResourceArn=arn, IamRoleArn=ROLE)
    copy(aws, job["RecoveryPointArn"], plan_ids["target"])
    (point,) = [candidate for candidate in points(aws, DR, COPIES) if candidate["ResourceType"] == "RDS"]
    aws("backup", DR).start_restore_job(
        RecoveryPointArn=point["RecoveryPointArn"], IamRoleArn=ROLE, Metadata={"DBInstanceIdentifier": "shop-back"}
    )
    back = aws("rds", DR).describe_db_instances(DBInstanceIdentifier="shop-back")["DBInstances"][0]
    assert (back["EngineVersion"], back["AllocatedStorage"]) == ("8.0.40", 30)


def test_rds_itself_restores_a_database_from_its_copy_with_the_vaults_key(aws: Clients) -> None:
    """AWS Backup's points are RDS snapshots of type awsbackup; a key that does not work refuses them (T19)."""
    arn = aws("rds", PRIMARY).create_db_instance(
        DBInstanceIdentifier="shop",
        DBInstanceClass="db.t3.small",
        Engine="mysql",
        EngineVersion="8.0.40",
        AllocatedStorage=30,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=True,
    )["DBInstance"]["DBInstanceArn"]
    plan_ids = plan(aws)
    job = aws("backup", PRIMARY).start_backup_job(BackupVaultName=VAULT, ResourceArn=arn, IamRoleArn=ROLE)
    copy(aws, job["RecoveryPointArn"], plan_ids["target"])
    (point,) = [candidate for candidate in points(aws, DR, COPIES) if candidate["ResourceType"] == "RDS"]
    snapshot = point["RecoveryPointArn"].partition(":snapshot:")[2]
    rds = aws("rds", DR)
    params = {"DBSnapshotIdentifier": snapshot, "DeletionProtection": True, "Tags": [{"Key": "From", "Value": "it"}]}
    key = aws("backup", DR).describe_backup_vault(BackupVaultName=COPIES)["EncryptionKeyArn"]
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="shop-back", **params)
    back = rds.describe_db_instances(DBInstanceIdentifier="shop-back")["DBInstances"][0]
    assert (back["EngineVersion"], back["AllocatedStorage"], back["DeletionProtection"]) == ("8.0.40", 30, True)
    assert (back["KmsKeyId"], back["TagList"]) == (key, params["Tags"])
    for name, code in (("shop-back", "DBInstanceAlreadyExists"), ("other", "KMSKeyNotAccessibleFault")):
        with pytest.raises(ClientError, match=code):
            rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, **params)
        aws("kms", DR).disable_key(KeyId=key)
    with pytest.raises(ClientError, match="DBSnapshotNotFound"):
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="x", DBSnapshotIdentifier="awsbackup:job-none")


def test_a_locked_vault_keeps_its_points(aws: Clients) -> None:
    plan(aws)
    backup = aws("backup", DR)
    backup.put_backup_vault_lock_configuration(BackupVaultName=COPIES, MinRetentionDays=7, MaxRetentionDays=30)
    seen = backup.describe_backup_vault(BackupVaultName=COPIES)
    assert (seen["Locked"], seen["MinRetentionDays"]) == (True, 7)
    arn = points(aws, DR, COPIES)[0]["RecoveryPointArn"]
    with pytest.raises(ClientError, match="locked"):
        backup.delete_recovery_point(BackupVaultName=COPIES, RecoveryPointArn=arn)
    backup.delete_backup_vault_lock_configuration(BackupVaultName=COPIES)
    backup.delete_recovery_point(BackupVaultName=COPIES, RecoveryPointArn=arn)
    assert arn not in {point["RecoveryPointArn"] for point in points(aws, DR, COPIES)}


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
