"""Removes the marker items from the tables in the DR region, from where the removal replicates to the primary region.

A condition prevents the removal of anything but a marker. Source: DynamoDB API, DeleteItem (ConditionExpression).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from dr_actions.actions.tables import marker_item, write_marker
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.marker_names import KEY, ONLY_A_MARKER
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import dynamodb, dynamodb_markers

DELETE = "dynamodb:DeleteItem"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table that a marker is put into; in an abort for those that the failback put one into."""
    region = context.env.regions.dr
    for table, key in marker_item.marked_tables(context):
        if context.goal is Goal.ABORT and not context.before(write_marker.__name__, table.name):
            continue
        params = {"TableName": table.name, "Key": key, "ConditionExpression": ONLY_A_MARKER}
        yield context.step(
            __name__,
            table.name,
            side=Side.DR,
            says=f"Remove the marker item {KEY} from {table.name} of {region}, which replicates.",
            danger=Danger.COMPENSABLE,
            undo="The next marker makes its item again.",
            budget_s=600,
            call=Call("dynamodb", "DeleteItem", region, params),
            before=marker_item.marked(table.name),
            after={"marker item": "gone"},
        )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no replica that is seen holds a marker."""
    item = marker_item.item_of(context, Side.DR, step.subject)
    if item is not None and item.marker:
        return StepStatus(StepState.READY, f"{step.subject} holds a marker.")
    if _left(context, step.subject):
        message = f"The replica of {step.subject} in {context.env.regions.primary} still holds the marker."
        return StepStatus(StepState.IN_PROGRESS, message)
    return StepStatus(StepState.DONE, f"{step.subject} holds no marker.")


def _left(context: PlanContext, table: str) -> bool:
    """Whether a replica holds a marker; a primary region that is not seen does not keep the DR region from its own."""
    item = marker_item.item_of(context, Side.DR, table)
    with suppress(DataUnavailable):
        in_primary = marker_item.item_of(context, Side.PRIMARY, table)
        return bool((item and item.marker) or (in_primary and in_primary.marker))
    return bool(item and item.marker)


ACTION = action(globals(), {DELETE}, (dynamodb.tables, dynamodb_markers.items), essential=False)
