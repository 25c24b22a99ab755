"""Removes the marker's table from the database that serves now, by a task of the tenant it was written as.

After an abort that is the DR region's database: the copy in the primary region has the table too, and is recreated
before it is promoted.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.database.write_marker import source
from dr_actions.actions.markers import marker_task, scripts
from dr_actions.actions.markers.marker_task import REMOVING
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds

WRITE = "database/write_marker"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a marker is written; in an abort where the failback wrote one."""
    name = _name(context)
    if name is None:
        return
    yield from marker_task.step_of(
        context,
        __name__,
        REMOVING,
        f"<the host of {name}>",
        subject=name,
        side=Side.PRIMARY if context.goal is Goal.FAILBACK else Side.DR,
        says=f"Drop the marker's table {scripts.TABLE} in {name}, by a task of a tenant.",
        danger=Danger.COMPENSABLE,
        undo="The next marker makes its table again.",
        budget_s=600,
        after={"marker": "gone"},
    )


def _name(context: PlanContext) -> str | None:
    """The database that is to lose the table, None where no marker was written. Raises DataUnavailable."""
    if context.goal is Goal.ABORT:
        found = failback.writer(context)
        return found.identifier if found is not None and context.before(WRITE, found.identifier) else None
    if source(context) is None:
        return None
    chosen = None if context.goal is Goal.FAILBACK else copy_selection.choose(context)
    return failback.own_name(context) if chosen is None else chosen.identifier


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the database's host. Raises ValueError where it is not known."""
    try:
        instance = failback.named(context, step.side, step.subject)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if instance is None or not instance.host:
        raise ValueError(f"{step.subject} has no host")
    return marker_task.filled_call(step, context, REMOVING, **{scripts.HOST: f"{instance.host}:{marker_task.PORT}"})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once such a task ended well."""
    task = marker_task.task_of(context, REMOVING, step)
    if unfinished := marker_task.unfinished(context, step.side, task, f"drop {scripts.TABLE} in {step.subject}"):
        return unfinished
    return StepStatus(StepState.DONE, f"{scripts.TABLE} is gone from {step.subject}.")


ACTION = action(globals(), {RUN}, (rds.instances, *marker_task.PARTS), send=send, essential=False)
