"""AWS Backup: locked vaults in both regions, and one plan whose hourly and daily rules copy to the DR vault.

Everything with the tag Backup=Required is selected; the emulator plays the plan, its past day included, so recovery
points, jobs and copies are there at once. Where data is not replicated the plan makes no copies. AWS Backup is hourly
at best (T25): the newest copy is up to 65 minutes old, so the environment's better mechanisms carry the RPO.
"""

from __future__ import annotations

from typing import Any

from sandbox.seeding.site import Estate, Site, tag_map

# 60 is the least that AWS takes for a start window (API_BackupRuleInput); the default would be 8 hours (T25).
START_WINDOW_MINUTES, COMPLETION_WINDOW_MINUTES = 60, 120
HOURLY_KEPT_DAYS, DAILY_KEPT_DAYS = 14, 35


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
