"""Independent signals of the estate's posture, derived from a snapshot. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dr_checks.derived import record_pins
from dr_checks.derived.routing import RecordPair, leader, pairs_of, side_of
from dr_checks.derived.site_visits import answering_sides
from dr_checks.derived.visitors import NOT_SEEN, RegionService, ServiceState, region_service
from dr_checks.derived.witnesses import Testimony, TrafficHealth, agreed_health, led_to_dr, testimonies
from dr_estate.config.environment import Environment, Side
from dr_estate.model import states
from dr_estate.model.engines import engine_of
from dr_estate.model.recovery_names import REPLICATED_FROM
from dr_estate.model.unavailable import SILENT, DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs, elbv2, rds, rds_groups, route53, route53_health_checks, sts_identity
from dr_estate.readers.route53_health_checks import HealthCheck
from dr_estate.snapshot.snapshot import Snapshot

__all__ = ["WITNESSES", "Api", "Signals", "TrafficDirection", "TrafficHealth", "signals_of"]

# Four services that every estate has: a region is silent only when none of them answers.
WITNESSES = (sts_identity.caller, ecs.services, elbv2.load_balancer, rds.instances)


class Api(StrEnum):
    """How a region's API answered the readers."""

    ANSWERS = "answers"
    SILENT = "silent"
    THROTTLES = "throttles"  # it is there, and lets nothing be read
    REFUSES = "refuses"


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
    runs capacity.tasks_per_service tasks; its database is ``writable`` when its state takes writes, it is no replica
    and its parameter group does not refuse writes, None where AWS does not document that state. ``came_home``: the DR
    region's database was seen frozen, and the primary's to be the promoted copy of that very one. The primary is
    ``asleep`` when the schedule has scaled its services to 0. ``recorded``: the zone has a record of the traffic's
    name, or cannot be read. ``visitors`` is where the public answers lead now, whatever ``traffic_set`` prefers.
    ``answered_by_dr``: name servers lead visitors to the DR region, asked without the zone's own. ``witnesses`` are
    what was seen of the primary's traffic while its API is silent; ``primary_traffic`` is then what they say together,
    else what its health check says.
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
    came_home: bool = False
    primary_asleep: bool = False
    recorded: bool = True
    visitors: TrafficDirection = TrafficDirection.UNKNOWN
    primary_service: RegionService = NOT_SEEN
    answered_by_dr: bool = False
    witnesses: tuple[Testimony, ...] = ()

    @property
    def service(self) -> ServiceState:
        """How many of its tenants the primary region serves."""
        return self.primary_service.state

    @property
    def is_moved(self) -> bool:
        """Whether visitors get the DR region though the records prefer the primary: health took the lead."""
        return self.traffic_set is TrafficDirection.PRIMARY and self.visitors in _MOVED

    @property
    def unserved_side(self) -> Side | None:
        """The side that visitors do not get, by the answers, else by the records; None where both share, or unknown."""
        led = self.traffic_set if self.visitors is TrafficDirection.UNKNOWN else self.visitors
        return {TrafficDirection.PRIMARY: Side.DR, TrafficDirection.DR: Side.PRIMARY}.get(led)


_MOVED = (TrafficDirection.DR, TrafficDirection.BETWEEN)


def signals_of(snapshot: Snapshot, env: Environment) -> Signals:
    """Read the witnesses out of the snapshot."""
    pairs, primary_api = _pairs(snapshot, env), _api(snapshot, Side.PRIMARY)
    checked = _traffic(snapshot, env, Side.PRIMARY)
    found = testimonies(snapshot, env, checked) if primary_api is Api.SILENT else ()
    away, refusing = _own_databases(snapshot, env, Side.DR), _groups_that_refuse_writes(snapshot, Side.DR)
    frozen = {row.resource_id for row in away if not set(row.parameter_groups).isdisjoint(refusing)}
    copied = {dict(row.tags).get(REPLICATED_FROM) for row in _own_databases(snapshot, env, Side.PRIMARY)}
    services = snapshot.get_if_seen(ecs.services, Side.PRIMARY)
    return Signals(
        primary_api=primary_api,
        dr_api=_api(snapshot, Side.DR),
        primary_traffic=agreed_health(found) if primary_api is Api.SILENT else checked,
        dr_traffic=_traffic(snapshot, env, Side.DR),
        primary_running=None if services is None else sum(service.running for service in services),
        traffic_set=_set(pairs),
        pinned=_is_pinned(snapshot, pairs, env),
        primary_full=_full(snapshot, env, Side.PRIMARY),
        dr_full=_full(snapshot, env, Side.DR),
        primary_writable=writable(snapshot, env, Side.PRIMARY),
        dr_writable=writable(snapshot, env, Side.DR),
        came_home=len(frozen) == len(away) and not frozen.isdisjoint(copied),
        primary_asleep=_is_scheduled_off(snapshot, env),
        recorded=_has_traffic_record(snapshot, env),
        visitors=_visitors(snapshot, env),
        primary_service=region_service(snapshot, env),
        answered_by_dr=led_to_dr(snapshot, env),
        witnesses=found,
    )


def _visitors(snapshot: Snapshot, env: Environment) -> TrafficDirection:
    sides = frozenset().union(*(answering_sides(seen, own) for seen, own in snapshot.of_entrances(env)))
    if len(sides) != 1:
        return TrafficDirection.BETWEEN if sides else TrafficDirection.UNKNOWN
    return TrafficDirection.DR if Side.DR in sides else TrafficDirection.PRIMARY


def _has_traffic_record(snapshot: Snapshot, env: Environment) -> bool:
    """Whether there is a record of each traffic name; true where the zone cannot be read."""
    records = snapshot.get_if_seen(route53.records, Side.GLOBAL)
    return records is None or {*env.traffic_records} <= {record.name for record in records}


def _is_scheduled_off(snapshot: Snapshot, env: Environment) -> bool:
    """Whether every tenant's service wants 0 tasks in the primary, and the hour is one of those in which it should."""
    wanted = [service.desired for service in snapshot.get_if_seen(ecs.services, Side.PRIMARY) or ()]
    return env.scheduled_off(snapshot.taken_at) and bool(wanted) and not any(wanted)


def _pairs(snapshot: Snapshot, env: Environment) -> tuple[RecordPair, ...]:
    """The traffic names' pairs; none where they cannot be seen or are no pairs."""
    records = snapshot.get_if_seen(route53.records, Side.GLOBAL) or ()
    found = (pair for name in env.traffic_records for pair in pairs_of(records, name, env))
    return tuple(pair for pair in found if isinstance(pair, RecordPair))


def _set(pairs: tuple[RecordPair, ...]) -> TrafficDirection:
    sides = {leader(pair) for pair in pairs}
    if not sides:
        return TrafficDirection.UNKNOWN
    if len(sides) > 1 or None in sides:
        return TrafficDirection.BETWEEN
    return TrafficDirection.DR if sides == {Side.DR} else TrafficDirection.PRIMARY


def _is_pinned(snapshot: Snapshot, pairs: tuple[RecordPair, ...], env: Environment) -> bool:
    """Whether each check of the primary's records is held down."""
    pins = _pins(snapshot, snapshot.get_if_seen(route53_health_checks.checks, Side.GLOBAL) or (), env)
    return bool(pairs) and all(pair.primary.health_check_id in pins for pair in pairs)


def _pins(snapshot: Snapshot, checks: tuple[HealthCheck, ...], env: Environment) -> set[str]:
    """The ``checks`` that are held down: by their own settings, or by the DR region's switch."""
    known = {check.id: check for check in checks}
    switch = record_pins.switch_of(snapshot.get_if_seen(elbv2.listeners, Side.DR) or (), env)
    holds = switch is not None and record_pins.is_held(switch)
    return {
        check.id
        for check in known.values()
        if record_pins.is_pinned(check) or (holds and record_pins.obeys_switch(check, known, env))
    }


def _full(snapshot: Snapshot, env: Environment, side: Side) -> bool:
    env, services = env.on(side), snapshot.get_if_seen(ecs.services, side) or ()
    rows = [(env.tenant_of(env.names.service, service.name), service) for service in services]
    own = [(tenant, service) for tenant, service in rows if tenant]
    return bool(own) and all(service.running >= env.tasks_of(tenant) for tenant, service in own)


def writable(snapshot: Snapshot, env: Environment, side: Side) -> bool | None:
    """Whether the side's database takes writes; False where it was not seen, None where its state is undocumented.

    An estate without a database writes where its tasks run and visitors are led.
    """
    if not env.names.database:
        pairs = _pairs(snapshot, env)
        at_dr = (
            _set(pairs) is TrafficDirection.DR
            or _visitors(snapshot, env) is TrafficDirection.DR
            or _is_pinned(snapshot, pairs, env)
        )
        return at_dr == (side is Side.DR) and bool(_tasks(snapshot, env, side))
    standing, refusing = _own_databases(snapshot, env, side), _groups_that_refuse_writes(snapshot, side)
    own = [states.DATABASE[row.status] for row in standing if set(row.parameter_groups).isdisjoint(refusing)]
    return None if any(not state.known for state in own) else any(state.takes_writes for state in own)


def _tasks(snapshot: Snapshot, env: Environment, side: Side) -> int | None:
    """How many of the tenants' tasks run on the side, None where that was not seen."""
    services, own = snapshot.get_if_seen(ecs.services, side), env.on(side)
    if services is None:
        return None
    return sum(service.running for service in services if own.tenant_of(own.names.service, service.name))


def _own_databases(snapshot: Snapshot, env: Environment, side: Side) -> list[rds.Instance]:
    """The side's databases of the estate's name that are no replicas; none where they were not seen."""
    instances = snapshot.get_if_seen(rds.instances, side) or ()
    name = env.database_on(side)
    return [row for row in instances if row.identifier == name and not row.source]


def _groups_that_refuse_writes(snapshot: Snapshot, side: Side) -> set[tuple[str, str]]:
    """Groups by which instances refuse writes, as one that runs with it names each; none where they are unseen."""
    groups = snapshot.get_if_seen(rds_groups.parameter_groups, side) or ()
    # A group that is not in-sync does not yet work in the database (API_DBParameterGroupStatus).
    return {(group.name, "in-sync") for group in groups if engine_of(group.family).refuses_writes(group.parameters)}


def _api(snapshot: Snapshot, side: Side) -> Api:
    names = [reader.name for reader in WITNESSES]
    values = [snapshot.parts[name, side].value for name in names if (name, side) in snapshot.parts]
    # One answer is enough: a service that is silent is no silent region.
    if any(not isinstance(value, Unavailable) for value in values):
        return Api.ANSWERS
    kinds = {value.kind for value in values}
    if kinds == {UnavailableKind.THROTTLED}:
        return Api.THROTTLES
    # A denial is an answer: the region is there, and these keys may not read it.
    return Api.SILENT if kinds and kinds <= SILENT else Api.REFUSES


def silent_regions(snapshot: Snapshot, env: Environment) -> frozenset[str]:
    """The regions of which no witness answered, or all throttle: one service that fails is no silent region."""
    sides = (Side.PRIMARY, Side.DR)
    return frozenset(env.region(side) for side in sides if _api(snapshot, side) in (Api.SILENT, Api.THROTTLES))


def _traffic(snapshot: Snapshot, env: Environment, side: Side) -> TrafficHealth:
    """What the health checks on the side's origin records say; a disabled or pinned check is no witness (T03, T06)."""
    found = {_traffic_of(snapshot, env, side, name) for name in env.traffic_records}
    # In a region whose API is silent one name that is well contradicts another that is not: it is not known to be lost.
    if found >= {TrafficHealth.UNHEALTHY, TrafficHealth.HEALTHY} and _api(snapshot, side) is not Api.ANSWERS:
        return TrafficHealth.UNKNOWN
    if TrafficHealth.UNHEALTHY in found:
        return TrafficHealth.UNHEALTHY
    return TrafficHealth.HEALTHY if found == {TrafficHealth.HEALTHY} else TrafficHealth.UNKNOWN


def _traffic_of(snapshot: Snapshot, env: Environment, side: Side, name: str) -> TrafficHealth:
    try:
        records = snapshot.get(route53.records, Side.GLOBAL)
        known = {check.id: check for check in snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
        statuses = snapshot.get(route53_health_checks.statuses, Side.GLOBAL)
    except DataUnavailable:
        return TrafficHealth.UNKNOWN
    mine = [r for r in records if r.name == name and side_of(r, env) is side]
    named = {record.health_check_id for record in mine if record.health_check_id}
    pins = _pins(snapshot, tuple(known.values()), env)
    telling = {check for check in named if check in known and not known[check].disabled and check not in pins}
    seen = {
        reading.dimension(_CHECK): (reading.value >= 1) != known[reading.dimension(_CHECK)].inverted
        for reading in statuses
        if reading.dimension(_CHECK) in telling and reading.value is not None
    }
    # all() of nothing is true: without any status the health is unknown, by the line below.
    if not all(seen.values()):
        return TrafficHealth.UNHEALTHY
    whole = bool(mine) and all(record.health_check_id in seen for record in mine)
    return TrafficHealth.HEALTHY if whole else TrafficHealth.UNKNOWN


_CHECK = "HealthCheckId"
