"""Lets auto scaling shrink the DR region to a standby again: the bounds as before the failover (T36).

Before the services are stopped: with the failover's lower bound in force auto scaling would start their tasks again.
"""

from __future__ import annotations

from dr_actions.plan import Params
from dr_actions.verbs import Sight, homeward
from dr_actions.verbs import compute as of
from dr_actions.verbs.bounds import Restoring, restoring, seen
from dr_actions.verbs.raise_minimum import NAME as RAISED
from dr_estate.environments import Side
from dr_estate.facts import autoscaling

NAME, STAGE = "dr_minimum", 60


def wanted(sight: Sight, one: of.Held, target: autoscaling.Target) -> Params | None:
    """As recorded by the failover that raised them; without any record, the standby's. None where all is so already."""
    kept = homeward.before(sight, RAISED, one.service.name)
    if not kept and not sight.recorded:
        least = min(target.minimum, sight.env.standby.tasks_per_service)
        kept = {"MinCapacity": least, "MaxCapacity": target.maximum}
    now = seen(target)
    return kept if any(now[name] != value for name, value in kept.items()) else None


VERB = restoring(Restoring(NAME, homeward.STOP, STAGE, Side.DR, wanted, essential=False))
