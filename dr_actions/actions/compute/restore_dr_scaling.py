"""Lets auto scaling shrink the DR region to a standby again: the bounds as before the failover (T36).

Before the services are stopped: with the failover's lower bound in force auto scaling would start their tasks again.
"""

from __future__ import annotations

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute.scaling_bounds import BoundsRestore, observed_bounds, restore_action
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Params
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling


def target_bounds(
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    target: application_autoscaling.ScalableTarget,
) -> Params | None:
    """As recorded by the failover that raised them; without any record, the standby's. None where all is so already."""
    recorded = context.before("compute/raise_dr_scaling", tenant_service.service.name)
    if not recorded and not context.recorded:
        least = min(target.minimum, context.env.standby.tasks_per_service)
        recorded = {"MinCapacity": least, "MaxCapacity": target.maximum}
    now = observed_bounds(target)
    return recorded if any(now[name] != value for name, value in recorded.items()) else None


ACTION = restore_action(BoundsRestore(__name__, Side.DR, target_bounds, essential=False))
