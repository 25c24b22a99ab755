"""Plain values of the networks of both regions, as the examples of their checks need them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import ecs, elbv2, rds, route53resolver, vpc
from dr_estate.readers.vpc import NameServers, NatGateway, RouteTable, SecurityGroup, Subnet, Vpc, VpcEndpoint, VpcNames
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE, TWO, definitions
from tests.dr_checks.traffic import balancer
from tests.dr_checks.worlds import SIT, service, world

PLACES, PUBLIC = ("subnet-1", "subnet-2"), ("public-1", "public-2")
TASKS_OUT = RouteTable("rtb-1", False, PLACES, "nat-1", "active", parts=())
PUBLIC_OUT = RouteTable("rtb-2", False, PUBLIC, "igw-1", "active", parts=())
ROUTES = (TASKS_OUT, PUBLIC_OUT)


def network(**changes: Any) -> Vpc:
    base = Vpc("vpc-1", "available", "default", is_default=False, cidrs=(("10.0.0.0/16", "associated"),))
    return replace(base, **changes)


def subnets(first: int = 100, two: int = 100, zones: tuple[str, str] = ("a", "b")) -> tuple[Subnet, ...]:
    return (
        Subnet("subnet-1", zones[0], "available", "10.0.0.0/24", first),
        Subnet("subnet-2", zones[1], "available", "10.0.1.0/24", two),
    )


def group(name: str, ingress: tuple[str, ...] = ("tcp 80-80 sit-alb-sg",), side: Side = Side.DR) -> SecurityGroup:
    return SecurityGroup(f"sg-{name}-{side}", name, ingress, ("all 0.0.0.0/0",))


def services(side: Side, **changes: Any) -> tuple[ecs.Service, ...]:
    """Both tenants' services, one task each; ``changes`` are of both."""
    own: dict[str, Any] = {"subnets": PLACES, "security_groups": (f"sg-sit-ecs-sg-{side}",)}
    return tuple(replace(service(name, 1, 1), **(own | changes)) for name in (ONE, TWO))


def connected(changes: dict[Any, Any] | None = None) -> Snapshot:
    """Both regions with a network, alike but for the parts in ``changes``: {(reader, side): value}."""
    values: dict[Any, Any] = {}
    for side in (Side.PRIMARY, Side.DR):
        values |= {
            (vpc.vpc, side): network(),
            (vpc.subnets, side): subnets(),
            (vpc.security_groups, side): (
                group("sit-ecs-sg", side=side),
                group("sit-alb-sg", ("tcp 443-443 0.0.0.0/0",), side),
            ),
            (vpc.route_tables, side): ROUTES,
            (vpc.nat_gateways, side): (NatGateway("nat-1", "available", "public-1"),),
            (vpc.endpoints, side): (VpcEndpoint("s3", "Gateway", "available"),),
            (elbv2.load_balancer, side): balancer(
                side, security_groups=(f"sg-sit-alb-sg-{side}",), zones=("a", "b"), subnets=PUBLIC
            ),
            (ecs.services, side): services(side),
            (ecs.task_definitions, side): definitions(SIT.region(side)),
        }
    values |= {
        (rds.instances, Side.PRIMARY): (),
        (vpc.internet_gateways, Side.DR): ("igw-1",),
        (vpc.names, Side.DR): VpcNames(resolves=True, hostnames=True),
        (vpc.name_servers, Side.DR): NameServers((vpc.AMAZONS,)),
        (route53resolver.forwarded, Side.DR): (),
        (route53resolver.blocked, Side.DR): (),
    }
    return world(values | (changes or {}))
