"""Checks of routes of a part of the addresses: in the DR region they go before the default route of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import tenant_services
from dr_checks.derived.ways import HIDDEN, PEERING, Ways, table_of
from dr_checks.network.vpc_reach import ELSEWHERE, lacking_endpoints
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import ecs, elbv2, rds_groups, vpc

_ABSENT = "there is no VPC: see vpc.available"
_WANTED, _PRIVATE = "each route leads on", "no route to an internet gateway"
_ALIVE = {"available", "pending"}
# A block of a VPC is a /16 at most (VPC User Guide, VPC CIDR blocks).
_LARGEST_OF_A_VPC = 16


@check("no more specific route drops traffic of the DR region's tasks, database or visitors, or sends it another way")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL02-BP02", "REL13-BP02", "NIST CP-8")
def parts_lead_on(view: View) -> Iterator[Finding]:
    """A more specific route than 0.0.0.0/0 goes before it: a black hole drops its part, whatever the default does.

    Judged are routes of the internet, in which AWS answers at addresses that change, of prefix lists, and of parts of
    the VPC itself: one of more than its block takes nothing of it away, for the local route is nearer. Private
    addresses elsewhere are nothing a task needs to start. What leads to a firewall, a peering or a VPN is followed no
    further, which is a warning, and so is a network that the primary's tasks alone reach so. Where a balancer or a NAT
    gateway stands, answers must go by an internet gateway.
    Source: VPC User Guide, Route priority.
    """
    here = view.need(view.get(vpc.vpc), "all route tables", _ABSENT)
    used = _Used(view, here)
    for table in sorted(used.tables.values(), key=lambda row: row.id):
        yield used.finding(table)
    yield from used.lost_networks()
    if not used.tables:
        yield view.none_expected("all route tables", "no service exists: see ecs.service-exists")


@check("no subnet in which the database is restored is led to from the internet")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("NIST SC-7")
def database_private(view: View) -> Iterator[Finding]:
    """No subnet of names.db_subnet_group has a default route to an internet gateway. Source: DescribeRouteTables."""
    view.need(view.get(vpc.vpc), "all subnets", _ABSENT)
    subnets, tables, led = _database_subnets(view), view.get(vpc.route_tables), dict[vpc.RouteTable, list[str]]()
    for subnet in subnets:
        table = table_of(tables, subnet)
        if table is None:
            yield view.unknown(subnet, _PRIVATE, "No route table was read for it, the main one neither.")
        elif table.default.startswith("igw-"):
            led.setdefault(table, []).append(subnet)
        else:
            yield view.ok(subnet, table.default or "no default route", _PRIVATE, "nobody outside reaches it")
    for table, places in led.items():
        route = {"RouteTableId": table.id, "DestinationCidrBlock": "0.0.0.0/0"}
        # A route that other subnets use too must not be deleted for the databases' sake.
        alone = not table.main and set(table.subnets) <= set(places)
        commands = (view.command("ec2", "DeleteRoute", **route),) if alone else ()
        remedy = Remedy("Give these subnets a route table of their own, without a default route.", commands)
        reason = "a database that is restored there may have a public address, and is one rule away from everybody"
        yield view.gap(table.id, f"{', '.join(places)} to {table.default}", _PRIVATE, reason, remedy)
    if not subnets:
        yield view.none_expected("all subnets", "there is no subnet group: see rds.subnet-group")


class _Used:
    """The route tables of subnets that a recovery uses, and which of them tasks without a public address use."""

    def __init__(self, view: View, here: vpc.Vpc) -> None:
        self.view, self.ways = view, Ways(view)
        self.own = [IPv4Network(block) for block, _ in here.cidrs]
        tasks = {place: s.public_ip for _, s in tenant_services(view) for place in s.subnets}
        outer = self._outer(list(tasks))
        inner = [*tasks, *outer, *(_database_subnets(view) if tasks else [])]
        found = {place: self.ways.table(place) for place in inner}
        self.tables = {table.id: table for table in found.values() if table}
        self.closed = {table.id for place in tasks if (table := found[place]) and not lacking_endpoints(view, place)}
        """The tables of tasks for which endpoints take all that a start asks for: they need no internet."""
        self.hidden = {table.id for place, table in found.items() if table and tasks.get(place) == HIDDEN}
        self.outward = {table.id for place, table in found.items() if table and place in (*tasks, *outer)}
        self.visited = {table.id for place, table in found.items() if table and place in outer}

    def _outer(self, tasks: list[str]) -> list[str]:
        """The subnets of the NAT gateways that tasks go by, and of a balancer of the internet."""
        defaults = {table.default for place in tasks if (table := self.ways.table(place))}
        places = [nat.subnet for name, nat in self.ways.gateways.items() if name in defaults and nat.subnet]
        balancer = self.view.get(elbv2.load_balancer)
        if tasks and balancer and balancer.scheme == "internet-facing":
            places += balancer.subnets
        return places

    def finding(self, table: vpc.RouteTable) -> Finding:
        """What the table's routes of a part say together."""
        if table.parts is None:
            return self.view.unknown(table.id, _WANTED, "This evidence does not hold routes of a part.")
        strange = [route.state for route in table.parts if not states.ROUTE[route.state].known]
        if strange:
            return self.view.undocumented(table.id, _WANTED, strange[0])
        ways = [(route, *self._way(table, route)) for route in table.parts]
        lost = [(route, f"{route.to} {why}") for route, leads, why in ways if leads is False]
        blind = [f"{route.to} {why}" for route, leads, why in ways if leads is None]
        if lost:
            commands = tuple(self._deletion_command(table, route) for route, _ in lost)
            sentence = f"Delete the aws_route of {table.id} in {self.view.region}, or give it a target that is there."
            reason = "it goes before the default route: what tasks, database or visitors send there is dropped"
            measured = "; ".join(why for _, why in lost)
            return self.view.gap(table.id, measured, _WANTED, reason, Remedy(sentence, commands))
        if blind:
            reason = "what stands beyond is not followed: when it is lost, so is this part of the traffic"
            sentence = "Make sure that it passes on HTTPS to AWS and the VPC's own traffic without the primary region."
            return self.view.warn(table.id, "; ".join(blind), _WANTED, reason, sentence)
        measured = ", ".join(route.to for route in table.parts) or "the default route alone"
        return self.view.ok(table.id, measured, _WANTED, "no part of what is needed is led astray")

    def lost_networks(self) -> Iterator[Finding]:
        """A warning for the networks that a route of the primary's tasks leads to, and no route of these tasks."""
        # Read without a claim: a dark primary region must not hide where routes of this one lead.
        tables = self.view.read_for_remedy(vpc.route_tables, Side.PRIMARY) or ()
        if self.view.read_for_remedy(ecs.services, Side.PRIMARY) is None:
            return
        places = {place for _, service in tenant_services(self.view, Side.PRIMARY) for place in service.subnets}
        theirs = {table for place in places if (table := table_of(tables, place))}
        wanted = {IPv4Network(route.to): route for table in theirs for route in table.parts or () if _leads_away(route)}
        own = [IPv4Network(row.to) for table in self.tables.values() for row in table.parts or () if "/" in row.to]
        # The DR region's own network, which the primary's may be led to, is no other.
        lost = [block for block in sorted(wanted) if not any(map(block.overlaps, [*self.own, *own]))]
        if lost and self.tables:
            measured = f"no route to {', '.join(map(str, lost))}"
            reason = "tasks of the primary region reach it by a route of their own: what they ask there is lost"
            remedy = f"Lead it on in {self.view.region} too (aws_route), or accept it by an exception."
            by = ", ".join(sorted({wanted[block].target for block in lost}))
            yield self.view.warn(
                "networks beyond the VPC", measured, f"as by {by} in the primary region", reason, remedy
            )

    def _way(self, table: vpc.RouteTable, route: vpc.PartRoute) -> tuple[bool | None, str]:
        """Whether what the route takes arrives (None: not followed), and where it goes."""
        block = IPv4Network(route.to) if "/" in route.to else None
        inside = block is not None and any(block.subnet_of(own) for own in self.own)
        # A prefix list shows no block: it counts as a part of the internet, where AWS's services are.
        outside = block is None or (block.is_global and table.id in self.outward)
        word = states.ROUTE[route.state]
        if not inside and not outside:
            return True, route.target
        leads, way = (False, f"a black hole ({route.target})") if word.broken else (None, route.target)
        # An answer that leaves by a NAT gateway comes from another address than was asked: the visitor's side drops it.
        if not word.broken and not inside and table.id in self.visited and route.target.startswith("nat-"):
            return False, f"to {route.target}, no internet gateway"
        followed = route.target.startswith(("nat-", "igw-")) or (block is not None and _leads_nowhere(route, block))
        if not word.broken and not inside and followed:
            leads, way = self.ways.by(route.target, hidden=table.id in self.hidden)
        # Where endpoints take all that a start asks for, a lost part of the internet is a warning.
        spared = not inside and table.id in self.closed - self.visited
        return None if spared and not leads else leads, f"to {way}"

    def _deletion_command(self, table: vpc.RouteTable, route: vpc.PartRoute) -> str:
        kind = "DestinationCidrBlock" if "/" in route.to else "DestinationPrefixListId"
        return self.view.command("ec2", "DeleteRoute", RouteTableId=table.id, **{kind: route.to})


def _leads_away(route: vpc.PartRoute) -> bool:
    """Whether it leads to another network, and not to the internet."""
    return "/" in route.to and route.target.startswith((PEERING, *ELSEWHERE)) and not states.ROUTE[route.state].broken


def _leads_nowhere(route: vpc.PartRoute, block: IPv4Network) -> bool:
    """Whether a peering is to take more than a VPC's largest block: it carries what is for the peer's own alone."""
    return route.target.startswith(PEERING) and block.prefixlen < _LARGEST_OF_A_VPC


def _database_subnets(view: View) -> tuple[str, ...]:
    """The subnets in which the database is restored."""
    group = view.find(rds_groups.subnet_groups, name=view.env.named(view.env.names.db_subnet_group))
    return group.subnets if group else ()
