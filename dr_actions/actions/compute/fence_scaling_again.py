"""Before a failback: auto scaling of a primary that came back unfenced can no longer start its tasks (T41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.compute import fence_scaling
from dr_actions.actions.compute.scaling_bounds import scaled
from dr_actions.model.action import PlanContext, no_notes
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each scalable target of the primary that could still start a task."""
    if context.primary_answers:
        for tenant_service, target in scaled(context, Side.PRIMARY):
            if target.maximum:
                yield fence_scaling.step_of(context, tenant_service, target, __name__)


ACTION = replace(fence_scaling.ACTION, name=name_of(__name__), does="", steps=plan_steps, omissions=no_notes)
