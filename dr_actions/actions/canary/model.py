"""The canary: a record of nobody's, led through every routing state that a failover and its failback take. Pure.

It is named as the environment's own pair is and follows the same policy, so that what is proved of it holds for that
pair. It leads to addresses for documentation alone (RFC 5737), which no machine has. A weighted pair holds them itself.
A failover pair cannot: Route 53 refuses "a non-alias primary ResourceRecordSet" without a health check (its own words,
external-dns issue 2362). A new check would begin healthy (T04), and the estate's own would then steer two names and
could not be pinned (T06). So its two records are aliases of two records beside it, as the estate's are of load
balancers. One name has one policy for as long as it lives (T12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dr_actions.actions.traffic.records import ALL, NONE, RecordSet, record_set, shared_pair, shifted_pair
from dr_actions.model.action import PlanContext
from dr_checks.derived.record_pairs import RecordPair
from dr_estate.config.environment import Environment, Side
from dr_estate.model.drill_names import canary_name, canary_of, canary_target, is_canary, is_drill
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53
from dr_estate.readers.route53 import HostedZone, Record

# TEST-NET-1 and TEST-NET-2
ADDRESSES = {Side.PRIMARY: "192.0.2.1", Side.DR: "198.51.100.1"}
_KIND = "A"


@dataclass(frozen=True, slots=True)
class RoutingState:
    """One routing state: ``percent`` of the answers lead to the primary region, the rest to the DR region."""

    label: str
    percent: int
    records: tuple[RecordSet, ...]


def states(env: Environment, name: str, zone_id: str) -> tuple[RoutingState, ...]:
    """Return today's state, the state after a failover, and the state at each share of the failback.

    A failover pair returns to the primary region in a single stage (T12).
    """
    pair, beside = _pair(env, name, zone_id), tuple(_targets(env, name))
    stages = env.failback.stages if env.traffic.policy == "weighted" else (ALL,)
    led = [("today", ALL, shared_pair(pair, ALL)), ("away", NONE, shifted_pair(pair, Side.DR))]
    led += [(f"home-{percent}", percent, shared_pair(pair, percent)) for percent in stages]
    return tuple(
        RoutingState(label, percent, tuple(map(record_set, (*beside, *records)))) for label, percent, records in led
    )


def _pair(env: Environment, name: str, zone_id: str) -> RecordPair:
    traffic = env.traffic
    return RecordPair(
        _routing_record(env, name, Side.PRIMARY, traffic.primary_set_identifier, zone_id),
        _routing_record(env, name, Side.DR, traffic.secondary_set_identifier, zone_id),
    )


def _routing_record(env: Environment, name: str, side: Side, identifier: str, zone_id: str) -> Record:
    """The record of ``name`` for ``side``, while all is led to the primary region."""
    first = side is Side.PRIMARY
    if env.traffic.policy == "weighted":
        return _record(name, env, side, set_identifier=identifier, weight=ALL if first else NONE)
    return _record(
        name,
        env,
        None,
        set_identifier=identifier,
        failover="PRIMARY" if first else "SECONDARY",
        alias_target=canary_target(name, side),
        alias_zone_id=zone_id,
    )


def _targets(env: Environment, name: str) -> Iterator[Record]:
    """What the two aliases of a failover pair lead to."""
    if env.traffic.policy == "failover":
        for side in (Side.PRIMARY, Side.DR):
            yield _record(canary_target(name, side), env, side)


def _record(
    name: str,
    env: Environment,
    side: Side | None,
    set_identifier: str | None = None,
    weight: int | None = None,
    failover: str | None = None,
    alias_target: str | None = None,
    alias_zone_id: str | None = None,
) -> Record:
    """A record with the address that stands for ``side``, or an alias where there is none."""
    return Record(
        name=name,
        type=_KIND,
        ttl_s=env.thresholds.record_ttl_s if side else None,
        values=(ADDRESSES[side],) if side else (),
        set_identifier=set_identifier,
        weight=weight,
        failover=failover,
        health_check_id=None,
        alias_target=alias_target,
        alias_zone_id=alias_zone_id,
        evaluate_target_health=True if alias_target else None,
    )


def place(context: PlanContext) -> tuple[str, HostedZone] | str:
    """The canary's name and its zone, or in a sentence why none is made."""
    env, zone = context.env, context.env.traffic.zone
    if not is_drill(context.incident):
        return f"No canary is made: it bears the name of its drill, and '{context.incident}' is no drill."
    if zone not in env.traffic.canary_zones:
        return f"No canary is made: traffic.canary_zones does not list {zone}, so no record is made there."
    name = canary_name(env, zone, context.incident)
    denied = [
        denied_zone
        for denied_zone in env.traffic.denied_zones
        # A denied zone above the traffic zone is denied without it: the more exact one decides, as in the guard.
        if f".{name}".endswith(f".{denied_zone}") and len(denied_zone) >= len(zone)
    ]
    if denied:
        return f"No canary is made: {name} is in {denied[0]}, a denied zone (traffic.denied_zones)."
    try:
        found = context.snapshot.get(route53.zone, Side.GLOBAL)
        context.snapshot.get(route53.records, Side.GLOBAL)
    except DataUnavailable as error:
        return f"No canary is made, for its zone cannot be seen: {error.unavailable.why}"
    return (name, found) if found else f"No canary is made: there is no public zone {zone}."


def leftover_records(context: PlanContext) -> dict[str, tuple[Record, ...]]:
    """Every canary's records that are seen, targets before their aliases. Raises DataUnavailable."""
    found: dict[str, list[Record]] = {}
    for record in context.snapshot.get(route53.records, Side.GLOBAL):
        if is_canary(record.name, context.env):
            found.setdefault(canary_of(record.name), []).append(record)
    return {name: tuple(sorted(rows, key=lambda row: row.alias_target is not None)) for name, rows in found.items()}


def record_sets(context: PlanContext, names: Iterable[str]) -> list[RecordSet]:
    """Every record set of ``names`` as it is, in order. Raises DataUnavailable."""
    wanted = {route53.plain(name) for name in names}
    return in_order(
        record_set(record) for record in context.snapshot.get(route53.records, Side.GLOBAL) if record.name in wanted
    )


def in_order(record_sets: Iterable[RecordSet]) -> list[RecordSet]:
    """Record sets by name, type and set identifier, so that two lists of them can be compared."""
    return sorted(record_sets, key=lambda rrset: (rrset["Name"], rrset["Type"], rrset.get("SetIdentifier") or ""))


def names_of(record_sets: Iterable[RecordSet]) -> list[str]:
    """The names of ``record_sets``, plain, once each."""
    return sorted({route53.plain(str(rrset["Name"])) for rrset in record_sets})
