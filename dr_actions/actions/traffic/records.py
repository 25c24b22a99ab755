"""The traffic records: what a cut-over turns, how they lead today and shall lead, and the change batch between the two.

A failover pair is turned by exchanging what its two records LEAD TO (target, TTL, health check), and each keeps its set
identifier and its role. Exchanging the roles would be refused half way by anything that takes the records one at a
time: two PRIMARY records of one name exist between the two changes ("cannot be created as there already is a PRIMARY
failover RRSet": the console, Terraform, boto3 issue 1347), and Route 53 judges a batch in its order (external-dns
issue 1411, octoDNS issue 507). Each change of this batch is valid alone and in any order; Route 53 takes all or none
(API_ChangeResourceRecordSets). A weighted pair gets new weights. Nothing is created, deleted or converted (T12). Pure.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Call
from dr_checks.derived.routing import _LEADS, RecordPair, leader, pairs_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import aws_command
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover, is_chosen

_CNAME = "CNAME"
RecordSet = dict[str, Any]
# Limits of one batch, and an UPSERT counts as two changes (API_ChangeResourceRecordSets, T13).
MOST_RECORDS, MOST_CHARACTERS = 1_000, 32_000
_UPSERT_COUNTS = 2
ALL, NONE = 100, 0


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
        # The guard refuses such a call anyway; left out here, it is in the plan before a run begins.
        elif zone in context.env.traffic.denied_zones:
            left.append(f"{what.label} stands in {zone}, a denied zone: nothing is changed there.")
        else:
            found.append((zone, zone_id, what))
    zones = []
    for zone, zone_id in sorted({(zone, zone_id) for zone, zone_id, _ in found}):
        zones.append(ZonePairs(zone_id, zone, tuple(p for _, other, p in found if other == zone_id)))
    return CutoverPairs(tuple(zones), tuple(left))


def _origin(context: PlanContext) -> Iterator[tuple[str, str, RecordPair | str]]:
    traffic = context.env.traffic
    zone = context.snapshot.get(route53.zone, Side.GLOBAL)
    if zone is None:
        yield "", traffic.zone, f"There is no public zone {traffic.zone}: no traffic record can be changed."
        return
    for part, env in context.snapshot.of_entrances(context.env):
        if name := env.traffic.origin_record:
            yield from ((zone.id, zone.name, what) for what in _pairs_of_name(name, part, env, context, zone.name))


def _pairs_of_name(
    name: str, snapshot: Snapshot, env: Environment, context: PlanContext, zone: str
) -> Iterator[RecordPair | str]:
    """The pairs of a traffic name; a sentence for what is left."""
    only, policy = context.only_tenants, env.traffic.policy
    # One record leads all its tenants: turned for some of them, it would move the others as well.
    if only and not all(is_chosen(tenant.id, only) for tenant in discover(snapshot, env)):
        yield f"{name} serves every tenant: it is not moved for some of them."
        return
    pairs = list(pairs_of(context.snapshot.get(route53.records, Side.GLOBAL), name, env))
    if not pairs:
        yield f"{name} has no record in {zone}."
    for pair in pairs:
        if isinstance(pair, RecordPair) and pair.primary.policy != policy:
            yield f"{pair.label} is {pair.primary.policy}, not {policy} as configured: a run never converts (T12)."
        else:
            yield pair


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
    # All of them, of every type: an AAAA that leads elsewhere takes each visitor that uses IPv6.
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


def shifted_pair(pair: RecordPair, to: Side) -> tuple[Record, Record]:
    """The pair's two records as they are when all visitors are led to ``to``, in the order of the set identifiers."""
    if pair.primary.policy == "weighted":
        weights = (ALL, NONE) if to is Side.PRIMARY else (NONE, ALL)
        records = (replace(pair.primary, weight=weights[0]), replace(pair.dr, weight=weights[1]))
    elif leader(pair) is to:
        records = (pair.primary, pair.dr)
    else:
        records = (_leading_where(pair.primary, pair.dr), _leading_where(pair.dr, pair.primary))
    return _in_order(*records)


def shared_pair(pair: RecordPair, percent: int) -> tuple[Record, Record]:
    """The pair's two records while ``percent`` of all visitors are led to the primary region, the rest to the DR one.

    Raises ValueError for a failover pair and another number than 100: to share it would convert it (T12).
    """
    if pair.primary.policy == "weighted":
        return _in_order(replace(pair.primary, weight=percent), replace(pair.dr, weight=ALL - percent))
    if percent != ALL:
        raise ValueError(f"{pair.label} is of policy {pair.primary.policy}: it cannot be shared by {percent} percent")
    return shifted_pair(pair, Side.PRIMARY)


def _leading_where(record: Record, other: Record) -> Record:
    return replace(record, **{field: getattr(other, field) for field in _LEADS})


def _in_order(*records: Record) -> tuple[Record, Record]:
    first, second = sorted(records, key=lambda record: record.set_identifier or "")
    return first, second


def as_it_is(pair: RecordPair) -> tuple[Record, Record]:
    """The pair's two records as they are, in the order of the set identifiers."""
    return _in_order(pair.primary, pair.dr)


def record_set(record: Record) -> RecordSet:
    """A record as ChangeResourceRecordSets takes it: every attribute that it has, and no other."""
    fields: RecordSet = {"Name": f"{record.name}.", "Type": record.type}
    routed = {"SetIdentifier": record.set_identifier, "Failover": record.failover, "Weight": record.weight}
    fields |= {key: value for key, value in routed.items() if value is not None}
    if record.alias_target is not None:
        fields["AliasTarget"] = {
            "HostedZoneId": record.alias_zone_id,
            "DNSName": f"{'dualstack.' * record.dualstack}{record.alias_target}.",
            # Required in each alias (API_AliasTarget): without it the whole batch is refused.
            "EvaluateTargetHealth": bool(record.evaluate_target_health),
        }
    else:
        fields |= {"TTL": record.ttl_s, "ResourceRecords": [{"Value": value} for value in record.values]}
    return fields | ({"HealthCheckId": record.health_check_id} if record.health_check_id else {})


def chunks(pairs: Sequence[RecordPair]) -> Iterator[tuple[RecordPair, ...]]:
    """The pairs in batches that Route 53 takes: 1,000 values or 32,000 characters, an UPSERT counting twice (T13).

    A pair is never split, so that each name is turned by one atomic change.
    """
    chunk: list[RecordPair] = []
    for pair in pairs:
        if chunk and not _fits([*chunk, pair]):
            yield tuple(chunk)
            chunk = []
        chunk.append(pair)
    if chunk:
        yield tuple(chunk)


def _fits(pairs: Sequence[RecordPair]) -> bool:
    targets = [record.values or (record.alias_target or "",) for pair in pairs for record in (pair.primary, pair.dr)]
    values = sum(len(target) for target in targets)
    characters = sum(len(value) for target in targets for value in target)
    return values * _UPSERT_COUNTS <= MOST_RECORDS and characters * _UPSERT_COUNTS <= MOST_CHARACTERS


def upserts(zone_id: str, record_sets: Sequence[RecordSet], comment: str) -> dict[str, Any]:
    """The parameters of ChangeResourceRecordSets that write exactly ``record_sets``."""
    changes = [{"Action": "UPSERT", "ResourceRecordSet": dict(rrset)} for rrset in record_sets]
    return {"HostedZoneId": zone_id, "ChangeBatch": {"Comment": comment, "Changes": changes}}


def between(zone_id: str, before: Sequence[RecordSet], after: Sequence[RecordSet], comment: str) -> dict[str, Any]:
    """The parameters of ChangeResourceRecordSets that lead from exactly ``before`` to exactly ``after``.

    What is made is made in order, what goes goes in the opposite order: an alias after its target, and before it.
    """
    was, will = {_identity(rrset): rrset for rrset in before}, {_identity(rrset): rrset for rrset in after}
    rows = [("DELETE", rrset) for key, rrset in reversed(was.items()) if key not in will]
    rows += [("UPSERT" if key in was else "CREATE", rrset) for key, rrset in will.items() if was.get(key) != rrset]
    changes = [{"Action": action, "ResourceRecordSet": dict(rrset)} for action, rrset in rows]
    return {"HostedZoneId": zone_id, "ChangeBatch": {"Comment": comment, "Changes": changes}}


def _identity(rrset: Mapping[str, Any]) -> tuple[str, str, str]:
    return rrset["Name"], rrset["Type"], rrset.get("SetIdentifier") or ""


def as_json(call: Call) -> str:
    """The change batch of ``call`` as JSON text, as ``--change-batch file://...`` takes it. Raises KeyError."""
    return json.dumps(call.params["ChangeBatch"], indent=2)


def as_reading(call: Call) -> str:
    """The command line that lists the records of the zone that ``call`` changes. Raises KeyError."""
    return aws_command("route53", "ListResourceRecordSets", call.region, HostedZoneId=call.params["HostedZoneId"])


def as_command(call: Call, batch: str = "") -> str:
    """The command line that makes the change of ``call`` by hand, one line, quoted for a shell.

    ``batch`` is the URL of the file that holds the change batch; "" writes the batch into the command. Raises KeyError.
    """
    batch = batch or json.dumps(call.params["ChangeBatch"], separators=(",", ":"))
    words = ["--hosted-zone-id", str(call.params["HostedZoneId"]), "--change-batch", batch, "--region", call.region]
    return f"aws route53 change-resource-record-sets {shlex.join(words)}"
