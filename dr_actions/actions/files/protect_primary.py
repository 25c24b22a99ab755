"""Sees to it that the primary's files cannot be overwritten any more: AWS does it by itself, else a call does.

"If you delete the replication configuration, the file system's replication overwrite protection is re-enabled and the
file system becomes writeable" (EFS User Guide, File system protection). A call is made only where it is off.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    name, region = files_failback.name_of(context), context.env.regions.primary
    params = {"FileSystemId": found.primary.id, "ReplicationOverwriteProtection": files_failback.ON}
    yield context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Protect {found.primary.id} ({name}) in {region} against being overwritten, should AWS not have done so.",
        danger=Danger.REVERSIBLE,
        undo="Left on: protection harms nobody.",
        budget_s=300,
        call=Call("efs", "UpdateFileSystemProtection", region, params),
        before=found.ids,
        after={"overwrite protection": files_failback.ON},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """Return DONE once the file system is protected, regardless of who protected it."""
    fed = files_failback.into(context, Side.PRIMARY, found.primary.id)
    if fed is not None:
        return StepStatus(StepState.DRIFTED, f"{fed.source_id} replicates onto {found.primary.id}.")
    state = found.primary.overwrite_protection
    message = f"The overwrite protection of {found.primary.id} is {state}."
    if state == files_failback.ON:
        return StepStatus(StepState.DONE, message, (("overwrite protection", state),))
    return StepStatus(StepState.READY if state == files_failback.OFF else StepState.IN_PROGRESS, message)


ACTION = files_failback.paired(__name__, {files_failback.PROTECT}, files_failback.SYSTEMS, _steps, _judge)
