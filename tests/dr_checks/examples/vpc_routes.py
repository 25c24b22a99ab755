"""Examples of where routes of a part of the addresses lead."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, elbv2, rds_groups, vpc
from dr_estate.readers.vpc import NatGateway, PartRoute, RouteTable
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.examples.vpc_acls import DATA, GROUP
from tests.dr_checks.examples.vpc_reach import ALL
from tests.dr_checks.network import PUBLIC_OUT, TASKS_OUT, connected, network, services
from tests.dr_checks.traffic import balancer
from tests.dr_checks.worlds import DENIED, Example, Values

CHECK, TABLES = "vpc-routes.parts-lead-on", (vpc.route_tables, Side.DR)
DATA_OUT = RouteTable("rtb-3", False, DATA, "", "", parts=())
OF_TASKS, OF_VISITORS, OF_DATA = (frozenset({table.id}) for table in (TASKS_OUT, PUBLIC_OUT, DATA_OUT))
HALF, INSIDE, AWAY = "128.0.0.0/1", "10.0.1.0/24", "192.168.0.0/16"
CLOSED: Values = {(vpc.endpoints, Side.DR): ALL}
SHOWN: Values = {(ecs.services, Side.DR): services(Side.DR, public_ip="ENABLED")}
HIDDEN: Values = {(ecs.services, Side.DR): services(Side.DR, public_ip="DISABLED")}


def _routed(
    to: str,
    target: str = "nat-1",
    state: str = "active",
    *,
    table: RouteTable = TASKS_OUT,
    changes: Values | None = None,
) -> Snapshot:
    """The network with one route more, in one of its tables."""
    more = replace(table, parts=(PartRoute(to, target, state),))
    tables = tuple(more if row is table else row for row in (TASKS_OUT, PUBLIC_OUT, DATA_OUT))
    return connected({TABLES: tables, (rds_groups.subnet_groups, Side.DR): (GROUP,), **(changes or {})})


def _dropped(to: str, table: RouteTable = TASKS_OUT, changes: Values | None = None) -> Snapshot:
    return _routed(to, "eni-1", "blackhole", table=table, changes=changes)


PRIVATE: Values = {(elbv2.load_balancer, Side.DR): balancer(Side.DR, scheme="internal", subnets=PUBLIC_OUT.subnets)}
ELSEWHERE: Values = {(vpc.nat_gateways, Side.DR): (NatGateway("nat-1", "available", "subnet-1"),)}

PRIVATE_DATA = "vpc-routes.database-private"
OF_ALL = replace(DATA_OUT, main=True, subnets=(), default="igw-1", state="active")


def _beyond(to: str, target: str, *, here: RouteTable = TASKS_OUT, state: str = "active") -> Snapshot:
    """A route of the primary region's tasks, and the table of the DR region's."""
    more = replace(TASKS_OUT, parts=(PartRoute(to, target, state),))
    tables: Values = {(vpc.route_tables, Side.PRIMARY): (more, PUBLIC_OUT), TABLES: (here, PUBLIC_OUT, DATA_OUT)}
    return connected({**tables, (rds_groups.subnet_groups, Side.DR): (GROUP,)})


def _data(table: RouteTable, *others: RouteTable) -> Snapshot:
    return connected({TABLES: (table, *others), (rds_groups.subnet_groups, Side.DR): (GROUP,)})


EXAMPLES = [
    *(
        Example(CHECK, expected, seen, frozenset({"networks beyond the VPC"} if expected is Status.WARN else ()))
        for expected, seen in (
            (Status.WARN, _beyond(AWAY, "pcx-1")),
            (Status.WARN, _beyond(AWAY, "tgw-1")),
            (Status.PASS, _beyond(AWAY, "pcx-1", here=replace(TASKS_OUT, parts=(PartRoute(AWAY, "pcx-2", "active"),)))),
            (Status.PASS, _beyond(AWAY, "nat-1")),
            (Status.PASS, _beyond(AWAY, "pcx-1", state="blackhole")),
            (Status.PASS, _beyond(INSIDE, "pcx-1")),
            (Status.PASS, _beyond("pl-1", "tgw-1")),
        )
    ),
    Example(PRIVATE_DATA, Status.PASS, _data(DATA_OUT, PUBLIC_OUT)),
    Example(PRIVATE_DATA, Status.PASS, _data(replace(DATA_OUT, default="nat-1", state="active"))),
    Example(PRIVATE_DATA, Status.FAIL, _data(replace(DATA_OUT, default="igw-1", state="active")), OF_DATA),
    Example(PRIVATE_DATA, Status.FAIL, _data(OF_ALL), frozenset({OF_ALL.id})),
    Example(PRIVATE_DATA, Status.UNKNOWN, _data(PUBLIC_OUT), frozenset(DATA)),
    Example(PRIVATE_DATA, Status.UNKNOWN, connected({TABLES: DENIED, (rds_groups.subnet_groups, Side.DR): (GROUP,)})),
    Example(PRIVATE_DATA, Status.NOT_APPLICABLE, connected({(rds_groups.subnet_groups, Side.DR): ()})),
    Example(
        PRIVATE_DATA,
        Status.NOT_APPLICABLE,
        connected({(vpc.vpc, Side.DR): None, TABLES: (), (rds_groups.subnet_groups, Side.DR): (GROUP,)}),
    ),
    Example(CHECK, Status.PASS, _routed(HALF)),
    Example(CHECK, Status.PASS, _dropped(AWAY)),
    Example(CHECK, Status.PASS, _dropped(HALF, DATA_OUT)),
    Example(CHECK, Status.PASS, _routed(AWAY, "pcx-1")),
    Example(CHECK, Status.PASS, _routed(HALF, "igw-1", changes=SHOWN)),
    Example(CHECK, Status.PASS, _dropped(HALF, PUBLIC_OUT, {**PRIVATE, **ELSEWHERE})),
    Example(CHECK, Status.FAIL, _dropped(HALF), OF_TASKS),
    Example(CHECK, Status.FAIL, _dropped("54.0.0.0/8"), OF_TASKS),
    Example(CHECK, Status.FAIL, _dropped("pl-1"), OF_TASKS),
    Example(CHECK, Status.FAIL, _dropped(INSIDE), OF_TASKS),
    Example(CHECK, Status.FAIL, _dropped(INSIDE, changes=CLOSED), OF_TASKS),
    Example(CHECK, Status.FAIL, _dropped(INSIDE, DATA_OUT), OF_DATA),
    Example(CHECK, Status.FAIL, _dropped(HALF, PUBLIC_OUT), OF_VISITORS),
    Example(CHECK, Status.FAIL, _dropped(HALF, PUBLIC_OUT, PRIVATE), OF_VISITORS),
    Example(CHECK, Status.FAIL, _dropped(HALF, PUBLIC_OUT, CLOSED), OF_VISITORS),
    Example(CHECK, Status.FAIL, _routed(HALF, "nat-2"), OF_TASKS),
    Example(CHECK, Status.FAIL, _routed(HALF, "igw-1", changes=HIDDEN), OF_TASKS),
    Example(CHECK, Status.WARN, _dropped(HALF, changes=CLOSED), OF_TASKS),
    Example(CHECK, Status.FAIL, _routed(HALF, "nat-1", table=PUBLIC_OUT), OF_VISITORS),
    Example(CHECK, Status.PASS, _routed(HALF, "igw-1", table=PUBLIC_OUT)),
    Example(CHECK, Status.FAIL, _routed(HALF, "pcx-1"), OF_TASKS),
    Example(CHECK, Status.WARN, _routed(HALF, "pcx-1", changes=CLOSED), OF_TASKS),
    Example(CHECK, Status.WARN, _routed("54.0.0.0/16", "pcx-1"), OF_TASKS),
    Example(CHECK, Status.WARN, _routed(HALF, "tgw-1"), OF_TASKS),
    *(Example(CHECK, Status.PASS, _routed("10.0.0.0/8", target)) for target in ("tgw-1", "pcx-1")),
    Example(CHECK, Status.PASS, _dropped("10.0.0.0/8")),
    Example(CHECK, Status.WARN, _routed(INSIDE, "eni-1"), OF_TASKS),
    Example(CHECK, Status.WARN, _routed(INSIDE, "nat-1"), OF_TASKS),
    Example(CHECK, Status.NOT_APPLICABLE, connected({(ecs.services, Side.DR): ()})),
    Example(CHECK, Status.NOT_APPLICABLE, connected({(vpc.vpc, Side.DR): None})),
    Example(CHECK, Status.PASS, _dropped("10.1.0.0/16")),
    Example(
        CHECK,
        Status.FAIL,
        _dropped("10.1.0.0/16", changes={(vpc.vpc, Side.DR): network(cidrs=(("10.1.0.0/16", "associated"),))}),
        OF_TASKS,
    ),
    Example(CHECK, Status.UNKNOWN, _routed(HALF, state="resting"), OF_TASKS),
    Example(CHECK, Status.UNKNOWN, _routed(HALF, changes={TABLES: (replace(TASKS_OUT, parts=None),)}), OF_TASKS),
    Example(CHECK, Status.UNKNOWN, connected({TABLES: DENIED})),
]
