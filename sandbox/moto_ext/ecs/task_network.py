"""What a task reaches from its subnet, behind its security groups: AWS itself, its files, its database, its balancer.

A connection passes the groups of both ends and the network ACLs of both subnets, replies included. What is outside is
reached by a NAT gateway, an internet gateway and an address of the internet, or an endpoint of the VPC. Sources: VPC
User Guide, "Network ACLs", "NAT gateways"; ECS Developer Guide, "Fargate task networking". The emulator's default VPC
has no way out, unlike AWS's: there every task reaches everything.

Whether a VPC finds a name of AWS: a private zone answers alone for all names below its own, a rule's servers too,
and a firewall may block it.

Sources: Route 53 Developer Guide, "Considerations when working with a private hosted zone", "Using rules to specify
which domains your resolver endpoints forward".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses, ip_address
from typing import Any

from moto.ec2.models import EC2Backend
from moto.route53.models import route53_backends
from moto.route53resolver.models import route53resolver_backends

from sandbox.moto_ext.public_access import BOTH, OFF, mode_of
from sandbox.moto_ext.route53resolver_firewall import blocks

INTERNET = "0.0.0.0/0"
HTTPS, NFS = 443, 2049
# A VPC's block is /16 at most (VPC guide, VPC CIDR blocks): a peering for more leads to nothing behind it.
LARGEST_OF_A_VPC = 16
# The ephemeral ports of Linux: network ACLs are stateless and must let replies through (VPC guide, network ACLs).
REPLIES = (32768, 60999)
AMAZONS = "AmazonProvidedDNS"
_TCP = ("-1", "6", "tcp")
_LEADING = ("A", "AAAA", "CNAME")


@dataclass(frozen=True)
class NetworkPeer:
    """The other end of a connection: its block, its security groups, and its subnet where it is inside the VPC."""

    cidr: str
    groups: tuple[str, ...] = ()
    subnet: str = ""


@dataclass(frozen=True)
class TaskNetwork:
    """A task's end. ``public`` is whether it has an address of the internet."""

    ec2: EC2Backend
    subnet: str
    groups: tuple[str, ...]
    public: bool = False

    @property
    def is_modelled(self) -> bool:
        """Whether the network is one that somebody built."""
        return bool(self.subnet) and not self._vpc().is_default

    def resolves(self) -> bool:
        """Whether the VPC's resolver answers, and a task is given it, or a server of its own VPC."""
        # The resolver is at the VPC's base address plus two (VPC guide, Amazon DNS server).
        own = str(IPv4Network(str(self._vpc().cidr_block)).network_address + 2)
        names = {AMAZONS, own, *(face.private_ip_address for face in self._faces())}
        # The servers of the VPC's DHCP options; none are named where it has AWS's default
        options = self._vpc().dhcp_options
        rows = options.dhcp_configurations if options is not None else []
        given = {str(value["Value"]) for row in rows if row["Key"] == "domain-name-servers" for value in row["Values"]}
        return str(self._vpc().enable_dns_support).lower() == "true" and (not given or bool(names & given))

    def names_hosts(self) -> bool:
        """Whether the VPC's resolver knows the names of its file systems: enableDnsHostnames, off in a new VPC."""
        return str(self._vpc().enable_dns_hostnames).lower() == "true"

    def _faces(self) -> list[Any]:
        return [face for face in self.ec2.enis.values() if face.subnet.vpc_id == self._vpc().id]

    def finds(self, service: str) -> bool:
        """Whether no private zone hides the name of ``service`` (``ecr.api``, ``fs-1.efs``)."""
        return finds(self.ec2, str(self._vpc().id), service)

    def finds_host(self, host: str) -> bool:
        """Whether no private zone hides the name."""
        return finds_host(self.ec2, str(self._vpc().id), host)

    def endpoint_of(self, service: str) -> Any:
        """The VPC's endpoint that takes requests to ``service`` (``ecr.api``) from here, None where none does."""
        name = f"com.amazonaws.{self.ec2.region_name}.{service}"
        for endpoint in self.ec2.vpc_end_points.values():
            if endpoint.vpc_id == self._vpc().id and endpoint.service_name == name and endpoint.state == "available":
                # Without private DNS the service's own name goes past the interface endpoint.
                if endpoint.vpc_endpoint_type != "Gateway":
                    return endpoint if str(endpoint.private_dns_enabled).lower() == "true" else None
                # A gateway endpoint works by routes: only of the tables that it is associated with.
                return endpoint if self._table(self.subnet).id in endpoint.route_table_ids else None
        return None

    def leads_to(self, service: str) -> bool:
        """Whether HTTPS to ``service`` arrives, by an endpoint where one takes it, else by the way out."""
        if not self.finds(service):
            return False
        endpoint = self.endpoint_of(service)
        if endpoint is None:
            if not self.passes(NetworkPeer(INTERNET), HTTPS):
                return False
            return all(self._leaves_by(target) for target in self._ways_out(self.subnet))
        # The traffic keeps public addresses: groups and ACLs must let them through.
        if endpoint.vpc_endpoint_type == "Gateway":
            return self.passes(NetworkPeer(INTERNET), HTTPS)
        groups = tuple(endpoint.security_group_ids)
        peers = [NetworkPeer(self._cidr(subnet), groups, subnet) for subnet in endpoint.subnet_ids or ()]
        # The endpoint has an interface in each of its subnets: one that is reached is enough.
        return any(self.passes(peer, HTTPS) for peer in peers)

    def _leaves_by(self, target: str) -> bool:
        """What stands beyond a transit gateway is taken as arriving."""
        if target.startswith("tgw-"):
            return True
        if target.startswith("igw-"):
            # An internet gateway translates only for who has a public address.
            return self.public and self._access(self.subnet) == OFF
        nat = self.ec2.nat_gateways.get(target)
        # A private NAT gateway leads to other networks, not to the internet.
        if nat is None or nat.state != "available" or nat.connectivity_type == "private":
            return False
        # VPC Block Public Access in both directions stops the NAT gateway too (VPC guide).
        if self._access(nat.subnet_id) == BOTH:
            return False
        place = NetworkPeer(self._cidr(nat.subnet_id), subnet=nat.subnet_id)
        there = TaskNetwork(self.ec2, nat.subnet_id, ())
        # The NAT gateway's own subnet must be a public one.
        leads = all(way.startswith("igw-") for way in self._ways_out(nat.subnet_id))
        return leads and self._acls_pass(place, HTTPS) and there._acls_pass(NetworkPeer(INTERNET), HTTPS)

    def passes(self, peer: NetworkPeer, port: int) -> bool:
        """Whether a connection from here to ``port`` of the peer passes all groups and ACLs between them."""
        own = NetworkPeer(self._cidr(self.subnet), self.groups, self.subnet)
        # Security groups are stateful: a reply is never asked about.
        out = not self.groups or _admits(self.ec2, self._rules(self.groups, "egress_rules"), peer, port)
        into = not peer.groups or _admits(self.ec2, self._rules(peer.groups, "ingress_rules"), own, port)
        return out and into and self._is_routed(own, peer) and self._acls_pass(peer, port)

    def admits_from(self, peer: NetworkPeer, port: int) -> bool:
        """Whether a connection of the peer to ``port`` of the task passes."""
        return TaskNetwork(self.ec2, peer.subnet, peer.groups).passes(
            NetworkPeer(self._cidr(self.subnet), self.groups, self.subnet), port
        )

    def takes_visitors(self, port: int) -> bool:
        """Whether connections of the internet to ``port`` pass the subnet's gateway and ACL, and replies to them."""
        anybody = NetworkPeer(INTERNET)
        into = self._acl_lets(self.subnet, False, anybody, (port, port))
        replies = self._acl_lets(self.subnet, True, anybody, REPLIES)
        leads = self._default(self.subnet).startswith("igw-")
        return into and replies and leads and self._access(self.subnet) == OFF

    def _access(self, subnet: str) -> str:
        return mode_of(self.ec2, str(self._vpc().id), subnet)

    def zone_of(self, subnet: str) -> str:
        """The availability zone of a subnet."""
        return str(self.ec2.get_subnet(subnet).availability_zone)

    def is_beside(self, subnet: str) -> bool:
        """Whether a subnet is of the task's own VPC: nothing else is routed to."""
        return bool(self.ec2.get_subnet(subnet).vpc_id == self._vpc().id)

    def cidr_of(self, subnet: str) -> str:
        """The block of a subnet."""
        return self._cidr(subnet)

    def _is_routed(self, *ends: NetworkPeer) -> bool:
        """Whether no black hole of the VPC's own addresses stands between two of its subnets, in either direction.

        The local route is nearer than one of more than the VPC's block.
        """
        own = [IPv4Network(row["cidr_block"]) for row in self._vpc().get_cidr_block_association_set()]
        pairs = [(end.subnet, IPv4Network(peer.cidr)) for end, peer in zip(ends, reversed(ends), strict=True)]
        return not any(
            hole.overlaps(there)
            for subnet, there in pairs
            if subnet and there.prefixlen
            for hole, target in self._parts(subnet)
            if not target and any(hole.subnet_of(block) for block in own)
        )

    def _acls_pass(self, peer: NetworkPeer, port: int) -> bool:
        own = NetworkPeer(self._cidr(self.subnet), subnet=self.subnet)
        # ACLs stand at the border of a subnet: within it nothing passes them.
        if self.subnet == peer.subnet:
            return True
        questions = [(self.subnet, True, peer, (port, port)), (self.subnet, False, peer, REPLIES)]
        if peer.subnet:
            questions += [(peer.subnet, False, own, (port, port)), (peer.subnet, True, own, REPLIES)]
        return all(self._acl_lets(*question) for question in questions)

    def _acl_lets(self, subnet: str, outward: bool, peer: NetworkPeer, ports: tuple[int, int]) -> bool:
        rows = sorted(
            (row for row in self._entries(subnet) if _is_outward(row) == outward and str(row.protocol) in _TCP),
            key=lambda row: int(row.rule_number),
        )
        edges = {edge for row in rows for edge in (_span(row)[0], _span(row)[1] + 1)}
        # The verdict can change at the edges of rules alone: these ports stand for all of the span.
        points = {*ports, *(edge for edge in edges if ports[0] <= edge <= ports[1])}
        return all(_first_says(rows, IPv4Network(peer.cidr), point) for point in points)

    def _entries(self, subnet: str) -> list[Any]:
        # Each subnet has one ACL; no entry means that all is refused.
        for acl in self.ec2.network_acls.values():
            if any(association.subnet_id == subnet for association in acl.associations):
                return list(acl.network_acl_entries)
        return []

    def _rules(self, groups: Iterable[str], which: str) -> list[Any]:
        found = [self.ec2.get_security_group_from_id(name) for name in groups]
        return [rule for group in found if group for rule in getattr(group, which)]

    def _default(self, subnet: str) -> str:
        """What 0.0.0.0/0 leads to: ``igw-...`` where it is attached, ``nat-...``, ``tgw-...``, or ""."""
        for route in self._table(subnet).routes:
            if route.destination_cidr_block == INTERNET:
                if route.nat_gateway is not None:
                    return str(route.nat_gateway.id)
                if route.transit_gateway is not None:
                    return str(route.transit_gateway.id) if route.state == "active" else ""
                gateway = route.gateway
                return str(gateway.id) if gateway is not None and getattr(gateway, "vpc", None) else ""
        return ""

    def _ways_out(self, subnet: str) -> list[str]:
        """What the internet leads to, the parts that have a route of their own included: AWS answers in any of them.

        What stands beyond a firewall, a peering or a VPN is taken as arriving.
        """
        parts = [target for block, target in self._parts(subnet) if block.is_global]
        return [self._default(subnet), *(way for way in parts if not way or way.startswith(("nat-", "igw-")))]

    def _parts(self, subnet: str) -> Iterator[tuple[IPv4Network, str]]:
        """The routes that go before the default one; "" is a black hole, or a peering for more than a peer may have."""
        for route in self._table(subnet).routes:
            block = str(route.destination_cidr_block or INTERNET)
            if not route.local and block != INTERNET:
                part = IPv4Network(block)
                targets = (route.nat_gateway_id, route.gateway_id, "another")
                there = next(target for target in targets if target)
                beyond = route.vpc_pcx is not None and part.prefixlen < LARGEST_OF_A_VPC
                yield part, "" if route.state == "blackhole" or beyond else str(there)

    def _table(self, subnet: str) -> Any:
        tables = [table for table in self.ec2.route_tables.values() if table.vpc_id == self._vpc().id]
        own = next((table for table in tables if subnet in _subnets(table)), None)
        # A subnet without a table of its own follows the VPC's main one.
        return own or next(table for table in tables if table.main_association_id)

    def _cidr(self, subnet: str) -> str:
        return str(self.ec2.get_subnet(subnet).cidr_block)

    def _vpc(self) -> Any:
        return self.ec2.get_vpc(self.ec2.get_subnet(self.subnet).vpc_id)


def _subnets(table: Any) -> set[str]:
    return {str(row.get("SubnetId")) for row in table.associations}


def _admits(ec2: EC2Backend, rules: Iterable[Any], peer: NetworkPeer, port: int) -> bool:
    return any(_is_about(rule, port) and _is_for(ec2, rule, peer) for rule in rules)


def _is_about(rule: Any, port: int) -> bool:
    if str(rule.ip_protocol) == "-1":
        return True
    return str(rule.ip_protocol) in _TCP and int(rule.from_port) <= port <= int(rule.to_port)


def listed_blocks(ec2: EC2Backend, name: str) -> list[IPv4Network] | None:
    """The blocks of somebody's own prefix list, those side by side as one; None of a list that AWS keeps."""
    found = ec2.managed_prefix_lists[name]
    if found.owner_id == "AWS":
        return None
    rows = (found.entries or {}).get(found.version or 1) or ()
    return list(collapse_addresses(IPv4Network(row["Cidr"]) for row in rows))


def _is_for(ec2: EC2Backend, rule: Any, peer: NetworkPeer) -> bool:
    """A prefix list that AWS keeps is of its own addresses, which are outside."""
    if rule.prefix_list_id:
        listed = listed_blocks(ec2, rule.prefix_list_id)
        inside = (IPv4Network(peer.cidr).subnet_of(block) for block in listed or ())
        return peer.cidr == INTERNET if listed is None else any(inside)
    if rule.source_group:
        # A group as source means interfaces that bear it, whatever their address.
        return rule.source_group.get("GroupId") in peer.groups
    block = rule.cidr_ipv4
    return bool(block) and IPv4Network(peer.cidr).subnet_of(IPv4Network(str(block)))


def _first_says(rows: list[Any], peer: Any, port: int) -> bool:
    """What the first rule says that speaks of all of the peer; one that denies a part of a subnet stops some of it."""
    # In the order of their numbers: the first that matches decides (VPC guide, network ACL rules).
    for row in rows:
        block = IPv4Network(str(row.cidr_block))
        if not _span(row)[0] <= port <= _span(row)[1] or not peer.overlaps(block):
            continue
        if peer.subnet_of(block):
            return str(row.rule_action) == "allow"
        if str(row.rule_action) == "deny" and peer.prefixlen:
            return False
    return False


def _span(row: Any) -> tuple[int, int]:
    first, last = row.port_range_from, row.port_range_to
    return (0, 65535) if first in (None, "") or str(row.protocol) == "-1" else (int(first), int(last))


def _is_outward(row: Any) -> bool:
    return str(row.egress).lower() == "true"


def finds(ec2: EC2Backend, vpc: str, service: str) -> bool:
    """Whether the name of ``service`` in the region (``ecr.api``, ``fs-1.efs``) is found in the VPC."""
    names = {
        "ecr.api": "api.ecr",
        "ecr.dkr": f"{ec2.account_id}.dkr.ecr",
        # The bucket from which ECR serves the layers of images (ECR guide, VPC endpoints).
        "s3": f"prod-{ec2.region_name}-starport-layer-bucket.s3",
    }
    return finds_host(ec2, vpc, f"{names.get(service, service)}.{ec2.region_name}.amazonaws.com")


def finds_host(ec2: EC2Backend, vpc: str, host: str) -> bool:
    """Whether the name is found in the VPC, as far as a firewall, private zones and rules decide.

    Of zones and rules the most specific one does.
    """
    # The firewall decides before zones and rules do.
    if blocks(ec2.account_id, ec2.region_name, vpc, host):
        return False
    zones = [
        zone
        for zone in route53_backends[ec2.account_id]["aws"].zones.values()
        if any(found.get("vpc_id") == vpc for found in zone.vpcs) and f".{host}.".endswith(f".{zone.name}")
    ]
    zone_name = max((zone.name for zone in zones), key=len, default="")
    backend = route53resolver_backends[ec2.account_id][ec2.region_name]
    ids = [found.resolver_rule_id for found in backend.resolver_rule_associations.values() if found.vpc_id == vpc]
    rules = [backend.resolver_rules[id_] for id_ in ids]
    about = [rule for rule in rules if f".{host}".endswith(f".{_domain(rule)}") or not _domain(rule)]
    rule = max(about, key=lambda rule: len(_domain(rule)), default=None)
    # Of equal length the rule goes before the zone (Route 53 guide, private hosted zones).
    if rule is not None and len(_domain(rule)) >= len(zone_name.rstrip(".")) and not _by_endpoint(ec2, vpc, host):
        return rule.rule_type != "FORWARD" or _answers(ec2, vpc, rule, host)
    # No private zone above it: the name goes to the public DNS, which knows AWS's names.
    if not zones:
        return True
    nearest = max(zones, key=lambda zone: len(zone.name))
    names = {record.name.rstrip(".") for record in nearest.rrsets if record.type in _LEADING}
    above = host.split(".")
    # A private zone that covers the name answers NXDOMAIN for what it does not hold: nothing public is asked.
    return bool(names & {host, *(f"*.{'.'.join(above[number:])}" for number in range(1, len(above)))})


def _domain(rule: Any) -> str:
    return str(rule.domain_name).strip(".")


def _by_endpoint(ec2: EC2Backend, vpc: str, host: str) -> bool:
    """Whether an interface endpoint of the VPC gives the name."""
    prefix, ending = f"com.amazonaws.{ec2.region_name}.", f".{ec2.region_name}.amazonaws.com"
    doors = [
        door
        for door in ec2.vpc_end_points.values()
        if door.vpc_id == vpc and door.vpc_endpoint_type == "Interface"
        if str(door.private_dns_enabled).lower() == "true"
    ]
    names = [".".join(reversed(door.service_name.removeprefix(prefix).split("."))) + ending for door in doors]
    return any(f".{host}".endswith(f".{name}") for name in names)


def _answers(ec2: EC2Backend, vpc: str, rule: Any, host: str) -> bool:
    """Whether a target of the rule knows the host: an interface of the VPC, or the internet what it knows."""
    targets = [str(target.get("Ip")) for target in rule.target_ips or ()]
    faces = {face.private_ip_address for face in ec2.enis.values() if face.subnet.vpc_id == vpc}
    known_outside = host.endswith(".amazonaws.com") and ".efs." not in host
    return bool(faces & set(targets)) or (known_outside and any(ip_address(target).is_global for target in targets))
