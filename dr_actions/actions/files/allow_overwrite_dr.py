"""Removes the overwrite protection of the DR region's file system, so that the primary's replicates onto it again.

By then all of its files are in the primary region. Next, they are overwritten by what the primary region took since.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.file_copies import restored_copy
from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side


def replicates(context: PlanContext) -> bool:
    """Whether the estate's files are to replicate: by its rules, and by what the failover found and recorded."""
    restored = context.before(restored_copy.RESTORE, files_failback.name_of(context))
    return context.env.replicates and "replication" in context.env.replication.files and not restored


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where files replicated before and both regions have their file system."""
    if not replicates(context):
        return
    name, region = files_failback.name_of(context), context.env.regions.dr
    params = {"FileSystemId": found.dr.id, "ReplicationOverwriteProtection": files_failback.OFF}
    yield context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Take the overwrite protection off {found.dr.id} ({name}) in {region}: all it holds is home, and "
        f"{found.primary.id} is to replicate onto it again.",
        danger=Danger.COMPENSABLE,
        undo="Switch the protection on again.",
        budget_s=300,
        call=Call("efs", "UpdateFileSystemProtection", region, params),
        before=found.ids,
        after={"overwrite protection": files_failback.OFF},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY only where the evidence says that the primary's files are the newer ones."""
    fed = files_failback.into(context, Side.DR, found.dr.id)
    if fed is not None and fed.source_id != found.primary.id:
        return StepStatus(StepState.DRIFTED, f"{fed.source_id} replicates into {found.dr.id}.")
    if fed is not None or found.dr.overwrite_protection == files_failback.OFF:
        return StepStatus(StepState.DONE, f"{found.dr.id} can be written over by a replication.")
    wrong = files_failback.reason_against_reversal(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    return StepStatus(StepState.READY, f"{found.dr.id} is protected against being written over.")


def rollback_call(step: Step) -> Call | None:
    """The protection on again."""
    params = {**step.planned_call.params, "ReplicationOverwriteProtection": files_failback.ON}
    return Call("efs", "UpdateFileSystemProtection", step.planned_call.region, params)


def notes(context: PlanContext) -> Iterator[str]:
    """Why files do not replicate again."""
    if not replicates(context):
        yield (
            "No replication of the files is made at the end: none was there before the failover, or the environment "
            "file does not want one (replication.files). The backup plan copies them."
        )


ACTION = files_failback.paired(
    __name__,
    {files_failback.PROTECT},
    files_failback.EVIDENCE,
    _steps,
    _judge,
    essential=False,
    rollback=rollback_call,
    omissions=notes,
)
