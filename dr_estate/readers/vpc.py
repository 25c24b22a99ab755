"""The network: VPC, subnets and free addresses, security groups, and routes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import elbv2
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part

_PAGE = {"PageSize": 1000}
_TCP = ("-1", "6", "tcp")
_LAST_PORT = 65535
AMAZONS = "AmazonProvidedDNS"
_EVERYWHERE = ("0.0.0.0/0", "::/0")
# An interface's route names its instance too. Source: EC2 API, Route.
_TARGETS = (
    *("NatGatewayId", "GatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId", "VpcPeeringConnectionId"),
    *("CoreNetworkArn", "LocalGatewayId", "CarrierGatewayId", "EgressOnlyInternetGatewayId", "OdbNetworkArn"),
)


@dataclass(frozen=True, slots=True)
class Vpc:
    """The environment's VPC. ``cidrs`` are its IPv4 blocks with their association state, ``cidrs6`` its IPv6 blocks.

    ``options`` is the id of its DHCP options, "" where it was not read.
    """

    id: Annotated[str, At("VpcId", demanded=True)]
    state: Annotated[str, At("State", demanded=True)]
    tenancy: Annotated[str, At("InstanceTenancy")]
    is_default: Annotated[bool, At("IsDefault")]
    cidrs: tuple[tuple[str, str], ...]
    cidrs6: tuple[tuple[str, str], ...] = ()
    options: Annotated[str, At("DhcpOptionsId")] = ""


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet of the VPC. ``free`` counts its unused IPv4 addresses; ``cidr`` is IPv6 where there is no IPv4.

    ``public_access`` is how Block Public Access of VPCs treats it, exclusions included; "" where AWS says nothing.
    """

    id: str
    zone: str
    state: str
    cidr: str
    free: int
    public_access: str = ""


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """One security group. Rules have the same form in every region: peers by name, the VPC's own block as ``vpc``."""

    id: str
    name: str
    ingress: tuple[str, ...]
    egress: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartRoute:
    """One route of a part of the addresses, which goes before the default one: ``to`` a block or a prefix list."""

    to: str
    target: str
    state: str


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table. ``default`` is where 0.0.0.0/0 leads, "" for nowhere; ``state`` is active or blackhole.

    ``known`` is False where it leads to a kind of target that is not in ``_TARGETS``. ``parts`` are its further routes
    over IPv4, without those of the VPC itself and of endpoints; None where they were not read.
    """

    id: str
    main: bool
    subnets: tuple[str, ...]
    default: str
    state: str
    known: bool = True
    parts: tuple[PartRoute, ...] | None = None


@dataclass(frozen=True, slots=True)
class NatGateway:
    """A NAT gateway. It forwards packets only while ``available``, and out of the network only if ``public``.

    ``subnet`` is its subnet, whose own route must lead on. ``addresses`` are its public ones.
    """

    id: str
    state: str
    subnet: str = ""
    public: bool = True
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AclRule:
    """One rule of a network ACL for TCP. The lowest ``number`` that fits decides; ``ports`` are (first, last)."""

    number: int
    outward: bool
    allows: bool
    cidr: str
    ports: tuple[int, int]


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """One network ACL, the subnets it stands before, and its rules for TCP over IPv4.

    ``numbers`` are (outward, number) of all its rules.
    """

    id: str
    subnets: tuple[str, ...]
    rules: tuple[AclRule, ...]
    numbers: tuple[tuple[bool, int], ...] = ()


@dataclass(frozen=True, slots=True)
class VpcNames:
    """Whether the VPC's resolver answers its instances, and whether public host names are given to them."""

    resolves: bool
    hostnames: bool


@dataclass(frozen=True, slots=True)
class NameServers:
    """The name servers that the VPC's DHCP options give to tasks: ``AmazonProvidedDNS`` or addresses.

    ``borne`` are those that an interface of the VPC has; ``amazons`` the ids of options that give Amazon's alone.
    """

    servers: tuple[str, ...]
    borne: tuple[str, ...] = ()
    amazons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VpcEndpoint:
    """A VPC endpoint. ``service`` carries no region, such as ``ecr.api``; it is an ARN for a Resource's endpoint.

    ``private_names``: AWS's own name of the service leads to it. ``policy`` is unchanged, "" where AWS returned none.
    """

    service: str
    kind: Annotated[str, At("VpcEndpointType")]
    state: str
    id: Annotated[str, At("VpcEndpointId")] = ""
    policy: Annotated[str, At("PolicyDocument")] = ""
    groups: tuple[str, ...] = ()
    subnets: Annotated[tuple[str, ...], At("SubnetIds", ordered=True)] = ()
    route_tables: Annotated[tuple[str, ...], At("RouteTableIds", ordered=True)] = ()
    private_names: Annotated[bool, At("PrivateDnsEnabled", absent=True)] = True


@part(*REGIONAL, reads=frozenset({"ec2:DescribeVpcs"}) | elbv2.BALANCER_READS)
def vpc(context: ReadContext) -> Vpc | None:
    """The VPC of that Name tag, the load balancer's where the settings name none; None where there is none."""
    named = {"Name": "tag:Name", "Values": [context.env.named(context.env.names.vpc)]}
    if not context.env.names.vpc:
        balancer = context.part(elbv2.load_balancer)
        if balancer is None:
            return None
        named = {"Name": "vpc-id", "Values": [balancer.vpc]}
    rows = context.pages("ec2", "describe_vpcs", "Vpcs", Filters=[named])
    if not rows:
        return None
    return context.understand(lambda: _vpc(rows[0]), context.env.named(context.env.names.vpc))


def _vpc(row: dict[str, Any]) -> Vpc:
    blocks, six = row.get("CidrBlockAssociationSet", []), row.get("Ipv6CidrBlockAssociationSet", [])
    return read(
        Vpc,
        row,
        cidrs=tuple((b["CidrBlock"], b.get("CidrBlockState", {}).get("State", "")) for b in blocks),
        cidrs6=tuple((b["Ipv6CidrBlock"], b.get("Ipv6CidrBlockState", {}).get("State", "")) for b in six),
    )


@part(*REGIONAL, reads=frozenset({"ec2:DescribeSubnets"}))
def subnets(context: ReadContext) -> tuple[Subnet, ...]:
    """The VPC's subnets; empty where there is no VPC."""
    rows = _inside(context, "describe_subnets", "Subnets")
    return context.rows(rows, _subnet, "SubnetId")


LIST_READS = frozenset({"ec2:DescribeManagedPrefixLists", "ec2:GetManagedPrefixListEntries"})


@part(*REGIONAL, reads=frozenset({"ec2:DescribeSecurityGroups"}) | LIST_READS)
def security_groups(context: ReadContext) -> tuple[SecurityGroup, ...]:
    """The VPC's security groups; a VPC of one block is written as such in their rules, of several each by itself.

    A prefix list of one's own is written as the blocks that it holds; one of AWS's by that it is one.
    """
    rows = _inside(context, "describe_security_groups", "SecurityGroups", PaginationConfig=_PAGE)
    names = {row["GroupId"]: row["GroupName"] for row in rows if row.get("GroupId") and row.get("GroupName")}
    here = context.part(vpc)
    cidrs = here.cidrs if here else ()
    blocks = {block for block, state in cidrs if not states.NETWORK_BLOCK[state or "associated"].gone}
    own = blocks if len(blocks) == 1 else set()

    def group(row: dict[str, Any]) -> SecurityGroup:
        rules = (_rules(row.get(key, []), names, own) for key in ("IpPermissions", "IpPermissionsEgress"))
        return SecurityGroup(row["GroupId"], row["GroupName"], *rules)

    return context.rows(by_blocks(context, rows), group, "GroupName")


def by_blocks(context: ReadContext, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups with the blocks of prefix lists in the place of the lists; no call where no rule names one.

    Lists that AWS keeps stay as they are: it keeps their entries alike in every region.
    """

    def listed() -> list[str]:
        rules = [rule for group in groups for key in _RULES for rule in group.get(key) or []]
        return sorted(
            {pair.get("PrefixListId") or "" for rule in rules for pair in rule.get("PrefixListIds") or []} - {""}
        )

    named = context.understand(listed, "The prefix lists of security groups")
    if not named:
        return groups
    rows = context.pages("ec2", "describe_managed_prefix_lists", "PrefixLists", PrefixListIds=named)
    own = [str(row.get("PrefixListId")) for row in rows if row.get("OwnerId") != "AWS"]
    entries = {name: context.pages("ec2", _ENTRIES, "Entries", PrefixListId=name) for name in own}
    blocks = {name: [str(row.get("Cidr") or "") for row in found] for name, found in entries.items()}
    return [
        group | {key: [_spread(rule, blocks) for rule in group.get(key) or []] for key in _RULES} for group in groups
    ]


_RULES, _ENTRIES = ("IpPermissions", "IpPermissionsEgress"), "get_managed_prefix_list_entries"


def _spread(rule: dict[str, Any], blocks: dict[str, list[str]]) -> dict[str, Any]:
    named = [pair.get("PrefixListId") or "" for pair in rule.get("PrefixListIds") or []]
    listed = [block for name in named for block in blocks.get(name, ()) if block]
    return rule | {
        "PrefixListIds": [{"PrefixListId": name} for name in named if name not in blocks],
        "IpRanges": [*(rule.get("IpRanges") or []), *({"CidrIp": block} for block in listed if ":" not in block)],
        "Ipv6Ranges": [*(rule.get("Ipv6Ranges") or []), *({"CidrIpv6": block} for block in listed if ":" in block)],
    }


@part(*REGIONAL, reads=frozenset({"ec2:DescribeRouteTables"}))
def route_tables(context: ReadContext) -> tuple[RouteTable, ...]:
    """The VPC's route tables."""
    return context.rows(_inside(context, "describe_route_tables", "RouteTables"), _table, "RouteTableId")


@part(*REGIONAL, reads=frozenset({"ec2:DescribeNatGateways"}))
def nat_gateways(context: ReadContext) -> tuple[NatGateway, ...]:
    """The VPC's NAT gateways that are not deleted."""
    # This one call names its filters so (API_DescribeNatGateways).
    rows = _inside(context, "describe_nat_gateways", "NatGateways", filters="Filter")
    there = [row for row in rows if row.get("State") != "deleted"]
    return context.rows(there, _nat_gateway, "NatGatewayId")


def _nat_gateway(row: dict[str, Any]) -> NatGateway:
    public = row.get("ConnectivityType", "public") == "public"
    addresses = tuple(sorted(r["PublicIp"] for r in row.get("NatGatewayAddresses", []) if r.get("PublicIp")))
    return NatGateway(row["NatGatewayId"], row["State"], row.get("SubnetId", ""), public, addresses)


@part(Side.DR, reads=frozenset({"ec2:DescribeInternetGateways"}))
def internet_gateways(context: ReadContext) -> tuple[str, ...]:
    """The ids of the internet gateways that are attached to the VPC."""
    here = context.part(vpc)
    if here is None:
        return ()
    attached = {"Name": "attachment.vpc-id", "Values": [here.id]}
    rows = context.pages("ec2", "describe_internet_gateways", "InternetGateways", Filters=[attached])
    return context.rows(rows, lambda row: str(row["InternetGatewayId"]), "InternetGatewayId")


@part(Side.DR, reads=frozenset({"ec2:DescribeNetworkAcls"}))
def network_acls(context: ReadContext) -> tuple[NetworkAcl, ...]:
    """The VPC's network ACLs."""
    return context.rows(_inside(context, "describe_network_acls", "NetworkAcls"), _acl, "NetworkAclId")


@part(Side.DR, reads=frozenset({"ec2:DescribeVpcAttribute"}))
def names(context: ReadContext) -> VpcNames | None:
    """The VPC's DNS settings, one call each; None where there is no VPC."""
    here = context.part(vpc)
    if here is None:
        return None

    def setting(attribute: str, member: str) -> bool:
        answer = context.call("ec2", "describe_vpc_attribute", VpcId=here.id, Attribute=attribute)
        return context.understand(lambda: bool(answer[member]["Value"]), f"{here.id} {attribute}")

    return VpcNames(
        setting("enableDnsSupport", "EnableDnsSupport"), setting("enableDnsHostnames", "EnableDnsHostnames")
    )


@part(Side.DR, reads=frozenset({"ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces"}))
def name_servers(context: ReadContext) -> NameServers | None:
    """The name servers of the VPC, of the region's DHCP options; None where there is no VPC.

    Interfaces are asked for where servers of one's own are named, and in a VPC of Amazon's alone no call is made.
    """
    here = context.part(vpc)
    if here is None:
        return None
    rows = context.rows(context.pages("ec2", "describe_dhcp_options", "DhcpOptions"), _options, "DhcpOptionsId")
    servers = dict(rows).get(here.options, ())
    own = [server for server in servers if server != AMAZONS]
    addresses = borne_addresses(context, here.id, own)
    borne = tuple(server for server in own if server in addresses)
    return NameServers(servers, borne, tuple(name for name, found in rows if found == (AMAZONS,)))


def borne_addresses(context: ReadContext, vpc_id: str, addresses: list[str]) -> frozenset[str]:
    """Those of the addresses that an interface of the VPC has; no call where there are none."""
    if not addresses:
        return frozenset()
    inside = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "addresses.private-ip-address", "Values": addresses}]
    faces = context.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=inside)
    pairs = [pair for row in faces for pair in row.get("PrivateIpAddresses") or []]
    return frozenset(str(pair.get("PrivateIpAddress") or "") for pair in pairs)


def _options(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The id of a set of DHCP options, and the name servers that it gives."""
    named = [
        entry["Values"] for entry in row.get("DhcpConfigurations", []) if entry.get("Key") == "domain-name-servers"
    ]
    return row["DhcpOptionsId"], tuple(value["Value"] for values in named for value in values)


def _acl(row: dict[str, Any]) -> NetworkAcl:
    subnets = sorted(a["SubnetId"] for a in row.get("Associations", []) if a.get("SubnetId"))
    entries = row.get("Entries", [])
    numbers = sorted((bool(entry.get("Egress")), int(entry["RuleNumber"])) for entry in entries)
    return NetworkAcl(row["NetworkAclId"], tuple(subnets), tuple(_acl_rules(entries)), tuple(numbers))


def _acl_rules(entries: list[dict[str, Any]]) -> Iterator[AclRule]:
    """The rules that speak of TCP over IPv4, in the order in which they are asked."""
    for row in sorted(entries, key=lambda entry: int(entry["RuleNumber"])):
        if str(row["Protocol"]) in _TCP and row.get("CidrBlock"):
            ports = row.get("PortRange") or {}
            span = (int(ports.get("From", 0)), int(ports.get("To", _LAST_PORT)))
            allows = row["RuleAction"] == "allow"
            yield AclRule(int(row["RuleNumber"]), bool(row["Egress"]), allows, row["CidrBlock"], span)


@part(*REGIONAL, reads=frozenset({"ec2:DescribeVpcEndpoints"}))
def endpoints(context: ReadContext) -> tuple[VpcEndpoint, ...]:
    """The VPC's endpoints."""
    prefix = f"com.amazonaws.{context.region}."

    def endpoint(row: dict[str, Any]) -> VpcEndpoint:
        service = row.get("ServiceName") or row.get("ResourceConfigurationArn") or row["ServiceNetworkArn"]
        groups = tuple(sorted(group.get("GroupId", "") for group in row.get("Groups") or ()))
        own = {"service": service.removeprefix(prefix), "state": row.get("State", "").lower()}
        return read(VpcEndpoint, row, **own, groups=groups)

    return context.rows(_inside(context, "describe_vpc_endpoints", "VpcEndpoints"), endpoint, "VpcEndpointId")


def _inside(context: ReadContext, operation: str, key: str, filters: str = "Filters", **more: Any) -> list[Any]:
    here = context.part(vpc)
    if here is None:
        return []
    return context.pages("ec2", operation, key, **{filters: [{"Name": "vpc-id", "Values": [here.id]}]}, **more)


def _subnet(row: dict[str, Any]) -> Subnet:
    free = row["AvailableIpAddressCount"]
    access = str((row.get("BlockPublicAccessStates") or {}).get("InternetGatewayBlockMode") or "")
    return Subnet(row["SubnetId"], row["AvailabilityZone"], row["State"], cidr_of(row), free, access)


def cidr_of(row: dict[str, Any]) -> str:
    """The address block of a row of DescribeSubnets: an IPv6-only subnet has no other one."""
    return str(row.get("CidrBlock") or row["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])


def _rules(rows: list[dict[str, Any]], names: dict[str, str], own: set[str]) -> tuple[str, ...]:
    texts: set[str] = set()
    for row in rows:
        protocol = "all" if row["IpProtocol"] == "-1" else row["IpProtocol"]
        ports = f" {row['FromPort']}-{row['ToPort']}" if "FromPort" in row and protocol != "all" else ""
        peers = [names.get(pair.get("GroupId", ""), "another VPC's group") for pair in row.get("UserIdGroupPairs", [])]
        peers += ["vpc" if r["CidrIp"] in own else r["CidrIp"] for r in row.get("IpRanges", [])]
        peers += [r["CidrIpv6"] for r in row.get("Ipv6Ranges", [])]
        peers += ["a prefix list"] * bool(row.get("PrefixListIds"))  # their ids differ in every region
        texts |= {f"{protocol}{ports} {peer}" for peer in peers}
    return tuple(sorted(texts))


def _table(row: dict[str, Any]) -> RouteTable:
    associations = row.get("Associations", [])
    default: dict[str, Any] = next(
        (r for r in row.get("Routes", []) if r.get("DestinationCidrBlock") in _EVERYWHERE), {}
    )
    target = _target(default)
    return RouteTable(
        id=row["RouteTableId"],
        main=any(a.get("Main") for a in associations),
        subnets=tuple(sorted(a["SubnetId"] for a in associations if a.get("SubnetId"))),
        default=target or ("a target of another kind" if default else ""),
        state=default.get("State", ""),
        known=bool(target) or not default,
        parts=tuple(_parts(row.get("Routes", []))),
    )


def _target(route: dict[str, Any]) -> str:
    return next((str(route[key]) for key in _TARGETS if route.get(key)), "")


def _parts(routes: list[dict[str, Any]]) -> Iterator[PartRoute]:
    """The routes of a part of the addresses; a gateway endpoint has one of its own, to its service alone."""
    for route in routes:
        to, target = route.get("DestinationCidrBlock") or route.get("DestinationPrefixListId") or "", _target(route)
        if to and to not in _EVERYWHERE and target != "local" and not target.startswith("vpce-"):
            yield PartRoute(to, target or "a target of another kind", route.get("State", ""))
