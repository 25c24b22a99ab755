"""Ends what the primary region still has of the old replication, so that files can replicate back to it.

In a failover from a primary region that did not answer, only the DR region's half of the replication could be deleted;
the other half "is unrecoverable" (EFS User Guide, Deleting replication configurations), and a file system takes part in
one replication only. No file of either region is changed. Where both halves are gone already there is no step.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.guard.failback_exemptions import LOCAL_ONLY
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_REPLICATION


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """A step where the primary lists a replication into the DR file system that the DR region knows nothing of."""
    if files_failback.abandoned(context, found) is not None:
        yield _step(context, found)


def _step(context: PlanContext, found: files_failback.FileSystems) -> Step:
    name, region = files_failback.name_of(context), context.env.regions.primary
    params = {"SourceFileSystemId": found.primary.id, "DeletionMode": LOCAL_ONLY}
    return context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Drop the half of the old replication {found.primary.id} -> {found.dr.id} that {region} still holds: its "
        "other half was deleted in the failover. No file is touched.",
        danger=Danger.COMPENSABLE,
        undo="Not needed: that half replicates nothing, and a new replication is made at the end.",
        budget_s=900,
        call=Call("efs", "DeleteReplicationConfiguration", region, params),
        before=found.ids,
        after={"replicates into": ""},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY while the half is there alone; a replication that both regions know is alive, and never ended here."""
    row = files_failback.replication(context, Side.PRIMARY, found.primary.id, found.dr.id)
    if row is None:
        return StepStatus(StepState.DONE, f"{found.primary.id} replicates into nothing.")
    if FILE_REPLICATION[row.status].gone:
        return StepStatus(StepState.IN_PROGRESS, f"The old replication of {found.primary.id} is being deleted.")
    if files_failback.abandoned(context, found) is None:
        reason = (
            f"{found.primary.id} replicates into {found.dr.id}: the files of the DR region are the older ones (T28)"
        )
        return StepStatus(StepState.DRIFTED, f"{reason}.")
    facts = (("status", row.status), ("last sync", files_failback.timestamp(row.synced_at)))
    return StepStatus(StepState.READY, f"The old replication of {found.primary.id} is {row.status}, and alone.", facts)


ACTION = files_failback.paired(__name__, {files_failback.END}, files_failback.SYSTEMS, _steps, _judge)
