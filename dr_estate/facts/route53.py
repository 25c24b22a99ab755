"""Route 53: the traffic zone, its records, and the health checks that steer them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.facts import GLOBAL, part
from dr_estate.looking import Look

ZONE_READS = frozenset({"route53:ListHostedZonesByName"})
RECORD_READS = frozenset({"route53:ListResourceRecordSets"})

_ESCAPED_STAR = "\\052"


@dataclass(frozen=True, slots=True)
class Zone:
    """A public hosted zone. ``name`` has no trailing dot; ``id`` no ``/hostedzone/`` before it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record set. Names have no trailing dot; ``ttl_s`` is None for an alias; a routing field not used is None."""

    name: str
    type: str
    ttl_s: int | None
    values: tuple[str, ...]
    set_identifier: str | None
    weight: int | None
    failover: str | None
    health_check_id: str | None
    alias_target: str | None
    alias_zone_id: str | None
    evaluate_target_health: bool | None
    other_policy: str | None = None


@part(*GLOBAL, reads=ZONE_READS)
def zone(look: Look) -> Zone | None:
    """The public hosted zone of the traffic records; None where this account has none of that name."""
    name = look.env.traffic.zone
    answer = look.call("route53", "list_hosted_zones_by_name", DNSName=name, MaxItems="100")
    public = [z for z in answer["HostedZones"] if z["Name"] == f"{name}." and not z["Config"].get("PrivateZone")]
    return Zone(public[0]["Id"].removeprefix("/hostedzone/"), name) if public else None


@part(*GLOBAL, reads=RECORD_READS)
def records(look: Look) -> tuple[Record, ...]:
    """Every record set of the traffic zone, 300 a page; empty where there is no such zone."""
    there = look.part(zone)
    if there is None:
        return ()
    rows = look.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=there.id)
    return tuple(record(row) for row in rows)


def record(row: dict[str, Any]) -> Record:
    """A row of ListResourceRecordSets as a Record."""
    alias = row.get("AliasTarget", {})
    other = ("Region", "GeoLocation", "MultiValueAnswer", "CidrRoutingConfig", "GeoProximityLocation")
    return Record(
        name=plain(row["Name"]),
        type=row["Type"],
        ttl_s=row.get("TTL"),
        values=tuple(value["Value"] for value in row.get("ResourceRecords", [])),
        set_identifier=row.get("SetIdentifier"),
        weight=row.get("Weight"),
        failover=row.get("Failover"),
        health_check_id=row.get("HealthCheckId"),
        alias_target=plain(alias["DNSName"]) if alias else None,
        alias_zone_id=alias.get("HostedZoneId"),
        evaluate_target_health=alias.get("EvaluateTargetHealth"),
        other_policy=next((key for key in other if row.get(key)), None),
    )


def plain(name: str) -> str:
    """A DNS name in lower case, without trailing dot, and with ``*`` written as such."""
    return name.lower().removesuffix(".").replace(_ESCAPED_STAR, "*")
