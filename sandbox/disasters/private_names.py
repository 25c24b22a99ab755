"""Private names that lead tasks of the DR region to no database of theirs (T18)."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World


def _vpc(world: World) -> str:
    env = world.environment
    named = [{"Name": "tag:Name", "Values": [env.named(env.names.vpc)]}]
    return str(world.call(Side.DR, "ec2", "DescribeVpcs", Filters=named)["Vpcs"][0]["VpcId"])


@disaster(
    "private-name-of-primary",
    "The private name of the database leads tasks of the DR region to the primary region's database",
    trips=("private-names.database",),
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
