"""Removes what drills made or renamed: databases and file systems with all in them, nothing of the estate (T47).

What is a drill's is known by its name or creation token. IAM knows a file system by its tag, which a trial that died
may not have set: it is set first. An instance is deleted only once its deletion protection is off, which is a step of
its own. Neither its automated backups nor a final snapshot are kept: the rows of a restore test are those of a copy,
and the rows of a full drill are in the primary region, and were backed up on both sides before the failback. Every step
waits until the thing is gone. Source: RDS API, DeleteDBInstance; EFS API, DeleteFileSystem (refused while mount targets
stand), DeleteAccessPoint, DeleteMountTarget.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dr_actions.actions import restored_copy
from dr_actions.actions.shared import unavailable_reasons
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import is_isolated
from dr_estate.model.states import DATABASE, FILE_SYSTEM
from dr_estate.readers import drill_resources, efs, rds
from dr_estate.reading.reader import Reader

DELETE_DATABASE, MODIFY = "rds:DeleteDBInstance", "rds:ModifyDBInstance"
_MARK = "TagResource"
DELETE_POINT, DELETE_TARGET, DELETE_FILES = "efs:DeleteAccessPoint", "efs:DeleteMountTarget", "efs:DeleteFileSystem"
_FILES: tuple[Reader[Any], ...] = (efs.of_drills, drill_resources.access_points, drill_resources.mount_targets)
_KEYS = {"DeleteAccessPoint": "AccessPointId", "DeleteMountTarget": "MountTargetId", "DeleteFileSystem": "FileSystemId"}


def databases_steps(context: PlanContext) -> Iterator[Step]:
    """For each instance of a drill: take its protection off, where it has any, and delete it."""
    for instance in sorted(_of_drills(context), key=lambda database: database.identifier):
        if instance.deletion_protection:
            yield _databases_step(context, instance, protected=True)
        yield _databases_step(context, instance, protected=False)


def _of_drills(context: PlanContext) -> list[rds.Instance]:
    """Those whose name is a drill's, and those that this drill's own failback set aside, known by resource id too."""
    name = context.env.database_on(Side.DR)
    found = context.snapshot.get(rds.instances, Side.DR)
    return [
        row
        for row in found
        if is_isolated(row.identifier, name) or context.renamed_databases.get(row.resource_id) == row.identifier
    ]


def _databases_step(context: PlanContext, instance: rds.Instance, protected: bool) -> Step:
    region, name = context.env.region(Side.DR), instance.identifier
    message, operation = f"Delete {name} in {region}.", "DeleteDBInstance"
    params = {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    if protected:
        message, operation = f"Take the deletion protection off {name} in {region}.", "ModifyDBInstance"
        params = {"DeletionProtection": False, "ApplyImmediately": True}
    return context.step(
        REMOVE_DATABASES.name,
        name,
        label=f"{'unprotect.' if protected else ''}{name}",
        nth=0 if protected else 1,
        side=Side.DR,
        says=f"{message} A drill made it, or set it aside.",
        danger=Danger.COMPENSABLE if protected else Danger.IRREVERSIBLE,
        undo="None is needed: what a drill made is taken away." if protected else "None: the drill's copy is gone.",
        budget_s=1800,
        call=Call("rds", operation, region, {"DBInstanceIdentifier": name, **params}),
        before={"resource": instance.resource_id},
        after={"protected": False} if protected else {"instance": "absent"},
    )


def databases_status(step: Step, context: PlanContext) -> StepStatus:
    """By resource id: another instance of the name is not the drill's, and is not touched (T43)."""
    instance = context.snapshot.find(rds.instances, Side.DR, resource_id=step.before["resource"])
    if instance is None:
        return StepStatus(StepState.DONE, f"{step.subject} is gone.")
    # Somebody renamed it, which RDS does within its resource id: what a person keeps by another name stays.
    if instance.identifier != step.subject:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is called {instance.identifier} now.")
    state = DATABASE[instance.status]
    if state.gone:
        return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is being deleted.")
    unprotects = "protected" in step.after
    if unprotects and not instance.deletion_protection:
        return StepStatus(StepState.DONE, f"{step.subject} is protected no more.")
    # Protection that came back after its step was switched on by a person.
    if instance.deletion_protection and not unprotects:
        return StepStatus(StepState.DRIFTED, f"{step.subject} was protected meanwhile: somebody wants to keep it.")
    if state.changeable or state.broken or state.is_stopped:
        return StepStatus(StepState.READY, f"{step.subject} is {instance.status}, and can be taken away.")
    return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is {instance.status}.")


def files_steps(context: PlanContext) -> Iterator[Step]:
    """The steps for every file system of a drill, whichever drill made it."""
    points = context.snapshot.get(drill_resources.access_points, Side.DR)
    targets = context.snapshot.get(drill_resources.mount_targets, Side.DR)
    for system in context.snapshot.get(efs.of_drills, Side.DR):
        if not system.name:
            yield restored_copy.tag_step(context, REMOVE_FILES.name, system.token)
        for point in points:
            if point.file_system_id == system.id:
                yield _files_step(context, "DeleteAccessPoint", point.id, f"the access point {point.path} ({point.id})")
        for target in targets:
            if target.file_system_id == system.id:
                yield _files_step(context, "DeleteMountTarget", target.id, f"the mount target {target.id}")
        yield _files_step(context, "DeleteFileSystem", system.id, f"the restored files {system.token} ({system.id})")


def _files_step(context: PlanContext, operation: str, thing: str, called: str) -> Step:
    region = context.env.regions.dr
    return context.step(
        REMOVE_FILES.name,
        thing,
        # EFS refuses while there are mount targets (EFS API, DeleteFileSystem: FileSystemInUse): they go first.
        nth=2 if operation == "DeleteFileSystem" else 1,
        side=Side.DR,
        says=f"Delete {called} in {region}, which a drill made, and wait until it is gone.",
        danger=Danger.COMPENSABLE,
        undo="None is needed: it was a copy, and what it was made of is still there.",
        budget_s=900,
        call=Call("efs", operation, region, {_KEYS[operation]: thing}),
        before={"made by": "a drill"},
        after={"state": "gone"},
    )


def files_status(step: Step, context: PlanContext) -> StepStatus:
    """Whether the thing is gone, or bears its trial's name."""
    if step.call and step.call.operation == _MARK and restored_copy.system_of(context, step.subject) is not None:
        return restored_copy.observe_tag(step, context)
    rows = (row for reader in _FILES for row in context.snapshot.get(reader, Side.DR))
    state = {row.id: row.state for row in rows}.get(step.subject)
    if state is None:
        return StepStatus(StepState.DONE, f"{step.subject} is gone.")
    if FILE_SYSTEM[state].gone:
        return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is {state}.")
    return StepStatus(StepState.READY, f"{step.subject} is {state} and can be deleted.")


def files_call(step: Step, context: PlanContext) -> Call:
    """The planned call; that of a mark with the id of its file system. Raises ValueError where there is none."""
    return restored_copy.build_call(step, context) if step.planned_call.operation == _MARK else step.planned_call


REMOVE_DATABASES = Action(
    "restore_test/remove_databases",
    "Deletes databases that a drill made or renamed in the DR region; nothing else has such a name (T47).",
    {DELETE_DATABASE, MODIFY},
    (rds.instances,),
    databases_steps,
    databases_status,
)
REMOVE_FILES = Action(
    "restore_test/remove_files",
    "Removes the files that drills restored: access points, mount targets, then the file system; nothing "
    "of the estate.",
    {restored_copy.TAG_IT, DELETE_POINT, DELETE_TARGET, DELETE_FILES},
    _FILES,
    files_steps,
    files_status,
    build_call=files_call,
    omissions=lambda context: unavailable_reasons(context, Side.DR, *_FILES),
    essential=False,
)
