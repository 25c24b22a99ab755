"""AWS Backup: the vaults of a region, and the recovery points in the environment's vault."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

VAULT_READS = frozenset({"backup:ListBackupVaults"})
POINT_READS = frozenset({"backup:ListRecoveryPointsByBackupVault"})
SETTING_READS = frozenset({"backup:DescribeRegionSettings"})


@dataclass(frozen=True, slots=True)
class Vault:
    """A backup vault. Retention bounds (days) are None where its lock sets none; ``locks_at`` is when it binds."""

    name: str
    arn: str
    key_arn: str
    points: int
    locked: bool
    min_retention_days: int | None
    max_retention_days: int | None
    locks_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """A recovery point. ``created_at`` is when the SOURCE was backed up, on a copy too (AWS: "Copy a backup").

    ``role`` is the one AWS Backup made it as, and can restore it as. ``ends_at`` is when its lifecycle deletes it;
    ``cold``: it lies in cold storage.
    """

    arn: str
    resource_arn: str
    resource_type: str
    status: str
    created_at: datetime
    completed_at: datetime | None
    key_arn: str
    source_vault_arn: str
    delete_after_days: int | None
    role: str = ""
    ends_at: datetime | None = None
    cold: bool = False


@dataclass(frozen=True, slots=True)
class BackupOptIn:
    """Whether AWS Backup acts on a resource type in this region; a plan silently skips a type that is not opted in."""

    resource_type: str
    enabled: bool


def lock_accepts(vault: Vault, days: int | None) -> bool:
    """Whether the lock of ``vault``, if it has one, accepts what is kept for ``days``, None for ever."""
    low, high = vault.min_retention_days or 0, vault.max_retention_days
    # What has no end lies longer than any maximum.
    return not vault.locked or (days >= low and (high is None or days <= high) if days else high is None)


def bounds_of(vault: Vault) -> str:
    """How long the lock of ``vault`` lets things be kept, for a person."""
    return f"{vault.min_retention_days or 1} to {vault.max_retention_days or 'unlimited'} days"


def vault_name(env: Environment, side: Side) -> str:
    """The name of the environment's vault on ``side``."""
    return env.named(env.names.primary_vault if side is Side.PRIMARY else env.names.dr_vault)


@part(*REGIONAL, reads=VAULT_READS)
def vaults(context: ReadContext) -> tuple[Vault, ...]:
    """All vaults of the region. Listed, for DescribeBackupVault says AccessDenied of one that does not exist."""
    rows = context.pages("backup", "list_backup_vaults", "BackupVaultList")
    own = context.env.names.primary_vault if context.side is Side.PRIMARY else context.env.names.dr_vault
    return context.rows(rows, _vault, "BackupVaultName", own)


@part(*REGIONAL, reads=POINT_READS)
def recovery_points(context: ReadContext) -> tuple[RecoveryPoint, ...]:
    """The recovery points in the environment's vault of this region, of the last days; none where there is no vault."""
    name = vault_name(context.env, context.side)
    if name not in {vault.name for vault in context.part(vaults)}:
        return ()
    rows = context.pages(
        "backup",
        # An old vault holds thousands of points: those that must be there by the retention are enough.
        "list_recovery_points_by_backup_vault",
        "RecoveryPoints",
        BackupVaultName=name,
        ByCreatedAfter=context.now - timedelta(days=context.env.thresholds.backup_retention_days),
    )
    return context.rows(rows, _point, "RecoveryPointArn")


@part(Side.PRIMARY, reads=SETTING_READS)
def opt_ins(context: ReadContext) -> tuple[BackupOptIn, ...]:
    """Which resource types AWS Backup acts on in this region, in order of name."""
    response = context.call("backup", "describe_region_settings").get("ResourceTypeOptInPreference") or {}
    return tuple(BackupOptIn(kind, bool(enabled)) for kind, enabled in sorted(response.items()))


def _vault(row: dict[str, Any]) -> Vault:
    return Vault(
        name=row["BackupVaultName"],
        arn=row["BackupVaultArn"],
        key_arn=row.get("EncryptionKeyArn") or "",
        points=row.get("NumberOfRecoveryPoints") or 0,
        locked=bool(row.get("Locked")),
        min_retention_days=row.get("MinRetentionDays"),
        max_retention_days=row.get("MaxRetentionDays"),
        locks_at=row.get("LockDate"),
    )


def _point(row: dict[str, Any]) -> RecoveryPoint:
    return RecoveryPoint(
        arn=row["RecoveryPointArn"],
        resource_arn=row.get("ResourceArn") or "",
        resource_type=row.get("ResourceType") or "",
        status=row.get("Status") or "",
        # A copy keeps its source's date, so this is the age of the data and not of the copy (AWS Backup API,
        # RecoveryPoint).
        created_at=row["CreationDate"],
        completed_at=row.get("CompletionDate"),
        key_arn=row.get("EncryptionKeyArn") or "",
        source_vault_arn=row.get("SourceBackupVaultArn") or "",
        delete_after_days=(row.get("Lifecycle") or {}).get("DeleteAfterDays"),
        role=row.get("IamRoleArn") or "",
        ends_at=(row.get("CalculatedLifecycle") or {}).get("DeleteAt"),
        cold=row.get("StorageClass") == "COLD",
    )
