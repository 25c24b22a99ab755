"""Faults of the default route of the DR region's tasks: it leads to another network."""

from __future__ import annotations

from collections.abc import Callable

from dr_checks.derived.need_kinds import NeedKind
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults_of_network import _network, _subnets


def _led_by_peering(aws: Aws) -> object:
    ec2, vpc = _network(aws)
    peer = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)["VpcPeeringConnection"]
    return _led(aws, VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])


def _led_by_transit(*, attached: bool) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
        if attached:
            joined = {"VpcId": vpc, "SubnetIds": _subnets(aws, "private")}
            ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=transit, **joined)
        return _led(aws, TransitGatewayId=transit)

    return make


def _led(aws: Aws, **target: str) -> object:
    """Lead the default route of the tasks to the target."""
    ec2, _ = _network(aws)
    wanted = [{"Name": "association.subnet-id", "Values": _subnets(aws, "private")[:1]}]
    table = ec2.describe_route_tables(Filters=wanted)["RouteTables"][0]["RouteTableId"]
    return ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)


ROUTES = (
    Fault("led out by a peering", NeedKind.ROUTE, ("ec2",), _led_by_peering),
    Fault("led out by a transit gateway", NeedKind.ROUTE, ("ec2",), _led_by_transit(attached=True)),
    Fault("transit gateway left", NeedKind.ROUTE, ("ec2",), _led_by_transit(attached=False)),
)
