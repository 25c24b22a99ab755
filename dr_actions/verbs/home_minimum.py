"""Gives the primary's services back to auto scaling: bounds and suspensions as before the failover (T36)."""

from __future__ import annotations

from dr_actions.plan import Params
from dr_actions.verbs import Sight, homeward
from dr_actions.verbs import compute as of
from dr_actions.verbs.bounds import FENCED, Restoring, restoring, seen
from dr_actions.verbs.fence_minimum import NAME as FENCE
from dr_estate.environments import Side
from dr_estate.facts import autoscaling
from dr_estate.unseen import CannotSee

NAME, STAGE = "home_minimum", 45


def wanted(sight: Sight, one: of.Held, target: autoscaling.Target) -> Params | None:
    """As recorded by the fence; else as it is, where nobody fenced it; else by the environment and the DR twin."""
    kept = homeward.before(sight, FENCE, one.service.name)
    if kept:
        return kept
    if seen(target) != FENCED:
        return seen(target)
    least = sight.env.capacity.tasks_per_service
    most = max(least, _most_in_dr(sight, one.service.name))
    return {"MinCapacity": least, "MaxCapacity": most, "SuspendedState": dict.fromkeys(of.SUSPENSIONS, False)}


def _most_in_dr(sight: Sight, service: str) -> int:
    try:
        targets = sight.snapshot.get(autoscaling.targets, Side.DR)
    except CannotSee:
        return 0
    return next((target.maximum for target in targets if target.service == service), 0)


VERB = restoring(Restoring(NAME, homeward.VALIDATE, STAGE, Side.PRIMARY, wanted, essential=True))
