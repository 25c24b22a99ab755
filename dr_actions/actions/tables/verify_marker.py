"""Before the database is promoted: proves that each table's marker item has arrived in the primary's replica."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dr_actions.actions.tables import marker_item, write_marker
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import dynamodb, dynamodb_markers

ARRIVES_S = 300
"""After how long what did not arrive is lost on the way: a replica trails by a second or two (DynamoDB guide)."""


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table that a marker is put into."""
    for table, _ in marker_item.marked_tables(context):
        yield context.step(
            __name__,
            table.name,
            side=Side.PRIMARY,
            says=f"Wait until the marker item of {table.name} is in the replica of {context.env.regions.primary}.",
            budget_s=2 * ARRIVES_S,
            before=marker_item.marked(table.name),
            after={"lost": "nothing"},
        )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once it is there; FAILED where it did not arrive in ``ARRIVES_S``."""
    written = step_id(write_marker.__name__, step.subject)
    wanted = context.confirmed_facts.get(written, {}).get("marker", "")
    item = marker_item.item_of(context, Side.PRIMARY, step.subject)
    if item is not None and wanted and item.marker == wanted:
        message = f"The replica of {step.subject} in {context.env.regions.primary} holds the marker."
        return StepStatus(StepState.DONE, message, (("marker", wanted),))
    message = f"the replica of {step.subject} in {context.env.regions.primary} does not hold the marker"
    since = context.confirmed_at.get(written)
    if since is not None and context.snapshot.taken_at - since > timedelta(seconds=ARRIVES_S):
        return StepStatus(StepState.FAILED, f"Not all has arrived: after {ARRIVES_S} s {message}. Nothing is promoted.")
    return StepStatus(StepState.IN_PROGRESS, f"Not all has arrived: {message} yet.")


ACTION = action(globals(), (), (dynamodb.tables, dynamodb_markers.items))
