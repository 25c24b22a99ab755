"""Networks that are missing, full, or closed."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.elbv2 import balancer_of
from sandbox.disasters.services import service_of, update
from sandbox.world.world import World

_HTTPS, _MYSQL = 443, 3306
# The smallest subnet of a VPC is a /28 (VPC guide, subnet sizing): few addresses to fill.
_SMALLEST = 28


def _vpc(world: World, side: Side) -> dict[str, Any]:
    name = world.environment.named(world.environment.names.vpc)
    named = {"Name": "tag:Name", "Values": [name]}
    return dict(world.call(side, "ec2", "DescribeVpcs", Filters=[named])["Vpcs"][0])


def _subnet(world: World, side: Side) -> str:
    """Create another smallest-size subnet at the end of the VPC, in its first zone; the repair deletes it."""
    vpc = _vpc(world, side)
    blocks = list(ipaddress.ip_network(vpc["CidrBlock"]).subnets(new_prefix=_SMALLEST))
    inside = {"Name": "vpc-id", "Values": [vpc["VpcId"]]}
    zone = world.call(side, "ec2", "DescribeSubnets", Filters=[inside])["Subnets"][0]["AvailabilityZone"]
    subnet_id = world.call(
        side, "ec2", "CreateSubnet", VpcId=vpc["VpcId"], CidrBlock=str(blocks[-1]), AvailabilityZone=zone
    )["Subnet"]["SubnetId"]
    # Recorded first of all that stands in it, so replayed last.
    world.undo(side, "ec2", "DeleteSubnet", SubnetId=subnet_id)
    return str(subnet_id)


@disaster(
    "vpc-missing",
    "The DR region has no VPC of the platform's name",
    trips=("vpc.available",),
    consequences=("terraform.parameter-values",),  # its id stands in a parameter
)
def vpc_missing(world: World) -> None:
    """Rename the DR region's VPC."""
    vpc, name = _vpc(world, Side.DR)["VpcId"], world.environment.named(world.environment.names.vpc)
    for turn, value in ((world.undo, name), (world.call, "old-vpc")):
        turn(Side.DR, "ec2", "CreateTags", Resources=[vpc], Tags=[{"Key": "Name", "Value": value}])


@disaster(
    "vpc-outgrown", "The primary region's network got a subnet that the DR region's has not", trips=("vpc.shape",)
)
def vpc_outgrown(world: World) -> None:
    """Make one more subnet in the primary region."""
    _subnet(world, Side.PRIMARY)


@disaster(
    "subnet-full", "A subnet of the DR region has no address left for one tenant's tasks", trips=("vpc.free-addresses",)
)
def subnet_full(world: World) -> None:
    """Give the last tenant's service a small subnet more, and fill that one with network interfaces."""
    tenant = world.tenants[-1]
    network = service_of(world, Side.DR, tenant)["networkConfiguration"]["awsvpcConfiguration"]
    small = _subnet(world, Side.DR)
    # A new subnet has the VPC's main route table, which leads nowhere: that would be another disaster.
    filters = [{"Name": "association.subnet-id", "Values": [network["subnets"][0]]}]
    table = world.call(Side.DR, "ec2", "DescribeRouteTables", Filters=filters)["RouteTables"][0]["RouteTableId"]
    association_id = world.call(Side.DR, "ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=small)[
        "AssociationId"
    ]
    world.undo(Side.DR, "ec2", "DisassociateRouteTable", AssociationId=association_id)
    # A /28 has eleven addresses: AWS keeps five of sixteen (VPC guide, subnet sizing).
    while world.call(Side.DR, "ec2", "DescribeSubnets", SubnetIds=[small])["Subnets"][0]["AvailableIpAddressCount"]:
        network_interface = world.call(Side.DR, "ec2", "CreateNetworkInterface", SubnetId=small)["NetworkInterface"]
        world.undo(Side.DR, "ec2", "DeleteNetworkInterface", NetworkInterfaceId=network_interface["NetworkInterfaceId"])
    wider = {**network, "subnets": [*network["subnets"], small]}
    update(world, Side.DR, tenant, networkConfiguration={"awsvpcConfiguration": wider})


@disaster(
    "security-group-closed",
    "A security group of the DR region no longer lets HTTPS reach the load balancer",
    trips=("vpc-reach.security-groups",),
    consequences=("sites.handshake-accepted",),
)
def security_group_closed(world: World) -> None:
    """Revoke the rule for port 443 from the load balancer's group."""
    group = balancer_of(world, Side.DR)["SecurityGroups"][0]
    ranges = [{"CidrIp": "0.0.0.0/0"}]
    rule = {"IpProtocol": "tcp", "FromPort": _HTTPS, "ToPort": _HTTPS, "IpRanges": ranges}
    world.undo(Side.DR, "ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[rule])
    world.call(Side.DR, "ec2", "RevokeSecurityGroupIngress", GroupId=group, IpPermissions=[rule])


@disaster(
    "security-group-swapped",
    "One tenant's service in the DR region stands behind another security group",
    trips=("vpc-reach.attached-groups",),
    consequences=("efs-mounts.tasks-admitted",),
)
def security_group_swapped(world: World) -> None:
    """Let the last tenant's tasks carry the load balancer's group in place of their own."""
    tenant = world.tenants[-1]
    network = service_of(world, Side.DR, tenant)["networkConfiguration"]["awsvpcConfiguration"]
    other = {**network, "securityGroups": balancer_of(world, Side.DR)["SecurityGroups"]}
    update(world, Side.DR, tenant, networkConfiguration={"awsvpcConfiguration": other})


@disaster(
    "no-way-out", "The private subnets of the DR region lost their way to the outside", trips=("vpc-reach.way-out",)
)
def no_way_out(world: World) -> None:
    """Delete the default route of the tasks' route table."""
    network = service_of(world, Side.DR, world.tenants[-1])["networkConfiguration"]["awsvpcConfiguration"]
    filters = [{"Name": "association.subnet-id", "Values": network["subnets"][:1]}]
    table = world.call(Side.DR, "ec2", "DescribeRouteTables", Filters=filters)["RouteTables"][0]
    route = next(candidate for candidate in table["Routes"] if candidate.get("DestinationCidrBlock") == "0.0.0.0/0")
    where = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0"}
    world.undo(Side.DR, "ec2", "CreateRoute", NatGatewayId=route["NatGatewayId"], **where)
    world.call(Side.DR, "ec2", "DeleteRoute", **where)


def _table(world: World, subnet: str) -> dict[str, Any]:
    """The route table that the DR region's ``subnet`` is associated with."""
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    return dict(world.call(Side.DR, "ec2", "DescribeRouteTables", Filters=filters)["RouteTables"][0])


@disaster(
    "half-of-the-internet-dropped",
    "A route of the DR region's private subnets leads half of the internet into a black hole",
    trips=("vpc-routes.parts-lead-on",),
)
def half_of_the_internet_dropped(world: World) -> None:
    """Lead 0.0.0.0/1 to an interface, of a firewall say, and delete that."""
    subnet = service_of(world, Side.DR, world.tenants[-1])["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0]
    where = {"RouteTableId": _table(world, subnet)["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/1"}
    firewall = world.call(Side.DR, "ec2", "CreateNetworkInterface", SubnetId=subnet)["NetworkInterface"]
    target = {"NetworkInterfaceId": firewall["NetworkInterfaceId"]}
    # Not the interface: it is deleted below, and the route stays as a blackhole.
    world.undo(Side.DR, "ec2", "DeleteRoute", **where)
    world.call(Side.DR, "ec2", "CreateRoute", **where, **target)
    world.call(Side.DR, "ec2", "DeleteNetworkInterface", **target)


@disaster(
    "database-subnets-public",
    "The subnets of the database in the DR region were given a route to the internet",
    trips=("vpc-routes.database-private",),
)
def database_subnets_public(world: World) -> None:
    """Associate each with the route table of the load balancer's subnets."""
    table = _table(world, balancer_of(world, Side.DR)["AvailabilityZones"][0]["SubnetId"])["RouteTableId"]
    name = world.environment.named(world.environment.on(Side.DR).names.db_subnet_group)
    groups = world.call(Side.DR, "rds", "DescribeDBSubnetGroups", DBSubnetGroupName=name)["DBSubnetGroups"]
    for subnet in groups[0]["Subnets"]:
        where = {"RouteTableId": table, "SubnetId": subnet["SubnetIdentifier"]}
        association = world.call(Side.DR, "ec2", "AssociateRouteTable", **where)["AssociationId"]
        world.undo(Side.DR, "ec2", "DisassociateRouteTable", AssociationId=association)


@disaster(
    "nat-gateway-cut-off",
    "The NAT gateway of the DR region stands in a subnet that leads nowhere",
    trips=("vpc-reach.way-in", "vpc-reach.way-out"),
)
def nat_gateway_cut_off(world: World) -> None:
    """Delete the default route of the public subnets, in which the NAT gateway and the load balancer stand."""
    table = _table(world, balancer_of(world, Side.DR)["AvailabilityZones"][0]["SubnetId"])
    route = next(candidate for candidate in table["Routes"] if candidate.get("DestinationCidrBlock") == "0.0.0.0/0")
    where = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0"}
    world.undo(Side.DR, "ec2", "CreateRoute", GatewayId=route["GatewayId"], **where)
    world.call(Side.DR, "ec2", "DeleteRoute", **where)


@disaster(
    "balancer-zone-forgotten",
    "The load balancer of the DR region has no subnet in a zone where tasks start",
    trips=("vpc-reach.way-in",),
)
def balancer_zone_forgotten(world: World) -> None:
    """Take the last zone from the load balancer."""
    balancer = balancer_of(world, Side.DR)
    subnets = [zone["SubnetId"] for zone in balancer["AvailabilityZones"]]
    same = {"LoadBalancerArn": balancer["LoadBalancerArn"]}
    world.undo(Side.DR, "elbv2", "SetSubnets", Subnets=subnets, **same)
    world.call(Side.DR, "elbv2", "SetSubnets", Subnets=subnets[:-1], **same)


@disaster(
    "resolver-off", "DNS resolution was switched off in the VPC of the DR region", trips=("vpc-reach.names-resolve",)
)
def resolver_off(world: World) -> None:
    """Switch enableDnsSupport off."""
    vpc = _vpc(world, Side.DR)["VpcId"]
    for turn, value in ((world.undo, True), (world.call, False)):
        # With it off the name server at the VPC's base address plus two does not answer.
        turn(Side.DR, "ec2", "ModifyVpcAttribute", VpcId=vpc, EnableDnsSupport={"Value": value})


@disaster(
    "name-server-gone",
    "The VPC of the DR region gives its tasks a name server that was deleted",
    trips=("name-servers.know-the-vpc",),
)
def name_server_gone(world: World) -> None:
    """Associate DHCP options that name the last address but one of the VPC."""
    vpc = _vpc(world, Side.DR)
    server = str(ipaddress.ip_network(vpc["CidrBlock"])[-2])
    servers = [{"Key": "domain-name-servers", "Values": [server]}]
    other = world.call(Side.DR, "ec2", "CreateDhcpOptions", DhcpConfigurations=servers)["DhcpOptions"]["DhcpOptionsId"]
    # Recorded before the association's undo: a set in use cannot be deleted (API_DeleteDhcpOptions).
    world.undo(Side.DR, "ec2", "DeleteDhcpOptions", DhcpOptionsId=other)
    for turn, options in ((world.undo, vpc["DhcpOptionsId"]), (world.call, other)):
        turn(Side.DR, "ec2", "AssociateDhcpOptions", VpcId=vpc["VpcId"], DhcpOptionsId=options)


@disaster(
    "resolver-asks-the-primary",
    "A rule of the DR region's resolver sends all questions to name servers in the primary region's network",
    trips=("name-servers.rules-lead-on",),
)
def resolver_asks_the_primary(world: World) -> None:
    """Make an outbound endpoint and a rule of all names, and associate it with the VPC."""
    vpc, theirs = _vpc(world, Side.DR), ipaddress.ip_network(_vpc(world, Side.PRIMARY)["CidrBlock"])
    inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    # A resolver endpoint needs two addresses (API_CreateResolverEndpoint).
    subnets = world.call(Side.DR, "ec2", "DescribeSubnets", Filters=inside)["Subnets"][:2]
    group = world.call(Side.DR, "ec2", "DescribeSecurityGroups", Filters=inside)["SecurityGroups"][0]["GroupId"]

    def turn(operation: str, **params: Any) -> dict[str, Any]:
        return dict(world.call(Side.DR, "route53resolver", operation, **params))

    out = turn(
        "CreateResolverEndpoint",
        CreatorRequestId="out",
        Direction="OUTBOUND",
        SecurityGroupIds=[group],
        IpAddresses=[
            {"SubnetId": row["SubnetId"], "Ip": str(ipaddress.ip_network(row["CidrBlock"])[-2])} for row in subnets
        ],
    )["ResolverEndpoint"]["Id"]
    world.undo(Side.DR, "route53resolver", "DeleteResolverEndpoint", ResolverEndpointId=out)
    rule = turn(
        "CreateResolverRule",
        CreatorRequestId="all",
        Name="all",
        RuleType="FORWARD",
        DomainName=".",
        TargetIps=[{"Ip": str(theirs[2]), "Port": 53}],
        ResolverEndpointId=out,
    )["ResolverRule"]["Id"]
    world.undo(Side.DR, "route53resolver", "DeleteResolverRule", ResolverRuleId=rule)
    same = {"ResolverRuleId": rule, "VPCId": vpc["VpcId"]}
    # Recorded last, so replayed first: a rule in use cannot be deleted (API_DeleteResolverRule).
    world.undo(Side.DR, "route53resolver", "DisassociateResolverRule", **same)
    turn("AssociateResolverRule", Name="all", **same)


@disaster(
    "firewall-admits-own-names-alone",
    "A DNS firewall of the DR region's network lets the company's names pass and blocks all others",
    trips=("name-servers.firewall-admits",),
)
def firewall_admits_own_names_alone(world: World) -> None:
    """Associate a group of two rules with the VPC."""
    vpc = _vpc(world, Side.DR)["VpcId"]

    def turn(operation: str, **params: Any) -> dict[str, Any]:
        return dict(world.call(Side.DR, "route53resolver", operation, **params))

    group = turn("CreateFirewallRuleGroup", CreatorRequestId="own", Name="own")["FirewallRuleGroup"]["Id"]
    world.undo(Side.DR, "route53resolver", "DeleteFirewallRuleGroup", FirewallRuleGroupId=group)
    for priority, (domain, how) in enumerate({"*.example.com": "ALLOW", "*": "BLOCK"}.items(), 1):
        domains = turn("CreateFirewallDomainList", CreatorRequestId=how, Name=how)["FirewallDomainList"]["Id"]
        world.undo(Side.DR, "route53resolver", "DeleteFirewallDomainList", FirewallDomainListId=domains)
        turn("UpdateFirewallDomains", FirewallDomainListId=domains, Operation="ADD", Domains=[domain])
        rule = {"FirewallRuleGroupId": group, "FirewallDomainListId": domains}
        world.undo(Side.DR, "route53resolver", "DeleteFirewallRule", **rule)
        more = {"BlockResponse": "NODATA"} if how == "BLOCK" else {}
        turn("CreateFirewallRule", CreatorRequestId=how, Name=how, Priority=priority, Action=how, **rule, **more)
    # An association has a priority from 100 to 9900 (API_AssociateFirewallRuleGroup).
    named = {"CreatorRequestId": "own", "Name": "own", "Priority": 200}
    found = turn("AssociateFirewallRuleGroup", FirewallRuleGroupId=group, VpcId=vpc, **named)
    off = {"FirewallRuleGroupAssociationId": found["FirewallRuleGroupAssociation"]["Id"]}
    world.undo(Side.DR, "route53resolver", "DisassociateFirewallRuleGroup", **off)


@disaster(
    "network-acl-closed",
    "A network ACL of the DR region denies connections to the database",
    trips=("vpc-acls.admit-traffic",),
)
def network_acl_closed(world: World) -> None:
    """Deny port 3306 by the first rule of the VPC's ACL."""
    inside = [{"Name": "vpc-id", "Values": [_vpc(world, Side.DR)["VpcId"]]}]
    acl = world.call(Side.DR, "ec2", "DescribeNetworkAcls", Filters=inside)["NetworkAcls"][0]["NetworkAclId"]
    # The lowest number is looked at first: it wins over all others (API_CreateNetworkAclEntry).
    rule = {"NetworkAclId": acl, "RuleNumber": 1, "Egress": False}
    world.undo(Side.DR, "ec2", "DeleteNetworkAclEntry", **rule)
    ports = {"From": _MYSQL, "To": _MYSQL}
    world.call(
        Side.DR,
        "ec2",
        "CreateNetworkAclEntry",
        Protocol="6",
        RuleAction="deny",
        CidrBlock="0.0.0.0/0",
        PortRange=ports,
        **rule,
    )


@disaster(
    "database-group-closed",
    "The database's security group in the DR region no longer lets tasks in",
    trips=("vpc-reach.security-groups",),
)
def database_group_closed(world: World) -> None:
    """Revoke every rule of the group that the restored database gets."""
    name = world.environment.named(world.environment.on(Side.DR).names.db_security_group)
    named = [{"Name": "group-name", "Values": [name]}]
    group = world.call(Side.DR, "ec2", "DescribeSecurityGroups", Filters=named)["SecurityGroups"][0]
    same = {"GroupId": group["GroupId"], "IpPermissions": [_bare(rule) for rule in group["IpPermissions"]]}
    world.undo(Side.DR, "ec2", "AuthorizeSecurityGroupIngress", **same)
    world.call(Side.DR, "ec2", "RevokeSecurityGroupIngress", **same)


def _bare(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule without its empty lists, as it was authorized."""
    # EC2 describes a rule with every kind of source; authorizing takes no empty list.
    return {key: value for key, value in rule.items() if value not in ([], None)}


@disaster(
    "endpoint-policy-narrow",
    "An endpoint for Secrets Manager was made in the DR region's VPC whose policy lets nobody read a secret",
    trips=("endpoints.admit-tasks",),
)
def endpoint_policy_narrow(world: World) -> None:
    """Make the endpoint in the tasks' subnets, behind their own group, with a policy for listing alone."""
    network = service_of(world, Side.DR, world.tenants[0])["networkConfiguration"]["awsvpcConfiguration"]
    subnet = world.call(Side.DR, "ec2", "DescribeSubnets", SubnetIds=network["subnets"][:1])["Subnets"][0]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:ListSecrets", "Resource": "*"}
    endpoint = world.call(
        Side.DR,
        "ec2",
        "CreateVpcEndpoint",
        VpcId=subnet["VpcId"],
        ServiceName=f"com.amazonaws.{world.environment.regions.dr}.secretsmanager",
        VpcEndpointType="Interface",
        SubnetIds=network["subnets"],
        SecurityGroupIds=network["securityGroups"],
        # With it the service's own name leads to the endpoint: tasks cannot go around it.
        PrivateDnsEnabled=True,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    world.undo(Side.DR, "ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])


@disaster(
    "endpoint-of-primary-buckets",
    "The policy of the DR region's endpoint for S3 was copied from the primary region: it names the buckets there",
    trips=("endpoints.admit-stores",),
)
def endpoint_of_primary_buckets(world: World) -> None:
    """Make a gateway endpoint in the tasks' route table that lets them to image layers and to the original buckets."""
    env, region = world.environment, world.environment.regions.dr
    network = service_of(world, Side.DR, world.tenants[0])["networkConfiguration"]["awsvpcConfiguration"]
    inside = [{"Name": "association.subnet-id", "Values": network["subnets"][:1]}]
    table = world.call(Side.DR, "ec2", "DescribeRouteTables", Filters=inside)["RouteTables"][0]
    buckets = [f"arn:aws:s3:::{env.named(pattern)}/*" for pattern in env.names.buckets]
    # ECR keeps image layers in this bucket (ECR guide, interface VPC endpoints).
    named = [f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*", *buckets]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": named}
    endpoint = world.call(
        Side.DR,
        "ec2",
        "CreateVpcEndpoint",
        VpcId=table["VpcId"],
        ServiceName=f"com.amazonaws.{region}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[table["RouteTableId"]],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    world.undo(Side.DR, "ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])
