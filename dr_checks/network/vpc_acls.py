"""Checks of network ACLs in the DR region: they stand before subnets, and no security group opens what they close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_checks.derived.database_copies import database_engine
from dr_checks.derived.pairing import tenant_services, vpc_name
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import efs_mounts, elbv2, rds_groups, vpc

_INTERNET = "0.0.0.0/0"
_HTTPS = 443
# The ports from which Linux, and so a Fargate task, a load balancer or a database, opens connections.
_REPLIES = (32768, 60999)
_FILES = "tasks to their files"
_ABSENT = "there is no VPC: see vpc.available"


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


@check(
    "the network ACLs of the DR region admit the traffic of tasks, database, files and visitors",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    rules=("REL02-BP02", "REL13-BP02", "NIST CP-8"),
)
def admit_traffic(view: View) -> Iterator[Finding]:
    """Each connection passes the ACL of both its subnets, and so does its reply: ACLs keep no state.

    The rules of a subnet are asked by number, and the first that fits decides. Source: VPC User Guide, Network ACLs.
    """
    name = vpc_name(view)
    if view.get(vpc.vpc) is None:
        yield view.none_expected(name, _ABSENT)
        return
    cidrs = {row.id: row.cidr for row in view.get(vpc.subnets) if ":" not in row.cidr}
    zones = {row.id: row.zone for row in view.get(vpc.subnets)}
    acls = {subnet: acl for acl in view.get(vpc.network_acls) for subnet in acl.subnets}
    flows = [flow for flow in _flows(view) if flow.clients or flow.servers]
    for flow in flows:
        stopped = list(dict.fromkeys(_stopped_flows(flow, acls, cidrs, zones)))
        if stopped:
            reason = "the connection is dropped there, whatever the security groups allow"
            remedy = f"aws_network_acl_rule in {view.region}: an allow with a lower rule_number for {flow.title}."
            yield view.gap(flow.title, "; ".join(stopped[:3]), "admitted", reason, remedy)
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
        yield _Flow("the load balancer to tasks", balancer.subnets, tasks, view.env.names.container_port)
        if balancer.scheme == "internet-facing":
            for listener in view.get(elbv2.listeners):
                yield _Flow(f"visitors to port {listener.port}", (), balancer.subnets, listener.port)


def _stopped_flows(
    flow: _Flow, acls: dict[str, vpc.NetworkAcl], cidrs: dict[str, str], zones: dict[str, str]
) -> Iterator[str]:
    """What an ACL stops of ``flow``, one phrase each; a subnet that is not among ``cidrs`` is other checks' matter."""
    here = tuple(subnet for subnet in flow.clients if subnet in cidrs) or ("",)
    there = tuple(subnet for subnet in flow.servers if subnet in cidrs) or ("",)
    port = (flow.port, flow.port)
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
                what = f"port {ports[0]}" if ports == port else f"replies to ports {ports[0]}-{ports[1]}"
                yield f"{acl.id} of {subnet} stops {what} {'to' if outward else 'from'} {peer}"


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
        if not rule.allows and peer.prefixlen:
            return False
    return False
