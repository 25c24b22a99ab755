"""Independent signals of the estate's posture, derived from a snapshot. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dr_checks.derived.health_check_pin import is_pinned
from dr_checks.derived.record_pairs import RecordPair, leader, pairs_of, side_of
from dr_checks.derived.schedule import scheduled_off
from dr_estate.config.environment import Environment, Side
from dr_estate.model import states
from dr_estate.model.unavailable import SILENT, DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs, elbv2, rds, route53, route53_health_checks, sts_identity
from dr_estate.snapshot.snapshot import Snapshot

# Four services that every estate has: a region is silent only when none of them answers.
WITNESSES = (sts_identity.caller, ecs.services, elbv2.load_balancer, rds.instances)


class Api(StrEnum):
    """How a region's API answered the readers."""

    ANSWERS = "answers"
    SILENT = "silent"
    REFUSES = "refuses"


class TrafficHealth(StrEnum):
    """State of a region's traffic health check, observed from outside both regions."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class TrafficDirection(StrEnum):
    """Where the traffic records send visitors while all is well, whatever the health checks say."""

    PRIMARY = "primary"
    BETWEEN = "between"
    DR = "dr"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signals:
    """The witnesses. ``primary_running`` is the number of primary tasks, None where they cannot be seen.

    ``pinned``: every check of the primary's records is held down (T06). A region is ``full`` when each tenant's service
    runs capacity.tasks_per_service tasks; its database is ``writable`` when its state takes writes and it is no
    replica, None where AWS does not document that state. The primary is ``asleep`` when the schedule has scaled its
    services to 0. ``recorded``: the zone has a record of the traffic's name, or cannot be read.
    """

    primary_api: Api
    dr_api: Api
    primary_traffic: TrafficHealth
    dr_traffic: TrafficHealth
    primary_running: int | None
    traffic_set: TrafficDirection = TrafficDirection.PRIMARY
    pinned: bool = False
    primary_full: bool = False
    dr_full: bool = False
    primary_writable: bool | None = False
    dr_writable: bool | None = False
    primary_asleep: bool = False
    recorded: bool = True


def signals_of(snapshot: Snapshot, env: Environment) -> Signals:
    """Read the witnesses out of the snapshot."""
    pairs = _pairs(snapshot, env)
    return Signals(
        primary_api=_api(snapshot, Side.PRIMARY),
        dr_api=_api(snapshot, Side.DR),
        primary_traffic=_traffic(snapshot, env, Side.PRIMARY),
        dr_traffic=_traffic(snapshot, env, Side.DR),
        primary_running=_running(snapshot),
        traffic_set=_set(pairs),
        pinned=_pinned(snapshot, pairs),
        primary_full=_full(snapshot, env, Side.PRIMARY),
        dr_full=_full(snapshot, env, Side.DR),
        primary_writable=_writable(snapshot, env, Side.PRIMARY),
        dr_writable=_writable(snapshot, env, Side.DR),
        primary_asleep=_is_scheduled_off(snapshot, env),
        recorded=_recorded(snapshot, env),
    )


def _recorded(snapshot: Snapshot, env: Environment) -> bool:
    """Whether there is a record of the traffic's name; true where the zone cannot be read."""
    try:
        return any(record.name == env.traffic.origin_record for record in snapshot.get(route53.records, Side.GLOBAL))
    except DataUnavailable:
        return True


def _running(snapshot: Snapshot) -> int | None:
    try:
        return sum(service.running for service in snapshot.get(ecs.services, Side.PRIMARY))
    except DataUnavailable:
        return None


def _is_scheduled_off(snapshot: Snapshot, env: Environment) -> bool:
    """Whether every tenant's service wants 0 tasks in the primary, and the hour is one of those in which it should."""
    try:
        wanted = [s.desired for s in snapshot.get(ecs.services, Side.PRIMARY)]
    except DataUnavailable:
        return False
    return scheduled_off(env, snapshot.taken_at) and bool(wanted) and not any(wanted)


def _pairs(snapshot: Snapshot, env: Environment) -> tuple[RecordPair, ...]:
    """The traffic name's pairs; none where they cannot be seen or are no pairs."""
    try:
        records = snapshot.get(route53.records, Side.GLOBAL)
    except DataUnavailable:
        return ()
    return tuple(found for found in pairs_of(records, env.traffic.origin_record, env) if isinstance(found, RecordPair))


def _set(pairs: tuple[RecordPair, ...]) -> TrafficDirection:
    sides = {leader(pair) for pair in pairs}
    if not sides:
        return TrafficDirection.UNKNOWN
    if len(sides) > 1 or None in sides:
        return TrafficDirection.BETWEEN
    return TrafficDirection.DR if sides == {Side.DR} else TrafficDirection.PRIMARY


def _pinned(snapshot: Snapshot, pairs: tuple[RecordPair, ...]) -> bool:
    try:
        pins = {check.id for check in snapshot.get(route53_health_checks.checks, Side.GLOBAL) if is_pinned(check)}
    except DataUnavailable:
        return False
    return bool(pairs) and all(pair.primary.health_check_id in pins for pair in pairs)


def _full(snapshot: Snapshot, env: Environment, side: Side) -> bool:
    try:
        own = [s for s in snapshot.get(ecs.services, side) if env.tenant_of(env.names.service, s.name)]
    except DataUnavailable:
        return False
    return bool(own) and all(service.running >= env.capacity.tasks_per_service for service in own)


def _writable(snapshot: Snapshot, env: Environment, side: Side) -> bool | None:
    name = env.named(env.names.database)
    try:
        instances = snapshot.get(rds.instances, side)
    except DataUnavailable:
        return False
    own = [states.DATABASE[row.status] for row in instances if row.identifier == name and not row.source]
    return None if any(not state.known for state in own) else any(state.takes_writes for state in own)


def _api(snapshot: Snapshot, side: Side) -> Api:
    names = [reader.name for reader in WITNESSES]
    values = [snapshot.parts[name, side].value for name in names if (name, side) in snapshot.parts]
    if any(not isinstance(value, Unavailable) for value in values):
        return Api.ANSWERS
    kinds = {value.kind for value in values}
    silent = bool(kinds) and kinds <= SILENT and kinds != {UnavailableKind.THROTTLED}  # who only throttles is there
    return Api.SILENT if silent else Api.REFUSES


def _traffic(snapshot: Snapshot, env: Environment, side: Side) -> TrafficHealth:
    """What the health checks on the side's origin records say; a disabled or pinned check is no witness (T03, T06)."""
    try:
        records = snapshot.get(route53.records, Side.GLOBAL)
        known = {check.id: check for check in snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
        statuses = snapshot.get(route53_health_checks.statuses, Side.GLOBAL)
    except DataUnavailable:
        return TrafficHealth.UNKNOWN
    mine = [r for r in records if r.name == env.traffic.origin_record and side_of(r, env) is side]
    named = {record.health_check_id for record in mine if record.health_check_id}
    telling = {check for check in named if check in known and not known[check].disabled and not is_pinned(known[check])}
    seen = [
        (reading.value >= 1) != known[reading.dimension(_CHECK)].inverted
        for reading in statuses
        if reading.dimension(_CHECK) in telling and reading.value is not None
    ]
    if not seen:
        return TrafficHealth.UNKNOWN
    return TrafficHealth.HEALTHY if all(seen) else TrafficHealth.UNHEALTHY


_CHECK = "HealthCheckId"
