"""Where packets of the internet go in the DR region's VPC: by routes, gateways, Block Public Access. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dr_checks.core.model import View
from dr_checks.derived.pairing import tenant_services
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import rds_groups, vpc
from dr_estate.readers.network_ways import NetworkWays

# The ways by which tasks of a side reach AWS, for policies with conditions on the network. Pure.


def ways_of(view: View, side: Side) -> NetworkWays:
    """The ways of the side's tasks. Raises DataUnavailable."""
    return NetworkWays(view.get(vpc.vpc, side), view.get(vpc.endpoints, side), view.get(vpc.nat_gateways, side))


Way = tuple[bool | None, str]
HIDDEN = "DISABLED"
PEERING = "pcx-"


def table_of(tables: Iterable[vpc.RouteTable], subnet: str) -> vpc.RouteTable | None:
    """The route table of ``subnet`` among those of its VPC: its own, else the main one."""
    listed = list(tables)
    main = next((table for table in listed if table.main), None)
    return next((table for table in listed if subnet in table.subnets), main)


def data_tier(view: View) -> frozenset[str] | None:
    """The subnets that databases of the environment are restored into; None where they are not seen."""
    groups = view.read_for_remedy(rds_groups.subnet_groups, Side.DR)
    name = view.env.named(view.env.on(Side.DR).names.db_subnet_group)
    if groups is None:
        return None
    return frozenset(subnet for group in groups if group.name == name for subnet in group.subnets)


class Ways:
    """Where packets to the internet go in the VPC: whether they arrive (None: not known), and by what."""

    def __init__(self, view: View, *, open_access: bool = False) -> None:
        self.view = view
        self.tables = view.get(vpc.route_tables)
        self.gateways = {nat.id: nat for nat in view.get(vpc.nat_gateways)}
        self.access = {} if open_access else {row.id: row.public_access for row in view.get(vpc.subnets)}

    def from_task(self, subnet: str, *, hidden: bool) -> Way:
        """The way of a task in ``subnet``; ``hidden`` where it has no address of the internet."""
        leads, target = self._default(subnet)
        way = self.by(target, hidden=hidden) if leads else (leads, target)
        stopped = self._access_block(subnet, inward=True) if way[0] and target.startswith("igw-") else None
        return stopped or way

    def by(self, target: str, *, hidden: bool) -> Way:
        """The way of a packet that a route sends to ``target``; what stands beyond other gateways is not followed.

        A peering carries what is for the peer's own addresses alone. Source: VPC Peering Guide, edge to edge routing.
        """
        if target.startswith(PEERING):
            return False, f"{target}, a peering, leads to no internet"
        # A transit gateway, firewall or VPN may lead on: what is not followed is not called broken.
        if not target.startswith(("nat-", "igw-")):
            return True, target
        if target.startswith("nat-"):
            return self._through(target)
        if hidden:
            return False, f"no address of the internet for the tasks, which {target} demands"
        return self._internet_gateway(target)

    def from_internet(self, subnet: str) -> Way:
        """The way of a visitor into ``subnet``: the one of the answer, out by an internet gateway."""
        leads, target = self._default(subnet)
        if not leads:
            return leads, target
        if not target.startswith("igw-"):
            return False, f"{target} is no internet gateway"
        return self._access_block(subnet, inward=True) or self._internet_gateway(target)

    def leads_in(self, subnet: str) -> bool:
        """Whether its default route is to an internet gateway, as a load balancer's must be."""
        return self._default(subnet)[1].startswith("igw-")

    def mend(self, subnet: str) -> tuple[str, ...]:
        """The command that gives a subnet without a default route one to a NAT gateway that leads to the internet.

        None where a subnet of the databases has the same table: no printed line leads the data tier to the internet.
        """
        # A table is shared: a route for the tasks would open the databases of its other subnets to the internet.
        own, data = self.table(subnet), data_tier(self.view)
        working = [name for name in sorted(self.gateways) if self._through(name)[0]]
        if own is None or own.default or not working or data is None or any(self.table(s) == own for s in data):
            return ()
        route = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": working[0]}
        return (self.view.command("ec2", "CreateRoute", RouteTableId=own.id, **route),)

    def lead_in(self, subnets: Iterable[str]) -> tuple[str, ...]:
        """The commands that lead subnets of a balancer without a default route to the VPC's internet gateway.

        None where there is not exactly one, or where tasks or databases share a table: they are not to be opened.
        """
        tables = {table.id: table for subnet in subnets if (table := self.table(subnet)) and not table.default}
        attached, data = self.view.get(vpc.internet_gateways), data_tier(self.view)
        if len(attached) != 1 or data is None:
            return ()
        closed = {*data, *(place for _, service in tenant_services(self.view) for place in service.subnets)}
        if any(self.table(subnet) == table for subnet in closed for table in tables.values()):
            return ()
        route = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": attached[0]}
        return tuple(self.view.command("ec2", "CreateRoute", RouteTableId=id_, **route) for id_ in sorted(tables))

    def gateway_table(self, subnet: str) -> str:
        """The route table by which the NAT gateway of ``subnet`` sends on; "" where it has none."""
        nat = self.gateways.get(self._default(subnet)[1])
        table = self.table(nat.subnet) if nat and nat.subnet else None
        return table.id if table else ""

    def shuts_in(self, subnet: str, *, hidden: bool) -> bool:
        """Whether nothing but Block Public Access stops a task in ``subnet``."""
        return bool(Ways(self.view, open_access=True).from_task(subnet, hidden=hidden)[0])

    def shuts_out(self, subnets: Iterable[str]) -> bool:
        """Whether Block Public Access keeps visitors from one of the subnets."""
        return any(states.PUBLIC_ACCESS[self.access.get(subnet, "")].broken for subnet in subnets)

    def exclusion_commands(self) -> tuple[str, ...]:
        """The command that excludes the VPC from Block Public Access: for what that stops alone."""
        here = self.view.get(vpc.vpc)
        if here is None:
            return ()
        how = {"VpcId": here.id, "InternetGatewayExclusionMode": "allow-bidirectional"}
        return (self.view.command("ec2", "CreateVpcBlockPublicAccessExclusion", **how),)

    def table(self, subnet: str) -> vpc.RouteTable | None:
        """The route table of ``subnet``: its own, else the VPC's main one."""
        return table_of(self.tables, subnet)

    def _default(self, subnet: str) -> Way:
        """Where 0.0.0.0/0 of ``subnet`` leads to."""
        own = self.table(subnet)
        if own is None or not own.default:
            return False, "no default route"
        route = states.ROUTE[own.state]
        if route.broken:
            return False, f"no working default route ({own.default} is a black hole)"
        if not route.known or not own.known:
            # A word that AWS does not document decides nothing: neither a way nor a gap.
            return None, f"{own.default}, {own.state or 'no state'}"
        return True, own.default

    def _through(self, name: str) -> Way:
        nat = self.gateways.get(name)
        word = nat.state if nat else "absent"
        gateway = states.NAT_GATEWAY[word]
        if not gateway.known:
            return None, f"{name} is {word}"
        if nat is None or not gateway.serves:
            return False, f"no working NAT gateway ({name} is {word})"
        if not nat.public:
            # It has no Elastic IP: it reaches other VPCs and networks on the premises alone (VPC guide, NAT gateways).
            return False, f"{name}, a private NAT gateway, leads to no internet"
        if not nat.subnet:
            return True, name
        # A NAT gateway sends on by the routes of its own subnet, not of the task's.
        leads, target = self._default(nat.subnet)
        if leads and target.startswith("igw-"):
            leads, target = self._access_block(nat.subnet, inward=False) or self._internet_gateway(target)
        elif leads and target.startswith(("nat-", PEERING)):
            leads, target = False, f"{target}, no internet gateway"
        return (leads, name) if leads else (leads, f"{name} stands in {nat.subnet}, and from there: {target}")

    def _access_block(self, subnet: str, *, inward: bool) -> Way | None:
        """How Block Public Access stops packets of the subnet at its gateway, ``inward`` those of visitors too."""
        word = self.access.get(subnet, "")
        access = states.PUBLIC_ACCESS[word]
        if not access.known:
            return None, f"public access of {subnet} is {word}"
        stops = access.broken if inward else not access.serves
        return (False, f"public access of {subnet} is blocked ({word})") if stops else None

    def _internet_gateway(self, name: str) -> Way:
        attached = name in self.view.get(vpc.internet_gateways)
        return attached, name if attached else f"{name} is not attached to the VPC"
