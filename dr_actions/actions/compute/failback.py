"""What the actions of a failback share: the task count that was recorded before the failover. Pure."""

from __future__ import annotations

from dr_actions.actions.common import unavailable_handling
from dr_actions.model.action import PlanContext


def primary_tasks(context: PlanContext, tenant_service: unavailable_handling.TenantService) -> int:
    """How many tasks the tenant's primary service is to run: as before the failover.

    Where that was not recorded (the primary was dark) or was 0 (a scheduled night), as many as it runs by itself now;
    where that is 0, capacity.tasks_per_service.
    """
    desired_count = int(context.before("compute/fence_services", tenant_service.service.name).get("desiredCount", 0))
    return desired_count or tenant_service.service.desired or context.env.capacity.tasks_per_service
