"""Registers a new primary task definition where it names the DR region: no task may write to the standby (T18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import repoint_dr_tasks
from dr_actions.model.action import PlanContext
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, ecs_newest_definitions


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose newest primary revision points into the DR region, where a counterpart is known."""
    yield from repoint_dr_tasks.steps(context, Side.PRIMARY, __name__)


def notes(context: PlanContext) -> Iterator[str]:
    """Yield what could not be seen, and what points into the DR region without a counterpart in the primary region."""
    for reason in unavailable_handling.unavailable_reasons(
        context, Side.PRIMARY, ecs.services, ecs.task_definitions, ecs_newest_definitions.newest
    ):
        yield f"Task definitions of the primary region were planned without this: {reason}"
    yield from repoint_dr_tasks.without_counterpart(context, Side.PRIMARY)


ACTION = replace(
    repoint_dr_tasks.ACTION, name=name_of(__name__), does="", steps=plan_steps, omissions=notes, essential=True
)
