"""By when a run must have visitors served again, and how long its steps are estimated to take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from dr_actions.model.action import TO_DR
from dr_actions.model.plan import Goal, Step
from dr_actions.planning.estimate import estimate_s, past_durations, sizes_of
from dr_actions.planning.planner import batches
from dr_estate.config.environment import Environment
from dr_estate.snapshot.snapshot import Snapshot


def rto_ends_at(env: Environment, goal: Goal, outage_since: datetime | None) -> datetime | None:
    """When the recovery time objective is over; None where nobody waits for that."""
    if goal not in TO_DR or outage_since is None:
        return None
    return outage_since + timedelta(minutes=env.objectives.rto_minutes)


def step_estimate(env: Environment, snapshot: Snapshot) -> Callable[[Sequence[Step]], float]:
    """How long steps take in seconds, by past runs and by the sizes that ``snapshot`` shows."""
    past, sizes = past_durations(snapshot), sizes_of(snapshot, env)
    return lambda steps: float(estimate_s(batches(steps), env, past, sizes))
