"""AWS Backup: vaults, plan, selection, copies, jobs and restores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.state import now
from sandbox.disasters import disaster
from sandbox.disasters.databases import age_points, disable_vault_key, primary_instance
from sandbox.world.world import World

Rules = list[dict[str, Any]]
FAILURE = "The key policy does not allow the copy to be encrypted."


def _dr_vault(world: World) -> str:
    return world.environment.named(world.environment.names.dr_vault)


def _file_system(world: World) -> dict[str, Any]:
    name = world.environment.named(world.environment.names.file_system)
    found = world.call(Side.PRIMARY, "efs", "describe_file_systems")["FileSystems"]
    return next(system for system in found if system.get("Name") == name)


def _change_plan(world: World, change: Callable[[Rules], Rules]) -> None:
    name = world.environment.named(world.environment.names.backup_plan)
    listed = world.call(Side.PRIMARY, "backup", "list_backup_plans")["BackupPlansList"]
    plan_id = next(row["BackupPlanId"] for row in listed if row["BackupPlanName"] == name)
    backup_plan = world.call(Side.PRIMARY, "backup", "get_backup_plan", BackupPlanId=plan_id)["BackupPlan"]
    # RuleId is AWS's own: an update takes rules without it (BackupRuleInput).
    rules = [{key: value for key, value in rule.items() if key != "RuleId"} for rule in backup_plan["Rules"]]
    for do, wanted in ((world.undo, rules), (world.call, change([dict(rule) for rule in rules]))):
        plan = {"BackupPlanName": name, "Rules": wanted}
        do(Side.PRIMARY, "backup", "update_backup_plan", BackupPlanId=plan_id, BackupPlan=plan)


disaster(
    "dr-vault-missing",
    "The backup vault of the DR region is gone",
    trips=("backup.vault-exists",),
    consequences=("backup-jobs.copy-failures",),
    # Take the vaults of the DR region away: AWS would let none go that holds copies.
    # DeleteBackupVault is refused while recovery points lie in the vault.
    run=lambda world: world.alter(Side.DR, "backup", (), vaults={}),
)


@disaster("dr-vault-unlocked", "The lock of the DR vault was taken off", trips=("backup.vault-lock",))
def vault_unlocked(world: World) -> None:
    """Delete the lock's configuration."""
    name = _dr_vault(world)
    response = world.call(Side.DR, "backup", "describe_backup_vault", BackupVaultName=name)
    world.undo(
        Side.DR,
        "backup",
        "put_backup_vault_lock_configuration",
        BackupVaultName=name,
        MinRetentionDays=response["MinRetentionDays"],
        MaxRetentionDays=response["MaxRetentionDays"],
        # The least that AWS takes (API_PutBackupVaultLockConfiguration).
        ChangeableForDays=3,
    )
    world.call(Side.DR, "backup", "delete_backup_vault_lock_configuration", BackupVaultName=name)


disaster(
    "dr-vault-key-disabled",
    "The key of the DR vault was disabled: no copy in it can be restored",
    trips=("backup.key-usable",),
    run=disable_vault_key,
)

disaster(
    "file-copies-too-old",
    "The newest backup copy of the files is nine hours old, though the plan runs each hour",
    trips=("backup.copy-age",),
    run=lambda world: age_points(world, _file_system(world)["FileSystemArn"], now() - timedelta(hours=9)),
)


@disaster("backup-type-not-opted-in", "AWS Backup is not opted in to file systems", trips=("backup.opt-in",))
def not_opted_in(world: World) -> None:
    """Opt EFS out in the primary region."""
    for do, value in ((world.undo, True), (world.call, False)):
        do(Side.PRIMARY, "backup", "update_region_settings", ResourceTypeOptInPreference={"EFS": value})


@disaster(
    "backup-plan-without-copies",
    "The backup plan lost its copies to the DR region",
    trips=("backup-plan.copies-to-dr",),
)
def plan_without_copies(world: World) -> None:
    """Take the copy actions out of all rules."""
    _change_plan(world, lambda rules: [{key: rule[key] for key in rule if key != "CopyActions"} for rule in rules])


@disaster(
    "file-system-not-selected",
    "The file system lost the tag by which the backup plan selects it",
    trips=("backup-plan.covers-stores",),
)
def not_selected(world: World) -> None:
    """Remove the tags that the plan's selections ask for."""
    system = _file_system(world)
    for tag in [entry for entry in system["Tags"] if entry["Key"] == "Backup"]:
        world.undo(Side.PRIMARY, "efs", "tag_resource", ResourceId=system["FileSystemId"], Tags=[tag])
        world.call(Side.PRIMARY, "efs", "untag_resource", ResourceId=system["FileSystemId"], TagKeys=[tag["Key"]])


@disaster(
    "backup-copies-kept-three-days",
    "Copies in the DR region are kept for three days only; the vault's lock refuses them",
    trips=("backup-plan.retention", "backup.vault-lock"),
)
def kept_three_days(world: World) -> None:
    """Shorten the life of the copies of the hourly rule."""

    def shorten(rules: Rules) -> Rules:
        # Below the vault lock's least of seven: such a copy job fails (Backup guide, Vault Lock).
        copies = [{**copy, "Lifecycle": {"DeleteAfterDays": 3}} for copy in rules[0]["CopyActions"]]
        return [{**rules[0], "CopyActions": copies}, *rules[1:]]

    _change_plan(world, shorten)


@disaster(
    "backup-copies-end-first",
    "Copies are made once a day, and each is deleted after a day: before the next one has arrived",
    trips=("backup-lifecycle.copies-last",),
    consequences=("backup-plan.retention", "backup-plan.worst-case", "backup.vault-lock"),
)
def copies_end_first(world: World) -> None:
    """Leave the daily rule alone in the plan, with copies that live a day."""

    def daily(rules: Rules) -> Rules:
        copies = [{**copy, "Lifecycle": {"DeleteAfterDays": 1}} for copy in rules[-1]["CopyActions"]]
        return [{**rules[-1], "CopyActions": copies}]

    _change_plan(world, daily)


disaster(
    "continuous-daily-copies",
    "The plan was changed to continuous backups with a daily copy, as if the copy could be restored to a minute",
    trips=("backup-plan.continuous-copies",),
    run=lambda world: _change_plan(world, lambda rules: [*rules[:-1], {**rules[-1], "EnableContinuousBackup": True}]),
)


def _fail_last(world: World, side: Side, kind: str, listing: tuple[str, str, str], arn: str) -> None:
    """Let the last ended job of a resource have failed. ``listing``: operation, key of the answer, name of the id."""
    operation, key, id_name = listing
    jobs = [job for job in world.call(side, "backup", operation)[key] if arn in job.values()]
    # A job that still runs could yet end well.
    ended = [job for job in jobs if "COMPLETED" in job.values()]
    last = max(ended, key=lambda job: job["CreationDate"])
    # No caller can fail a job: its failure is set, and its state and message follow from that.
    world.alter(side, "backup", (f"{kind}_jobs", last[id_name]), failure=FAILURE)


@disaster(
    "backup-copy-fails", "The last copy of the database to the DR vault failed", trips=("backup-jobs.copy-failures",)
)
def copy_fails(world: World) -> None:
    """Let the database's last copy job have failed."""
    listing = ("list_copy_jobs", "CopyJobs", "CopyJobId")
    _fail_last(world, Side.PRIMARY, "copy", listing, primary_instance(world)["DBInstanceArn"])


@disaster("backup-fails", "The last backup of the database failed", trips=("backup-jobs.backup-failures",))
def backup_fails(world: World) -> None:
    """Let the database's last backup job have failed."""
    listing = ("list_backup_jobs", "BackupJobs", "BackupJobId")
    _fail_last(world, Side.PRIMARY, "backup", listing, primary_instance(world)["DBInstanceArn"])


@disaster(
    "restore-test-fails",
    "The last restore of the database in the DR region failed",
    trips=("backup-jobs.restore-test-age",),
)
def restore_fails(world: World) -> None:
    """Let the database's restore job have failed."""
    listing = ("list_restore_jobs", "RestoreJobs", "RestoreJobId")
    _fail_last(world, Side.DR, "restore", listing, primary_instance(world)["DBInstanceArn"])


@disaster(
    "restore-role-denied", "The role of AWS Backup may make copies and restore none", trips=("copy-roles.may-restore",)
)
def restore_role_denied(world: World) -> None:
    """Deny the role whatever a restore of files asks for."""
    named = {"RoleName": f"{world.environment.name}-backup-role", "PolicyName": "no-restores"}
    denial = {"Effect": "Deny", "Action": "elasticfilesystem:Restore", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    world.undo(Side.GLOBAL, "iam", "DeleteRolePolicy", **named)
    world.call(Side.GLOBAL, "iam", "PutRolePolicy", **named, PolicyDocument=text)


disaster(
    "dr-vault-denies-copies",
    "The access policy of the DR vault denies everybody to copy a backup into it",
    trips=("copy-roles.may-copy",),
    run=lambda world: _deny(world, "backup:CopyIntoBackupVault"),
)

disaster(
    "dr-vault-denies-restores",
    "The access policy of the DR vault denies everybody to start a restore",
    trips=("copy-roles.may-restore",),
    run=lambda world: _deny(world, "backup:StartRestoreJob"),
)


def _deny(world: World, action: str) -> None:
    denial = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    world.undo(Side.DR, "backup", "delete_backup_vault_access_policy", BackupVaultName=_dr_vault(world))
    world.call(Side.DR, "backup", "put_backup_vault_access_policy", BackupVaultName=_dr_vault(world), Policy=policy)
