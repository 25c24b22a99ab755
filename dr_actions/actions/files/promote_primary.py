"""Ends the replication onto the primary's file system, which makes it writable, once all files are proven to be there.

The call is sent in the source's region, where AWS deletes both halves. EFS may leave a directory
``efs-replication-lost+found-...`` in the root of the destination. Source: EFS User Guide, Deleting replication
configurations.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.verify_primary_in_sync import arrived
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_REPLICATION

BOTH = "ALL_CONFIGURATIONS"


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    name, primary, dr = files_failback.name_of(context), context.env.regions.primary, context.env.regions.dr
    params = {"SourceFileSystemId": found.dr.id, "DeletionMode": BOTH}
    yield context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Make {found.primary.id} ({name}) in {primary} writable: end the replication of {found.dr.id} onto it.",
        danger=Danger.COMPENSABLE,
        undo="The replication is not resumed; while the primary's files take no write a new one can be made.",
        budget_s=1800,
        call=Call("efs", "DeleteReplicationConfiguration", dr, params),
        before=found.ids,
        after={"replicates from": ""},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY only while everything is proven to have arrived; DONE once neither region lists the replication."""
    for side in (Side.DR, Side.PRIMARY):
        row = files_failback.replication(context, side, found.dr.id, found.primary.id)
        if row is not None and FILE_REPLICATION[row.status].gone:
            return StepStatus(StepState.IN_PROGRESS, f"The replication onto {found.primary.id} is being deleted.")
        if row is not None:
            how = arrived(row.synced_at, context)
            state = StepState.READY if how.state is StepState.DONE else how.state
            return StepStatus(state, how.message, how.evidence)
    if found.primary.overwrite_protection == files_failback.DESTINATION:
        return StepStatus(StepState.IN_PROGRESS, f"{found.primary.id} is still read-only.")
    facts = (("file system", found.primary.id),)
    return StepStatus(StepState.DONE, f"{found.primary.id} is writable, and nothing replicates onto it.", facts)


ACTION = files_failback.paired(__name__, {files_failback.END}, files_failback.SYSTEMS, _steps, _judge)
