"""Makes the tenants' files usable in the DR region: ends the replication into them, or restores the newest copy.

A replica is read-only until its replication configuration is deleted (T27): called in the DR region, where the
configuration is also kept. With the primary dark AWS cannot delete its half, so the local half alone is deleted, then
and only then; the last complete synchronisation is recorded before. A restore by AWS Backup never overwrites: it puts
everything into a directory ``aws-backup-restore_<time>`` below the root, which the tenants' access points do not show
until a person has moved it. Sources: EFS API, DeleteReplicationConfiguration; AWS Backup guide, Restore an EFS file
system.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from dr_actions.actions.database import copy_selection
from dr_actions.actions.restore_test.shared import files_point
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import former_id, step_id
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.playbook import Plane
from dr_estate.model.states import FILE_REPLICATION, FILE_SYSTEM
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, backup_jobs, efs, kms_copy_keys

DELETE, START = "efs:DeleteReplicationConfiguration", "backup:StartRestoreJob"
BOTH_SIDES, LOCAL_ONLY = "ALL_CONFIGURATIONS", "LOCAL_CONFIGURATION_ONLY"
_DELETION_S, _RESTORE_S = 900, 5400
_OPENED = "replicates from"
_FAILED_JOBS = ("FAILED", "ABORTED")
_DEFAULT_ROLE = "role/service-role/AWSBackupDefaultServiceRole"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step: the replica where anything replicates into the DR file system, else the newest usable copy."""
    row = copy_selection.files_replication(context)
    if row is not None:
        yield _end_replication(context, row)
        return
    if _opened_before(context):
        return
    point, system = files_point(context), _system(context)
    if point is not None and system is not None:
        yield _restore(context, point, system)


def _opened_before(context: PlanContext) -> bool:
    """Whether an earlier plan of this incident opened the files: they are in use, and no copy goes over them."""
    return _OPENED in context.before(__name__, _name(context.env))


def _end_replication(context: PlanContext, row: efs.FileReplication) -> Step:
    name, region = _name(context.env), context.env.regions.dr
    mode = BOTH_SIDES if context.primary_answers else LOCAL_ONLY
    half = "" if context.primary_answers else ", in this region alone: the primary region does not answer"
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Make {row.destination_id} ({name}) in {region} writable: delete its replication configuration{half}.",
        danger=Danger.IRREVERSIBLE,
        undo="None: a deleted replication is not resumed; failback makes a new one, and chooses its direction.",
        budget_s=_DELETION_S,
        call=Call(
            "efs",
            "DeleteReplicationConfiguration",
            region,
            {"SourceFileSystemId": row.source_id, "DeletionMode": mode},
        ),
        before={_OPENED: row.source_id, "file system": row.destination_id},
        after={_OPENED: "", "file system": row.destination_id},
        planes=(Plane.DR,) if mode == LOCAL_ONLY else (Plane.DR, Plane.PRIMARY),
    )


def _restore(context: PlanContext, point: backup.RecoveryPoint, system: efs.FileSystem) -> Step:
    env, name = context.env, _name(context.env)
    former = former_id(step_id(__name__, name))
    failed = sorted(job.id for job in _jobs(context, point.arn, system.id) if job.status in _FAILED_JOBS)
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Restore {point.arn} into {system.id} ({name}) in {env.regions.dr}. AWS puts it into a directory "
        "aws-backup-restore_<time> below the root; a person then moves each tenant's directory to the root.",
        danger=Danger.COMPENSABLE,
        undo="The restored directory is left where it is. Delete it by hand once it is not needed.",
        budget_s=_RESTORE_S,
        call=Call(
            "backup",
            "StartRestoreJob",
            env.regions.dr,
            {
                "RecoveryPointArn": point.arn,
                "ResourceType": "EFS",
                "IamRoleArn": point.role or f"arn:aws:iam::{env.account}:{_DEFAULT_ROLE}",
                "IdempotencyToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{env.name}:{former}:{point.arn}:{failed}")),
                "Metadata": {"file-system-id": system.id, "newFileSystem": "false", "Encrypted": "true"},
            },
        ),
        before={"file system": system.id, "point": point.arn, "failed restores": failed},
        after={"restored": point.arn},
    )


def _name(env: Environment) -> str:
    return env.named(env.names.file_system)


def _system(context: PlanContext) -> efs.FileSystem | None:
    return next(
        (system for system in context.snapshot.get(efs.file_systems, Side.DR) if FILE_SYSTEM[system.state].serves), None
    )


def _jobs(context: PlanContext, point: str, system: str) -> list[backup_jobs.RestoreJob]:
    """Restores of the point into the file system, the oldest first; one that runs does not say yet what it makes."""
    found = [job for job in context.snapshot.get(backup_jobs.restores, Side.DR) if job.point_arn == point]
    ours = [job for job in found if not job.made_arn or job.made_arn.endswith(f"/{system}")]
    return sorted(ours, key=lambda job: job.created_at)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the file system is still replicated into, or how the restore job stands."""
    system = str(step.before["file system"])
    seen = {file_system.id: file_system.state for file_system in context.snapshot.get(efs.file_systems, Side.DR)}
    if seen and system not in seen:
        return StepStatus(StepState.DRIFTED, f"{system} is not the file system of {step.subject} any more.")
    if "point" in step.before:
        return _of_restore(step, context, system)
    row = context.snapshot.find(efs.replications, Side.DR, destination_id=system)
    if row is not None:
        return _of_replication(step, context, row)
    # a replica that EFS itself made bears no name, and without its replication no longer tells whose it is
    if system not in seen or FILE_SYSTEM[seen[system]].serves:
        return StepStatus(StepState.DONE, f"{system} is writable.", (("file system", system),))
    return StepStatus(StepState.FAILED, f"Nothing replicates into {system}, but it is {seen[system]}.")


def _of_replication(step: Step, context: PlanContext, row: efs.FileReplication) -> StepStatus:
    synced = f"{row.synced_at:%Y-%m-%dT%H:%M:%SZ}" if row.synced_at else "never"
    facts = (("last sync", synced), ("file system", row.destination_id), ("replication", row.status))
    if FILE_REPLICATION[row.status].gone:
        return StepStatus(StepState.IN_PROGRESS, f"The replication into {row.destination_id} is being deleted.", facts)
    if row.source_id != step.before[_OPENED]:
        return StepStatus(StepState.DRIFTED, f"{row.destination_id} replicates from {row.source_id} now.", facts)
    local = step.call is not None and step.call.params["DeletionMode"] == LOCAL_ONLY
    if local and context.primary_answers:
        reason = "The primary region answers again: its half of the replication would be left behind (T27)"
        return StepStatus(StepState.DRIFTED, f"{reason}. Assess again.", facts)
    return StepStatus(StepState.READY, f"{row.destination_id} is a replica, last in sync at {synced}.", facts)


def _of_restore(step: Step, context: PlanContext, system: str) -> StepStatus:
    point, failed = str(step.before["point"]), step.before["failed restores"]
    jobs = [job for job in _jobs(context, point, system) if job.id not in failed]
    if jobs and jobs[-1].status == "COMPLETED":
        message = (
            f"{point} is in a directory aws-backup-restore_<time> of {system}: move each tenant's directory to the root"
        )
        return StepStatus(StepState.DONE, f"{message}.", (("restore job", jobs[-1].id), ("file system", system)))
    if jobs and jobs[-1].status in _FAILED_JOBS:
        return StepStatus(StepState.FAILED, f"Restore job {jobs[-1].id} is {jobs[-1].status}: {jobs[-1].message}")
    if jobs:
        return StepStatus(StepState.IN_PROGRESS, f"Restore job {jobs[-1].id} is {jobs[-1].status}.")
    complete = {
        recovery_point.arn: recovery_point
        for recovery_point in context.snapshot.get(backup.recovery_points, Side.DR)
        if recovery_point.status == "COMPLETED"
    }
    if point not in complete:
        return StepStatus(StepState.DRIFTED, f"The recovery point {point} is gone.")
    facts = (("backed up at", f"{complete[point].created_at:%Y-%m-%dT%H:%M:%SZ}"), ("point", point))
    return StepStatus(StepState.READY, f"{point} can be restored into {system}.", facts)


def notes(context: PlanContext) -> Iterator[str]:
    """What needs no promotion, what replicates badly, and why nothing is done for the files."""
    yield "Objects (S3) and tables (DynamoDB) need no promotion: both regions' copies take writes at any time."
    yield from _of_files(context)


def _of_files(context: PlanContext) -> Iterator[str]:
    name, region = _name(context.env), context.env.regions.dr
    try:
        row = copy_selection.files_replication(context)
        point = None if row else files_point(context)
        system = _system(context)
    except DataUnavailable as error:
        yield f"Nothing is planned for the files {name}: {error.unavailable.why}"
        return
    if row is not None and (not FILE_REPLICATION[row.status].serves or row.synced_at is None):
        never = " and never was in sync" if row.synced_at is None else ""
        yield (
            f"The replication into {row.destination_id} is {row.status}{never}: what it holds ends with its last "
            "complete synchronisation. The newest recovery point can be restored beside it, once it is writable."
        )
    if row is None and system is None:
        yield f"Nothing is planned for the files: {region} has no usable file system {name}. Provision it first."
    elif row is None and _opened_before(context):
        return
    elif row is None and point is None:
        yield f"Nothing is planned for the files {name}: nothing replicates into {region}, and no usable copy is there."
    elif row is None and context.env.replication.files[0] == "replication":
        yield f"Nothing replicates into {name} of {region}: its newest backup copy is restored instead."


ACTION = action(
    globals(),
    {DELETE, START},
    (efs.file_systems, efs.replications, backup.recovery_points, backup_jobs.restores, kms_copy_keys.keys),
)
