"""Examples of name servers that tasks are given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import AutomationSettings
from dr_estate.readers import ecs, route53resolver, vpc
from dr_estate.readers.route53resolver import BlockedNames, ForwardedNames
from dr_estate.readers.vpc import NameServers
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.network import connected, network, services
from tests.dr_checks.worlds import DENIED, SIT, Example

AUTOMATED = SIT.model_copy(update={"automation": AutomationSettings(enabled=True)})
CHECK, SERVERS, PRIMARY_VPC = "name-servers.know-the-vpc", (vpc.name_servers, Side.DR), (vpc.vpc, Side.PRIMARY)
OURS, OPTIONS = (vpc.vpc, Side.DR), frozenset({"dopt-1"})
ASLEEP = tuple(replace(row, desired=0, running=0) for row in services(Side.DR))
PRIMARY = network(cidrs=(("10.9.0.0/16", "associated"),))


def _given(*servers: str, borne: tuple[str, ...] = (), runs: bool = True, primary: Any = PRIMARY) -> Snapshot:
    """A VPC whose tasks are given these; ``runs`` where some run already, ``primary`` is the primary region's VPC."""
    sets = {} if runs else {(ecs.services, Side.DR): ASLEEP}
    found = NameServers(servers, borne, ("dopt-2",))
    return connected({SERVERS: found, PRIMARY_VPC: primary, OURS: network(options="dopt-1"), **sets})


ASKED = (route53resolver.forwarded, Side.DR)
RULES, FILES = "name-servers.rules-lead-on", "fs-1.efs.eu-west-1.amazonaws.com"
API = "api.ecr.eu-west-1.amazonaws.com"


def _ruled(
    *targets: str,
    hosts: tuple[str, ...] = (FILES, API),
    borne: tuple[str, ...] = (),
    runs: bool = True,
    primary: Any = PRIMARY,
) -> Snapshot:
    """A VPC with a rule that sends these names to these servers."""
    sets = {} if runs else {(ecs.services, Side.DR): ASLEEP}
    found = (ForwardedNames("rslvr-rr-1", "amazonaws.com", hosts, targets, borne),)
    return connected({ASKED: found, PRIMARY_VPC: primary, OURS: network(), **sets})


RULE = frozenset({"rslvr-rr-1"})
# Beside a tenant's names the task of a recovery asks for those of the primary region's APIs.
STS = "sts.af-south-1.amazonaws.com"
OF_RULES = [
    Example(RULES, Status.WARN, _ruled("10.9.0.2", hosts=(STS,)), RULE, AUTOMATED),
    Example(RULES, Status.FAIL, _ruled("10.9.0.2", hosts=(API, STS)), RULE, AUTOMATED),
    Example(RULES, Status.PASS, _ruled("9.9.9.9", hosts=(STS,)), env=AUTOMATED),
    Example(RULES, Status.PASS, connected()),
    Example(RULES, Status.FAIL, _ruled("10.9.0.2"), RULE),
    Example(RULES, Status.FAIL, _ruled("10.9.0.2", "10.0.0.9", hosts=(FILES,)), RULE),
    Example(RULES, Status.FAIL, _ruled("9.9.9.9"), RULE),
    Example(RULES, Status.FAIL, _ruled("9.9.9.9", hosts=("db.internal",)), RULE),
    Example(RULES, Status.PASS, _ruled("9.9.9.9", hosts=(API,))),
    Example(RULES, Status.FAIL, _ruled("10.9.0.2", hosts=(API,)), RULE),
    Example(RULES, Status.FAIL, _ruled(), RULE),
    Example(RULES, Status.WARN, _ruled("10.0.0.9", borne=("10.0.0.9",)), RULE),
    Example(RULES, Status.WARN, _ruled("10.9.0.2", "192.168.0.9"), RULE),
    Example(RULES, Status.UNKNOWN, _ruled("192.168.0.9", runs=False), RULE),
    Example(RULES, Status.FAIL, _ruled("9.9.9.9", "10.0.0.9", primary=DENIED), RULE),
    Example(RULES, Status.PASS, _ruled("9.9.9.9", hosts=(API,), primary=DENIED)),
    Example(RULES, Status.UNKNOWN, _ruled("10.9.0.2", primary=DENIED), RULE),
    Example(RULES, Status.WARN, _ruled("10.9.0.2", "10.0.0.9", borne=("10.0.0.9",), primary=DENIED), RULE),
    Example(RULES, Status.NOT_APPLICABLE, connected({ASKED: None})),
    Example(RULES, Status.NOT_APPLICABLE, connected({OURS: None})),
    Example(RULES, Status.UNKNOWN, connected({ASKED: DENIED})),
]
WALL, WALLED = "name-servers.firewall-admits", (route53resolver.blocked, Side.DR)
BLOCKED = BlockedNames("rslvr-frg-1", "rest", (API, FILES))
OF_FIREWALLS = [
    Example(
        WALL,
        Status.WARN,
        connected({WALLED: (replace(BLOCKED, hosts=(STS,)),)}),
        frozenset({"rslvr-frg-1: rest"}),
        AUTOMATED,
    ),
    Example(WALL, Status.FAIL, connected({WALLED: (replace(BLOCKED, hosts=(API, STS)),)}), env=AUTOMATED),
    Example(WALL, Status.PASS, connected()),
    Example(WALL, Status.FAIL, connected({WALLED: (BLOCKED,)}), frozenset({"rslvr-frg-1: rest"})),
    Example(WALL, Status.FAIL, connected({WALLED: (replace(BLOCKED, hosts=(API, FILES, "db", "logs")),)})),
    Example(WALL, Status.NOT_APPLICABLE, connected({WALLED: None})),
    Example(WALL, Status.NOT_APPLICABLE, connected({OURS: None})),
    Example(WALL, Status.UNKNOWN, connected({WALLED: DENIED})),
]
EXAMPLES = [
    *OF_RULES,
    *OF_FIREWALLS,
    Example(CHECK, Status.PASS, _given(vpc.AMAZONS)),
    Example(CHECK, Status.PASS, _given("10.0.0.2", runs=False)),
    Example(CHECK, Status.PASS, _given("169.254.169.253")),
    Example(CHECK, Status.PASS, _given("9.9.9.9", vpc.AMAZONS)),
    Example(CHECK, Status.FAIL, _given("9.9.9.9"), OPTIONS),
    Example(CHECK, Status.FAIL, _given("10.0.0.9"), OPTIONS),
    Example(CHECK, Status.FAIL, _given("10.9.0.2", "10.0.0.9"), OPTIONS),
    Example(CHECK, Status.WARN, _given("10.0.0.9", borne=("10.0.0.9",)), OPTIONS),
    Example(CHECK, Status.WARN, _given("10.0.0.9", "192.168.0.9"), OPTIONS),
    Example(CHECK, Status.UNKNOWN, _given("192.168.0.9", runs=False), OPTIONS),
    Example(CHECK, Status.UNKNOWN, _given(), OPTIONS),
    Example(CHECK, Status.PASS, _given("10.9.0.2", vpc.AMAZONS, primary=DENIED)),
    Example(CHECK, Status.FAIL, _given("9.9.9.9", "10.0.0.9", primary=DENIED), OPTIONS),
    Example(CHECK, Status.UNKNOWN, _given("10.9.0.2", primary=DENIED)),
    Example(CHECK, Status.WARN, _given("10.9.0.2", "10.0.0.9", borne=("10.0.0.9",), primary=DENIED), OPTIONS),
    Example(CHECK, Status.NOT_APPLICABLE, connected({SERVERS: None})),
    Example(CHECK, Status.NOT_APPLICABLE, connected({OURS: None})),
    Example(CHECK, Status.UNKNOWN, connected({SERVERS: DENIED})),
]
