"""VPC, subnets in three zones, routes and security groups, alike in both regions.

The two VPCs do not overlap (10.10/16 and 10.20/16), so that they could be peered. The subnets of the tasks are /19:
24,500 addresses, enough for 2,000 tenants at failover size with headroom.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from sandbox.seeding.site import Estate, Site, as_list, tag_map

ZONES = 3


def build(estate: Estate) -> None:
    """Make the network of both regions."""
    for site, cidr in zip(estate.sites, ("10.10.0.0/16", "10.20.0.0/16"), strict=True):
        site.vpc_cidr = cidr
        _vpc(site)
        _subnets(site)
        _routes(site)
        _security_groups(site)


def _tag_specifications(site: Site, kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": as_list(tag_map(site.environment, name))}]


def _vpc(site: Site) -> None:
    ec2, name = site.client("ec2"), site.environment.named(site.environment.names.vpc)
    site.vpc = ec2.create_vpc(CidrBlock=site.vpc_cidr, TagSpecifications=_tag_specifications(site, "vpc", name))["Vpc"][
        "VpcId"
    ]
    ec2.modify_vpc_attribute(VpcId=site.vpc, EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=site.vpc, EnableDnsHostnames={"Value": True})
    servers = {"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]}
    tags = _tag_specifications(site, "dhcp-options", name)
    options = ec2.create_dhcp_options(DhcpConfigurations=[servers], TagSpecifications=tags)["DhcpOptions"]
    ec2.associate_dhcp_options(VpcId=site.vpc, DhcpOptionsId=options["DhcpOptionsId"])


def _subnets(site: Site) -> None:
    network = ipaddress.ip_network(site.vpc_cidr)
    wide, narrow = list(network.subnets(new_prefix=19)), list(network.subnets(new_prefix=22))
    answer = site.client("ec2").describe_availability_zones(Filters=[{"Name": "state", "Values": ["available"]}])
    zones = sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"])[:ZONES]
    for place, zone in enumerate(zones):
        site.private_subnets.append(_subnet(site, "private", zone, str(wide[place])))
        # Past the three /19 of the tasks: 32 times /22 is the half of the /16.
        site.public_subnets.append(_subnet(site, "public", zone, str(narrow[32 + place])))
        site.data_subnets.append(_subnet(site, "data", zone, str(narrow[40 + place])))


def _subnet(site: Site, tier: str, zone: str, cidr: str) -> str:
    name = f"{site.environment.name}-{tier}-{zone}"
    response = site.client("ec2").create_subnet(
        VpcId=site.vpc,
        CidrBlock=cidr,
        AvailabilityZone=zone,
        TagSpecifications=_tag_specifications(site, "subnet", name),
    )
    return str(response["Subnet"]["SubnetId"])


def _routes(site: Site) -> None:
    ec2, env = site.client("ec2"), site.environment.name
    gateway = ec2.create_internet_gateway(TagSpecifications=_tag_specifications(site, "internet-gateway", f"{env}-igw"))
    internet = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=site.vpc)
    _route_table(site, "public", site.public_subnets, GatewayId=internet)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(
        SubnetId=site.public_subnets[0],
        AllocationId=address,
        TagSpecifications=_tag_specifications(site, "natgateway", f"{env}-nat"),
    )["NatGateway"]["NatGatewayId"]
    _route_table(site, "private", site.private_subnets, NatGatewayId=nat)


def _route_table(site: Site, tier: str, subnets: list[str], **way_out: str) -> None:
    ec2 = site.client("ec2")
    tags = _tag_specifications(site, "route-table", f"{site.environment.name}-{tier}")
    table = ec2.create_route_table(VpcId=site.vpc, TagSpecifications=tags)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **way_out)
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)


def _security_groups(site: Site) -> None:
    env, tasks = site.environment.name, site.environment.named(site.environment.names.security_group)
    anywhere = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    site.groups["alb"] = _security_group(site, f"{env}-alb-sg", "Web traffic to the load balancer")
    pin_port = site.environment.traffic.pin_port  # admitted on both sides: the regions' groups are compared
    for port in (80, 443, *([pin_port] if pin_port else [])):
        _allow(site, "alb", port, anywhere)
    for role, name, port, comes_from in (
        ("tasks", tasks, site.environment.names.container_port, "alb"),
        ("database", site.environment.named(site.environment.names.db_security_group), site.engine.port, "tasks"),
        ("files", f"{env}-efs-sg", 2049, "tasks"),
    ):
        site.groups[role] = _security_group(site, name, f"Port {port} from {comes_from}")
        _allow(site, role, port, {"UserIdGroupPairs": [{"GroupId": site.groups[comes_from]}]})


def _security_group(site: Site, name: str, description: str) -> str:
    response = site.client("ec2").create_security_group(
        GroupName=name,
        Description=description,
        VpcId=site.vpc,
        TagSpecifications=_tag_specifications(site, "security-group", name),
    )
    return str(response["GroupId"])


def _allow(site: Site, role: str, port: int, source: dict[str, Any]) -> None:
    site.client("ec2").authorize_security_group_ingress(
        GroupId=site.groups[role], IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}]
    )
