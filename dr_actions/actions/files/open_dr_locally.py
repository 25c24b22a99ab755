"""Ends the replication into the DR region's files in that region alone, where a sick primary does not do its half.

Where the source does not answer, its half cannot be deleted, and the replica would stay read-only: "If there's a
configuration or permissions issue that prevents Amazon EFS from deleting the replication configuration from both
sides, you can use the LOCAL_CONFIGURATION_ONLY mode" (EFS API, DeleteReplicationConfiguration, which adds: only then,
for the other half is unrecoverable). A failback drops that half (files/end_stale_replication). That AWS takes it while
the replication is DELETING is assumed: no page says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.files import restore_dr
from dr_actions.model.action import PlanContext, StepState, StepStatus, no_notes
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model.playbook import Plane
from dr_estate.readers import efs


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step behind each that asks both regions."""
    for step in restore_dr.plan_steps(context):
        if Plane.PRIMARY in step.planes:
            yield _step(context, step)


def _step(context: PlanContext, both: Step) -> Step:
    system, region = both.before["file system"], context.env.regions.dr
    return context.step(
        __name__,
        both.subject,
        side=Side.DR,
        says=f"Where {context.env.regions.primary} does not do its half in time: make {system} ({both.subject}) in "
        f"{region} writable by deleting its replication configuration in {region} alone.",
        danger=both.danger,
        undo=both.undo,
        budget_s=both.budget_s,
        call=both.call_with({"DeletionMode": restore_dr.LOCAL_ONLY}),
        before=both.before,
        after=both.after,
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing replicates into it, whichever call did that; READY while anything does, deleted or not."""
    status = restore_dr.observe(replace(step, call=None), context)  # that the primary answers is no reason to stop it
    row = context.snapshot.find(efs.replications, Side.DR, destination_id=step.before["file system"])
    if row is None or status.state is not StepState.IN_PROGRESS or step.id in context.sent_at:
        return status
    message = f"{row.destination_id} is {row.status}, and {context.env.regions.primary} does not finish it."
    return StepStatus(StepState.READY, message, status.evidence)


ACTION = replace(
    restore_dr.ACTION, name=name_of(__name__), does="", steps=plan_steps, status=observe, omissions=no_notes
)
