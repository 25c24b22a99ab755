"""Recovery points, jobs and selections of AWS Backup, in the emulator's backends; their state follows the clock."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from moto.backup.models import BackupBackend, Vault, backup_backends

from sandbox.core.patching import refused, state
from sandbox.core.state import STATE, now

# Every point is 5 GiB: nothing goes by the size of a point.
SIZE_BYTES = 5 * 2**30
# ListBackupJobs goes back 30 days (API_ListBackupJobs).
JOBS_KEPT_DAYS = 30


def world_time(region: str) -> datetime:
    """The clock as ``region``'s work sees it: it stands still while the region is dark."""
    # Jobs have no thread: their state is computed from this time whenever somebody asks.
    return STATE.stopped.get(region, now())


@dataclass(frozen=True)
class BackupResource:
    """Something that can be backed up. ``facts`` hold what a restore needs when the resource itself is gone."""

    arn: str
    kind: str
    name: str
    tags: dict[str, str]
    facts: dict[str, Any]


@dataclass
class SimulatedSelection:
    """Which resources a plan backs up, and until when the plan has been played for it."""

    id: str
    plan_id: str
    request: dict[str, Any]
    created: datetime
    played_until: datetime


@dataclass
class BackupPoint:
    """A recovery point; ``region`` is the one that makes it (for a copy: the source's)."""

    arn: str
    vault: Vault
    resource: BackupResource
    region: str
    created: datetime
    completed: datetime
    role: str | None
    by: dict[str, str] | None = None
    lifecycle: dict[str, Any] = field(default_factory=dict)
    source_vault_arn: str | None = None

    @property
    def done(self) -> bool:
        """Whether it is complete and can be restored."""
        return world_time(self.region) >= self.completed

    @property
    def expires(self) -> datetime | None:
        """When its lifecycle deletes it."""
        days = self.lifecycle.get("DeleteAfterDays")
        return self.created + timedelta(days=days) if days else None

    @property
    def storage_class(self) -> str:
        """Where it lies: its lifecycle may have moved it to cold storage."""
        days = self.lifecycle.get("MoveToColdStorageAfterDays")
        return "COLD" if days and days > 0 and now() >= self.created + timedelta(days=days) else "WARM"

    def describe(self) -> dict[str, Any]:
        """As DescribeRecoveryPoint answers; a copy keeps the creation date of the point it was made from."""
        return {
            "RecoveryPointArn": self.arn,
            "BackupVaultName": self.vault.backup_vault_name,
            "BackupVaultArn": self.vault.backup_vault_arn,
            "SourceBackupVaultArn": self.source_vault_arn,
            "ResourceArn": self.resource.arn,
            "ResourceType": self.resource.kind,
            "ResourceName": self.resource.name,
            "CreatedBy": self.by,
            "IamRoleArn": self.role,
            "Status": "COMPLETED" if self.done else "CREATING",
            "CreationDate": self.created,
            "InitiationDate": self.created,
            "CompletionDate": self.completed if self.done else None,
            "BackupSizeInBytes": SIZE_BYTES,
            "BackupSizeBytes": SIZE_BYTES,
            "Lifecycle": self.lifecycle or None,
            "CalculatedLifecycle": {"DeleteAt": self.expires} if self.expires else None,
            "EncryptionKeyArn": self.vault.encryption_key_arn,
            "IsEncrypted": True,
            "IsParent": False,
            "StorageClass": self.storage_class,
            "VaultType": "BACKUP_VAULT",
        }


@dataclass
class SimulatedJob:
    """A backup, copy or restore job: CREATED, RUNNING, then COMPLETED (or FAILED when ``failure`` says why).

    ``starts`` is when its work begins, None for after a third of its time. ``expired`` is when it is given up unbegun.
    """

    id: str
    created: datetime
    completes: datetime
    region: str
    resource: BackupResource
    answer: dict[str, Any]
    failure: str = ""
    starts: datetime | None = None
    expired: datetime | None = None

    @property
    def state(self) -> str:
        """The state at this moment; work of a dark region stands still."""
        time = world_time(self.region)
        # Before COMPLETED: an expired job's end is the same moment.
        if self.expired is not None and time >= self.expired:
            return "EXPIRED"
        if time >= self.completes:
            return "FAILED" if self.failure else "COMPLETED"
        # A third of the time CREATED: at the quick pace no row says how long a job waits.
        starts = self.starts or self.created + (self.completes - self.created) / 3
        return "RUNNING" if time >= starts else "CREATED"

    @property
    def percent(self) -> float:
        """How much of its time has passed since it began, in percent: AWS's estimate goes by bytes."""
        starts = self.starts or self.created + (self.completes - self.created) / 3
        lasts_s, passed_s = ((end - starts).total_seconds() for end in (self.completes, world_time(self.region)))
        if passed_s < 0:
            return 0.0
        return 100.0 if passed_s >= lasts_s else 100 * passed_s / lasts_s

    def describe(self, id_name: str) -> dict[str, Any]:
        """Return what all kinds of jobs report; ``id_name`` is BackupJobId, CopyJobId or RestoreJobId."""
        ended = self.state in ("COMPLETED", "EXPIRED", "FAILED")
        return {
            **self.answer,
            id_name: self.id,
            "State": self.state,
            # Restore jobs call it Status and PENDING, the others State and CREATED (API_DescribeRestoreJob).
            "Status": self.state.replace("CREATED", "PENDING"),
            "StatusMessage": self.failure or None if ended else None,
            "MessageCategory": ("FAILURE" if self.failure else "SUCCESS") if ended else None,
            "CreationDate": self.created,
            "InitiationDate": self.created,
            "CompletionDate": self.completes if ended else None,
            "PercentDone": f"{self.percent:.2f}",
            "ResourceType": self.resource.kind,
            "ResourceName": self.resource.name,
            "BackupSizeInBytes": SIZE_BYTES,
            "IsParent": False,
        }


def points(backend: BackupBackend) -> dict[str, BackupPoint]:
    """Recovery points of a region by ARN."""
    return state(backend, "recovery_points")


def jobs(backend: BackupBackend, kind: str) -> dict[str, SimulatedJob]:
    """Jobs of a region by id; ``kind`` is backup, copy or restore."""
    return state(backend, f"{kind}_jobs")


def selections(backend: BackupBackend) -> dict[str, SimulatedSelection]:
    """Selections of all plans of a region by id."""
    return state(backend, "selections")


def vault_at(account: str, arn: str) -> tuple[BackupBackend, Vault]:
    """The vault of an ARN and its region's backend. Raises ResourceNotFoundException."""
    *_, region, _account, _kind, name = arn.split(":")
    backend: BackupBackend = backup_backends[account][region]
    if name not in backend.vaults:
        raise refused("ResourceNotFoundException", f"Backup vault {name} not found in {region}.")
    return backend, backend.vaults[name]


def point_arn(backend: BackupBackend, kind: str, seed: str) -> str:
    """A recovery point's ARN in AWS's form; the same seed gives the same point."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{backend.account_id}:{backend.region_name}:{seed}")
    where = f"{backend.region_name}:{backend.account_id}"
    # A database's point is a snapshot of RDS; all other kinds have ARNs of AWS Backup.
    if kind == "RDS":
        return f"arn:aws:rds:{where}:snapshot:awsbackup:job-{name}"
    return f"arn:aws:backup:{where}:recovery-point:{name}"
