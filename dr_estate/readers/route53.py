"""Route 53: the account's zones, the traffic zone and its records, and customers' zones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from dr_estate.model.unavailable import Unavailable
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import GLOBAL, ReadContext, part

RECORD_READS = frozenset({"route53:ListResourceRecordSets"})

# Route 53 answers with the octal code of the star, whatever was written.
_ESCAPED_STAR = "\\052"
# The first page holds all of a host but of one with many routed records.
_A_PAGE = "20"
_OTHER_POLICIES = ("Region", "GeoLocation", "MultiValueAnswer", "CidrRoutingConfig", "GeoProximityLocation")


@dataclass(frozen=True, slots=True)
class ListedZone:
    """A hosted zone of this account. ``name`` has no trailing dot; ``id`` no ``/hostedzone/`` before it."""

    id: str
    name: str
    private: bool
    record_sets: int = 0


@dataclass(frozen=True, slots=True)
class HostedZone:
    """The traffic zone, its delegation set, and its accelerated recovery ("" where AWS says none)."""

    id: str
    name: str
    name_servers: tuple[str, ...]
    accelerated_recovery: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record set. Names have no trailing dot; ``ttl_s`` is None for an alias; a routing field not used is None.

    ``dualstack``: the alias target is written with ``dualstack.`` before it, which ``alias_target`` leaves out.
    """

    name: str
    type: Annotated[str, At("Type", demanded=True)]
    ttl_s: Annotated[int | None, At("TTL")]
    values: tuple[str, ...]
    set_identifier: Annotated[str | None, At("SetIdentifier")]
    weight: Annotated[int | None, At("Weight")]
    failover: Annotated[str | None, At("Failover")]
    health_check_id: Annotated[str | None, At("HealthCheckId")]
    alias_target: str | None
    alias_zone_id: Annotated[str | None, At("AliasTarget.HostedZoneId")]
    evaluate_target_health: Annotated[bool | None, At("AliasTarget.EvaluateTargetHealth")]
    other_policy: str | None = None
    dualstack: bool = False

    @property
    def policy(self) -> str:
        """``failover``, ``weighted``, the name of another routing policy's field, or ``simple``."""
        if self.failover is not None:
            return "failover"
        return "weighted" if self.weight is not None else self.other_policy or "simple"


@dataclass(frozen=True, slots=True)
class CustomerHost:
    """A customer's host name, the zone of this account that holds it (None: held elsewhere), and its records."""

    host: str
    zone: str | None
    records: tuple[Record, ...]


@part(*GLOBAL, reads=frozenset({"route53:ListHostedZones"}))
def zones(context: ReadContext) -> tuple[ListedZone, ...]:
    """Every hosted zone of the account, a hundred a page."""
    rows = context.pages("route53", "list_hosted_zones", "HostedZones")
    return context.rows(rows, _listed_zone, "Name", f"{context.env.traffic.zone}.")


@part(*GLOBAL, reads=frozenset({"route53:GetHostedZone"}))
def zone(context: ReadContext) -> HostedZone | None:
    """The public zone of the traffic records; None where there is none. Of several, the one with the most records."""
    found = [z for z in context.part(zones) if z.name == context.env.traffic.zone and not z.private]
    if not found:
        return None
    # Zones of one name are legal: an empty one is left over, and the delegation check finds a wrong choice.
    fullest = max(found, key=lambda z: z.record_sets)
    answer = context.call("route53", "get_hosted_zone", Id=fullest.id)
    servers = answer.get("DelegationSet", {}).get("NameServers", [])
    features = answer.get("HostedZone", {}).get("Features", {})
    return HostedZone(
        id=fullest.id,
        name=fullest.name,
        name_servers=tuple(sorted(plain(server) for server in servers)),
        accelerated_recovery=features.get("AcceleratedRecoveryStatus", ""),
    )


@part(*GLOBAL, reads=RECORD_READS)
def records(context: ReadContext) -> tuple[Record, ...]:
    """Every record set of the traffic zone, 300 a page; empty where there is no such zone."""
    there = context.part(zone)
    if there is None:
        return ()
    rows = context.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=there.id)
    return context.rows(rows, record, "Name")


@part(*GLOBAL, reads=RECORD_READS)
def customer_hosts(context: ReadContext) -> tuple[CustomerHost | Unavailable, ...]:
    """The customers' host names of the environment file: one call for each that a zone of this account holds."""
    public = {listed.name: listed.id for listed in context.part(zones) if not listed.private}
    hosts = sorted({host for hosts in context.env.traffic.customer_hosts.values() for host in hosts})

    def read(host: str) -> CustomerHost:
        labels = host.split(".")
        zone_name = next((name for n in range(len(labels)) if (name := ".".join(labels[n:])) in public), None)
        if zone_name is None:
            return CustomerHost(host, None, ())
        there = context.rows(_from_name(context, public[zone_name], host), record, "Name", f"{host}.")
        return CustomerHost(host, zone_name, tuple(r for r in there if r.name == host))

    return tuple(context.maybe(read, hosts))


def _from_name(context: ReadContext, zone_id: str, host: str) -> list[Any]:
    """The record sets of a zone from ``host`` on, read until the next page begins with another name."""
    rows, start = list[Any](), {"StartRecordName": host}
    while True:
        answer = context.call("route53", "list_resource_record_sets", HostedZoneId=zone_id, MaxItems=_A_PAGE, **start)
        rows += answer.get("ResourceRecordSets", [])
        named = ((word, str(answer.get(f"NextRecord{word}") or "")) for word in ("Name", "Type", "Identifier"))
        following = {f"StartRecord{word}": value for word, value in named if value}
        goes_on = plain(following.get("StartRecordName", "")) == host and following != start
        if not answer.get("IsTruncated") or not goes_on:
            return rows
        start = following


def _listed_zone(row: dict[str, Any]) -> ListedZone:
    private = bool(row.get("Config", {}).get("PrivateZone"))
    bare_id = row["Id"].removeprefix("/hostedzone/")
    return ListedZone(bare_id, plain(row["Name"]), private, row.get("ResourceRecordSetCount", 0))


def record(row: dict[str, Any]) -> Record:
    """A row of ListResourceRecordSets as a Record."""
    alias = row.get("AliasTarget", {})
    return read(
        Record,
        row,
        name=plain(row["Name"]),
        values=tuple(value["Value"] for value in row.get("ResourceRecords", [])),
        # The console writes dualstack. before a load balancer's name; the API answers the name without it.
        alias_target=plain(alias["DNSName"]).removeprefix("dualstack.") if alias else None,
        other_policy=next((key for key in _OTHER_POLICIES if row.get(key)), None),
        dualstack=plain(alias.get("DNSName", "")).startswith("dualstack."),
    )


def plain(name: str) -> str:
    """A DNS name in lower case, without trailing dot, and with ``*`` written as such."""
    return name.lower().removesuffix(".").replace(_ESCAPED_STAR, "*")
