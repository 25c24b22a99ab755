"""Since when an outage lasts: the ticket's time where a person gives it, else the first bad datum seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dr_actions.model.action import TO_DR
from dr_actions.model.plan import Goal
from dr_checks.derived.visitors import first_failure
from dr_estate.config.environment import Environment
from dr_estate.snapshot.snapshot import Snapshot


class OutageSource(StrEnum):
    """What says when an outage began.

    TICKET: a person (``--since``). HEALTH_CHECK: the first minute of those, without a healthy one since, in which a
    check on the primary's records failed. FIRST_LOOK: this tool's own first look, at the latest.
    """

    TICKET = "ticket"
    HEALTH_CHECK = "health check"
    FIRST_LOOK = "first look"


@dataclass(frozen=True, slots=True)
class OutageStart:
    """When an outage began, and the source of that time."""

    since: datetime
    source: OutageSource


def outage_start(snapshot: Snapshot, env: Environment, given: datetime | None) -> OutageStart:
    """When the outage of the primary region began; ``given`` is the ticket's time."""
    if given is not None:
        return OutageStart(given, OutageSource.TICKET)
    failed = first_failure(snapshot, env)
    if failed is not None and failed < snapshot.taken_at:
        return OutageStart(failed, OutageSource.HEALTH_CHECK)
    return OutageStart(snapshot.taken_at, OutageSource.FIRST_LOOK)


def rto_ends_at(env: Environment, goal: Goal, outage_since: datetime | None) -> datetime | None:
    """Return when the recovery time objective is over; None where nobody waits for that."""
    if goal not in TO_DR or outage_since is None:
        return None
    return outage_since + timedelta(minutes=env.objectives.rto_minutes)
