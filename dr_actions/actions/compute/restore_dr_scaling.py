"""Lets auto scaling shrink the DR region to a standby again: the bounds as before the failover (T36).

Before the services are stopped: with the failover's lower bound in force auto scaling would start their tasks again.
"""

from __future__ import annotations

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute.scaling_bounds import Restoring, restoring, seen
from dr_actions.model.action import Sight
from dr_actions.model.plan import Params
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling


def wanted(sight: Sight, tenant_service: unseen_handling.Held, target: application_autoscaling.Target) -> Params | None:
    """As recorded by the failover that raised them; without any record, the standby's. None where all is so already."""
    recorded = sight.before("compute/raise_dr_scaling", tenant_service.service.name)
    if not recorded and not sight.recorded:
        least = min(target.minimum, sight.env.standby.tasks_per_service)
        recorded = {"MinCapacity": least, "MaxCapacity": target.maximum}
    now = seen(target)
    return recorded if any(now[name] != value for name, value in recorded.items()) else None


VERB = restoring(Restoring(__name__, Side.DR, wanted, essential=False))
