"""Zones that are not ours, not found, or cannot be changed in time (T01, T02, T12).

Private names that lead tasks of the DR region to no database of theirs (T18).
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.world.world import World

Record = dict[str, Any]
_LONG_S = 86400


def traffic_zone(world: World) -> str:
    """The id of the public zone that holds the traffic records."""
    found = world.call(Side.GLOBAL, "route53", "list_hosted_zones")["HostedZones"]
    named = [z for z in found if z["Name"] == f"{world.environment.traffic.zone}." and not z["Config"]["PrivateZone"]]
    if not named:
        raise SandboxError(f"This world has no public zone {world.environment.traffic.zone}.")
    # `zone-twice` adds an empty namesake: the zone with records is meant.
    return str(max(named, key=lambda zone: int(zone["ResourceRecordSetCount"]))["Id"])


def records_of(world: World, name: str, kind: str) -> list[Record]:
    """The record sets of a name and type in the traffic zone. Raises SandboxError where there is none."""
    resource_record_sets = world.call(
        Side.GLOBAL,
        "route53",
        "list_resource_record_sets",
        HostedZoneId=traffic_zone(world),
        StartRecordName=name,
        StartRecordType=kind,
    )["ResourceRecordSets"]
    found = [dict(rrset) for rrset in resource_record_sets if rrset["Name"] == f"{name}." and rrset["Type"] == kind]
    if not found:
        raise SandboxError(f"{name} has no {kind} record in this world.")
    return found


def swap(world: World, before: list[Record], after: list[Record], zone: str = "") -> None:
    """Put ``after`` in the place of ``before`` in one change, and record the way back."""
    where = zone or traffic_zone(world)
    for turn, old, new in ((world.undo, after, before), (world.call, before, after)):
        # A DELETE must name every value as it is (API_ChangeResourceRecordSets).
        changes = [{"Action": "DELETE", "ResourceRecordSet": rrset} for rrset in old]
        changes += [{"Action": "CREATE", "ResourceRecordSet": rrset} for rrset in new]
        batch = {"Comment": "disaster", "Changes": changes}
        turn(Side.GLOBAL, "route53", "change_resource_record_sets", HostedZoneId=where, ChangeBatch=batch)


def _add_zone(world: World, name: str) -> None:
    response = world.call(Side.GLOBAL, "route53", "create_hosted_zone", Name=name, CallerReference=f"disaster-{name}")
    world.undo(Side.GLOBAL, "route53", "delete_hosted_zone", Id=response["HostedZone"]["Id"])


@disaster(
    "zone-delegated-away",
    "The origin's name was delegated to name servers of somebody else, and its records stayed where they were",
    trips=("route53.not-delegated-away",),
    consequences=("answers.as-recorded", "answers.resolvers-agree", "sites.every-site-answers", "sites.edge-agrees"),
)
def zone_delegated_away(world: World) -> None:
    """Add an NS record under the origin's own name."""
    servers = [{"Value": f"ns{number}.elsewhere.example."} for number in (1, 2)]
    name = f"{world.environment.traffic.origin_record}."
    swap(world, [], [{"Name": name, "Type": "NS", "TTL": 300, "ResourceRecords": servers}])


disaster(
    "zone-twice",
    "A second zone has the traffic zone's name: which of them is queried is unknown",
    trips=("route53.zone-accessible",),
    run=lambda world: _add_zone(world, world.environment.traffic.zone),
)

disaster(
    "traffic-name-shadowed",
    "A zone for the traffic name itself was made: the records above it are never asked again",
    trips=("route53.denied-zones", "answers.as-recorded", "answers.resolvers-agree"),
    consequences=("sites.edge-agrees",),
    run=lambda world: _add_zone(world, world.environment.traffic.origin_record),
)


@disaster(
    "zone-wrong-name-servers",
    "The zone's NS record names servers that do not know it",
    trips=("route53.own-name-servers", "answers.delegated"),
)
def wrong_name_servers(world: World) -> None:
    """Replace the apex NS record. The world has no parent zone of its own, so it delegates by this record."""
    zone = world.environment.traffic.zone
    before = records_of(world, zone, "NS")[0]
    strangers = [{"Value": f"ns{n}.registrar.example."} for n in (1, 2)]
    _upsert(world, before, before | {"ResourceRecords": strangers})


disaster(
    "name-servers-sick",
    "The zone's name servers answer SERVFAIL to every question",
    trips=("answers.servers-answer",),
    consequences=("answers.delegated", "answers.as-recorded", "answers.hosts-answer", "answers.resolvers-agree"),
    # Let the world's name server fail; its API is well.
    # The data plane alone: `us-east-1-dark` is the control plane (T01).
    run=lambda world: world.outage(Side.GLOBAL, "error", service="dns"),
)


@disaster(
    "zone-long-negative-answers",
    "The zone lets resolvers remember for a day that a name was missing",
    trips=("route53.negative-ttl",),
)
def long_negative_answers(world: World) -> None:
    """Raise the SOA's TTL and its last field to a day."""
    before = records_of(world, world.environment.traffic.zone, "SOA")[0]
    fields = before["ResourceRecords"][0]["Value"].split()
    # A resolver keeps "no such name" for the lesser of the SOA's TTL and its last field (RFC 2308).
    value = " ".join((*fields[:-1], str(_LONG_S)))
    _upsert(world, before, before | {"TTL": _LONG_S, "ResourceRecords": [{"Value": value}]})


@disaster(
    "zone-without-accelerated-recovery",
    "Accelerated recovery of the zone was switched off: changes would wait for us-east-1",
    trips=("route53.accelerated-recovery",),
)
def not_accelerated(world: World) -> None:
    """Switch the zone's accelerated recovery off."""
    zone = traffic_zone(world).removeprefix("/hostedzone/")
    for turn, on in ((world.undo, True), (world.call, False)):
        turn(Side.GLOBAL, "route53", "update_hosted_zone_features", HostedZoneId=zone, EnableAcceleratedRecovery=on)


def _upsert(world: World, before: Record, after: Record) -> None:
    zone = traffic_zone(world)
    for turn, record in ((world.undo, before), (world.call, after)):
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        turn(Side.GLOBAL, "route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch)


@disaster(
    "zone-of-another-authority",
    "The zone says that another authority alone may issue certificates for its names: ACM cannot renew them",
    trips=("acm.renews",),
)
def of_another_authority(world: World) -> None:
    """Add a CAA record at the top of the zone."""
    # ACM issues only where a CAA record, if there is any, names Amazon (ACM guide, CAA record).
    values = [{"Value": '0 issue "letsencrypt.org"'}]
    record = {"Name": f"{world.environment.traffic.zone}.", "Type": "CAA", "TTL": 300, "ResourceRecords": values}
    swap(world, [], [record])


def _vpc(world: World) -> str:
    env = world.environment
    named = [{"Name": "tag:Name", "Values": [env.named(env.names.vpc)]}]
    return str(world.call(Side.DR, "ec2", "DescribeVpcs", Filters=named)["Vpcs"][0]["VpcId"])


@disaster(
    "private-name-of-primary",
    "The private name of the database leads tasks of the DR region to the primary region's database",
    trips=("private-names.database",),
    consequences=("references.lead-here",),
)
def private_name_of_primary(world: World) -> None:
    """Let the CNAME of the DR region's private zone name the other region's endpoint."""
    vpc, region = _vpc(world), world.environment.regions.dr
    # By VPC: each region has a private zone of the same name.
    found = world.call(Side.GLOBAL, "route53", "list_hosted_zones_by_vpc", VPCId=vpc, VPCRegion=region)
    zone, regions = str(found["HostedZoneSummaries"][0]["HostedZoneId"]), world.environment.regions
    records = world.call(Side.GLOBAL, "route53", "ListResourceRecordSets", HostedZoneId=zone)["ResourceRecordSets"]
    before: dict[str, Any] = next(record for record in records if record["Type"] == "CNAME")
    ending = before["ResourceRecords"][0]["Value"].partition(".")[2].replace(regions.dr, regions.primary)
    value = f"{world.environment.database_on(Side.PRIMARY)}.{ending}"
    after = {**before, "ResourceRecords": [{"Value": value}]}
    for turn, record in ((world.undo, before), (world.call, after)):
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        turn(Side.GLOBAL, "route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


@disaster(
    "private-zone-of-the-sites",
    "A private zone of the tenants' domain was set up for a test and left on the DR region's VPC, without records",
    trips=("private-names.own-sites",),
)
def zone_of_the_sites(world: World) -> None:
    """Make the zone, empty."""
    zone = world.call(
        Side.GLOBAL,
        "route53",
        "CreateHostedZone",
        Name=world.environment.traffic.tenant_domain,
        CallerReference="a test",
        HostedZoneConfig={"Comment": "", "PrivateZone": True},
        VPC={"VPCRegion": world.environment.regions.dr, "VPCId": _vpc(world)},
    )["HostedZone"]["Id"]
    world.undo(Side.GLOBAL, "route53", "DeleteHostedZone", Id=zone)


@disaster(
    "private-zone-of-aws",
    "A private zone for Secrets Manager was left on the DR region's VPC after its endpoint was removed",
    trips=("private-names.aws-names",),
)
def zone_of_aws(world: World) -> None:
    """Make the zone, without a record."""
    region = world.environment.regions.dr
    zone = world.call(
        Side.GLOBAL,
        "route53",
        "CreateHostedZone",
        # The name of the service's endpoint: an empty private zone of it answers NXDOMAIN in the VPC.
        Name=f"secretsmanager.{region}.amazonaws.com",
        CallerReference="left over",
        HostedZoneConfig={"Comment": "", "PrivateZone": True},
        VPC={"VPCRegion": region, "VPCId": _vpc(world)},
    )["HostedZone"]["Id"]
    world.undo(Side.GLOBAL, "route53", "DeleteHostedZone", Id=zone)
