"""Gives the services of a fenced region back to auto scaling: bounds and suspensions as before the fence (T36)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import fence_scaling
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.scaling_bounds import BoundsRestore, observe, restoring_steps
from dr_actions.model.action import PlanContext, action
from dr_actions.model.plan import Params, Step
from dr_estate.readers import application_autoscaling


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each scalable target that the incident's fence of this side recorded."""
    yield from restoring_steps(
        BoundsRestore(__name__, context.fence, _recorded, essential=True, since="fence"), context
    )


def _recorded(
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    _target: application_autoscaling.ScalableTarget,
) -> Params | None:
    return context.before_fence(fence_scaling.ACTION.name, tenant_service.service.name) or None


ACTION = action(
    globals(),
    {of.REGISTER},
    (application_autoscaling.targets,),
    observe=observe,
    rollback_call=unavailable_handling.as_before,
)
