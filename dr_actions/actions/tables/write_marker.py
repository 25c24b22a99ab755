"""Puts a marker item into each replicated table of the DR region once nobody writes there any more.

It must arrive in the primary's replica before traffic moves: a replica that is ACTIVE, and counts alike, may still lack
what was written last. Source: DynamoDB API, PutItem (ConditionExpression).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.unavailable_handling import name_list
from dr_actions.actions.markers.marker_task import marker_of
from dr_actions.actions.tables import marker_item
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.marker_names import ATTRIBUTE, KEY, ONLY_A_MARKER
from dr_estate.readers import dynamodb, dynamodb_markers

PUT = "dynamodb:PutItem"
_LATER = "<made for this run>"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table that replicates and takes a marker."""
    region = context.env.regions.dr
    for table, key in marker_item.marked_tables(context):
        params = {
            "TableName": table.name,
            "Item": {**key, ATTRIBUTE: {"S": _LATER}},
            "ConditionExpression": f"attribute_not_exists(#key) OR {ONLY_A_MARKER}",
            "ExpressionAttributeNames": {"#key": next(iter(key))},
        }
        yield context.step(
            __name__,
            table.name,
            side=Side.DR,
            says=f"Put the marker item {KEY} into {table.name} of {region}: none of the platform's is replaced.",
            danger=Danger.COMPENSABLE,
            undo="The item is taken away after the move, or by the abort.",
            budget_s=300,
            call=Call("dynamodb", "PutItem", region, params),
            before=marker_item.marked(table.name),
            after={"marker item": "written"},
        )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the run's own marker."""
    item = step.planned_call.params["Item"]
    return step.call_with({"Item": {**item, ATTRIBUTE: {"S": marker_of(context)}}})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the table of the DR region holds this run's marker."""
    item = marker_item.item_of(context, Side.DR, step.subject)
    if item is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from {context.env.regions.dr}, or takes none.")
    if item.there and not item.marker:
        return StepStatus(StepState.DRIFTED, f"{step.subject} holds an item {KEY} that is no marker of this tool.")
    if item.marker != marker_of(context):
        return StepStatus(StepState.READY, f"{step.subject} holds no marker of this run.")
    facts = (("marker", item.marker),)
    return StepStatus(StepState.DONE, f"{step.subject} of {context.env.regions.dr} holds the marker.", facts)


def notes(context: PlanContext) -> Iterator[str]:
    """The tables that take no marker, by name."""
    if context.env.execution.markers and context.env.replicates and (unfit := marker_item.unfit_tables(context)):
        yield (
            f"No marker item is put into {name_list(unfit)}: the key is a number or binary, and might be one of the "
            "platform's own. That its items are home is seen by comparing both replicas alone."
        )


ACTION = action(globals(), {PUT}, (dynamodb.tables, dynamodb_markers.items))
