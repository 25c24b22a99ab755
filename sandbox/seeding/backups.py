"""AWS Backup: locked vaults in both regions, and one plan whose hourly and daily rules copy to the DR vault.

Everything with the tag Backup=Required is selected; the emulator plays the plan, its past day included, so recovery
points, jobs and copies are there at once. Where data is not replicated the plan makes no copies. AWS Backup is hourly
at best (T25): the newest copy is up to 65 minutes old, so the environment's better mechanisms carry the RPO.

Restore tests: the newest copies of database and files were restored in the DR region, and the results deleted.

A restore testing plan repeats it each month, as AWS Backup offers; without a restore a backup is a hope.
"""

from __future__ import annotations

from typing import Any

from sandbox.seeding.site import Estate, Site, tag_map

# 60 is the least that AWS takes for a start window (API_BackupRuleInput); the default would be 8 hours (T25).
START_WINDOW_MINUTES, COMPLETION_WINDOW_MINUTES = 60, 120
HOURLY_KEPT_DAYS, DAILY_KEPT_DAYS = 14, 35
MONTHLY = "cron(0 5 1 * ? *)"
WINDOW_DAYS = 7


def build(estate: Estate) -> None:
    """Make vaults and the plan, then the selection that sets it going."""
    env = estate.environment
    _vault(estate.primary, env.named(env.names.primary_vault))
    copy = _vault(estate.dr, env.named(env.names.dr_vault))
    plan = _plan(estate, copy)
    estate.primary.client("backup").create_backup_selection(
        BackupPlanId=plan,
        BackupSelection={
            "SelectionName": "backup-required",
            "IamRoleArn": estate.roles["backup"],
            "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "Backup", "ConditionValue": "Required"}],
        },
    )


def _vault(site: Site, name: str) -> str:
    backup = site.client("backup")
    response = backup.create_backup_vault(
        BackupVaultName=name, EncryptionKeyArn=site.keys["backup"], BackupVaultTags=tag_map(site.environment, name)
    )
    # Three days is the least grace period of a lock in compliance mode; after it nobody can end the lock.
    backup.put_backup_vault_lock_configuration(
        BackupVaultName=name, MinRetentionDays=7, MaxRetentionDays=366, ChangeableForDays=3
    )
    return str(response["BackupVaultArn"])


def _plan(estate: Estate, copy: str) -> str:
    env = estate.environment
    rules = [
        _rule(estate, "hourly", "cron(0 * * * ? *)", HOURLY_KEPT_DAYS, copy),
        _rule(estate, "daily", "cron(30 1 * * ? *)", DAILY_KEPT_DAYS, copy),
    ]
    name = env.named(env.names.backup_plan)
    response = estate.primary.client("backup").create_backup_plan(
        BackupPlan={"BackupPlanName": name, "Rules": rules}, BackupPlanTags=tag_map(env, name)
    )
    return str(response["BackupPlanId"])


def _rule(estate: Estate, name: str, schedule: str, kept_days: int, copy: str) -> dict[str, Any]:
    env, lifecycle = estate.environment, {"DeleteAfterDays": kept_days}
    rule = {
        "RuleName": name,
        "TargetBackupVaultName": env.named(env.names.primary_vault),
        "ScheduleExpression": schedule,
        "StartWindowMinutes": START_WINDOW_MINUTES,
        "CompletionWindowMinutes": COMPLETION_WINDOW_MINUTES,
        "Lifecycle": lifecycle,
    }
    # Without replication the plan keeps points in the primary region alone.
    if env.replicates:
        rule["CopyActions"] = [{"DestinationBackupVaultArn": copy, "Lifecycle": lifecycle}]
    return rule


def build_restore_tests(estate: Estate) -> None:
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
