"""Whether services are scaled to 0 by schedule at a time: a scheduled 0 is not an outage. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dr_estate.config.environment import Environment

_SATURDAY = 5


def scheduled_off(env: Environment, now: datetime) -> bool:
    """Whether ``now`` (aware) lies in the environment's off hours; False where it has no schedule."""
    schedule = env.scaling_schedule
    if schedule is None:
        return False
    local = now.astimezone(ZoneInfo(schedule.timezone))
    if schedule.weekends_off and local.weekday() >= _SATURDAY:
        return True
    starts, ends, clock = schedule.off_from, schedule.off_until, local.time()
    # Hours over midnight begin on one day and end on the next.
    return starts <= clock < ends if starts <= ends else clock >= starts or clock < ends
