"""What a cut-over turns: the traffic name's pair and customers' own pairs, by hosted zone, and what is left. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_actions.model.action import Sight
from dr_checks.derived.record_pairs import Pair, pairs_of
from dr_estate.config.environment import Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import route53
from dr_estate.readers.route53 import CustomerHost
from dr_estate.snapshot.tenants import discover, dns_label

_CNAME = "CNAME"


@dataclass(frozen=True, slots=True)
class ZonePairs:
    """A hosted zone and the pairs in it that are to be turned."""

    id: str
    name: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Cutover:
    """The zones to be changed, in order of their names, and in sentences what is left as it is."""

    zones: tuple[ZonePairs, ...]
    left: tuple[str, ...]


def cutover(sight: Sight) -> Cutover:
    """Everything the cut-over would turn. Raises CannotSee where the zone or its records cannot be seen."""
    found, left = list[tuple[str, str, Pair]](), list[str]()
    for zone_id, zone, what in (*_origin(sight), *_customers(sight)):
        if isinstance(what, str):
            left.append(what)
        elif zone in sight.env.traffic.denied_zones:
            left.append(f"{what.label} stands in {zone}, a denied zone: nothing is changed there.")
        else:
            found.append((zone, zone_id, what))
    zones = sorted({(zone, zone_id) for zone, zone_id, _ in found})
    return Cutover(
        tuple(
            ZonePairs(zone_id, zone, tuple(p for _, other, p in found if other == zone_id)) for zone, zone_id in zones
        ),
        tuple(left),
    )


def _origin(sight: Sight) -> Iterator[tuple[str, str, Pair | str]]:
    traffic = sight.env.traffic
    zone = sight.snapshot.get(route53.zone, Side.GLOBAL)
    if zone is None:
        yield "", traffic.zone, f"There is no public zone {traffic.zone}: no traffic record can be changed."
        return
    if not _moves_everybody(sight):
        message = f"{traffic.origin_record} serves every tenant: it is not moved for some of them."
        yield zone.id, zone.name, message
        return
    records = sight.snapshot.get(route53.records, Side.GLOBAL)
    pairs = list(pairs_of(records, traffic.origin_record, sight.env))
    if not pairs:
        yield zone.id, zone.name, f"{traffic.origin_record} has no record in {zone.name}."
    for pair in pairs:
        if isinstance(pair, Pair) and pair.primary.policy != traffic.policy:
            message = f"{pair.label} is {pair.primary.policy}, not {traffic.policy} as configured"
            yield zone.id, zone.name, f"{message}: a run never converts (T12)."
        else:
            yield zone.id, zone.name, pair


def _moves_everybody(sight: Sight) -> bool:
    only = sight.only_tenants
    return not only or all(t.id in only or t.dns in only for t in discover(sight.snapshot, sight.env))


def _customers(sight: Sight) -> Iterator[tuple[str, str, Pair | str]]:
    wanted = set(_customer_names(sight))
    if not wanted:
        return
    ids = {zone.name: zone.id for zone in sight.snapshot.get(route53.zones, Side.GLOBAL) if not zone.private}
    for host in sight.snapshot.get(route53.customer_hosts, Side.GLOBAL):
        if not isinstance(host, CustomerHost):
            yield "", "", f"A customer's host could not be seen: {host.why}"
        elif host.host in wanted:
            yield from ((ids.get(host.zone or "", ""), host.zone or "", what) for what in _customer(host, sight))


def _customer_names(sight: Sight) -> Iterator[str]:
    only = {dns_label(tenant) for tenant in sight.only_tenants}
    for tenant, hosts in sight.env.traffic.customer_hosts.items():
        if not only or dns_label(tenant) in only:
            yield from hosts


def _customer(customer_host: CustomerHost, sight: Sight) -> Iterator[Pair | str]:
    """A CNAME to the traffic name follows by itself; a pair of its own is turned; anything else is said."""
    origin = sight.env.traffic.origin_record
    if customer_host.zone is None:
        yield f"{customer_host.host} is held in a zone that is not this account's: its owner leads it to {origin}."
        return
    follows = {r.type == _CNAME and route53.plain(r.values[0]) == origin for r in customer_host.records if r.values}
    follows |= {r.alias_target == origin for r in customer_host.records if r.alias_target}
    if customer_host.records and follows == {True}:
        return
    yield from pairs_of(customer_host.records, customer_host.host, sight.env)


def blind_to(sight: Sight) -> str:
    """Why the cut-over cannot be planned, "" where it can."""
    try:
        cutover(sight)
    except CannotSee as dark:
        return dark.unseen.why
    return ""
