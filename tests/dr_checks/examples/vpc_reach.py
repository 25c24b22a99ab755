"""Examples of what may pass in the network."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_checks.network.vpc_reach import NEEDED
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, vpc
from dr_estate.readers.vpc import NatGateway, RouteTable, VpcEndpoint
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE
from tests.dr_checks.network import PLACES, connected, group, services
from tests.dr_checks.worlds import DENIED, Example

GROUPS, TABLES, NATS = (vpc.security_groups, Side.DR), (vpc.route_tables, Side.DR), (vpc.nat_gateways, Side.DR)
SERVICES, ENDPOINTS = (ecs.services, Side.DR), (vpc.endpoints, Side.DR)
ALB = group("sit-alb-sg", ("tcp 443-443 0.0.0.0/0",))
ECS = frozenset({"sit-ecs-sg"})
ALL = tuple(VpcEndpoint(name, "Interface", "available") for name in NEEDED)
PLACE = frozenset(PLACES)


def _route(default: str = "nat-1", state: str = "active", **changes: Any) -> Snapshot:
    table = RouteTable("rtb-1", False, PLACES, default, state)
    return connected({TABLES: (table,)} | {{"nats": NATS, "endpoints": ENDPOINTS}[k]: v for k, v in changes.items()})


EXAMPLES = [
    Example("vpc-reach.security-groups", Status.PASS, connected()),
    Example(
        "vpc-reach.security-groups",
        Status.PASS,
        connected({GROUPS: (ALB, group("sit-ecs-sg", ("all vpc", "tcp 80-80 sit-alb-sg")))}),
    ),
    Example("vpc-reach.security-groups", Status.FAIL, connected({GROUPS: (ALB,)}), ECS),
    Example("vpc-reach.security-groups", Status.FAIL, connected({GROUPS: (ALB, group("sit-ecs-sg", ()))}), ECS),
    Example("vpc-reach.security-groups", Status.UNKNOWN, connected({GROUPS: DENIED})),
    Example("vpc-reach.attached-groups", Status.PASS, connected()),
    Example(
        "vpc-reach.attached-groups",
        Status.FAIL,
        connected({SERVICES: services(Side.DR, security_groups=())}),
        frozenset({ONE}),
    ),
    Example("vpc-reach.attached-groups", Status.FAIL, connected({GROUPS: (ALB,)}), frozenset({ONE})),
    Example("vpc-reach.attached-groups", Status.NOT_APPLICABLE, connected({SERVICES: ()})),
    Example("vpc-reach.attached-groups", Status.UNKNOWN, connected({GROUPS: DENIED})),
    Example("vpc-reach.way-out", Status.PASS, connected()),
    Example("vpc-reach.way-out", Status.PASS, _route("igw-1")),
    Example("vpc-reach.way-out", Status.PASS, _route("", endpoints=ALL)),
    Example("vpc-reach.way-out", Status.PASS, connected({TABLES: (RouteTable("rtb-0", True, (), "igw-1", "active"),)})),
    Example("vpc-reach.way-out", Status.FAIL, _route(""), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route("", endpoints=ALL[1:]), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route(state="blackhole"), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route(nats=(NatGateway("nat-1", "failed"),)), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route(nats=()), PLACE),
    Example("vpc-reach.way-out", Status.NOT_APPLICABLE, connected({SERVICES: ()})),
    Example("vpc-reach.way-out", Status.UNKNOWN, connected({TABLES: DENIED})),
]
