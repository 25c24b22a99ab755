"""Removes the files that drills restored: access points, mount targets, then the file system; nothing of the estate.

What is a drill's is known by its creation token. IAM knows it by its tag, which a trial that died may not have set: it
is set first. Every step waits until the thing is gone. Source: EFS API, DeleteFileSystem (refused while mount targets
stand), DeleteAccessPoint, DeleteMountTarget.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.unavailable_handling import unavailable_reasons
from dr_actions.actions.file_copies import restored_copy
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_SYSTEM
from dr_estate.readers import drill_resources, efs

_MARK = "TagResource"
DELETE_POINT, DELETE_TARGET, DELETE = "efs:DeleteAccessPoint", "efs:DeleteMountTarget", "efs:DeleteFileSystem"
_KEYS = {"DeleteAccessPoint": "AccessPointId", "DeleteMountTarget": "MountTargetId", "DeleteFileSystem": "FileSystemId"}


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The steps for every file system of a drill, whichever drill made it."""
    points = context.snapshot.get(drill_resources.access_points, Side.DR)
    targets = context.snapshot.get(drill_resources.mount_targets, Side.DR)
    for system in context.snapshot.get(efs.of_drills, Side.DR):
        if not system.name:
            yield restored_copy.tag_step(context, __name__, system.token)
        for point in points:
            if point.file_system_id == system.id:
                yield _step(context, "DeleteAccessPoint", point.id, f"the access point {point.path} ({point.id})")
        for target in targets:
            if target.file_system_id == system.id:
                yield _step(context, "DeleteMountTarget", target.id, f"the mount target {target.id}")
        yield _step(context, "DeleteFileSystem", system.id, f"the restored files {system.token} ({system.id})")


def _step(context: PlanContext, operation: str, thing: str, called: str) -> Step:
    region = context.env.regions.dr
    return context.step(
        __name__,
        thing,
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


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the thing is gone, or bears its trial's name."""
    if step.call and step.call.operation == _MARK and restored_copy.system_of(context, step.subject) is not None:
        return restored_copy.observe_tag(step, context)
    state = _states(context).get(step.subject)
    if state is None:
        return StepStatus(StepState.DONE, f"{step.subject} is gone.")
    if FILE_SYSTEM[state].gone:
        return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is {state}.")
    return StepStatus(StepState.READY, f"{step.subject} is {state} and can be deleted.")


def _states(context: PlanContext) -> dict[str, str]:
    """The state of everything that drills restored, by id. Raises DataUnavailable."""
    systems = {system.id: system.state for system in context.snapshot.get(efs.of_drills, Side.DR)}
    points = {point.id: point.state for point in context.snapshot.get(drill_resources.access_points, Side.DR)}
    return (
        systems
        | points
        | {target.id: target.state for target in context.snapshot.get(drill_resources.mount_targets, Side.DR)}
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The planned call; that of a mark with the id of its file system. Raises ValueError where there is none."""
    return restored_copy.build_call(step, context) if step.planned_call.operation == _MARK else step.planned_call


def notes(context: PlanContext) -> Iterator[str]:
    """What could not be seen."""
    return unavailable_reasons(
        context, Side.DR, efs.of_drills, drill_resources.access_points, drill_resources.mount_targets
    )


ACTION = action(
    globals(),
    {restored_copy.TAG_IT, DELETE_POINT, DELETE_TARGET, DELETE},
    (efs.of_drills, drill_resources.access_points, drill_resources.mount_targets),
    essential=False,
)
