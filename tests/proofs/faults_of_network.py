"""Faults of the network of the DR region: groups, routes, gateways, network ACLs, names and endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault, policy_of

_NFS = 2049


_MYSQL = 3306


_HTTP, _HTTPS = 80, 443


def _network(aws: Aws) -> tuple[Any, str]:
    return aws.client("ec2", Side.DR), str(_balancer(aws)["VpcId"])


def _balancer(aws: Aws) -> dict[str, Any]:
    name = aws.named(aws.env.names.load_balancer)
    found: dict[str, Any] = aws.client("elbv2", Side.DR).describe_load_balancers(Names=[name])["LoadBalancers"][0]
    return found


def _subnets(aws: Aws, tier: str) -> list[str]:
    ec2, vpc = _network(aws)
    rows = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    names = {row["SubnetId"]: {tag["Key"]: tag["Value"] for tag in row["Tags"]}["Name"] for row in rows}
    return [subnet for subnet, name in names.items() if f"-{tier}-" in name]


def _group(aws: Aws, name: str) -> tuple[Any, dict[str, Any]]:
    ec2, vpc = _network(aws)
    wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": [aws.named(name)]}]
    rows = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
    return ec2, rows[0] if rows else ec2.describe_security_groups(GroupIds=_carried(aws, name))["SecurityGroups"][0]


def _carried(aws: Aws, name: str) -> list[str]:
    """The groups that a load balancer or the first service has, where they are called otherwise."""
    if name == "{env}-alb-sg":
        return list(_balancer(aws)["SecurityGroups"])
    ecs, cluster = aws.client("ecs", Side.DR), aws.named(aws.env.names.cluster)
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    (service,) = ecs.describe_services(cluster=cluster, services=arns[:1])["services"]
    return list(service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"])


def _closed(name: str, outward: bool = False) -> Callable[[Aws], object]:
    """Take every rule of a security group away that lets in, or out."""

    def make(aws: Aws) -> object:
        pattern = getattr(aws.env.names, name) if hasattr(aws.env.names, name) else f"{{env}}-{name}-sg"
        ec2, group = _group(aws, pattern)
        if outward:
            rules = group["IpPermissionsEgress"]
            return ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=rules)
        return ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])

    return make


def _by_list(name: str, *blocks: str) -> Callable[[Aws], object]:
    """Let a security group in by a prefix list of these blocks alone, at all ports."""

    def make(aws: Aws) -> object:
        _closed(name)(aws)
        pattern = getattr(aws.env.names, name) if hasattr(aws.env.names, name) else f"{{env}}-{name}-sg"
        ec2, group = _group(aws, pattern)
        rows = [{"Cidr": block} for block in blocks]
        named = {"PrefixListName": "tiers", "MaxEntries": 9, "AddressFamily": "IPv4"}
        listed = ec2.create_managed_prefix_list(**named, Entries=rows)["PrefixList"]["PrefixListId"]
        rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 65535, "PrefixListIds": [{"PrefixListId": listed}]}
        return ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])

    return make


def _out_to(name: str, *ports: int) -> Callable[[Aws], object]:
    """Let a security group out at these ports alone."""

    def make(aws: Aws) -> object:
        _closed(name, outward=True)(aws)
        pattern = getattr(aws.env.names, name) if hasattr(aws.env.names, name) else f"{{env}}-{name}-sg"
        ec2, group = _group(aws, pattern)
        anybody = [{"CidrIp": "0.0.0.0/0"}]
        rules = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": anybody} for port in ports]
        return ec2.authorize_security_group_egress(GroupId=group["GroupId"], IpPermissions=rules) if rules else None

    return make


def _by_second_group(closed: bool) -> Callable[[Aws], object]:
    """Let tasks reach the primary database by a second group alone, and ``closed``: the DR region's one admits none."""

    def make(aws: Aws) -> object:
        ec2, rds = aws.client("ec2", Side.PRIMARY), aws.client("rds", Side.PRIMARY)
        groups = ec2.describe_security_groups()["SecurityGroups"]
        own = next(row for row in groups if row["GroupName"] == aws.named(aws.env.names.db_security_group))
        named = {"GroupName": "db-tasks-sg", "Description": "Tasks to database", "VpcId": own["VpcId"]}
        second = ec2.create_security_group(**named)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=second, IpPermissions=own["IpPermissions"])
        ec2.revoke_security_group_ingress(GroupId=own["GroupId"], IpPermissions=own["IpPermissions"])
        carried = {"DBInstanceIdentifier": aws.named(aws.env.names.database), "ApplyImmediately": True}
        rds.modify_db_instance(**carried, VpcSecurityGroupIds=[own["GroupId"], second])
        return _closed("db_security_group")(aws) if closed else None

    return make


def _by_blocks(name: str, port: int, tier: str, left_out: int = 0) -> Callable[[Aws], object]:
    """Let a group in by the blocks of a tier's subnets, the first of them left out, instead of by another group."""

    def make(aws: Aws) -> object:
        ec2, group = _group(aws, getattr(aws.env.names, name))
        rows = ec2.describe_subnets(SubnetIds=_subnets(aws, tier)[left_out:])["Subnets"]
        blocks = [{"CidrIp": row["CidrBlock"]} for row in rows]
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": blocks}
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
        return ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])

    return make


def _by_vpc(*blocks: str) -> Callable[[Aws], object]:
    """Give the VPC a second block, and let the database's group in by these blocks instead of by another group."""

    def make(aws: Aws) -> object:
        ec2, group = _group(aws, aws.env.names.db_security_group)
        ec2.associate_vpc_cidr_block(VpcId=_network(aws)[1], CidrBlock=_SECOND)
        ranges = [{"CidrIp": block} for block in blocks]
        rule = {"IpProtocol": "tcp", "FromPort": _MYSQL, "ToPort": _MYSQL, "IpRanges": ranges}
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
        return ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])

    return make


def _acl(
    tier: str, port: int, *, outward: bool, to: int = 0, cidr: str = "0.0.0.0/0", action: str = "deny"
) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        acl_id = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        first = {"From": port, "To": to or port}
        rows = [(10, "6", action, outward, cidr, {"PortRange": first})]
        rows += [(100, "-1", "allow", egress, "0.0.0.0/0", {}) for egress in (False, True)]
        for number, protocol, word, egress, block, more in rows:
            ec2.create_network_acl_entry(
                NetworkAclId=acl_id,
                RuleNumber=number,
                Protocol=protocol,
                RuleAction=word,
                Egress=egress,
                CidrBlock=block,
                **more,
            )
        subnets = _subnets(aws, tier)
        acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
        for row in (row for acl in acls for row in acl["Associations"] if row["SubnetId"] in subnets):
            ec2.replace_network_acl_association(AssociationId=row["NetworkAclAssociationId"], NetworkAclId=acl_id)
        return acl_id

    return make


def _nat_gone(aws: Aws) -> object:
    ec2, vpc = _network(aws)
    rows = ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NatGateways"]
    return [ec2.delete_nat_gateway(NatGatewayId=row["NatGatewayId"]) for row in rows]


def _gateway_off(aws: Aws) -> object:
    ec2, vpc = _network(aws)
    wanted = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    gateway = ec2.describe_internet_gateways(Filters=wanted)["InternetGateways"][0]["InternetGatewayId"]
    return ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)


def _route_gone(tier: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        ec2, _ = _network(aws)
        wanted = [{"Name": "association.subnet-id", "Values": _subnets(aws, tier)[:1]}]
        table = ec2.describe_route_tables(Filters=wanted)["RouteTables"][0]["RouteTableId"]
        return ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")

    return make


def _part(tier: str, to: str, *, dropped: bool = True) -> Callable[[Aws], object]:
    """Lead a block, or a tier's, to an interface and delete that, or to the NAT gateway."""

    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        wanted = [{"Name": "association.subnet-id", "Values": _subnets(aws, tier)[:1]}]
        table = ec2.describe_route_tables(Filters=wanted)["RouteTables"][0]["RouteTableId"]
        block = to if "/" in to else ec2.describe_subnets(SubnetIds=_subnets(aws, to)[:1])["Subnets"][0]["CidrBlock"]
        if not dropped:
            nat = ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NatGateways"][0]
            return ec2.create_route(RouteTableId=table, DestinationCidrBlock=block, NatGatewayId=nat["NatGatewayId"])
        face = ec2.create_network_interface(SubnetId=_subnets(aws, "private")[0])["NetworkInterface"]
        name = face["NetworkInterfaceId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=block, NetworkInterfaceId=name)
        return ec2.delete_network_interface(NetworkInterfaceId=name)

    return make


def _servers(*servers: str, borne: bool = False) -> Callable[[Aws], object]:
    """Give the VPC these name servers; ``borne`` by an interface of it."""

    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        if borne:
            place = {"SubnetId": _subnets(aws, "private")[0], "PrivateIpAddress": servers[0]}
            ec2.create_network_interface(**place)
        rows = [{"Key": "domain-name-servers", "Values": list(servers)}]
        options = ec2.create_dhcp_options(DhcpConfigurations=rows)["DhcpOptions"]["DhcpOptionsId"]
        return ec2.associate_dhcp_options(VpcId=vpc, DhcpOptionsId=options)

    return make


def _names_off(attribute: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        return ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": False}})

    return make


def _access_blocked(mode: str, excluded: str = "", how: str = "allow-bidirectional") -> Callable[[Aws], object]:
    """Block public access of the region's VPCs; ``excluded`` is "vpc", or the tier of the subnets left out."""

    def make(aws: Aws) -> None:
        ec2, vpc = _network(aws)
        ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode=mode)
        subnets = _subnets(aws, excluded) if excluded not in ("", "vpc") else []
        for left in [{"SubnetId": name} for name in subnets] or [{"VpcId": vpc}] * (excluded == "vpc"):
            ec2.create_vpc_block_public_access_exclusion(InternetGatewayExclusionMode=how, **left)

    return make


def _endpoint(service: str, policy: dict[str, Any] | None = None, open_: bool = True) -> Callable[[Aws], object]:
    """Make an interface endpoint, with a policy, behind a group that admits HTTPS of the VPC, or nothing."""

    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        more = {"PolicyDocument": policy_of(policy)} if policy else {}
        group = ec2.create_security_group(GroupName=f"{service}-endpoint", Description="HTTPS", VpcId=vpc)["GroupId"]
        if open_:
            https = {"IpProtocol": "tcp", "FromPort": _HTTPS, "ToPort": _HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https])
        return ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{aws.env.regions.dr}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=_subnets(aws, "private"),
            SecurityGroupIds=[group],
            PrivateDnsEnabled=True,
            **more,
        )

    return make


def _gateway_endpoint(policy: dict[str, Any] | None) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        wanted = [{"Name": "association.subnet-id", "Values": _subnets(aws, "private")[:1]}]
        table = ec2.describe_route_tables(Filters=wanted)["RouteTables"][0]["RouteTableId"]
        more = {"PolicyDocument": policy_of(policy)} if policy else {}
        return ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{aws.env.regions.dr}.s3",
            VpcEndpointType="Gateway",
            RouteTableIds=[table],
            **more,
        )

    return make


_ENDPOINT_CLOSED = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}


_ENDPOINT_OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


_ENDPOINT_NARROW = {**_ENDPOINT_OPEN, "Action": "s3:PutObject"}


NETWORK = (
    Fault("files group closed", NeedKind.MOUNT_GROUP, ("ec2",), _closed("efs")),
    Fault("files group by an emptied list", NeedKind.MOUNT_GROUP, ("ec2",), _by_list("efs")),
    Fault("files group by a list of its VPC", NeedKind.MOUNT_GROUP, ("ec2",), _by_list("efs", "10.20.0.0/16")),
    Fault(
        "tasks group by a list of others", NeedKind.SERVICE_GROUP, ("ec2",), _by_list("security_group", "10.9.0.0/16")
    ),
    Fault("balancer by a list of halves", NeedKind.BALANCER, ("ec2",), _by_list("alb", "0.0.0.0/1", "128.0.0.0/1")),
    Fault("tasks group closed outward", NeedKind.SERVICE_GROUP, ("ec2",), _closed("security_group", outward=True)),
    Fault("tasks group closed", NeedKind.SERVICE_GROUP, ("ec2",), _closed("security_group")),
    Fault("balancer group closed outward", NeedKind.BALANCER, ("ec2",), _closed("alb", outward=True)),
    Fault("database group closed", NeedKind.DATABASE_GROUP, ("ec2",), _closed("db_security_group")),
    Fault("database group lets nobody out", NeedKind.DATABASE_GROUP, ("ec2",), _out_to("db_security_group")),
    Fault(
        "tasks let out as they need it", NeedKind.SERVICE_GROUP, ("ec2",), _out_to("security_group", 443, _MYSQL, 2049)
    ),
    Fault("tasks let out to no database", NeedKind.SERVICE_GROUP, ("ec2",), _out_to("security_group", 443, 2049)),
    Fault("tasks let out to no files", NeedKind.SERVICE_GROUP, ("ec2",), _out_to("security_group", 443, _MYSQL)),
    Fault("tasks let out to no AWS", NeedKind.SERVICE_GROUP, ("ec2",), _out_to("security_group", _MYSQL, 2049)),
    Fault("balancer let out as it needs it", NeedKind.BALANCER, ("ec2",), _out_to("alb", 80)),
    Fault("balancer let out elsewhere", NeedKind.BALANCER, ("ec2",), _out_to("alb", 8080)),
    Fault("database by a second group", NeedKind.DATABASE_GROUP, ("ec2", "rds"), _by_second_group(closed=True)),
    Fault("database by either group", NeedKind.DATABASE_GROUP, ("ec2", "rds"), _by_second_group(closed=False)),
    Fault("NAT gateway deleted", NeedKind.ROUTE, ("ec2",), _nat_gone),
    Fault("internet gateway detached", NeedKind.GATEWAY_SUBNET, ("ec2",), _gateway_off),
    Fault("private route deleted", NeedKind.ROUTE, ("ec2",), _route_gone("private")),
    Fault("public route deleted", NeedKind.GATEWAY_SUBNET, ("ec2",), _route_gone("public")),
    Fault("half of the internet dropped", NeedKind.ROUTE, ("ec2",), _part("private", "128.0.0.0/1")),
    Fault("half of the internet by the NAT", NeedKind.ROUTE, ("ec2",), _part("private", "128.0.0.0/1", dropped=False)),
    Fault("data subnet dropped", NeedKind.ROUTE, ("ec2",), _part("private", "data")),
    Fault("another network dropped", NeedKind.ROUTE, ("ec2",), _part("private", "192.168.0.0/16")),
    Fault("half of the replies dropped", NeedKind.GATEWAY_SUBNET, ("ec2",), _part("public", "0.0.0.0/1")),
    Fault("name server gone", NeedKind.RESOLVER, ("ec2",), _servers("10.20.9.9")),
    Fault("name server of the primary", NeedKind.RESOLVER, ("ec2",), _servers("10.10.0.2")),
    Fault("name server of the internet", NeedKind.RESOLVER, ("ec2",), _servers("9.9.9.9")),
    Fault("name server beside another", NeedKind.RESOLVER, ("ec2",), _servers("10.20.9.9", "AmazonProvidedDNS")),
    Fault("name server of one's own", NeedKind.RESOLVER, ("ec2",), _servers("10.20.9.9", borne=True)),
    Fault("names off", NeedKind.RESOLVER, ("ec2",), _names_off("EnableDnsSupport")),
    Fault("host names off", NeedKind.RESOLVER, ("ec2",), _names_off("EnableDnsHostnames")),
    *(
        Fault(name, NeedKind.GATEWAY_SUBNET, ("ec2",), make)
        for name, make in (
            ("public access blocked", _access_blocked("block-bidirectional")),
            ("public access blocked, the VPC excluded", _access_blocked("block-bidirectional", "vpc")),
            ("public access blocked inward", _access_blocked("block-ingress")),
            ("public access blocked, public subnets excluded", _access_blocked("block-bidirectional", "public")),
            ("public access blocked, egress excluded", _access_blocked("block-bidirectional", "vpc", "allow-egress")),
        )
    ),
    Fault("ACL stops HTTPS", NeedKind.ACL, ("ec2",), _acl("private", _HTTPS, outward=True)),
    Fault("ACL stops replies", NeedKind.ACL, ("ec2",), _acl("private", 1024, to=65535, outward=False)),
    Fault("ACL stops some replies", NeedKind.ACL, ("ec2",), _acl("private", 40000, to=41000, outward=False)),
    Fault("ACL stops NFS", NeedKind.ACL, ("ec2",), _acl("private", _NFS, outward=True)),
    Fault("ACL stops MySQL", NeedKind.ACL, ("ec2",), _acl("private", _MYSQL, outward=True)),
    Fault("ACL of data stops MySQL", NeedKind.ACL, ("ec2",), _acl("data", _MYSQL, outward=False)),
    Fault("ACL of NAT stops HTTPS", NeedKind.ACL, ("ec2",), _acl("public", _HTTPS, outward=True)),
    Fault("ACL stops SMTP", NeedKind.ACL, ("ec2",), _acl("private", 25, outward=True)),
    Fault(
        "ACL stops a stranger", NeedKind.ACL, ("ec2",), _acl("private", _HTTPS, outward=True, cidr="198.51.100.0/24")
    ),
    Fault("endpoint of secrets denies", NeedKind.ENDPOINT, ("ec2",), _endpoint("secretsmanager", _ENDPOINT_CLOSED)),
    Fault("endpoint of secrets closed", NeedKind.ENDPOINT, ("ec2",), _endpoint("secretsmanager", open_=False)),
    Fault("endpoint of secrets open", NeedKind.ENDPOINT, ("ec2",), _endpoint("secretsmanager")),
    Fault("endpoint of registry narrow", NeedKind.ENDPOINT, ("ec2",), _endpoint("ecr.dkr", _ENDPOINT_NARROW)),
    Fault("endpoint of logs open", NeedKind.ENDPOINT, ("ec2",), _endpoint("logs", _ENDPOINT_OPEN)),
    Fault("endpoint of another closed", NeedKind.ENDPOINT, ("ec2",), _endpoint("sqs", open_=False)),
    Fault("gateway of objects narrow", NeedKind.ENDPOINT, ("ec2",), _gateway_endpoint(_ENDPOINT_NARROW)),
    Fault("gateway of objects open", NeedKind.ENDPOINT, ("ec2",), _gateway_endpoint(None)),
)

_PORTS: dict[str, Callable[[Aws], object]] = {
    "ACL stops visitors": _acl("public", 80, outward=False),
    "ACL stops replies to visitors": _acl("public", 1024, to=65535, outward=True),
    "ACL stops balancer to tasks": _acl("public", 80, outward=True),
    "ACL stops balancer at tasks": _acl("private", 80, outward=False),
    "ACL stops replies of tasks": _acl("private", 1024, to=65535, outward=True),
    "ACL of data stops replies": _acl("data", 1024, to=65535, outward=True),
    "ACL stops SSH": _acl("private", 22, outward=False),
    "ACL stops FTP": _acl("private", 21, outward=True),
    "ACL of data stops HTTPS": _acl("data", _HTTPS, outward=True),
    "ACL of public stops NFS": _acl("public", _NFS, outward=True),
    "ACL of public stops MySQL": _acl("public", _MYSQL, outward=True),
    "ACL allows HTTPS": _acl("private", _HTTPS, outward=True, action="allow"),
    "ACL stops MySQL of a stranger": _acl("data", _MYSQL, outward=False, cidr="198.51.100.0/24"),
    "ACL of NAT stops replies": _acl("public", 1024, to=65535, outward=False),
}
_FIRST, _SECOND = "10.20.0.0/16", "10.77.0.0/16"
_BLOCKS: dict[str, Callable[[Aws], object]] = {
    "balancer let in by blocks": _by_blocks("security_group", _HTTP, "public"),
    "balancer let in by a block less": _by_blocks("security_group", _HTTP, "public", left_out=1),
    "tasks let in by blocks": _by_blocks("db_security_group", _MYSQL, "private"),
    "tasks let in by the VPC's first block": _by_vpc(_FIRST),
    "tasks let in by the VPC's second block": _by_vpc(_SECOND),
    "tasks let in by both blocks": _by_vpc(_FIRST, _SECOND),
    "tasks let in by a block less": _by_blocks("db_security_group", _MYSQL, "private", left_out=1),
}
_ENDPOINTS: dict[str, Callable[[Aws], object]] = {
    "endpoint of registry denies": _endpoint("ecr.api", _ENDPOINT_CLOSED),
    "endpoint of registry closed": _endpoint("ecr.api", open_=False),
    "endpoint of images closed": _endpoint("ecr.dkr", open_=False),
    "endpoint of images open": _endpoint("ecr.dkr", _ENDPOINT_OPEN),
    "endpoint of logs denies": _endpoint("logs", _ENDPOINT_CLOSED),
    "endpoint of logs closed": _endpoint("logs", open_=False),
    "endpoint of keys closed": _endpoint("kms", open_=False),
    "endpoint of parameters closed": _endpoint("ssm", open_=False),
    "endpoint of parameters denies": _endpoint("ssm", _ENDPOINT_CLOSED),
    "endpoint of secrets for reading": _endpoint(
        "secretsmanager", {**_ENDPOINT_OPEN, "Action": "secretsmanager:GetSecretValue"}
    ),
    "endpoint of secrets for listing": _endpoint(
        "secretsmanager", {**_ENDPOINT_OPEN, "Action": "secretsmanager:ListSecrets"}
    ),
    "endpoint of secrets of others": _endpoint(
        "secretsmanager", {**_ENDPOINT_OPEN, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    ),
    "gateway of objects denies": _gateway_endpoint(_ENDPOINT_CLOSED),
    "gateway of objects for reading": _gateway_endpoint({**_ENDPOINT_OPEN, "Action": "s3:GetObject"}),
}


def _private_zone(name: str, *records: str) -> Callable[[Aws], object]:
    """Make a private zone on the VPC, for a name of AWS or above one, with records of these names."""

    def make(aws: Aws) -> object:
        _, vpc = _network(aws)
        route53, region = aws.client("route53", Side.GLOBAL), aws.env.regions.dr
        zone = route53.create_hosted_zone(
            Name=name.replace("{dr}", region),
            CallerReference=name,
            HostedZoneConfig={"Comment": "", "PrivateZone": True},
            VPC={"VPCRegion": region, "VPCId": vpc},
        )["HostedZone"]["Id"]
        for record in records:
            row = {
                "Name": record.replace("{dr}", region),
                "Type": "A",
                "TTL": 60,
                "ResourceRecords": [{"Value": "10.0.0.9"}],
            }
            change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": row}]}
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
        return zone

    return make


_AWS = "{dr}.amazonaws.com"
_ZONES: dict[str, Callable[[Aws], object]] = {
    "private zone of secrets": _private_zone(f"secretsmanager.{_AWS}"),
    "private zone of secrets with its name": _private_zone(f"secretsmanager.{_AWS}", f"secretsmanager.{_AWS}"),
    "private zone of logs": _private_zone(f"logs.{_AWS}"),
    "private zone of the registry": _private_zone(f"ecr.{_AWS}", f"api.ecr.{_AWS}"),
    "private zone of all names": _private_zone(f"ecr.{_AWS}", f"*.ecr.{_AWS}"),
    "private zone of objects": _private_zone(f"s3.{_AWS}", f"s3.{_AWS}"),
    "private zone of databases": _private_zone("{dr}.rds.amazonaws.com"),
    "private zone of files": _private_zone(f"efs.{_AWS}"),
    "private zone of AWS": _private_zone("amazonaws.com", f"logs.{_AWS}"),
    "private zone of another region": _private_zone("secretsmanager.eu-north-1.amazonaws.com"),
    "private zone of queues": _private_zone(f"sqs.{_AWS}"),
}
PORTS = (
    *(Fault(name, NeedKind.RESOLVER, ("route53",), make) for name, make in _ZONES.items()),
    *(Fault(name, NeedKind.ACL, ("ec2",), make) for name, make in _PORTS.items()),
    *(Fault(name, NeedKind.ENDPOINT, ("ec2",), make) for name, make in _ENDPOINTS.items()),
    *(Fault(name, NeedKind.SERVICE_GROUP, ("ec2",), make) for name, make in _BLOCKS.items()),
)
