"""Checks of network ACLs in the DR region: they stand before subnets, and no security group opens what they close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import database_engine
from dr_checks.derived.pairing import tenant_services, vpc_name
from dr_checks.derived.ways import data_tier
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import efs_mounts, elbv2, rds_groups, vpc

_INTERNET = "0.0.0.0/0"
_HTTPS = 443
# The ports from which Linux, and so a Fargate task, a load balancer or a database, opens connections.
_REPLIES = (32768, 60999)
# A block of this length is that of one large network; multicast and reserved addresses are no host's (RFC 5771, 1112).
_LARGE, _OF_NO_HOST = 8, IPv4Network("224.0.0.0/3")
_FILES = "tasks to their files"
_LAST_NUMBER = 32767
"""The number of the rule that denies what no other speaks of. Source: EC2 API, CreateNetworkAclEntry."""


@dataclass(frozen=True)
class _Flow:
    """Connections to ``port`` that a recovery needs; an end is a list of subnets, and none of them is the internet.

    ``zonal``: each client asks the server of its own zone, which is how a file system's name is resolved.
    """

    title: str
    clients: tuple[str, ...]
    servers: tuple[str, ...]
    port: int
    zonal: bool = False


@dataclass(frozen=True)
class _Stop:
    """Packets to ``ports`` that an ACL drops at ``subnet``; ``peer`` is the block of the other end."""

    acl: vpc.NetworkAcl
    subnet: str
    outward: bool
    peer: str
    ports: tuple[int, int]

    def __str__(self) -> str:
        first, last = self.ports
        what = f"port {first}" if first == last else f"replies to ports {first}-{last}"
        return f"{self.acl.id} of {self.subnet} stops {what} {'to' if self.outward else 'from'} {self.peer}"


@dataclass
class _Openings:
    """The rules that let the stopped packets through, numbered so that no two of one ACL take the same number."""

    view: View
    taken: dict[tuple[str, bool, str, tuple[int, int]], int] = field(default_factory=dict)

    def commands(self, stops: list[_Stop]) -> Iterator[str]:
        """Commands that add the rules; none that lets the internet in before a subnet of the databases."""
        closed = data_tier(self.view)
        for stop in stops:
            # None: which subnets are the databases' was not seen, so no subnet is opened.
            if stop.peer == _INTERNET and (closed is None or closed & set(stop.acl.subnets)):
                continue
            # The highest free number below the first rule that denies the whole, 0 where there is none.
            key = (stop.acl.id, stop.outward, stop.peer, stop.ports)
            denying = [r.number for r in stop.acl.rules if r.outward == stop.outward and _denies(r, stop)]
            used = {number for outward, number in stop.acl.numbers if outward == stop.outward}
            used |= {number for (acl, outward, *_), number in self.taken.items() if (acl, outward) == key[:2]}
            free = (n for n in range(min(denying, default=_LAST_NUMBER) - 1, 0, -1) if n not in used)
            number = self.taken.setdefault(key, next(free, 0))
            if number:
                yield self.view.command(
                    "ec2",
                    "CreateNetworkAclEntry",
                    NetworkAclId=stop.acl.id,
                    RuleNumber=number,
                    Protocol="6",
                    RuleAction="allow",
                    Egress=stop.outward,
                    CidrBlock=stop.peer,
                    PortRange=dict(zip(("From", "To"), stop.ports, strict=True)),
                )


def _denies(rule: vpc.AclRule, stop: _Stop) -> bool:
    """Whether the rule denies some of the ports to all of the peer, or to a part of it that is not of the internet."""
    peer, block = IPv4Network(stop.peer), IPv4Network(rule.cidr)
    meets = rule.ports[0] <= stop.ports[1] and stop.ports[0] <= rule.ports[1]
    return not rule.allows and meets and (peer.subnet_of(block) or bool(peer.prefixlen and peer.overlaps(block)))


@check("the network ACLs of the DR region admit the traffic of tasks, database, files and visitors")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL02-BP02", "REL13-BP02", "NIST CP-8")
def admit_traffic(view: View) -> Iterator[Finding]:
    """Each connection passes the ACL of both its subnets, and so does its reply: ACLs keep no state.

    The rules of a subnet are asked by number, and the first that fits decides. One that denies a large part of the
    internet is a warning: some visitors, or addresses of AWS, are in it. Source: VPC User Guide, Network ACLs.
    """
    name = vpc_name(view)
    view.need(view.get(vpc.vpc), name, "there is no VPC: see vpc.available")
    cidrs = {row.id: row.cidr for row in view.get(vpc.subnets) if ":" not in row.cidr}
    zones = {row.id: row.zone for row in view.get(vpc.subnets)}
    acls = {subnet: acl for acl in view.get(vpc.network_acls) for subnet in acl.subnets}
    flows = [flow for flow in _flows(view) if flow.clients or flow.servers]
    openings = _Openings(view)
    for flow in flows:
        stopped = list(dict.fromkeys(_stopped_flows(flow, acls, cidrs, zones)))
        if stopped:
            reason = "the connection is dropped there, whatever the security groups allow"
            sentence = f"aws_network_acl_rule in {view.region}: an allow with a lower rule_number for {flow.title}."
            remedy = Remedy(sentence, tuple(dict.fromkeys(openings.commands(stopped))))
            yield view.gap(flow.title, "; ".join(map(str, stopped[:3])), "admitted", reason, remedy)
        elif denied := sorted(set(_denied_parts(flow, acls, cidrs))):
            reason = "some visitors, edge locations of CloudFront or addresses of AWS are in it"
            acl, number, outward, block = denied[0]
            entry = {"NetworkAclId": acl, "RuleNumber": number, "Egress": outward}
            command = view.command("ec2", "DeleteNetworkAclEntry", **entry)
            # No command that lets the internet in before a subnet of the databases, or may do so.
            closed, guarded = data_tier(view), {place for place, row in acls.items() if row.id == acl}
            is_safe = closed is not None and not closed & guarded
            sentence = f"aws_network_acl_rule in {view.region}: deny a smaller block."
            remedy = Remedy(sentence, (command,) if is_safe else ())
            measured = f"{acl} denies {'to' if outward else 'from'} {block}"
            yield view.warn(flow.title, measured, "admitted", reason, remedy)
        else:
            yield view.ok(flow.title, "admitted", "admitted", "no network ACL stops it or its replies")
    for row in view.get(efs_mounts.mount_targets):
        if isinstance(row, Unavailable):
            yield view.unknown(_FILES, "admitted", row)
    if not flows:
        yield view.none_expected(name, "no service exists: see ecs.service-exists")


def _flows(view: View) -> Iterator[_Flow]:
    tasks = tuple(sorted({place for _, service in tenant_services(view) for place in service.subnets}))
    if not tasks:
        return
    group = view.find(rds_groups.subnet_groups, name=view.env.named(view.env.names.db_subnet_group))
    mounts = [row.subnet for row in view.get(efs_mounts.mount_targets) if isinstance(row, efs_mounts.MountTarget)]
    balancer = view.get(elbv2.load_balancer)
    nats = tuple(sorted({nat.subnet for nat in view.get(vpc.nat_gateways) if nat.subnet}))
    yield _Flow("tasks to AWS", tasks, (), _HTTPS)
    if nats:
        yield _Flow("tasks to their NAT gateway", tasks, nats, _HTTPS)
        yield _Flow("the NAT gateway to AWS", nats, (), _HTTPS)
    if group:
        yield _Flow("tasks to the database", tasks, group.subnets, database_engine(view).port)
    if mounts:
        yield _Flow(_FILES, tasks, tuple(mounts), efs_mounts.NFS_PORT, zonal=True)
    if balancer and balancer.subnets:
        settings = [service.settings for _, service in tenant_services(view)]
        ports = {port for row in settings for port in (row.ports if row else None) or ()}
        for port in sorted(ports) or [view.env.names.container_port]:
            yield _Flow("the load balancer to tasks", balancer.subnets, tasks, port)
        if balancer.scheme == "internet-facing":
            for listener in view.get(elbv2.listeners):
                yield _Flow(f"visitors to port {listener.port}", (), balancer.subnets, listener.port)


def _stopped_flows(
    flow: _Flow, acls: dict[str, vpc.NetworkAcl], cidrs: dict[str, str], zones: dict[str, str]
) -> Iterator[_Stop]:
    """What an ACL stops of ``flow``; a subnet that is not among ``cidrs`` is other checks' matter."""
    here = tuple(subnet for subnet in flow.clients if subnet in cidrs) or ("",)
    there = tuple(subnet for subnet in flow.servers if subnet in cidrs) or ("",)
    port = (flow.port, flow.port)
    # Within a subnet no network ACL is asked (VPC User Guide, Network ACLs).
    pairs = ((c, s) for c in here for s in there if c != s)
    for client, server in ((c, s) for c, s in pairs if not flow.zonal or zones.get(c) == zones.get(s)):
        of_client, of_server = cidrs.get(client, _INTERNET), cidrs.get(server, _INTERNET)
        for subnet, outward, peer, ports in (
            (client, True, of_server, port),
            (server, False, of_client, port),
            (server, True, of_client, _REPLIES),
            (client, False, of_server, _REPLIES),
        ):
            acl = acls.get(subnet)
            if acl and not _admits(acl, outward, IPv4Network(peer), ports):
                yield _Stop(acl, subnet, outward, peer, ports)


def _denied_parts(
    flow: _Flow, acls: dict[str, vpc.NetworkAcl], cidrs: dict[str, str]
) -> Iterator[tuple[str, int, bool, str]]:
    """By ACL, number and direction the rules that deny a large part of the internet to a flow's only known end."""
    if flow.clients and flow.servers:
        return
    of_clients = bool(flow.clients)
    for subnet in (place for place in flow.clients or flow.servers if place in acls and place in cidrs):
        for outward in (False, True):
            # Connections go out to the internet and replies come in, or the other way round.
            ports = (flow.port, flow.port) if outward is of_clients else _REPLIES
            allowed = list[IPv4Network]()
            for rule in sorted(acls[subnet].rules, key=lambda row: row.number):
                meets = rule.ports[0] <= ports[1] and ports[0] <= rule.ports[1]
                if rule.outward is not outward or not meets:
                    continue
                if rule.cidr == _INTERNET:
                    break  # decides on all that no rule before it speaks of
                block = IPv4Network(rule.cidr)
                if rule.allows:
                    allowed.append(block)
                elif _is_large(block) and not any(block.subnet_of(wider) for wider in allowed):
                    yield acls[subnet].id, rule.number, outward, rule.cidr


def _is_large(block: IPv4Network) -> bool:
    """Whether it is larger than any single network, and holds addresses of hosts."""
    return block.prefixlen < _LARGE and not block.subnet_of(_OF_NO_HOST)


def _admits(acl: vpc.NetworkAcl, outward: bool, peer: IPv4Network, ports: tuple[int, int]) -> bool:
    """Whether every port of the range passes: asked at its ends, and wherever a rule begins or ends inside it."""
    rules = sorted((rule for rule in acl.rules if rule.outward == outward), key=lambda rule: rule.number)
    edges = {edge for rule in rules for edge in (rule.ports[0], rule.ports[1] + 1)}
    points = {*ports, *(edge for edge in edges if ports[0] <= edge <= ports[1])}
    return all(_passes(rules, peer, port) for port in points)


def _passes(rules: list[vpc.AclRule], peer: IPv4Network, port: int) -> bool:
    """What the first rule says that speaks of the whole peer. One that denies a part of the internet stops nobody."""
    for rule in rules:
        block = IPv4Network(rule.cidr)
        if not rule.ports[0] <= port <= rule.ports[1] or not peer.overlaps(block):
            continue
        if peer.subnet_of(block):
            return rule.allows
        # A denied part of a subnet drops what stands in that part: nobody knows in which a task starts.
        if not rule.allows and peer.prefixlen:
            return False
    return False
