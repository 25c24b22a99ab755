"""Replicates the primary's files into the DR region again, onto the file system that is there.

It overwrites that file system. By then the two differ only by what the primary region took since: every file of the DR
region was proven to be in the primary region before that took a write. The direction is computed right before the call
(T28). DONE with the first complete sync: only then are the files protected.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.allow_overwrite_dr import replicates
from dr_actions.actions.files.replicate_to_primary import call_for, status_of, sync_limit_s
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where files replicated before and both regions have their file system."""
    if not replicates(context):
        return
    name, primary, dr = files_failback.name_of(context), context.env.regions.primary, context.env.regions.dr
    yield context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Replicate {found.primary.id} ({name}) in {primary} onto {found.dr.id} in {dr} again. It overwrites "
        f"that: "
        "the two are alike but for what the primary took since its files came home.",
        danger=Danger.COMPENSABLE,
        undo="End the replication again: both file systems stay.",
        budget_s=sync_limit_s(found.primary),
        call=call_for(found.primary, primary, found.dr, dr),
        before=found.ids,
        after={"replication": f"{found.primary.id} -> {found.dr.id}"},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """DONE once the replication runs and its first sync is complete."""
    row = files_failback.replication(context, Side.DR, found.primary.id, found.dr.id)
    if row is not None:
        how = status_of(row)
        if how.state is StepState.DONE and row.synced_at is None:
            return StepStatus(StepState.IN_PROGRESS, f"The first sync of {found.dr.id} is not complete.", how.evidence)
        return how
    wrong = files_failback.reason_against_reversal(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    if found.dr.overwrite_protection != files_failback.OFF:
        message = f"The overwrite protection of {found.dr.id} is {found.dr.overwrite_protection}"
        return StepStatus(StepState.DRIFTED, f"{message}: it was switched off for this step.")
    return StepStatus(StepState.READY, f"Nothing replicates into {found.dr.id} yet.", files_failback.sizes(found))


ACTION = files_failback.paired(
    __name__, {files_failback.REPLICATE}, files_failback.EVIDENCE, _steps, _judge, essential=False
)
