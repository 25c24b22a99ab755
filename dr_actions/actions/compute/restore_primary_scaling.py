"""Gives the primary's services back to auto scaling: bounds and suspensions as before the failover (T36)."""

from __future__ import annotations

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.scaling_bounds import FENCED, BoundsRestore, observed_bounds, restore_action
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Params
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import application_autoscaling


def target_bounds(
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    target: application_autoscaling.ScalableTarget,
) -> Params | None:
    """As recorded by the fence; else as it is, where nobody fenced it; else by the environment and the DR twin."""
    recorded = context.before("compute/fence_scaling", tenant_service.service.name)
    if recorded:
        return recorded
    if observed_bounds(target) != FENCED:
        return observed_bounds(target)
    least = context.env.capacity.tasks_per_service
    most = max(least, _most_in_dr(context, tenant_service.service.name))
    return {"MinCapacity": least, "MaxCapacity": most, "SuspendedState": dict.fromkeys(of.SUSPENSIONS, False)}


def _most_in_dr(context: PlanContext, service: str) -> int:
    try:
        targets = context.snapshot.get(application_autoscaling.targets, Side.DR)
    except DataUnavailable:
        return 0
    return next((target.maximum for target in targets if target.service == service), 0)


ACTION = restore_action(BoundsRestore(__name__, Side.PRIMARY, target_bounds, essential=True))
