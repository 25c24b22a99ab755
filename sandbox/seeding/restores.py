"""Restore tests: the newest copies of database and files were restored in the DR region, and the results deleted.

A restore testing plan repeats it each month, as AWS Backup offers; without a restore a backup is a hope.
"""

from __future__ import annotations

from typing import Any

from sandbox.seeding.site import Estate, tag_map

MONTHLY = "cron(0 5 1 * ? *)"
WINDOW_DAYS = 7


def build(estate: Estate) -> None:
    """Restore one copy of each kind, delete what came of it, and plan the next tests. Needs copies in the DR vault."""
    env = estate.environment
    # The DR vault is empty then.
    if not env.replicates:
        return
    backup, vault = estate.dr.client("backup"), env.named(env.names.dr_vault)
    for kind, metadata in _metadata(estate).items():
        points = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault, ByResourceType=kind)
        done = [point for point in points["RecoveryPoints"] if point["Status"] == "COMPLETED"]
        newest = max(done, key=lambda point: point["CreationDate"])
        # In a world that is built each job is complete at once (transition_s is 0).
        job = backup.start_restore_job(
            RecoveryPointArn=newest["RecoveryPointArn"],
            Metadata=metadata,
            IamRoleArn=estate.roles["backup"],
            ResourceType=kind,
        )["RestoreJobId"]
        _delete(estate, kind, backup.describe_restore_job(RestoreJobId=job)["CreatedResourceArn"])
    _testing_plan(estate)


def _metadata(estate: Estate) -> dict[str, dict[str, str]]:
    env = estate.dr.environment
    database = {
        "DBInstanceIdentifier": f"{env.named(env.names.database)}-restore-test",
        "DBSubnetGroupName": env.named(env.names.db_subnet_group),
    }
    # EFS restores fail without a creation token (aws-cli issue 4467; truth backup.efs-restore-needs-creation-token).
    files = {"newFileSystem": "true", "Encrypted": "true", "KmsKeyId": estate.dr.keys["efs"]}
    return {"RDS": database, "EFS": files | {"CreationToken": f"{env.name}-restore-test"}}


def _delete(estate: Estate, kind: str, arn: str) -> None:
    if kind == "RDS":
        name = arn.rpartition(":")[2]
        estate.dr.client("rds").delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    else:
        estate.dr.client("efs").delete_file_system(FileSystemId=arn.rpartition("/")[2])


def _testing_plan(estate: Estate) -> None:
    env, backup = estate.environment, estate.dr.client("backup")
    name = f"{env.name}_monthly_restore"
    points: dict[str, Any] = {
        "Algorithm": "LATEST_WITHIN_WINDOW",
        "IncludeVaults": [
            f"arn:aws:backup:{estate.dr.region}:{env.account}:backup-vault:{env.named(env.names.dr_vault)}"
        ],
        # Continuous backups are copied as snapshots: the DR vault has no others (T25).
        "RecoveryPointTypes": ["SNAPSHOT"],
        "SelectionWindowDays": WINDOW_DAYS,
    }
    backup.create_restore_testing_plan(
        RestoreTestingPlan={
            "RestoreTestingPlanName": name,
            "ScheduleExpression": MONTHLY,
            "RecoveryPointSelection": points,
        },
        Tags=tag_map(env, name),
    )
    for kind in ("RDS", "EFS"):
        backup.create_restore_testing_selection(
            RestoreTestingPlanName=name,
            RestoreTestingSelection={
                "RestoreTestingSelectionName": f"{kind.lower()}_copies",
                "ProtectedResourceType": kind,
                "ProtectedResourceArns": ["*"],
                "IamRoleArn": estate.roles["backup"],
            },
        )
