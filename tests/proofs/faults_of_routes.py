"""Faults of the routes of the DR region's tasks: they lead to another network, or take more than it has."""

from __future__ import annotations

from collections.abc import Callable

from dr_checks.derived.need_kinds import NeedKind
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults_of_network import _network, _part, _subnets


def _peering(aws: Aws) -> str:
    ec2, vpc = _network(aws)
    peer = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)["VpcPeeringConnection"]
    return str(peering["VpcPeeringConnectionId"])


def _led_by_peering(aws: Aws) -> object:
    return _led(aws, VpcPeeringConnectionId=_peering(aws))


def _led_by_transit(*, attached: bool) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
        if attached:
            joined = {"VpcId": vpc, "SubnetIds": _subnets(aws, "private")}
            ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=transit, **joined)
        return _led(aws, TransitGatewayId=transit)

    return make


def _part_by_peering(to: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        ec2, _ = _network(aws)
        target = {"VpcPeeringConnectionId": _peering(aws), "DestinationCidrBlock": to}
        return ec2.create_route(RouteTableId=_table(aws), **target)

    return make


def _led(aws: Aws, **target: str) -> object:
    """Lead the default route of the tasks to the target."""
    ec2, _ = _network(aws)
    return ec2.replace_route(RouteTableId=_table(aws), DestinationCidrBlock="0.0.0.0/0", **target)


def _table(aws: Aws) -> str:
    ec2, _ = _network(aws)
    wanted = [{"Name": "association.subnet-id", "Values": _subnets(aws, "private")[:1]}]
    return str(ec2.describe_route_tables(Filters=wanted)["RouteTables"][0]["RouteTableId"])


ROUTES = (
    Fault("led out by a peering", NeedKind.ROUTE, ("ec2",), _led_by_peering),
    Fault("led out by a transit gateway", NeedKind.ROUTE, ("ec2",), _led_by_transit(attached=True)),
    Fault("half of the internet by a peering", NeedKind.ROUTE, ("ec2",), _part_by_peering("128.0.0.0/1")),
    Fault("peer's network by a peering", NeedKind.ROUTE, ("ec2",), _part_by_peering("10.99.0.0/16")),
    Fault("half of the answers by the NAT", NeedKind.ROUTE, ("ec2",), _part("public", "128.0.0.0/1", dropped=False)),
    Fault("private networks dropped", NeedKind.ROUTE, ("ec2",), _part("private", "10.0.0.0/8")),
    Fault("transit gateway left", NeedKind.ROUTE, ("ec2",), _led_by_transit(attached=False)),
)
