"""Examples of what may pass in the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_checks.network.vpc_reach import NEEDED
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import AutomationSettings
from dr_estate.readers import ecs, elbv2, rds, route53_private_names, vpc
from dr_estate.readers.route53_private_names import PrivateNames
from dr_estate.readers.vpc import NatGateway, RouteTable, VpcEndpoint, VpcNames
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE, D, definition, definitions
from tests.dr_checks.databases import PRIMARY as SOURCE
from tests.dr_checks.databases import REPLICA, accepting
from tests.dr_checks.network import PLACES, PUBLIC, PUBLIC_OUT, TASKS_OUT, connected, group, services, subnets
from tests.dr_checks.traffic import balancer
from tests.dr_checks.worlds import DENIED, SIT, Example

GROUPS, TABLES, NATS = (vpc.security_groups, Side.DR), (vpc.route_tables, Side.DR), (vpc.nat_gateways, Side.DR)
SERVICES, ENDPOINTS = (ecs.services, Side.DR), (vpc.endpoints, Side.DR)
GATEWAYS, NAMES, BALANCER = (vpc.internet_gateways, Side.DR), (vpc.names, Side.DR), (elbv2.load_balancer, Side.DR)
DEFINITIONS = (ecs.task_definitions, Side.DR)
BARE = tuple(replace(definition(tenant, D), volumes=()) for tenant in ("tenant1", "tenant2"))
MOUNTS = definition("tenant1", D)
DATABASE = group("sit-db-sg", ("tcp 3306-3306 sit-ecs-sg",), Side.PRIMARY)
THEIRS = tuple(group(name, rules, Side.PRIMARY) for name, rules in (("sit-ecs-sg", ()), ("sit-alb-sg", ())))
ALB_NAME, VPC_NAME = frozenset({"sit-alb"}), frozenset({"sit-vpc"})
PRIVATE_BALANCER = replace(PUBLIC_OUT, subnets=("public-1",)), replace(TASKS_OUT, subnets=(*PLACES, "public-2"))
ALB = group("sit-alb-sg", ("tcp 443-443 0.0.0.0/0",))
_TASKS = group("sit-ecs-sg", ("tcp 80-80 sit-alb-sg",))
LISTED = (group("sit-alb-sg", ("tcp 443-443 a prefix list",), Side.PRIMARY), THEIRS[0])
ECS = frozenset({"sit-ecs-sg"})
ALL = tuple(VpcEndpoint(name, "Interface", "available") for name in NEEDED)
PLACE = frozenset(PLACES)
AUTOMATED = SIT.model_copy(update={"automation": AutomationSettings(enabled=True)})
_IN_OWN_SUBNET = AUTOMATED.model_copy(
    update={"names": SIT.names.model_copy(update={"recovery_subnets": ("subnet-1",)})}
)
_IN_ANOTHER_VPC = AUTOMATED.model_copy(
    update={"names": SIT.names.model_copy(update={"recovery_subnets": ("subnet-9",)})}
)
_SHUT_IN = (replace(group("sit-ecs-sg"), egress=("tcp 443-443 vpc",)), group("sit-alb-sg", ("tcp 443-443 0.0.0.0/0",)))
SHUT = (replace(TASKS_OUT, default="", state=""), PUBLIC_OUT)
BY_TRANSIT, THEIR_TABLES = (replace(TASKS_OUT, default="tgw-1"), PUBLIC_OUT), (vpc.route_tables, Side.PRIMARY)
_BY_GATEWAY = {
    TABLES: (RouteTable("rtb-1", False, PLACES, "igw-1", "active"), PUBLIC_OUT),
    SERVICES: services(Side.DR, public_ip="ENABLED"),
}


def _open_database(rule: str, *theirs: str) -> Snapshot:
    """The group of the database in the DR region lets this in as well as the tasks."""
    instance = replace(SOURCE, security_groups=(DATABASE.id,))
    mine = group("sit-db-sg", (*DATABASE.ingress, rule))
    there = replace(DATABASE, ingress=(*DATABASE.ingress, *theirs))
    return connected(
        {
            (rds.instances, Side.PRIMARY): (instance,),
            (vpc.security_groups, Side.PRIMARY): (*THEIRS, there),
            GROUPS: (ALB, _TASKS, mine),
        }
    )


def _route(default: str = "nat-1", state: str = "active", **changes: Any) -> Snapshot:
    table = RouteTable("rtb-1", False, PLACES, default, state)
    named = {"nats": NATS, "endpoints": ENDPOINTS, "gateways": GATEWAYS, "services": SERVICES}
    return connected({TABLES: (table, PUBLIC_OUT)} | {named[key]: value for key, value in changes.items()})


def _apart(*tables: str) -> Snapshot:
    """Subnets with a route table each, without a default route; the gateway endpoint of S3 stands in ``tables``."""
    routes = [RouteTable(name, False, (place,), "", "") for name, place in zip(("rtb-1", "rtb-9"), PLACES, strict=True)]
    doors = tuple(replace(e, kind="Gateway", route_tables=tables) if e.service == "s3" else e for e in ALL)
    return connected({TABLES: (*routes, PUBLIC_OUT), ENDPOINTS: doors})


def _reading(parameter: str, endpoints: tuple[VpcEndpoint, ...]) -> Snapshot:
    """Subnets without a default route, with these endpoints, whose tasks read a parameter."""
    table = RouteTable("rtb-1", False, PLACES, "", "")
    reads = definitions(D, changes={"secrets": (("SALT", parameter),)})
    return connected({TABLES: (table, PUBLIC_OUT), ENDPOINTS: endpoints, DEFINITIONS: reads})


def _nat(**changes: Any) -> Snapshot:
    return connected({NATS: (replace(NatGateway("nat-1", "available", "public-1"), **changes),)})


def _access(word: str, blocked: tuple[str, ...] = PUBLIC, changes: Any = None) -> Snapshot:
    """Block Public Access is in the mode ``word`` for the subnets ``blocked``."""
    shut = [vpc.Subnet(name, "ab"[n], "available", f"10.0.{n}.0/24", 9, word) for n, name in enumerate(blocked)]
    others = [row for row in subnets() if row.id not in blocked]
    return connected({(vpc.subnets, Side.DR): (*others, *shut), **(changes or {})})


def _balanced(there: str | None = "internet-facing", **changes: Any) -> Snapshot:
    """``there`` is the scheme of the primary's balancer, None where it is not seen."""
    own = {"security_groups": (f"sg-sit-alb-sg-{Side.DR}",), "zones": ("a", "b"), "subnets": ("public-1", "public-2")}
    groups = (f"sg-sit-alb-sg-{Side.PRIMARY}",)
    theirs = balancer(Side.PRIMARY, scheme=there, security_groups=groups) if there else DENIED
    return connected({BALANCER: balancer(Side.DR, **(own | changes)), (elbv2.load_balancer, Side.PRIMARY): theirs})


def _nameless() -> Snapshot:
    """The group of the primary's balancer was not understood: its name is not known."""
    theirs = tuple(found for found in THEIRS if found.name != "sit-alb-sg")
    parts = dict(_balanced().parts)
    key = (vpc.security_groups.name, Side.PRIMARY)
    return replace(_balanced(), parts={**parts, key: replace(parts[key], value=theirs)})


def _hosts_off(definitions: Any = None, zones: tuple[str, ...] = (), private: Any = None) -> Snapshot:
    """The VPC gives no host names; ``definitions`` are the tasks', ``zones`` the private ones of the VPC."""
    found = (PrivateNames(Side.DR, (), zones=zones), PrivateNames(Side.PRIMARY, (), zones=("af.internal",)))
    return connected(
        {
            NAMES: VpcNames(True, False),
            DEFINITIONS: BARE if definitions is None else definitions,
            (route53_private_names.names, Side.GLOBAL): found if private is None else private,
        }
    )


def _of_database(expected: Status, *further: str, mine: tuple[str, ...] = ()) -> Example:
    """The primary database carries a further group that lets ``further`` in; the DR region's one group ``mine``."""
    own = group("sit-db-sg", ("tcp 22-22 10.0.0.9/32",), Side.PRIMARY)
    more = group("sit-db-tasks-sg", further, Side.PRIMARY)
    both = {
        (vpc.security_groups, Side.PRIMARY): (*THEIRS, own, more),
        GROUPS: (ALB, group("sit-ecs-sg"), group("sit-db-sg", ("tcp 22-22 10.0.0.9/32", *mine))),
        (rds.instances, Side.PRIMARY): (replace(SOURCE, security_groups=(own.id, more.id)),),
    }
    named = frozenset({"sit-db-sg"}) if expected is Status.FAIL else frozenset[str]()
    return Example("vpc-reach.security-groups", expected, connected(both), named)


def _of_replica(expected: Status, *rules: str) -> Example:
    """The read replica that a failover promotes carries a group of its own, beside the one of the settings' name."""
    guards = group("sit-db-sg", ("tcp 3306-3306 sit-ecs-sg",)), group("default", rules)
    both = {
        (vpc.security_groups, Side.PRIMARY): (*THEIRS, DATABASE),
        GROUPS: (ALB, group("sit-ecs-sg"), *guards),
        (rds.instances, Side.PRIMARY): (replace(SOURCE, security_groups=(DATABASE.id,)),),
        (rds.instances, Side.DR): (replace(REPLICA, security_groups=(guards[1].id,)),),
    }
    named = frozenset({REPLICA.identifier}) if expected is Status.FAIL else frozenset[str]()
    return Example("vpc-reach.security-groups", expected, connected(both), named, accepting("read-replica"))


EXAMPLES = [
    _of_replica(Status.FAIL),
    _of_replica(Status.PASS, "all vpc"),
    _of_database(Status.FAIL, "tcp 3306-3306 sit-ecs-sg"),
    _of_database(Status.FAIL, "tcp 3306-3306 vpc"),
    _of_database(Status.PASS, "tcp 3306-3306 sit-ecs-sg", mine=("tcp 3306-3306 sit-ecs-sg",)),
    _of_database(Status.PASS, "tcp 3306-3306 203.0.113.7/32"),
    _of_database(Status.PASS, "tcp 3306-3306 sit-bastion-sg"),
    Example(
        "vpc-reach.security-groups",
        Status.FAIL,
        connected({(rds.instances, Side.PRIMARY): (SOURCE,)}),
        frozenset({"sit-db-sg"}),
    ),
    Example("vpc-reach.security-groups", Status.UNKNOWN, connected({(rds.instances, Side.PRIMARY): DENIED})),
    Example("vpc-reach.security-groups", Status.PASS, connected()),
    Example(
        "vpc-reach.security-groups",
        Status.PASS,
        connected({GROUPS: (ALB, group("sit-ecs-sg", ("all vpc", "tcp 80-80 sit-alb-sg")))}),
    ),
    *(
        Example("vpc-reach.security-groups", Status.PASS, connected({GROUPS: (ALB, group("sit-ecs-sg", rules))}))
        for rules in (("tcp 1-1024 sit-alb-sg",), ("all sit-alb-sg",), ("tcp 80-80 vpc",))
    ),
    Example("vpc-reach.security-groups", Status.FAIL, connected({GROUPS: (ALB,)}), ECS),
    Example("vpc-reach.security-groups", Status.FAIL, connected({GROUPS: (ALB, group("sit-ecs-sg", ()))}), ECS),
    *(
        Example("vpc-reach.security-groups", expected, _open_database(rule, *theirs), frozenset({"sit-db-sg"}))
        for rule, theirs, expected in (
            ("tcp 3306-3306 0.0.0.0/0", (), Status.WARN),
            ("all ::/0", (), Status.WARN),
            ("tcp 3306-3306 10.0.0.0/8", (), Status.PASS),
            ("tcp 3306-3306 0.0.0.0/0", ("tcp 3306-3306 0.0.0.0/0",), Status.PASS),
        )
    ),
    Example("vpc-reach.security-groups", Status.UNKNOWN, connected({GROUPS: DENIED})),
    Example(
        "vpc-reach.security-groups",
        Status.FAIL,
        connected({(vpc.security_groups, Side.PRIMARY): (*THEIRS, DATABASE)}),
        frozenset({"sit-db-sg"}),
    ),
    *(
        Example(
            "vpc-reach.security-groups",
            expected,
            connected({GROUPS: (group("sit-alb-sg", mine), _TASKS), (vpc.security_groups, Side.PRIMARY): LISTED}),
            frozenset({"sit-alb-sg"}),
        )
        for expected, mine in (
            (Status.WARN, ("tcp 443-443 0.0.0.0/0",)),
            (Status.FAIL, ("tcp 80-80 0.0.0.0/0",)),
            (Status.FAIL, ("tcp 443-443 ::/0",)),
        )
    ),
    *(
        Example("vpc-reach.security-groups", Status.FAIL, _balanced(security_groups=groups), ALB_NAME)
        for groups in (("sg-gone",), ("sg-sit-ecs-sg-dr",))
    ),
    *(
        Example("vpc-reach.security-groups", Status.PASS, _balanced(security_groups=groups))
        for groups in ((), ("sg-sit-alb-sg-dr", "sg-sit-ecs-sg-dr"))
    ),
    Example("vpc-reach.security-groups", Status.UNKNOWN, _nameless(), ALB_NAME),
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
    *(Example("vpc-reach.way-out", Status.PASS, _access(word)) for word in ("", "off", "block-ingress")),
    Example("vpc-reach.way-out", Status.FAIL, _access("block-bidirectional"), PLACE),
    Example("vpc-reach.way-out", Status.UNKNOWN, _access("a-new-word"), PLACE),
    *(
        Example("vpc-reach.way-out", status, _access(word, PLACES, _BY_GATEWAY), PLACE)
        for word, status in (("off", Status.PASS), ("block-ingress", Status.FAIL), ("block-bidirectional", Status.FAIL))
    ),
    Example("vpc-reach.way-out", Status.PASS, connected()),
    Example("vpc-reach.way-out", Status.PASS, _route("igw-1")),
    Example("vpc-reach.way-out", Status.PASS, _nat(subnet="")),
    Example("vpc-reach.way-out", Status.FAIL, _nat(public=False), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _nat(subnet="subnet-1"), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route("igw-1", services=services(Side.DR, public_ip="DISABLED")), PLACE),
    Example("vpc-reach.way-out", Status.PASS, _route("igw-1", services=services(Side.DR, public_ip="ENABLED"))),
    Example("vpc-reach.way-out", Status.FAIL, _route("igw-1", gateways=()), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route(gateways=()), PLACE),
    Example("vpc-reach.way-out", Status.UNKNOWN, _route(gateways=DENIED)),
    Example("vpc-reach.way-out", Status.FAIL, connected({TABLES: (TASKS_OUT,)}), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route("pcx-1"), PLACE),
    Example("vpc-reach.way-out", Status.WARN, _route("pcx-1", endpoints=ALL), PLACE),
    *(
        Example("vpc-reach.way-out", Status.WARN, _route(target, endpoints=ALL), PLACE, AUTOMATED)
        for target in ("", "pcx-1")
    ),
    Example("vpc-reach.way-out", Status.UNKNOWN, _route(endpoints=ALL, gateways=DENIED), env=AUTOMATED),
    Example("vpc-reach.way-out", Status.WARN, connected({GROUPS: _SHUT_IN}), ECS, AUTOMATED),
    Example("vpc-reach.way-out", Status.WARN, _route("", endpoints=ALL), frozenset({"subnet-1"}), _IN_OWN_SUBNET),
    Example("vpc-reach.way-out", Status.PASS, connected(), env=_IN_OWN_SUBNET),
    Example("vpc-reach.way-out", Status.WARN, connected(), frozenset({"subnet-9"}), _IN_ANOTHER_VPC),
    Example("vpc-reach.way-out", Status.PASS, _route(endpoints=ALL), env=AUTOMATED),
    Example("vpc-reach.way-out", Status.FAIL, connected({TABLES: (TASKS_OUT, replace(PUBLIC_OUT, default="pcx-1"))})),
    *(Example("vpc-reach.way-out", Status.WARN, _route(target), PLACE) for target in ("tgw-1", "vgw-1")),
    Example("vpc-reach.way-out", Status.PASS, _route("tgw-1", endpoints=ALL)),
    Example("vpc-reach.way-out", Status.FAIL, _route("tgw-1", "blackhole"), PLACE),
    Example("vpc-reach.way-out", Status.PASS, _route("eni-1")),
    Example("vpc-reach.way-out", Status.PASS, connected({TABLES: BY_TRANSIT, THEIR_TABLES: BY_TRANSIT})),
    Example("vpc-reach.way-out", Status.WARN, connected({TABLES: BY_TRANSIT, THEIR_TABLES: DENIED})),
    Example("vpc-reach.way-out", Status.WARN, _route("", endpoints=ALL), PLACE),
    *(
        Example("vpc-reach.way-out", Status.PASS, connected({TABLES: SHUT, THEIR_TABLES: theirs, ENDPOINTS: ALL}))
        for theirs in (SHUT, BY_TRANSIT, DENIED)
    ),
    Example("vpc-reach.way-out", Status.PASS, connected({TABLES: (RouteTable("rtb-0", True, (), "igw-1", "active"),)})),
    Example("vpc-reach.way-out", Status.FAIL, _route(""), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route("", endpoints=(*ALL[1:], replace(ALL[0], private_names=False)))),
    Example("vpc-reach.way-out", Status.FAIL, _reading("/shared/salt", ALL), PLACE),
    Example("vpc-reach.way-out", Status.WARN, _reading("/shared/salt", (*ALL, replace(ALL[0], service="ssm")))),
    Example("vpc-reach.way-out", Status.FAIL, _route("", endpoints=ALL[1:]), PLACE),
    Example("vpc-reach.way-out", Status.WARN, _apart("rtb-1", "rtb-9")),
    Example("vpc-reach.way-out", Status.FAIL, _apart("rtb-1"), frozenset({PLACES[1]})),
    Example("vpc-reach.way-out", Status.FAIL, _route(state="blackhole"), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route(nats=(NatGateway("nat-1", "failed"),)), PLACE),
    Example("vpc-reach.way-out", Status.FAIL, _route(nats=()), PLACE),
    Example("vpc-reach.way-out", Status.NOT_APPLICABLE, connected({SERVICES: ()})),
    Example("vpc-reach.way-out", Status.UNKNOWN, connected({TABLES: DENIED})),
    *(Example("vpc-reach.way-in", Status.PASS, _access(word)) for word in ("", "off")),
    *(
        Example("vpc-reach.way-in", status, _access(word), ALB_NAME)
        for word, status in (
            ("block-ingress", Status.FAIL),
            ("block-bidirectional", Status.FAIL),
            ("a-new-word", Status.UNKNOWN),
        )
    ),
    Example("vpc-reach.way-in", Status.PASS, connected()),
    Example("vpc-reach.way-in", Status.FAIL, _balanced(scheme="internal", subnets=PLACES), ALB_NAME),
    Example("vpc-reach.way-in", Status.PASS, _balanced("internal", scheme="internal", subnets=PLACES)),
    Example("vpc-reach.way-in", Status.UNKNOWN, _balanced(None, scheme="internal", subnets=PLACES), ALB_NAME),
    Example("vpc-reach.way-in", Status.PASS, _balanced(None)),
    Example(
        "vpc-reach.way-in", Status.FAIL, _balanced(None, scheme="internal", subnets=PLACES, zones=("a",)), ALB_NAME
    ),
    Example("vpc-reach.way-in", Status.PASS, _balanced(subnets=())),
    Example("vpc-reach.way-in", Status.FAIL, connected({TABLES: PRIVATE_BALANCER}), ALB_NAME),
    Example("vpc-reach.way-in", Status.FAIL, connected({TABLES: (TASKS_OUT,)}), ALB_NAME),
    Example("vpc-reach.way-in", Status.FAIL, connected({GATEWAYS: ()}), ALB_NAME),
    Example("vpc-reach.way-in", Status.FAIL, connected({(vpc.subnets, Side.DR): subnets(zones=("a", "c"))}), ALB_NAME),
    Example(
        "vpc-reach.way-in",
        Status.UNKNOWN,
        connected({TABLES: (TASKS_OUT, replace(PUBLIC_OUT, default="a target of another kind", known=False))}),
        ALB_NAME,
    ),
    Example("vpc-reach.way-in", Status.NOT_APPLICABLE, connected({BALANCER: None})),
    Example("vpc-reach.way-in", Status.UNKNOWN, connected({GATEWAYS: DENIED})),
    Example("vpc-reach.names-resolve", Status.PASS, connected()),
    Example("vpc-reach.names-resolve", Status.PASS, _hosts_off()),
    Example("vpc-reach.names-resolve", Status.FAIL, _hosts_off(definitions=(MOUNTS,)), VPC_NAME),
    Example("vpc-reach.names-resolve", Status.FAIL, _hosts_off(zones=("sit.internal",)), VPC_NAME),
    Example("vpc-reach.names-resolve", Status.UNKNOWN, _hosts_off(definitions=(DENIED,)), VPC_NAME),
    Example("vpc-reach.names-resolve", Status.UNKNOWN, _hosts_off(private=DENIED), VPC_NAME),
    Example("vpc-reach.names-resolve", Status.UNKNOWN, _hosts_off(private=(DENIED,)), VPC_NAME),
    Example("vpc-reach.names-resolve", Status.FAIL, _hosts_off(definitions=(MOUNTS,), private=DENIED), VPC_NAME),
    Example("vpc-reach.names-resolve", Status.UNKNOWN, connected({NAMES: VpcNames(True, False), DEFINITIONS: DENIED})),
    Example("vpc-reach.names-resolve", Status.FAIL, connected({NAMES: VpcNames(False, True)}), VPC_NAME),
    Example(
        "vpc-reach.names-resolve", Status.FAIL, connected({NAMES: VpcNames(True, False), ENDPOINTS: ALL}), VPC_NAME
    ),
    Example("vpc-reach.names-resolve", Status.NOT_APPLICABLE, connected({NAMES: None})),
    Example("vpc-reach.names-resolve", Status.UNKNOWN, connected({NAMES: DENIED})),
]
