"""AWS Backup jobs on demand and the lists of all jobs (AWS: API_StartBackupJob, API_StartCopyJob, API_ListCopyJobs)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from moto.backup.models import BackupBackend

from sandbox.core.patching import page, refused, state
from sandbox.core.state import now
from sandbox.moto_ext.backup.copies import copy_of, key_fault
from sandbox.moto_ext.backup.durations import BACK_UPS, COPY, OTHERS, job_times
from sandbox.moto_ext.backup.model import BackupPoint, SimulatedJob, jobs, point_arn, points, vault_at
from sandbox.moto_ext.backup.points import find_point, in_span
from sandbox.moto_ext.backup.resources import resources
from sandbox.moto_ext.backup.simulation import serve

START_WINDOW = timedelta(hours=8)  # of a job that names none (API_StartBackupJob)
# Filters that compare a job's own answer: request name -> answer name.
SAME = {
    "ByResourceArn": "ResourceArn",
    "ByState": "State",
    "ByStatus": "Status",
    "ByBackupVaultName": "BackupVaultName",
    "ByResourceType": "ResourceType",
    "ByDestinationVaultArn": "DestinationBackupVaultArn",
    "BySourceRecoveryPointArn": "SourceRecoveryPointArn",
    "ByMessageCategory": "MessageCategory",
}


def new_id() -> str:
    """A job id as AWS forms them."""
    return str(uuid.uuid4()).upper()


def find_job(backend: BackupBackend, kind: str, job_id: str) -> SimulatedJob:
    """The job of this id. Raises ResourceNotFoundException."""
    found: SimulatedJob | None = jobs(backend, kind).get(job_id)
    if found is None:
        raise refused("ResourceNotFoundException", f"Cannot find {kind} job {job_id}")
    return found


def job_descriptions(backend: BackupBackend, kind: str, id_name: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Jobs that pass the request's filters, newest first."""
    found = sorted(jobs(backend, kind).values(), key=lambda job: job.created, reverse=True)
    descriptions = [job.describe(id_name) for job in found if in_span(job.created, params)]
    wanted = {SAME[name]: value for name, value in params.items() if name in SAME}
    return [
        description
        for description in descriptions
        if all(description.get(name) == value for name, value in wanted.items())
    ]


@serve("start_backup_job")
def _start_backup(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    name = params["BackupVaultName"]
    if name not in backend.vaults:
        raise refused("ResourceNotFoundException", f"Backup vault {name} does not exist.")
    every = {
        backup_resource.arn: backup_resource for backup_resource in resources(backend.account_id, backend.region_name)
    }
    resource = every.get(params["ResourceArn"])
    if resource is None:
        raise refused("ResourceNotFoundException", f"Resource {params['ResourceArn']} does not exist.")
    response = _shown_before(backend, params.get("IdempotencyToken"))
    if response is not None:
        return response
    vault, job_id, moment = backend.vaults[name], new_id(), now()
    arn = point_arn(backend, resource.kind, job_id)
    role, region, lifecycle = params["IamRoleArn"], backend.region_name, params.get("Lifecycle") or {}
    window = timedelta(minutes=params["StartWindowMinutes"]) if params.get("StartWindowMinutes") else START_WINDOW
    times = job_times(BACK_UPS.get(resource.kind, OTHERS), resource, window)
    # A job that expires never makes a point.
    if times.expired is None:
        points(backend)[arn] = BackupPoint(arn, vault, resource, region, moment, times.ends, role, None, lifecycle)
    answer = {
        "BackupVaultName": name,
        "BackupVaultArn": vault.backup_vault_arn,
        "RecoveryPointArn": arn,
        "ResourceArn": resource.arn,
        "IamRoleArn": role,
        "AccountId": backend.account_id,
        "StartBy": moment + window,
    }
    job = SimulatedJob(job_id, moment, times.ends, region, resource, answer, starts=times.starts, expired=times.expired)
    jobs(backend, "backup")[job_id] = job
    if token := params.get("IdempotencyToken"):
        state(backend, "backup_tokens")[token] = job_id
    return _job_summary(job)


def _job_summary(job: SimulatedJob) -> dict[str, Any]:
    arn = job.answer["RecoveryPointArn"]
    return {"BackupJobId": job.id, "RecoveryPointArn": arn, "CreationDate": job.created, "IsParent": False}


def _shown_before(backend: BackupBackend, token: str | None) -> dict[str, Any] | None:
    """A token that was used makes no second job (AWS: API_StartBackupJob)."""
    job = jobs(backend, "backup").get(state(backend, "backup_tokens").get(token, "")) if token else None
    return _job_summary(job) if job else None


@serve("start_copy_job")
def _start_copy(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    point = find_point(backend, params["RecoveryPointArn"], params["SourceBackupVaultName"])
    # A point that is CREATING cannot be copied.
    if not point.done:
        raise refused("InvalidRequestException", "The recovery point is not complete yet.")
    target, vault = vault_at(backend.account_id, params["DestinationBackupVaultArn"])
    keys = [str(row.encryption_key_arn) for row in (point.vault, vault) if row is not None]
    how = {
        "id": new_id(),
        "begins": now(),
        "ends": job_times(COPY, point.resource).ends,
        "lifecycle": params.get("Lifecycle") or {},
        # Both vaults' keys: the copy is decrypted by the one and encrypted by the other (T19).
        "failure": key_fault(backend.account_id, params["IamRoleArn"], *keys),
        "target_arn": params["DestinationBackupVaultArn"],
    }
    job = copy_of(backend, target, vault, point, how)
    return {"CopyJobId": job.id, "CreationDate": job.created, "IsParent": False}


@serve("describe_backup_job")
def _describe_backup(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    return _with_start_by(find_job(backend, "backup", params["BackupJobId"]).describe("BackupJobId"))


def _with_start_by(job: dict[str, Any]) -> dict[str, Any]:
    """The backup job with the end of its start window (API_DescribeBackupJob, StartBy)."""
    return {"StartBy": job["CreationDate"] + START_WINDOW, **job}


@serve("describe_copy_job")
def _describe_copy(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    return {"CopyJob": find_job(backend, "copy", params["CopyJobId"]).describe("CopyJobId")}


@serve("list_backup_jobs")
def _list_backups(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    shown, token = page(job_descriptions(backend, "backup", "BackupJobId", params), params)
    return {"BackupJobs": [_with_start_by(job) for job in shown], "NextToken": token}


@serve("list_copy_jobs")
def _list_copies(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    shown, token = page(job_descriptions(backend, "copy", "CopyJobId", params), params)
    return {"CopyJobs": shown, "NextToken": token}
