"""Restores the newest recovery point of the tenants' files into a file system of its own, beside the estate's.

A restore test does so to try it, a recovery where nothing replicates into the DR region's files.

AWS Backup wants the id of the file system that was backed up, Encrypted, PerformanceMode and CreationToken, and
newFileSystem spelt so: without a token the job fails, and under another spelling it restores into the file system that
is named. It puts everything into a directory ``aws-backup-restore_<time>`` below the root, of a new file system too.
Sources: AWS Backup guide, Restore an Amazon EFS file system; API_StartRestoreJob; aws/aws-cli 4467 and 6468.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from dr_actions.actions.file_copies import restored_copy
from dr_actions.actions.file_copies.restored_copy import FAILED_JOBS, FilesRestore
from dr_actions.model.action import TO_DR, PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.drill_names import began
from dr_estate.model.restored_names import replaced_name
from dr_estate.model.states import FILE_SYSTEM, RECOVERY_POINT
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, backup_jobs, efs, kms_copy_keys, restored_files

START = "backup:StartRestoreJob"
_DEFAULT_ROLE = "role/service-role/AWSBackupDefaultServiceRole"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a recovery point is usable and wanted."""
    restore = restored_copy.planned(context)
    if restore is None:
        return
    env, point, token = context.env, restore.point, restore.token
    before = {"point": point.arn, "incident": context.incident}
    undo = f"The clean-up deletes the file system {token}."
    if restore.replaces:
        before = {"point": point.arn, "file system": restore.replaces.id}
        undo = f"The file system {token} is left beside the estate's. Delete it by hand once it is not needed."
    yield context.step(
        __name__,
        token,
        label=restored_copy.name_of(env),
        side=Side.DR,
        says=f"Restore {point.arn} into a new file system {token} in {env.regions.dr}, beside the estate's.",
        danger=Danger.COMPENSABLE,
        undo=undo,
        budget_s=14400,
        call=_call(context, restore),
        before=before | ({"failed restores": list(restore.failed)} if restore.failed else {}),
        after={"name": token},
    )


def _call(context: PlanContext, restore: FilesRestore) -> Call:
    env, key, point, token = context.env, _key(context), restore.point, restore.token
    step = step_id(__name__, restored_copy.name_of(env))
    whose = token if restore.replaces else context.incident
    parameters = {
        "file-system-id": point.resource_arn.rpartition("/")[2],
        "newFileSystem": "true",
        "CreationToken": token,
        "Encrypted": "true",
        "PerformanceMode": "generalPurpose",
        **({"KmsKeyId": key} if key else {}),
    }
    params = {
        "RecoveryPointArn": point.arn,
        "ResourceType": "EFS",
        "IamRoleArn": point.role or f"arn:aws:iam::{env.account}:{_DEFAULT_ROLE}",
        "IdempotencyToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{env.name}:{whose}:{step}:{point.arn}")),
        "CopySourceTagsToRestoredResource": False,
        "Metadata": parameters,
    }
    return Call("backup", "StartRestoreJob", env.regions.dr, params)


def _key(context: PlanContext) -> str:
    """The key of the DR region's file system, "" where it has none or is unseen: EFS takes its own then."""
    try:
        return next((system.key for system in context.snapshot.get(efs.file_systems, Side.DR) if system.key), "")
    except DataUnavailable:
        return ""


def observe(step: Step, context: PlanContext) -> StepStatus:
    """How the file system of the token stands, and the job that fills it."""
    point, system = str(step.before["point"]), restored_copy.system_of(context, step.subject)
    job = _job(step, context, system)
    if job is not None and job.status in FAILED_JOBS:
        return StepStatus(StepState.FAILED, f"Restore job {job.id} is {job.status}: {job.message}")
    state = FILE_SYSTEM[system.state if system else "creating"]
    if system is not None and (state.gone or state.broken):
        return StepStatus(StepState.DRIFTED, f"{system.id} ({step.subject}) is {system.state}.")
    if job is not None and job.status == "COMPLETED" and system is not None and state.serves:
        return StepStatus(
            StepState.DONE, f"{point} is restored into {system.id}.", _evidence(context, job, system, point)
        )
    if job is not None or system is not None:
        message = (
            f"Restore job {job.id} is {job.status}" if job else f"{step.subject} is {system.state if system else ''}"
        )
        moves = (job.status, job.percent) if job else (system.state if system else "",)
        return StepStatus(
            *(StepState.IN_PROGRESS, f"{message}."),
            progress=(*moves, str(system.size_bytes if system else 0)),
            works=state.busy or (job is not None and job.status != "COMPLETED"),
        )
    if _backed_up(context, point) is None:
        return StepStatus(StepState.DRIFTED, f"The recovery point {point} is gone.")
    return StepStatus(StepState.READY, f"{point} can be restored into a new file system.")


def _job(step: Step, context: PlanContext, system: efs.FileSystem | None) -> backup_jobs.RestoreJob | None:
    """The newest restore of the point, since a trial began, that made this file system, or does not say yet."""
    incident, point = str(step.before.get("incident", "")), step.before["point"]
    since = began(incident) if incident else datetime.min.replace(tzinfo=UTC)
    failed = step.before.get("failed restores", ())
    ours = [
        job
        for job in context.snapshot.get(backup_jobs.restores, Side.DR)
        if job.point_arn == point
        and job.created_at >= since
        and job.id not in failed
        and (not job.made_arn or (system is not None and job.made_arn.endswith(f"/{system.id}")))
    ]
    return max(ours, key=lambda job: job.created_at, default=None)


def _backed_up(context: PlanContext, point: str) -> backup.RecoveryPoint | None:
    found = context.snapshot.find(backup.recovery_points, Side.DR, arn=point)
    return found if found and RECOVERY_POINT[found.status].serves else None


def _evidence(
    context: PlanContext, job: backup_jobs.RestoreJob, system: efs.FileSystem, point: str
) -> tuple[tuple[str, str], ...]:
    made_of = _backed_up(context, point)
    facts = [("file system", system.id), ("restore job", job.id), ("bytes", str(system.size_bytes))]
    if made_of is not None:
        age_s = max(0, round((job.created_at - made_of.created_at).total_seconds()))
        facts += [("restored to", f"{made_of.created_at:%Y-%m-%dT%H:%M:%SZ}"), ("age of the data in s", str(age_s))]
    return tuple(facts)


def cleanup_notes(context: PlanContext) -> Iterator[str]:
    """What becomes of the file system whose place the restored one takes."""
    restore = restored_copy.planned(context)
    if restore and restore.replaces:
        yield (
            f"{restore.replaces.id} is renamed {replaced_name(restored_copy.name_of(context.env), restore.token)} and "
            f"stays in {context.env.regions.dr}. Bring the file system {restore.token}, its access points and mount "
            "targets into Terraform (import), then delete what they replace by hand."
        )


def notes(context: PlanContext) -> Iterator[str]:
    """Yield why a restore test restores no files.

    What a recovery leaves out is reported with the replication of the files.
    """
    env = context.env
    if context.goal in TO_DR:
        return
    try:
        point = restored_copy.files_point(context)
    except DataUnavailable as error:
        yield f"The files are not tried: {error.unavailable.why}"
        return
    if point is None:
        yield _nothing(env)


def _nothing(env: Environment) -> str:
    name, region = env.named(env.names.file_system), env.regions.dr
    reason = "a replica is live, and there is no other copy to try" if env.replicates else "nothing is copied there"
    return f"The files {name} are not tried: {region} holds no usable recovery point of them ({reason})."


ACTION = action(
    globals(),
    {START},
    (
        *(efs.of_drills, restored_files.systems, efs.file_systems, efs.replications),
        *(backup.recovery_points, backup_jobs.restores, kms_copy_keys.keys),
    ),
    cleanup_notes=cleanup_notes,
)
