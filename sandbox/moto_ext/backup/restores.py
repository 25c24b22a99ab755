"""AWS Backup restores, which make the resource, and restore testing plans (AWS: API_StartRestoreJob; restore-testing).

Metadata of a restore: RDS needs DBInstanceIdentifier; EFS needs newFileSystem ("true" makes one, spelt so) and, without
it, file-system-id; both as the developer guide lists them. A new file system needs CreationToken, or the job fails
(aws/aws-cli 4467), and bears no tag but where CopySourceTagsToRestoredResource is true. Other kinds are refused by
name. One idempotency token makes one job.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from moto.backup.models import BackupBackend
from moto.efs.models import EFSBackend, efs_backends
from moto.rds.models import rds_backends

from sandbox.core import truth
from sandbox.core.patching import page, refused, state
from sandbox.core.state import STATE, now
from sandbox.moto_ext.backup.copies import key_fault
from sandbox.moto_ext.backup.durations import RESTORES, job_times, occurrences
from sandbox.moto_ext.backup.jobs import find_job, job_descriptions, new_id
from sandbox.moto_ext.backup.model import BackupPoint, SimulatedJob, jobs
from sandbox.moto_ext.backup.points import find_point
from sandbox.moto_ext.backup.simulation import serve
from sandbox.moto_ext.data.stored_data import ASIDE, StoredRow, files_of, put_files, put_rows, region_of, row_log, until
from sandbox.moto_ext.efs.deletion import begin_creating
from sandbox.moto_ext.iam.policies import AccessRequest
from sandbox.moto_ext.iam.role_access import may, role_of, trusts
from sandbox.moto_ext.rds.rds import create_copy


class JobFails(Exception):
    """The restore job is taken, and fails for the reason in the message."""


def _restore_database(backend: BackupBackend, point: BackupPoint, metadata: dict[str, str], tagged: bool) -> str:
    if "DBInstanceIdentifier" not in metadata:
        raise refused("MissingParameterValueException", "RDS restores need DBInstanceIdentifier in their metadata.")
    named = {
        "db_instance_identifier": metadata["DBInstanceIdentifier"],
        "db_instance_class": metadata.get("DBInstanceClass"),
        "db_subnet_group_name": metadata.get("DBSubnetGroupName"),
        "db_parameter_group_name": metadata.get("DBParameterGroupName"),
        # A restored database is encrypted as its point is: with the key of the vault that holds it (T19).
        "kms_key_id": point.vault.encryption_key_arn,
    }
    # The copy gets a subnet group by the metadata and a resource id of its own.
    ours = ("db_subnet_group_name", "dbi_resource_id")
    facts = {key: value for key, value in point.resource.facts.items() if key not in ours}
    rds = rds_backends[backend.account_id][backend.region_name]
    db_instance = create_copy(rds, facts, named, "rds.restore-from-snapshot")
    source = rds_backends[backend.account_id][region_of(point.resource.arn)]
    # By resource id and time of the point: the source may be deleted or renamed since.
    put_rows(db_instance, until(row_log(source, point.resource.facts["dbi_resource_id"]), point.created))
    if tagged:
        db_instance.tags = [{"Key": key, "Value": value} for key, value in point.resource.tags.items()]
    return db_instance.db_instance_arn


def _restore_files(backend: BackupBackend, point: BackupPoint, metadata: dict[str, str], tagged: bool) -> str:
    efs = efs_backends[backend.account_id][backend.region_name]
    if metadata.get("newFileSystem", "").lower() != "true":
        known = efs.file_systems_by_id.get(metadata.get("file-system-id", ""))
        if known is None:
            raise refused("InvalidParameterValueException", "Name an existing file-system-id, or ask newFileSystem.")
        # Open whether a copy may be restored so: truth.json has the answer that is played.
        if point.source_vault_arn and not truth.answer("backup.copy-restores-into-existing-file-system"):
            raise JobFails("A copy from another vault restores into a new file system alone.")
        put_files(efs, known.file_system_id, [*files_of(efs, known.file_system_id), *_files(backend, point)])
        return known.file_system_arn
    token = metadata.get("CreationToken")
    if not token and truth.answer("backup.efs-restore-needs-creation-token"):
        raise JobFails("The restore needs a CreationToken in its metadata.")
    file_system = efs.create_file_system(
        creation_token=token or new_id(),
        performance_mode=metadata.get("PerformanceMode") or point.resource.facts["performance_mode"],
        encrypted=metadata.get("Encrypted", "true").lower() == "true",
        kms_key_id=metadata.get("KmsKeyId") or point.vault.encryption_key_arn,
        throughput_mode=point.resource.facts["throughput_mode"],
        provisioned_throughput_in_mibps=0,
        availability_zone_name="",
        backup=False,
        tags=[{"Key": key, "Value": value} for key, value in point.resource.tags.items()] if tagged else [],
    )
    begin_creating(file_system)
    put_files(efs, file_system.file_system_id, _files(backend, point))
    return file_system.file_system_arn


def _files(backend: BackupBackend, point: BackupPoint) -> list[StoredRow]:
    """What the point holds, as it is restored: below a directory of its own, in a new file system too."""
    source: EFSBackend = efs_backends[backend.account_id][region_of(point.resource.arn)]
    files = until(files_of(source, point.resource.arn.rpartition("/")[2]), point.created)
    # Below aws-backup-restore_<time> also in a new file system (Backup guide, restoring EFS): no tenant looks there.
    return [replace(file, id=f"{ASIDE}{file.id}") for file in files if not file.id.startswith(ASIDE)]


RESTORERS = {"RDS": _restore_database, "EFS": _restore_files}


def _require_role(backend: BackupBackend, point: BackupPoint, arn: str) -> None:
    """Let AWS Backup assume the role that a restore of files is given, and ask what it may. Raises JobFails."""
    # Only the role of a restore of files is asked: what a database's may do is not played.
    if point.resource.kind != "EFS" or not STATE.extras.get("enforce_iam"):
        return
    account, region = str(backend.account_id), str(backend.region_name)
    role = role_of(account, arn)
    if role is None or not trusts(role, "backup.amazonaws.com", account, ""):
        raise JobFails(f"IAM Role {arn} cannot be assumed by AWS Backup.")
    # The file system does not exist yet: a policy for every file system must do.
    files = f"arn:aws:elasticfilesystem:{region}:{account}:file-system/any"
    where = {"aws:RequestedRegion": (region,), "aws:ResourceAccount": (account,), "aws:SecureTransport": ("true",)}
    for action in ("elasticfilesystem:Restore", "elasticfilesystem:CreateFileSystem"):
        if not may(account, arn, AccessRequest(action, files, where)):
            raise JobFails(f"IAM Role {arn} does not have sufficient permissions to execute the restore: {action}.")
    if reason := key_fault(account, arn, str(point.vault.encryption_key_arn)):
        raise JobFails(reason)


@serve("start_restore_job")
def _start(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    jobs_by_token: dict[str, str] = state(backend, "restore_tokens")
    # A run that was killed asks again with the same token: no second database comes of it.
    if (token := params.get("IdempotencyToken")) and token in jobs_by_token:
        return {"RestoreJobId": jobs_by_token[token]}
    point = find_point(backend, params["RecoveryPointArn"])
    if not point.done:
        raise refused("InvalidRequestException", "The recovery point is not complete yet.")
    if point.resource.kind not in RESTORERS:
        raise refused(
            "InvalidRequestException", f"Restores of {point.resource.kind} are not implemented in the sandbox."
        )
    wanted = params.get("CopySourceTagsToRestoredResource")
    tagged = bool(wanted or (wanted is None and truth.answer("backup.restore-bears-source-tags-unasked")))
    failure, created_arn = "", None
    try:
        _require_role(backend, point, str(params.get("IamRoleArn") or ""))
        # Made at once and available later: what is creating can be seen by DescribeDBInstances as on AWS.
        created_arn = RESTORERS[point.resource.kind](backend, point, params["Metadata"], tagged)
    except JobFails as reason:
        failure = str(reason)
    answer = {
        "RecoveryPointArn": point.arn,
        "SourceResourceArn": point.resource.arn,
        "BackupVaultArn": point.vault.backup_vault_arn,
        "RecoveryPointCreationDate": point.created,
        "IamRoleArn": params.get("IamRoleArn"),
        "CreatedResourceArn": created_arn,
        "AccountId": backend.account_id,
    }
    times, region = job_times(RESTORES[point.resource.kind], point.resource), backend.region_name
    job = SimulatedJob(new_id(), now(), times.ends, region, point.resource, answer, failure, times.starts)
    jobs(backend, "restore")[job.id] = job
    if token:
        jobs_by_token[token] = job.id
    return {"RestoreJobId": job.id}


def _show(job: dict[str, Any]) -> dict[str, Any]:
    # The ARN is there when the job is: a tool must not go on with half a database.
    return job if job["State"] == "COMPLETED" else {**job, "CreatedResourceArn": None}


@serve("describe_restore_job")
def _describe(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    return _show(find_job(backend, "restore", params["RestoreJobId"]).describe("RestoreJobId"))


@serve("list_restore_jobs")
def _list(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    shown, token = page([_show(job) for job in job_descriptions(backend, "restore", "RestoreJobId", params)], params)
    return {"RestoreJobs": shown, "NextToken": token}


def _testing(backend: BackupBackend) -> dict[str, dict[str, Any]]:
    return state(backend, "restore_testing_plans")


def _testing_plan(backend: BackupBackend, name: str) -> dict[str, Any]:
    plan = _testing(backend).get(name)
    if plan is None:
        raise refused("ResourceNotFoundException", f"Restore testing plan {name} does not exist.")
    zone = plan.get("ScheduleExpressionTimezone") or "Etc/UTC"
    # Far enough back for the last run of a monthly schedule: a new plan counts as one that ran before.
    since = max(plan["CreationTime"] - timedelta(days=31), now() - timedelta(days=62))
    runs = occurrences(plan["ScheduleExpression"], zone, since, now())
    return {**plan, "LastExecutionTime": runs[-1] if runs else None}


@serve("create_restore_testing_plan")
def _create_testing(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    restore_testing_plan = params["RestoreTestingPlan"]
    name = restore_testing_plan["RestoreTestingPlanName"]
    if name in _testing(backend):
        raise refused("AlreadyExistsException", f"Restore testing plan {name} already exists.")
    arn = f"arn:aws:backup:{backend.region_name}:{backend.account_id}:restore-testing-plan:{name}"
    plan = {**restore_testing_plan, "CreationTime": now(), "RestoreTestingPlanArn": arn, "selections": {}}
    _testing(backend)[name] = plan
    return plan


@serve("list_restore_testing_plans")
def _list_testing(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    shown, token = page([_testing_plan(backend, name) for name in _testing(backend)], params)
    return {"RestoreTestingPlans": shown, "NextToken": token}


@serve("get_restore_testing_plan")
def _get_testing(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    return {"RestoreTestingPlan": _testing_plan(backend, params["RestoreTestingPlanName"])}


@serve("delete_restore_testing_plan")
def _delete_testing(backend: BackupBackend, params: dict[str, Any]) -> None:
    _testing(backend).pop(_testing_plan(backend, params["RestoreTestingPlanName"])["RestoreTestingPlanName"])


@serve("create_restore_testing_selection")
def _create_testing_selection(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    plan, restore_testing_selection = (
        _testing_plan(backend, params["RestoreTestingPlanName"]),
        params["RestoreTestingSelection"],
    )
    values = {
        **restore_testing_selection,
        "CreationTime": now(),
        "RestoreTestingPlanArn": plan["RestoreTestingPlanArn"],
        "RestoreTestingPlanName": plan["RestoreTestingPlanName"],
    }
    plan["selections"][restore_testing_selection["RestoreTestingSelectionName"]] = values
    return values


@serve("list_restore_testing_selections")
def _list_testing_selections(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    selections = _testing_plan(backend, params["RestoreTestingPlanName"])["selections"]
    shown, token = page(list(selections.values()), params)
    return {"RestoreTestingSelections": shown, "NextToken": token}
