"""Watches a drill's stop alarms while it runs: looked at again before a change, but not more often than is of use."""

from __future__ import annotations

from collections.abc import Callable

from dr_actions.drills.stop_conditions import alarms_on
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import cloudwatch_alarms
from utils.aws_mgmt.app.target import ObservedWorld


def alarms_watched(env: Environment, world: ObservedWorld) -> Callable[[], str]:
    """A question to ask before each change: why to stop, "" while there is no reason. Not seen is a reason."""
    looked_at: list[float] = []

    def stops() -> str:
        if looked_at and world.clock.monotonic() - looked_at[-1] < env.drill.alarms_every_s:
            return ""
        looked_at.append(world.clock.monotonic())
        try:
            seen = world.observe(env, only=frozenset({cloudwatch_alarms.alarms.name}))
        except DataUnavailable as error:
            return f"the alarms cannot be seen: {error.unavailable.why}"
        return alarms_on(seen, env)

    return stops
