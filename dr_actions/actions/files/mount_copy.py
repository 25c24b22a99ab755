"""Makes the restored files reachable: a mount target in each subnet where the file system that they replace has one.

Each bears the same security groups, so that the tenants' tasks are admitted. Source: EFS API, CreateMountTarget.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.unavailable_handling import unavailable_reasons
from dr_actions.actions.file_copies import restored_copy
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, present
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_SYSTEM
from dr_estate.model.unavailable import available
from dr_estate.readers import efs, efs_mounts, restored_files

CREATE = "efs:CreateMountTarget"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each subnet, where files are restored in the place of others."""
    restore = restored_copy.planned(context)
    if restore is not None and restore.replaces is not None:
        yield from (_step(context, restore.token, target) for target in _present(context, restore.replaces.id))


def _present(context: PlanContext, file_system: str) -> list[efs_mounts.MountTarget]:
    """The mount targets of the file system. Raises DataUnavailable where the groups of one were not seen."""
    targets = map(available, context.snapshot.get(efs_mounts.mount_targets, Side.DR))
    return [target for target in targets if target.file_system_id == file_system]


def _step(context: PlanContext, token: str, target: efs_mounts.MountTarget) -> Step:
    region, pending = context.env.regions.dr, restored_copy.pending_file_system(token)
    params = {"FileSystemId": pending, "SubnetId": target.subnet, "SecurityGroups": list(target.groups)}
    return context.step(
        __name__,
        target.subnet,
        side=Side.DR,
        says=f"Make a mount target of {token} in {target.subnet} ({target.zone}), {region}, as {target.id} is.",
        danger=Danger.COMPENSABLE,
        undo="The mount target stays with its file system.",
        budget_s=600,
        call=Call("efs", "CreateMountTarget", region, params),
        before={"files": token},
        after={"subnet": target.subnet, "state": "available"},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the restored file system has its mount target in the subnet."""
    token = str(step.before["files"])
    system = present(restored_copy.system_of(context, token), f"The file system {token} is gone.")
    target = context.snapshot.find(
        restored_files.mount_targets, Side.DR, file_system_id=system.id, subnet=step.after["subnet"]
    )
    if target is None:
        return StepStatus(StepState.READY, f"{system.id} has no mount target in {step.subject} yet.")
    state = FILE_SYSTEM[target.state]
    if state.serves:
        return StepStatus(StepState.DONE, f"{target.id} opens {system.id}.", (("mount target", target.id),))
    how = StepState.FAILED if state.broken else StepState.IN_PROGRESS
    return StepStatus(how, f"{target.id} is {target.state}.", progress=(target.state,))


def notes(context: PlanContext) -> Iterator[str]:
    """Why the restored files could not be mounted."""
    restore = restored_copy.planned(context)
    if restore is None or restore.replaces is None:
        return
    yield from unavailable_reasons(context, Side.DR, efs_mounts.mount_targets)
    if not _present(context, restore.replaces.id):
        yield f"{restore.replaces.id} has no mount target: nothing shows where the restored files need theirs."


ACTION = action(
    globals(),
    {CREATE},
    (
        *(restored_files.systems, restored_files.mount_targets),
        *(efs.file_systems, efs_mounts.mount_targets, efs.replications),
    ),
    build_call=restored_copy.build_call,
)
