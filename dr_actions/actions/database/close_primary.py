"""Makes the old primary's database refuse writes in a failover, where its tasks were not seen to stop in time (T41).

This fences the database from outside: tasks that still run in an impaired region, and clients that write outside ECS,
are refused from then on instead of losing what they wrote. It is a parameter, no network change, and a failback
restores the parameter's previous value. Where the tasks are gone nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.common.unfenced import unfenced
from dr_actions.actions.database import failback, freeze
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import application_autoscaling, ecs, ecs_stopping_tasks


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the primary answers and its database takes writes; none that a person would have to take."""
    instance = freeze.own_writer(context, Side.PRIMARY) if context.primary_answers else None
    if instance is not None and not freeze.is_default(failback.group_of(instance)):
        step = freeze.step_of(context, instance, Side.PRIMARY, action=__name__)
        yield replace(step, says=f"Where a task of the old primary was not seen to stop: {step.says}")


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the database refuses writes, or where nothing is left that could write."""
    try:
        writers = unfenced(context)
    except DataUnavailable:
        return freeze.observe(step, context)
    if writers:
        return freeze.observe(step, context)
    region = context.env.region(Side.PRIMARY)
    return StepStatus(StepState.DONE, f"not needed: no tenant's task runs in {region}, or can be started there.")


def notes(context: PlanContext) -> Iterator[str]:
    """Why the database could not be closed, should the tasks not stop."""
    instance = freeze.own_writer(context, Side.PRIMARY) if context.primary_answers else None
    if instance is not None and freeze.is_default(failback.group_of(instance)):
        yield (
            f"{instance.identifier} in {context.env.region(Side.PRIMARY)} uses a parameter group of AWS's own, which "
            "cannot be changed: where its tasks do not stop, nothing closes it to writes."
        )


ACTION = replace(
    freeze.ACTION,
    name=name_of(__name__),
    does="",
    parts=(*freeze.ACTION.parts, ecs.services, ecs.tasks, ecs_stopping_tasks.tasks, application_autoscaling.targets),
    steps=plan_steps,
    status=observe,
    omissions=notes,
)
