"""AWS Backup: backup and copy jobs of the last hours, restores, and when each store was last restored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part

_RESTORED_TYPES = ("RDS", "EFS")


@dataclass(frozen=True, slots=True)
class BackupJob:
    """A backup or copy job. ``vault_arn`` is where its recovery point goes, ``point_arn`` the point, "" until known.

    ``percent`` is AWS's estimate of what is done (``42.5``), "" where it gives none. ``plan_id`` is the backup plan
    whose rule asked for it, "" where somebody asked for it on demand.
    """

    id: str
    resource_arn: Annotated[str, At("ResourceArn")]
    resource_type: Annotated[str, At("ResourceType")]
    state: Annotated[str, At("State")]
    message: Annotated[str, At("StatusMessage")]
    vault_arn: str
    created_at: Annotated[datetime, At("CreationDate", demanded=True)]
    completed_at: Annotated[datetime | None, At("CompletionDate")]
    point_arn: Annotated[str, At("RecoveryPointArn")] = ""
    percent: str = ""
    plan_id: Annotated[str, At("CreatedBy.BackupPlanId")] = ""


@dataclass(frozen=True, slots=True)
class RestoreJob:
    """A restore job of this region. ``validation`` is AWS's word for its check (SUCCESSFUL ...), "" if there was none.

    ``source_arn`` is the resource that was once backed up, "" where AWS does not say. ``point_arn`` is what is
    restored, ``made_arn`` what it was restored into, "" while that is not known. ``percent`` as a BackupJob's.
    """

    id: Annotated[str, At("RestoreJobId", demanded=True)]
    source_arn: Annotated[str, At("SourceResourceArn")]
    resource_type: Annotated[str, At("ResourceType")]
    status: Annotated[str, At("Status")]
    message: Annotated[str, At("StatusMessage")]
    validation: Annotated[str, At("ValidationStatus")]
    created_at: Annotated[datetime, At("CreationDate", demanded=True)]
    completed_at: Annotated[datetime | None, At("CompletionDate")]
    point_arn: Annotated[str, At("RecoveryPointArn")] = ""
    made_arn: Annotated[str, At("CreatedResourceArn")] = ""
    percent: str = ""


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """A database or file system with copies in this region; ``last_restore_at`` outlives the list of jobs."""

    arn: str
    resource_type: str
    last_restore_at: datetime | None


@part(*REGIONAL, reads=frozenset({"backup:ListBackupJobs"}))
def backups(context: ReadContext) -> tuple[BackupJob, ...]:
    """The backup jobs of the last ``failed_job_hours``."""
    return _jobs(context, "list_backup_jobs", "BackupJobs", "BackupJobId", "BackupVaultArn")


@part(Side.PRIMARY, reads=frozenset({"backup:ListCopyJobs"}))
def copies(context: ReadContext) -> tuple[BackupJob, ...]:
    """The copy jobs of the last ``failed_job_hours``: AWS lists them in the region they copy from."""
    return _jobs(context, "list_copy_jobs", "CopyJobs", "CopyJobId", "DestinationBackupVaultArn")


@part(Side.DR, reads=frozenset({"backup:ListRestoreJobs"}))
def restores(context: ReadContext) -> tuple[RestoreJob, ...]:
    """The restores in the DR region within the age a restore test may have (AWS forgets jobs after some weeks)."""
    since = context.now - timedelta(days=context.env.thresholds.restore_test_age_days)
    rows = context.pages("backup", "list_restore_jobs", "RestoreJobs", ByCreatedAfter=since)
    return context.rows(rows, lambda row: read(RestoreJob, row, percent=_percent(row)), "RestoreJobId")


@part(Side.DR, reads=frozenset({"backup:ListProtectedResources", "backup:DescribeProtectedResource"}))
def protected(context: ReadContext) -> tuple[ProtectedResource, ...]:
    """The databases and file systems with copies in the DR region. One call each: AWS has no batch."""
    listed = context.pages("backup", "list_protected_resources", "Results")

    def read(row: dict[str, Any]) -> ProtectedResource:
        # A resource may be gone between the list and this call: then there is nothing to say of it.
        absent = ("ResourceNotFoundException",)
        response = context.find("backup", "describe_protected_resource", absent, ResourceArn=row["ResourceArn"]) or {}
        return ProtectedResource(row["ResourceArn"], row["ResourceType"], response.get("LatestRestoreJobCreationDate"))

    ours = [row for row in listed if row.get("ResourceType") in _RESTORED_TYPES]
    return context.each_row(ours, read, "ResourceArn")


def _jobs(context: ReadContext, operation: str, key: str, id_name: str, vault_name: str) -> tuple[BackupJob, ...]:
    since = context.now - timedelta(hours=context.env.thresholds.failed_job_hours)

    def job(row: dict[str, Any]) -> BackupJob:
        return read(BackupJob, row, id=row[id_name], vault_arn=row.get(vault_name) or "", percent=_percent(row))

    return context.rows(context.pages("backup", operation, key, ByCreatedAfter=since), job, id_name)


def _percent(row: dict[str, Any]) -> str:
    """PercentDone is a text with two decimals, with the sign in some answers and without it in others."""
    return str(row.get("PercentDone") or "").rstrip(" %")
