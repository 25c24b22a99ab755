"""What a cut-over turns: the traffic name's pair and customers' own pairs, by hosted zone, and what is left. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_actions.model.action import PlanContext
from dr_checks.derived.record_pairs import RecordPair, pairs_of
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53
from dr_estate.readers.route53 import CustomerHost
from dr_estate.snapshot.tenants import discover, is_chosen

_CNAME = "CNAME"


@dataclass(frozen=True, slots=True)
class ZonePairs:
    """A hosted zone and the pairs in it that are to be turned."""

    id: str
    name: str
    pairs: tuple[RecordPair, ...]


@dataclass(frozen=True, slots=True)
class CutoverPairs:
    """The zones to be changed, in order of their names, and in sentences what is left as it is."""

    zones: tuple[ZonePairs, ...]
    left: tuple[str, ...]


def cutover_pairs(context: PlanContext) -> CutoverPairs:
    """Everything the cut-over would turn. Raises DataUnavailable where the zone or its records cannot be seen."""
    found, left = list[tuple[str, str, RecordPair]](), list[str]()
    for zone_id, zone, what in (*_origin(context), *_customers(context)):
        if isinstance(what, str):
            left.append(what)
        elif zone in context.env.traffic.denied_zones:
            left.append(f"{what.label} stands in {zone}, a denied zone: nothing is changed there.")
        else:
            found.append((zone, zone_id, what))
    zones = sorted({(zone, zone_id) for zone, zone_id, _ in found})
    return CutoverPairs(
        tuple(
            ZonePairs(zone_id, zone, tuple(p for _, other, p in found if other == zone_id)) for zone, zone_id in zones
        ),
        tuple(left),
    )


def _origin(context: PlanContext) -> Iterator[tuple[str, str, RecordPair | str]]:
    traffic = context.env.traffic
    zone = context.snapshot.get(route53.zone, Side.GLOBAL)
    if zone is None:
        yield "", traffic.zone, f"There is no public zone {traffic.zone}: no traffic record can be changed."
        return
    if not _moves_everybody(context):
        message = f"{traffic.origin_record} serves every tenant: it is not moved for some of them."
        yield zone.id, zone.name, message
        return
    records = context.snapshot.get(route53.records, Side.GLOBAL)
    pairs = list(pairs_of(records, traffic.origin_record, context.env))
    if not pairs:
        yield zone.id, zone.name, f"{traffic.origin_record} has no record in {zone.name}."
    for pair in pairs:
        if isinstance(pair, RecordPair) and pair.primary.policy != traffic.policy:
            message = f"{pair.label} is {pair.primary.policy}, not {traffic.policy} as configured"
            yield zone.id, zone.name, f"{message}: a run never converts (T12)."
        else:
            yield zone.id, zone.name, pair


def _moves_everybody(context: PlanContext) -> bool:
    only = context.only_tenants
    return not only or all(is_chosen(tenant.id, only) for tenant in discover(context.snapshot, context.env))


def _customers(context: PlanContext) -> Iterator[tuple[str, str, RecordPair | str]]:
    wanted = set(_customer_names(context))
    if not wanted:
        return
    ids = {zone.name: zone.id for zone in context.snapshot.get(route53.zones, Side.GLOBAL) if not zone.private}
    for host in context.snapshot.get(route53.customer_hosts, Side.GLOBAL):
        if not isinstance(host, CustomerHost):
            yield "", "", f"A customer's host could not be seen: {host.why}"
        elif host.host in wanted:
            yield from ((ids.get(host.zone or "", ""), host.zone or "", what) for what in _customer(host, context))


def _customer_names(context: PlanContext) -> Iterator[str]:
    for tenant, hosts in context.env.traffic.customer_hosts.items():
        if is_chosen(tenant, context.only_tenants):
            yield from hosts


def _customer(customer_host: CustomerHost, context: PlanContext) -> Iterator[RecordPair | str]:
    """A CNAME to the traffic name follows by itself; a pair of its own is turned; anything else is said."""
    origin = context.env.traffic.origin_record
    if customer_host.zone is None:
        yield f"{customer_host.host} is held in a zone that is not this account's: its owner leads it to {origin}."
        return
    follows = {r.type == _CNAME and route53.plain(r.values[0]) == origin for r in customer_host.records if r.values}
    follows |= {r.alias_target == origin for r in customer_host.records if r.alias_target}
    if customer_host.records and follows == {True}:
        return
    yield from pairs_of(customer_host.records, customer_host.host, context.env)


def unavailable_reason(context: PlanContext) -> str:
    """Why the cut-over cannot be planned, "" where it can."""
    try:
        cutover_pairs(context)
    except DataUnavailable as error:
        return error.unavailable.why
    return ""
