"""Gives the primary's services back to auto scaling: bounds and suspensions as before the failover (T36)."""

from __future__ import annotations

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.scaling_bounds import FENCED, Restoring, restoring, seen
from dr_actions.model.action import Sight
from dr_actions.model.plan import Params
from dr_estate.config.environment import Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import application_autoscaling


def wanted(sight: Sight, tenant_service: unseen_handling.Held, target: application_autoscaling.Target) -> Params | None:
    """As recorded by the fence; else as it is, where nobody fenced it; else by the environment and the DR twin."""
    recorded = sight.before("compute/fence_scaling", tenant_service.service.name)
    if recorded:
        return recorded
    if seen(target) != FENCED:
        return seen(target)
    least = sight.env.capacity.tasks_per_service
    most = max(least, _most_in_dr(sight, tenant_service.service.name))
    return {"MinCapacity": least, "MaxCapacity": most, "SuspendedState": dict.fromkeys(of.SUSPENSIONS, False)}


def _most_in_dr(sight: Sight, service: str) -> int:
    try:
        targets = sight.snapshot.get(application_autoscaling.targets, Side.DR)
    except CannotSee:
        return 0
    return next((target.maximum for target in targets if target.service == service), 0)


VERB = restoring(Restoring(__name__, Side.PRIMARY, wanted, essential=True))
