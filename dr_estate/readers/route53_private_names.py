"""Private names by which tasks reach a database: records of the private zones that each region's VPC resolves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, efs, vpc
from dr_estate.reading.reader import GLOBAL, ReadContext, part

READS = frozenset({"route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets"})
_DATABASES = ".rds.amazonaws.com"
_APIS = ("secretsmanager", "logs")
_LEADING = ("A", "AAAA", "CNAME")


@dataclass(frozen=True, slots=True)
class PrivateName:
    """A name and what a record of it leads to, both without the last dot."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class TakenName:
    """A name of AWS that a private zone answers for, and has no record of: it is not found in the VPC."""

    host: str
    zone: str
    zone_id: str


@dataclass(frozen=True, slots=True)
class PrivateNames:
    """The names that lead to databases in the VPC of one side; None where there is no VPC.

    ``taken`` are the names of AWS that tasks of the DR region ask for and do not find, ``zones`` the names of all its
    private zones, without the last dot, and ``sites`` the tenants' own hosts that they hide.
    ``sites`` is None where the services, by which the tenants are known, were not seen.
    ``leads`` are the records of the VPC's own zones, "*." for all below, and ``foreign`` the zones of other accounts
    among ``zones``, of which no record is read.
    """

    side: Side
    names: tuple[PrivateName, ...] | None
    taken: tuple[TakenName, ...] = ()
    zones: tuple[str, ...] = ()
    sites: tuple[TakenName, ...] | None = None
    leads: tuple[PrivateName, ...] = ()
    foreign: tuple[str, ...] = ()

    def targets_of(self, host: str) -> tuple[str, ...]:
        """What the records of the host lead to, those of a wildcard where it has none; none where no zone has one."""
        parents = host.split(".")
        for name in (host, *(f"*.{'.'.join(parents[number:])}" for number in range(1, len(parents)))):
            if found := tuple(lead.target for lead in self.leads if lead.name == name):
                return found
        return ()

    def zone_of(self, host: str) -> str:
        """The most specific zone of the VPC that is about the host: it answers alone. "" where none is."""
        return max((zone for zone in self.zones if f".{host}".endswith(f".{zone}")), key=len, default="")


@part(*GLOBAL, reads=READS)
def names(context: ReadContext) -> tuple[PrivateNames | Unavailable, ...]:
    """The names of both VPCs: one call for each VPC, and the pages of each of its zones that the account owns."""
    return tuple(context.maybe(lambda side: _names(context, side), (Side.PRIMARY, Side.DR)))


def _names(context: ReadContext, side: Side) -> PrivateNames:
    here = context.part(vpc.vpc, side)
    if here is None:
        return PrivateNames(side, None)
    wanted = {"VPCId": here.id, "VPCRegion": context.env.region(side), "MaxItems": "100"}
    zones = context.pages("route53", "list_hosted_zones_by_vpc", "HostedZoneSummaries", **wanted)
    account = context.env.account
    # Zones of other accounts and of services are listed too (API_ListHostedZonesByVPC): their records are not ours.
    own = {z["HostedZoneId"]: z["Name"] for z in zones if z["Owner"].get("OwningAccount") == account}
    rows = {
        zone: context.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
        for zone in sorted(own)
    }
    found = {
        name
        for zone, listed in rows.items()
        for row in listed
        for name in _databases(row)
        if _zone(name.name, own) == zone
    }
    hosts = asked_hosts(context) if side is Side.DR else ()
    taken = [name for host in hosts for name in _taken_names(host, own, rows)]
    hosts_of_sites = _sites(context, side)
    hidden = (
        None if hosts_of_sites is None else tuple(n for host in hosts_of_sites for n in _taken_names(host, own, rows))
    )
    about = tuple(sorted({str(z["Name"]).rstrip(".").lower() for z in zones}))
    databases = tuple(sorted(found, key=lambda n: n.name))
    leading = {
        PrivateName(_name(row), target)
        for listed in rows.values()
        for row in listed
        if row["Type"] in _LEADING
        for target in _targets(row)
    }
    leads = tuple(sorted(leading, key=lambda lead: (lead.name, lead.target)))
    foreign = tuple(zone for zone in about if zone not in {name.rstrip(".").lower() for name in own.values()})
    return PrivateNames(side, databases, tuple(taken), about, hidden, leads, foreign)


def _sites(context: ReadContext, side: Side) -> list[str] | None:
    """The tenants' own host names, by their services on the side: tasks call themselves by them. None where unseen."""
    env, pattern = context.env, context.env.names.service
    services = context.part_if_seen(ecs.services, side)
    if services is None:
        return None  # the private names of databases are known without them
    tenants = filter(None, (env.tenant_of(pattern, service.name) for service in services))
    return sorted(f"{tenant.replace('-', '')}.{env.traffic.tenant_domain}" for tenant in tenants)


def asked_hosts(context: ReadContext) -> tuple[str, ...]:
    """The names of AWS in the DR region that a task asks for: registry, layers, secrets, logs, files, its database."""
    region = context.env.regions.dr
    files = [f"{system.id}.efs" for system in context.part(efs.file_systems, Side.DR)]
    # ECR keeps image layers in this bucket of S3 (ECR User Guide, "VPC endpoints").
    services = ("api.ecr", f"{context.env.account}.dkr.ecr", f"prod-{region}-starport-layer-bucket.s3", *_APIS, *files)
    named = [f"{service}.{region}.amazonaws.com" for service in services]
    ending = f".{region}{_DATABASES}"
    rows = [row for row in context.part(ecs.task_definitions, Side.DR) if isinstance(row, ecs.TaskDefinition)]
    values = {value for row in rows for container in row.containers for _, value in container.environment}
    hosts = {value.rpartition("@")[2].rpartition("//")[2].partition("/")[0].partition(":")[0] for value in values}
    return (*named, *sorted(host.lower() for host in hosts if host.lower().endswith(ending)))


def _zone(host: str, zones: Mapping[str, str]) -> str:
    """The most specific of the zones that are about the host: it answers alone. "" where none is."""
    about = {zone: name.rstrip(".").lower() for zone, name in zones.items()}
    about = {zone: name for zone, name in about.items() if f".{host}".endswith(f".{name}")}
    return max(about, key=lambda found: len(about[found]), default="")


def _taken_names(host: str, zones: Mapping[str, str], rows: Mapping[str, list[dict[str, Any]]]) -> Iterator[TakenName]:
    """The host, where the most specific of the zones that are about it has no record of it."""
    if not (zone := _zone(host, zones)):
        return
    listed = [row for row in rows[zone] if row["Type"] in _LEADING]
    names = {_name(row) for row in listed}
    parents = host.split(".")
    wild = {f"*.{'.'.join(parents[number:])}" for number in range(1, len(parents))}
    if host not in names and not names & wild:
        yield TakenName(host, zones[zone].rstrip(".").lower(), zone)


def _name(row: dict[str, Any]) -> str:
    return str(row["Name"]).rstrip(".").lower().replace("\\052", "*")


def _targets(row: dict[str, Any]) -> Iterator[str]:
    alias = (row.get("AliasTarget") or {}).get("DNSName")
    for target in [alias] if alias else [record["Value"] for record in row.get("ResourceRecords") or []]:
        yield str(target).rstrip(".").lower()


def _databases(row: dict[str, Any]) -> Iterator[PrivateName]:
    for target in _targets(row):
        if target.endswith(_DATABASES):
            yield PrivateName(str(row["Name"]).rstrip(".").lower(), target)
