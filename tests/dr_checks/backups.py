"""A healthy AWS Backup estate as plain values: vaults, plan, jobs, restores, beside the database and file system."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import backup, backup_jobs, backup_plan, efs
from tests.dr_checks.databases import ACCOUNT, ARN, AWAY, COPY, HOME, KEY, Rows, database
from tests.dr_checks.worlds import NOW

VAULT = "bbws-dr-vault"
VAULT_ARN = f"arn:aws:backup:{AWAY}:{ACCOUNT}:backup-vault:{VAULT}"
PLAN_NAME = "bbws-backup-plan-sit"
FILES_ARN = f"arn:aws:elasticfilesystem:{HOME}:{ACCOUNT}:file-system/fs-1"

HOME_VAULT = backup.Vault(
    "bbws-backup-vault-sit",
    f"arn:aws:backup:{HOME}:{ACCOUNT}:backup-vault:bbws-backup-vault-sit",
    "",
    9,
    True,
    7,
    90,
    None,
)
DR_VAULT = backup.Vault(VAULT, VAULT_ARN, KEY, 9, True, 7, 90, None)
FILE_COPY = replace(COPY, arn="arn:copy-of-files", resource_arn=FILES_ARN, resource_type="EFS")
OPT_INS = (backup.BackupOptIn("EFS", True), backup.BackupOptIn("RDS", True))
RULE = backup_plan.BackupRule(
    name="hourly",
    vault="bbws-backup-vault-sit",
    schedule="cron(0 * * * ? *)",
    timezone="Etc/UTC",
    start_minutes=60,
    completion_minutes=120,
    continuous=False,
    delete_after_days=14,
    copies=(backup_plan.CopyAction(VAULT_ARN, 14),),
)
SELECTION = backup_plan.BackupSelection(
    name="by-tag",
    role="arn:aws:iam::1:role/backup",
    resources=(),
    excluded=(),
    tags=(backup_plan.SelectionCondition("StringEquals", "Backup", "Required"),),
    conditions=(),
)
PLAN = backup_plan.BackupPlan("plan-1", PLAN_NAME, (RULE,), (SELECTION,))
TAGS = (("Backup", "Required"), ("Name", "any"))
TAGGED = (backup_plan.TaggedResource(ARN, TAGS), backup_plan.TaggedResource(FILES_ARN, TAGS))
COPIED = backup_jobs.BackupJob(
    id="copy-1",
    resource_arn=ARN,
    resource_type="RDS",
    state="COMPLETED",
    message="",
    vault_arn=VAULT_ARN,
    created_at=NOW - timedelta(minutes=50),
    completed_at=NOW - timedelta(minutes=45),
)
BACKED_UP = replace(COPIED, id="backup-1", vault_arn=HOME_VAULT.arn)
RESTORED = backup_jobs.RestoreJob(
    id="restore-1",
    source_arn=ARN,
    resource_type="RDS",
    status="COMPLETED",
    message="",
    validation="",
    created_at=NOW - timedelta(days=20),
    completed_at=NOW - timedelta(days=20),
)
FILES_RESTORED = replace(RESTORED, id="restore-2", source_arn=FILES_ARN, resource_type="EFS")
FILE_SYSTEM = efs.FileSystem(
    "fs-1", FILES_ARN, "sit-efs", "available", 6144, "elastic", 0.0, "generalPurpose", True, "", "ENABLED", ""
)
FILE_REPLICA = replace(FILE_SYSTEM, id="fs-2", arn=FILES_ARN.replace("fs-1", "fs-2"))
SYNCED = efs.FileReplication("fs-1", HOME, "fs-2", AWAY, "ENABLED", "", NOW - timedelta(minutes=12))

_MODULES = (backup, backup_plan, backup_jobs, efs)


def backed_up(**changed: Any) -> Rows:
    """A healthy estate with AWS Backup in both regions, but for the parts named (``<reader>_<side>``)."""
    values: dict[str, Any] = {
        "vaults_primary": (HOME_VAULT,),
        "vaults_dr": (DR_VAULT,),
        "recovery_points_dr": (COPY, FILE_COPY),
        "opt_ins_primary": OPT_INS,
        "plans_primary": (PLAN,),
        "tagged_primary": TAGGED,
        "backups_primary": (BACKED_UP,),
        "copies_primary": (COPIED,),
        "restores_dr": (RESTORED, FILES_RESTORED),
        "protected_dr": (),
        "file_systems_primary": (FILE_SYSTEM,),
        "file_systems_dr": (FILE_REPLICA,),
        "replications_dr": (SYNCED,),
    }
    of_backup = {key: value for key, value in changed.items() if key in values}
    rows = database(**{key: value for key, value in changed.items() if key not in values})
    for key, value in (values | of_backup).items():
        name, side = key.rsplit("_", 1)
        reader = next(vars(module)[name] for module in _MODULES if name in vars(module))
        rows[reader, Side(side)] = value
    return rows
