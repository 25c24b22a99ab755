"""Checks of the traffic zone: access, delegation, and changes while us-east-1 is lost."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import GLOBAL, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_estate.readers import route53
from dr_estate.snapshot.tenants import host_of

_NO_ZONE = "the hosted zone does not exist: see route53.zone-accessible"
# MNAME, RNAME, SERIAL, REFRESH, RETRY, EXPIRE and MINIMUM (RFC 1035, 3.3.13).
_SOA_FIELDS = 7
# Types that a zone has for a name that another zone answers for; all else of such a name is never asked for.
_OF_DELEGATIONS = ("NS", "DS")


@check("the hosted zone of the traffic records exists, only once, and is readable")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, GLOBAL)
@cite("T01", "DnsTargetResourceHostedZoneConfigurationRule", "REL11-BP02", "NIST CP-2")
def zone_accessible(view: View) -> Iterator[Finding]:
    """One public zone of the name: of two, only one is delegated, and a change to the other does nothing."""
    name = view.env.traffic.zone
    # A private zone of that name is answered inside its VPCs alone: no visitor asks it.
    found = [z for z in view.get(route53.zones) if z.name == name and not z.private]
    if len(found) == 1:
        yield view.ok(name, found[0].id, "one public zone", "the zone is unique and readable")
        return
    reason = "the traffic cannot be moved by this account" if not found else "a change to the wrong one has no effect"
    remedy = (
        f"Use the account that holds {name}, or correct traffic.zone in the environment file."
        if not found
        else f"Delete the zone that the parent of {name} does not delegate to; keep the other."
    )
    yield view.gap(name, ", ".join(z.id for z in found) or "no public zone", "one public zone", reason, remedy)


@check("the zone's NS records name the servers that Route 53 assigned to it")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("DnsTargetResourceHostedZoneConfigurationRule")
def own_name_servers(view: View) -> Iterator[Finding]:
    """The apex NS record equals the delegation set. Source: GetHostedZone, ListResourceRecordSets."""
    zone = view.need(view.get(route53.zone), view.env.traffic.zone, _NO_ZONE)
    apex = view.find(route53.records, name=zone.name, type="NS")
    there = {route53.plain(value) for value in apex.values} if apex else set()
    measured, wanted = ", ".join(sorted(there)) or "no NS record", ", ".join(zone.name_servers)
    if there == set(zone.name_servers):
        yield view.ok(zone.name, measured, wanted, "resolvers that query the zone stay with its own servers")
    else:
        reason = "resolvers are sent to servers that do not have this zone, and see none of its changes"
        remedy = f"Set the apex NS record of {zone.name} to its delegation set: {wanted}."
        yield view.gap(zone.name, measured, wanted, reason, remedy)


@check("no NS record of the zone leads the names of visitors away from its records")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("DnsTargetResourceHostedZoneConfigurationRule", "REL11-BP02")
def not_delegated_away(view: View) -> Iterator[Finding]:
    """Of the origin, and of tenants' hosts that have a record: an NS record at or above them makes those unused.

    A host without a record of its own may be another zone's by design. Source: Route 53 Developer Guide, "Creating a
    subdomain without migrating the parent domain"; RFC 1034, 4.2.1.
    """
    zone, found = view.get(route53.zone), view.get(route53.records)
    zone = view.need(zone, view.env.traffic.zone, _NO_ZONE)
    cuts = {record.name: record for record in found if record.type == "NS" and record.name != zone.name}
    origin = view.env.traffic.origin_record
    hosts = {record.name for record in found if record.type not in _OF_DELEGATIONS} & {
        host_of(tenant, view.env) for tenant in view.tenants
    }
    away: dict[str, list[str]] = {}
    for name in sorted({origin, *hosts}):
        if (cut := next((above for above in _names_above(name) if above in cuts), None)) is not None:
            away.setdefault(cut, []).append(name)
    for cut, names in away.items():
        yield _delegation_finding(view, zone.id, cuts[cut], names)
    if not away:
        measured = f"{len(hosts) + 1} names, none delegated"
        yield view.ok(zone.name, measured, "answered by this zone", "its own records answer for them")


def _delegation_finding(view: View, zone: str, cut: route53.Record, names: list[str]) -> Finding:
    reason = "its name servers send every question to those, and a failover changes records that nobody is answered"
    values = [{"Value": value} for value in cut.values]
    record = {"Name": f"{cut.name}.", "Type": "NS", "TTL": cut.ttl_s, "ResourceRecords": values}
    batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
    sentence = "Make the records in the zone that it leads to, if that is meant; else delete it:"
    command = view.command("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)
    measured = f"NS {cut.name} to {', '.join(cut.values)}"
    return view.gap(", ".join(names), measured, "answered by this zone", reason, Remedy(sentence, (command,)))


@check("records can be changed again within an hour of losing us-east-1")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T01", "T02", "REL11-BP04", "NIST CP-10", "ISO22301 8.4")
def accelerated_recovery(view: View) -> Iterator[Finding]:
    """Accelerated recovery must be on beforehand. Source: HostedZone.Features, T02."""
    zone = view.get(route53.zone)
    if zone is None:
        yield view.none_expected(view.env.traffic.zone, _NO_ZONE)
    # ENABLING is a gap too: what is not on when us-east-1 is lost comes too late (T02).
    elif zone.accelerated_recovery == "ENABLED":
        yield view.ok(zone.name, "ENABLED", "ENABLED", "Route 53 accepts changes again about an hour after the loss")
    else:
        reason = "record changes go through us-east-1 alone, with no known time of recovery"
        remedy = Remedy(
            "Switch accelerated recovery on.",
            (
                view.command(
                    "route53", "UpdateHostedZoneFeatures", HostedZoneId=zone.id, EnableAcceleratedRecovery=True
                ),
            ),
        )
        yield view.gap(zone.name, zone.accelerated_recovery or "never enabled", "ENABLED", reason, remedy)


@check("no record that a failover changes is in a protected hosted zone")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, GLOBAL)
@cite("NIST CP-2", "REL11-BP02")
def denied_zones(view: View) -> Iterator[Finding]:
    """The nearest zone of the account that holds the origin name is the traffic zone, and is not on the deny list."""
    traffic, origin = view.env.traffic, view.env.traffic.origin_record
    public = {z.name for z in view.get(route53.zones) if not z.private}
    # The longest name that is a zone here: resolvers are led to that one, whatever shorter zones say.
    holding = view.need(next((name for name in _names_above(origin) if name in public), None), origin, _NO_ZONE)
    if holding in traffic.denied_zones:
        reason = "the guard refuses every call that names this zone: the failover could not move traffic"
    elif holding == traffic.zone:
        yield view.ok(origin, holding, traffic.zone, "only the allowed zone is changed")
        return
    else:
        reason = f"{holding} answers for this name, so records in {traffic.zone} are never used"
    remedy = "Correct traffic.zone, traffic.origin_record or traffic.denied_zones in the environment file."
    yield view.gap(origin, holding, traffic.zone, reason, remedy)


@check("resolvers ask again soon for a name that was briefly missing")
@weigh(Severity.NORMAL, Area.DNS, GLOBAL)
@cite("T12", "DnsTtl", "REL11-BP02")
def negative_ttl(view: View) -> Iterator[Finding]:
    """Negative answers live for the lesser of the SOA record's TTL and its last field (RFC 2308)."""
    zone, limit = view.get(route53.zone), view.env.thresholds.soa_negative_ttl_s
    soa = next((r for r in view.get(route53.records) if r.type == "SOA" and zone and r.name == zone.name), None)
    zone = view.need(zone, view.env.traffic.zone, _NO_ZONE)
    fields = soa.values[0].split() if soa and soa.values else []
    if soa is None or len(fields) != _SOA_FIELDS or not fields[-1].isdigit():
        yield view.unknown(zone.name, f"{limit} s or less", "The zone shows no SOA record that can be read.")
        return
    lasts_s = min(int(fields[-1]), soa.ttl_s if soa.ttl_s is not None else int(fields[-1]))
    if lasts_s <= limit:
        yield view.ok(zone.name, f"{lasts_s} s", f"{limit} s or less", "a missing name is cached only briefly")
    else:
        reason = "a name that is briefly missing stays missing for visitors this long"
        remedy = f"Lower the last field of the SOA record of {zone.name} to {limit}."
        yield view.gap(zone.name, f"{lasts_s} s", f"{limit} s or less", reason, remedy)


def _names_above(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[n:]) for n in range(len(labels))]
