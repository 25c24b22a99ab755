"""Watches a drill's stop alarms while it runs: looked at again before a change, but not more often than is of use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from dr_actions.stop_conditions import alarms_on
from dr_estate.access import Credentials
from dr_estate.environments import Environment
from dr_estate.facts import alarms
from dr_estate.observing import observe
from dr_estate.unseen import CannotSee

_EVERY = timedelta(seconds=30)


def alarms_watched(env: Environment, credentials: Credentials, now: Callable[[], datetime]) -> Callable[[], str]:
    """A question to ask before each change: why to stop, "" while there is no reason. Not seen is a reason."""
    looked_at: list[datetime] = []

    def stops() -> str:
        if looked_at and now() - looked_at[-1] < _EVERY:
            return ""
        looked_at.append(now())
        try:
            seen = observe(env, credentials, "", only=frozenset({alarms.alarms.name}))
        except CannotSee as dark:
            return f"the alarms cannot be seen: {dark.unseen.why}"
        return alarms_on(seen, env)

    return stops
