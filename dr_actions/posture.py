"""Where the estate stands, observed each time and never remembered: one table, a sentence a row. Pure.

An unseen primary is a symptom, not a verdict: LOST needs two independent witnesses (its API does not answer and the
traffic to it does not) while the DR side answers the same credentials; otherwise the answer is BLIND or DEGRADED.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dr_estate.environments import Environment, Side
from dr_estate.facts import ecs, elbv2, health_checks, identity, rds, route53
from dr_estate.snapshot import Snapshot
from dr_estate.unseen import Blindness, CannotSee, Unseen

# Four services that every estate has: a region is silent only when none of them answers.
WITNESSES = (identity.caller.name, ecs.services.name, elbv2.load_balancer.name, rds.instances.name)


class Api(StrEnum):
    """How a region's API answered the eyes."""

    ANSWERS = "answers"
    SILENT = "silent"
    REFUSES = "refuses"


class Traffic(StrEnum):
    """What the traffic's own health check says of a side, seen from outside both regions."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signals:
    """The witnesses. ``primary_running`` is the number of primary tasks, None where they cannot be seen."""

    primary_api: Api
    dr_api: Api
    primary_traffic: Traffic
    dr_traffic: Traffic
    primary_running: int | None


@dataclass(frozen=True, slots=True)
class Posture:
    """A row of the table: its name and the sentence that says it."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Row:
    """When the row holds, and the posture it means. The first row that holds is the posture."""

    holds: Callable[[Signals], bool]
    posture: Posture


TABLE = (
    Row(
        lambda s: s.primary_api is not Api.ANSWERS and s.dr_api is not Api.ANSWERS,
        Posture("BLIND", "neither region answers these credentials: nothing can be said of either."),
    ),
    Row(
        lambda s: s.primary_api is Api.SILENT and s.primary_traffic is Traffic.UNHEALTHY,
        Posture(
            "PRIMARY_LOST", "the primary region's API is silent and its traffic health check fails: two witnesses."
        ),
    ),
    Row(
        lambda s: s.primary_api is Api.SILENT and s.primary_traffic is Traffic.HEALTHY,
        Posture("DEGRADED", "the primary region's API is silent, but its traffic is healthy: no reason to fail over."),
    ),
    Row(
        lambda s: s.primary_api is not Api.ANSWERS,
        Posture("BLIND", "the primary region cannot be seen, and no second witness says that it is lost."),
    ),
    Row(
        lambda s: s.dr_api is not Api.ANSWERS,
        Posture(
            "DR_UNSEEN", "the primary region answers, but the DR region cannot be seen: there is no proven standby."
        ),
    ),
    Row(
        lambda s: s.primary_traffic is Traffic.UNHEALTHY or s.primary_running == 0,
        Posture("DEGRADED", "the primary region answers, but its traffic health check fails or no task runs there."),
    ),
    Row(
        lambda s: s.primary_traffic is Traffic.UNKNOWN,
        Posture("NORMAL", "the primary region answers and runs; its traffic health could not be seen."),
    ),
    Row(lambda _: True, Posture("NORMAL", "the primary region answers, runs its tasks, and its traffic is healthy.")),
)


def posture_of(snapshot: Snapshot, env: Environment) -> Posture:
    """The posture that the snapshot's signals mean."""
    signals = signals_of(snapshot, env)
    return next(row.posture for row in TABLE if row.holds(signals))


def signals_of(snapshot: Snapshot, env: Environment) -> Signals:
    """Read the witnesses out of the snapshot."""
    try:
        running = sum(service.running for service in snapshot.get(ecs.services, Side.PRIMARY))
    except CannotSee:
        running = None
    return Signals(
        primary_api=_api(snapshot, Side.PRIMARY),
        dr_api=_api(snapshot, Side.DR),
        primary_traffic=_traffic(snapshot, env, env.traffic.primary_set_identifier),
        dr_traffic=_traffic(snapshot, env, env.traffic.secondary_set_identifier),
        primary_running=running,
    )


def _api(snapshot: Snapshot, side: Side) -> Api:
    values = [snapshot.parts[name, side].value for name in WITNESSES if (name, side) in snapshot.parts]
    if any(not isinstance(value, Unseen) for value in values):
        return Api.ANSWERS
    silent = {Blindness.UNREACHABLE, Blindness.DEADLINE}
    return Api.SILENT if values and all(value.kind in silent for value in values) else Api.REFUSES


def _traffic(snapshot: Snapshot, env: Environment, set_identifier: str) -> Traffic:
    """What the health checks on the side's origin records say; a disabled check is no witness (T03)."""
    try:
        records = snapshot.get(route53.records, Side.GLOBAL)
        known = {check.id: check for check in snapshot.get(health_checks.checks, Side.GLOBAL)}
        statuses = snapshot.get(health_checks.statuses, Side.GLOBAL)
    except CannotSee:
        return Traffic.UNKNOWN
    mine = [r for r in records if r.name == env.traffic.origin_record and r.set_identifier == set_identifier]
    named = {record.health_check_id for record in mine if record.health_check_id}
    telling = {check for check in named if check in known and not known[check].disabled}
    seen = [
        (reading.value >= 1) != known[reading.dimension(_CHECK)].inverted
        for reading in statuses
        if reading.dimension(_CHECK) in telling and reading.value is not None
    ]
    if not seen:
        return Traffic.UNKNOWN
    return Traffic.HEALTHY if all(seen) else Traffic.UNHEALTHY


_CHECK = "HealthCheckId"
