"""AWS Backup: the vaults of a region, and the recovery points in the environment's vault."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

from dr_estate.config.environment import Environment, Side
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part


@dataclass(frozen=True, slots=True)
class Vault:
    """A backup vault. Retention bounds (days) are None where its lock sets none; ``locks_at`` is when it binds."""

    name: Annotated[str, At("BackupVaultName", demanded=True)]
    arn: Annotated[str, At("BackupVaultArn", demanded=True)]
    key_arn: Annotated[str, At("EncryptionKeyArn")]
    points: Annotated[int, At("NumberOfRecoveryPoints")]
    locked: Annotated[bool, At("Locked")]
    min_retention_days: Annotated[int | None, At("MinRetentionDays")]
    max_retention_days: Annotated[int | None, At("MaxRetentionDays")]
    locks_at: Annotated[datetime | None, At("LockDate")]


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """A recovery point. ``created_at`` is when the SOURCE was backed up, on a copy too (AWS: "Copy a backup").

    ``role`` is the one AWS Backup made it as, and can restore it as. ``ends_at`` is when its lifecycle deletes it;
    ``cold``: it lies in cold storage.
    """

    arn: Annotated[str, At("RecoveryPointArn", demanded=True)]
    resource_arn: Annotated[str, At("ResourceArn")]
    resource_type: Annotated[str, At("ResourceType")]
    status: Annotated[str, At("Status")]
    created_at: Annotated[datetime, At("CreationDate", demanded=True)]
    completed_at: Annotated[datetime | None, At("CompletionDate")]
    key_arn: Annotated[str, At("EncryptionKeyArn")]
    source_vault_arn: Annotated[str, At("SourceBackupVaultArn")]
    delete_after_days: Annotated[int | None, At("Lifecycle.DeleteAfterDays")]
    role: Annotated[str, At("IamRoleArn")] = ""
    ends_at: Annotated[datetime | None, At("CalculatedLifecycle.DeleteAt")] = None
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


@part(*REGIONAL, reads=frozenset({"backup:ListBackupVaults"}))
def vaults(context: ReadContext) -> tuple[Vault, ...]:
    """All vaults of the region. Listed, for DescribeBackupVault says AccessDenied of one that does not exist."""
    rows = context.pages("backup", "list_backup_vaults", "BackupVaultList")
    own = context.env.names.primary_vault if context.side is Side.PRIMARY else context.env.names.dr_vault
    return context.rows(rows, partial(read, Vault), "BackupVaultName", own)


@part(*REGIONAL, reads=frozenset({"backup:ListRecoveryPointsByBackupVault"}))
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


@part(Side.PRIMARY, reads=frozenset({"backup:DescribeRegionSettings"}))
def opt_ins(context: ReadContext) -> tuple[BackupOptIn, ...]:
    """Which resource types AWS Backup acts on in this region, in order of name."""
    response = context.call("backup", "describe_region_settings").get("ResourceTypeOptInPreference") or {}
    return tuple(BackupOptIn(kind, bool(enabled)) for kind, enabled in sorted(response.items()))


def _point(row: dict[str, Any]) -> RecoveryPoint:
    # A copy keeps its source's date, so this is the age of the data and not of the copy (AWS Backup API,
    # RecoveryPoint).
    return read(RecoveryPoint, row, cold=row.get("StorageClass") == "COLD")
