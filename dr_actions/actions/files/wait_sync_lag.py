"""Before the write pause: waits until the files' last complete sync is recent. No call is made.

The first sync carries everything and may take hours; those after it carry what changed (EFS User Guide, Replication:
most within 15 minutes). Only then are the writes stopped, so that the pause waits for one small sync.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.replicate_to_primary import status_of
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    name, most = files_failback.name_of(context), context.env.failback.files_lag_minutes
    yield context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Wait until the last complete sync of {found.dr.id} onto {found.primary.id} is {most:g} minutes old at "
        "most.",
        budget_s=14400,
        before=found.ids,
        after={"lag_minutes": most},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """Return IN_PROGRESS until a complete sync ended recently."""
    row = files_failback.replication(context, Side.DR, found.dr.id, found.primary.id)
    if row is None:
        return StepStatus(StepState.DRIFTED, f"Nothing replicates {found.dr.id} onto {found.primary.id} (any more).")
    how = status_of(row)
    if how.state in (StepState.FAILED, StepState.DRIFTED):
        return how
    synced, most = files_failback.timestamp(row.synced_at), context.env.failback.files_lag_minutes
    message, facts = f"The last complete sync ended {synced}", (("last sync", synced),)
    if row.synced_at is None or context.snapshot.taken_at - row.synced_at > timedelta(minutes=most):
        wanted = f"{message}: {most:g} minutes ago at most are wanted."
        return StepStatus(StepState.IN_PROGRESS, wanted, facts, progress=(row.status, synced))
    return StepStatus(StepState.DONE, f"{message}.", facts)


ACTION = files_failback.paired(__name__, (), files_failback.SYSTEMS, _steps, _judge)
