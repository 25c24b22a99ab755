"""The tenants' files restored into a file system of their own: from what, under which names, and its progress. Pure.

A restore test and a recovery do the same; what distinguishes them is here. AWS Backup creates the file system, so that
it has its creation token from the start, and no tag. What may be opened in a drill's file system, and deleted from it,
IAM decides by the tag. The file system that a recovery restores takes the estate's name once its content is proven to
be there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from dr_actions.actions.database import copy_selection
from dr_actions.model.action import TO_DR, PlanContext, StepState, StepStatus, present
from dr_actions.model.plan import Call, Danger, Json, Params, Step, step_id
from dr_checks.derived.backup_copies import key_flaw, newest_copies
from dr_checks.posture.signals import Signals, signals_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model import recovery_names
from dr_estate.model.states import FILE_SYSTEM
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, backup_jobs, ecs, efs, restored_files
from dr_estate.snapshot.snapshot import Snapshot

RESTORE, TAG_IT, _OPEN = "files/restore_copy", "efs:TagResource", "files/restore_dr"
FAILED_JOBS = ("FAILED", "ABORTED")
_PLACE = "FileSystemId"


@dataclass(frozen=True, slots=True)
class FilesRestore:
    """What is to be restored: the recovery point, and the creation token of the new file system.

    ``replaces`` is the DR region's file system that it replaces, None in a restore test. ``failed`` are restores of the
    point that failed before: they distinguish the next restore from them.
    """

    point: backup.RecoveryPoint
    token: str
    replaces: efs.FileSystem | None = None
    failed: tuple[str, ...] = ()


def files_point(context: PlanContext) -> backup.RecoveryPoint | None:
    """The newest complete recovery point of the primary region's files whose key works. Raises DataUnavailable."""
    view = copy_selection.view_of(context)
    files = f":elasticfilesystem:{context.env.regions.primary}:{context.env.account}:file-system/"
    points = [p for arn, p in newest_copies(view).items() if files in arn and not key_flaw(view, p.key_arn)]
    # The newest whose key works: a newer copy that cannot be decrypted restores nothing.
    return max(points, key=lambda point: point.created_at, default=None)


def planned_restore(context: PlanContext) -> FilesRestore | None:
    """What the plan restores into a new file system, None where nothing. Raises DataUnavailable."""
    if context.goal in TO_DR:
        return _of_recovery(context)
    if not recovery_names.is_trial(context.incident):
        return None
    point = files_point(context)
    return FilesRestore(point, recovery_names.isolated_name(name_of(context.env), context.incident)) if point else None


def _of_recovery(context: PlanContext) -> FilesRestore | None:
    """Where nothing replicates into the DR region's files: a copy goes beside them, and then takes their place."""
    # A replica is newer than any backup, and files that were written to hold what no copy has.
    if copy_selection.files_replication(context) is not None or has_open_replica(context) or is_written(context):
        return None
    point, system, name = files_point(context), system_in_use(context), name_of(context.env)
    if point is None or system is None:
        return None
    # AWS Backup does nothing for a token that it had (its API, StartRestoreJob): failed restores make a new one.
    jobs = context.snapshot.get(backup_jobs.restores, Side.DR)
    failed = tuple(sorted(job.id for job in jobs if job.point_arn == point.arn and job.status in FAILED_JOBS))
    token = recovery_names.restored_token(name, context.env.name, point.arn, *failed)
    return None if system.token == token else FilesRestore(point, token, system, failed)


def has_open_replica(context: PlanContext) -> bool:
    """Whether an earlier plan of this incident, or this run, opened the files: no copy takes their place."""
    name = name_of(context.env)
    if replica_source(context) or step_id(_OPEN, name) in context.sent_at:
        return True
    system = system_in_use(context)
    own = context.before(RESTORE, name) or step_id(RESTORE, name) in context.sent_at
    return bool(own) and system is not None and recovery_names.is_restored(system.token, name)


def replica_source(context: PlanContext) -> str:
    """The file system whose copy an earlier plan of this incident opened in the DR region, "" where none did."""
    return str(context.before(_OPEN, name_of(context.env)).get("replicates from", ""))


def is_written(context: PlanContext) -> bool:
    """Whether tenants of the DR region write: what they wrote is in its files, and in no copy of the primary's."""
    running = any(service.running for service in context.snapshot.get(ecs.services, Side.DR))
    return running and bool(_dr_signals(context.snapshot, context.env).dr_writable)


@lru_cache(maxsize=4)
def _dr_signals(snapshot: Snapshot, env: Environment) -> Signals:
    return signals_of(snapshot, env)


def system_in_use(context: PlanContext) -> efs.FileSystem | None:
    """The DR region's file system of the estate that can be used. Raises DataUnavailable."""
    found = context.snapshot.get(efs.file_systems, Side.DR)
    return next((system for system in found if FILE_SYSTEM[system.state].serves), None)


def replaced_file_systems(context: PlanContext) -> frozenset[str]:
    """The ids of the DR region's file systems whose place another takes, by the plan or by now."""
    ids: set[str] = set()
    name = name_of(context.env)
    try:
        restore = planned_restore(context) if context.goal in TO_DR else None
        ids |= {restore.replaces.id} if restore and restore.replaces else set()
        systems = context.snapshot.get(restored_files.systems, Side.DR)
        ids |= {system.id for system in systems if recovery_names.is_replaced(system.name, name)}
    # What could not be seen is not replaced: pointers to it stay as they are, and the notes say so.
    except DataUnavailable:
        pass
    return frozenset(ids)


def name_of(env: Environment) -> str:
    """The name of the estate's file system."""
    return env.named(env.names.file_system)


def system_of(context: PlanContext, token: str) -> efs.FileSystem | None:
    """The restored file system of that creation token. Raises DataUnavailable."""
    reader = efs.of_drills if recovery_names.trial_of(token) else restored_files.systems
    return context.snapshot.find(reader, Side.DR, token=token)


def pending_file_system(token: str) -> str:
    """Stands for the id of the file system of that token, while it is not there yet."""
    return f"<the id of the file system {token}, once restored>"


def tags(context: PlanContext, **more: str) -> list[Json]:
    """The tags of what is made: a drill's in a restore test, the estate's own in a recovery."""
    if context.goal not in TO_DR:
        return drill_tags(context.env, context.incident, **more)
    labels = {"Environment": context.env.name, "ManagedBy": "aws-dr-manager", **more}
    return [{"Key": key, "Value": value} for key, value in sorted(labels.items())]


def tag_step(context: PlanContext, action: str, token: str) -> Step:
    """The step that tags the file system of ``token``, which a trial restored, as that trial's."""
    incident = recovery_names.trial_of(token)
    params = {"ResourceId": pending_file_system(token), "Tags": drill_tags(context.env, incident, Name=token)}
    return context.step(
        action,
        token,
        side=Side.DR,
        says=f"Tag the restored file system {token} as {incident}'s own.",
        danger=Danger.REVERSIBLE,
        undo="The tag stays for as long as the file system does: by it the clean-up knows what is the drill's.",
        budget_s=300,
        call=Call("efs", "TagResource", context.env.regions.dr, params),
        before={"name": ""},
        after={"name": token},
    )


def observe_tag(step: Step, context: PlanContext) -> StepStatus:
    """Whether the file system bears the name that the step gives. Raises DataUnavailable."""
    token = str(step.before.get("files") or step.subject)
    system = present(system_of(context, token), f"The file system {token} is gone.")
    return name_status(system, str(step.before["name"]), str(step.after["name"]))


def name_status(system: efs.FileSystem, before: str, after: str) -> StepStatus:
    """DONE where the file system is called ``after``, READY where still ``before``."""
    if system.name == after:
        return StepStatus(StepState.DONE, f"{system.id} is tagged as {after}.", (("file system", system.id),))
    if system.name != before:
        return StepStatus(StepState.DRIFTED, f"{system.id} is called {system.name}, and not {after}.")
    return StepStatus(StepState.READY, f"{system.id} bears {'the name ' + before if before else 'no name'} yet.")


def build_call(step: Step, context: PlanContext) -> Call:
    """The step's call with the id of its file system. Raises ValueError where there is none, or none is seen."""
    token = str(step.before.get("files") or step.subject)
    try:
        system = system_of(context, token)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if system is None:
        raise ValueError(f"{pending_file_system(token)} is still absent")
    key = "ResourceId" if step.planned_call.operation == "TagResource" else _PLACE
    params: Params = {**step.planned_call.params, key: system.id}
    return replace(step.planned_call, params=params)


def drill_tags(env: Environment, incident: str, **more: str) -> list[Json]:
    """The tags of what a trial makes; never that by which things are backed up."""
    labels = {"Environment": env.name, "ManagedBy": "aws-dr-manager", recovery_names.TAG: incident, **more}
    return [{"Key": key, "Value": value} for key, value in sorted(labels.items())]
