"""Ways that visitors take: from a name, by records and distributions, to a load balancer of a region. Pure.

A name that leads to a load balancer itself is an entry; every name that leads to an entry, by a record or as an alias
of a distribution, is an alias of it. How Route 53 would choose is not simulated: a leg leads where its record may
answer while all is well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dr_estate.model.estate_map import EntryPoint, Leg, Thing
from dr_estate.scan.account import GlobalSide, RegionSide, Row

_ADDRESSES = ("A", "AAAA", "CNAME")
ORIGINS = ("origin", "second origin")
"""How a distribution chooses what it leads to: where its first origin fails, the second is asked."""


@dataclass(frozen=True)
class _Link:
    """A record set that leads on, or an origin of a distribution."""

    name: str
    target: str
    record: str
    policy: str
    leads: bool
    zone: str = ""
    distribution: str = ""


def plain(name: str) -> str:
    """A DNS name as it is compared: in small letters, without the last dot, and without an alias's ``dualstack.``."""
    return name.lower().removesuffix(".").removeprefix("dualstack.").replace("\\052", "*")


def entries_of(seen: GlobalSide, regions: Mapping[str, RegionSide], account: str) -> tuple[EntryPoint, ...]:
    """The names that lead to load balancers of ``regions``, those of most legs first."""
    balancers = balancers_by_name(regions, account)
    links = [*_record_links(seen), *_origin_links(seen)]
    by_name: defaultdict[str, list[_Link]] = defaultdict(list)
    for link in links:
        by_name[link.name].append(link)
    entries = [
        EntryPoint(name, _zone_of(found), (), _distribution_above(name, links), _legs(found, balancers))
        for name, found in by_name.items()
        if any(link.target in balancers for link in found)
    ]
    return tuple(
        sorted((_with_aliases(entry, links) for entry in entries), key=lambda entry: (-len(entry.legs), entry.name))
    )


def balancers_by_name(regions: Mapping[str, RegionSide], account: str) -> dict[str, Thing]:
    """Load balancers by their DNS names."""
    return {
        plain(row["DNSName"]): Thing(
            "load balancer",
            row["LoadBalancerArn"],
            row["LoadBalancerName"],
            region,
            account,
            "elbv2 DescribeLoadBalancers",
            (row.get("State") or {}).get("Code", ""),
        )
        for region, side in regions.items()
        for row in side.balancers or ()
        if row.get("DNSName")
    }


def _record_links(seen: GlobalSide) -> Iterable[_Link]:
    for zone, rows in seen.records.items():
        for row in rows or ():
            if row["Type"] in _ADDRESSES:
                values = [value["Value"] for value in row.get("ResourceRecords", ())]
                alias = (row.get("AliasTarget") or {}).get("DNSName")
                for target in [alias] if alias else values:
                    policy, leads = _policy(row)
                    yield _Link(plain(row["Name"]), plain(target), row.get("SetIdentifier", ""), policy, leads, zone)


def _policy(row: Row) -> tuple[str, bool]:
    """How the record is chosen, and whether it may answer while all is well."""
    if "Weight" in row:
        return f"weight {row['Weight']}", row["Weight"] > 0
    if "Failover" in row:
        return f"failover {row['Failover']}", row["Failover"] == "PRIMARY"
    return next((key for key in ("Region", "GeoLocation", "MultiValueAnswer") if key in row), "simple"), True


def _origin_links(seen: GlobalSide) -> Iterable[_Link]:
    for row in seen.distributions or ():
        origins = (row.get("Origins") or {}).get("Items") or ()
        groups = (row.get("OriginGroups") or {}).get("Items") or ()
        # A group's first origin serves; the other is asked when it fails (CloudFront Developer Guide, origin failover).
        second = {member["OriginId"] for group in groups for member in group["Members"]["Items"][1:]}
        names = [row["DomainName"], *((row.get("Aliases") or {}).get("Items") or ())]
        for name in names:
            for origin in origins:
                policy = ORIGINS[origin["Id"] in second]
                target, first = plain(origin["DomainName"]), origin["Id"] not in second
                yield _Link(plain(name), target, origin["Id"], policy, first, distribution=row["Id"])


def _zone_of(links: Iterable[_Link]) -> str:
    return next((link.zone for link in links if link.zone), "")


def _legs(links: Iterable[_Link], balancers: Mapping[str, Thing]) -> tuple[Leg, ...]:
    legs = {
        (link.record, balancers[link.target].id): Leg(link.record, link.policy, link.leads, balancers[link.target])
        for link in links
        if link.target in balancers
    }
    return tuple(sorted(legs.values(), key=lambda leg: (not leg.leads, leg.balancer.region)))


def _distribution_above(name: str, links: Iterable[_Link]) -> str:
    return next((link.distribution for link in links if link.distribution and name in (link.target, link.name)), "")


def _with_aliases(entry: EntryPoint, links: Iterable[_Link]) -> EntryPoint:
    """The entry with every name that leads to it, over as many records and distributions as lie between."""
    reached, front = {entry.name}, [entry.name]
    for target in front:  # the list grows while it is walked
        for link in links:
            if link.target == target and link.name not in reached:
                reached.add(link.name)
                front.append(link.name)
    aliases = sorted(name for name in reached - {entry.name} if not name.endswith(".cloudfront.net"))
    return EntryPoint(entry.name, entry.zone, tuple(aliases), entry.distribution, entry.legs)
