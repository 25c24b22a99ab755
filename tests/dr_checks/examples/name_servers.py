"""Examples of name servers that tasks are given."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, vpc
from dr_estate.readers.vpc import NameServers
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.network import connected, network, services
from tests.dr_checks.worlds import DENIED, Example

CHECK, SERVERS, HOME = "name-servers.know-the-vpc", (vpc.name_servers, Side.DR), (vpc.vpc, Side.PRIMARY)
OURS, OPTIONS = (vpc.vpc, Side.DR), frozenset({"dopt-1"})
ASLEEP = tuple(replace(row, desired=0, running=0) for row in services(Side.DR))
PRIMARY = network(cidrs=(("10.9.0.0/16", "associated"),))


def _given(*servers: str, borne: tuple[str, ...] = (), runs: bool = True) -> Snapshot:
    """A VPC whose tasks are given these; ``runs`` where some run already."""
    sets = {} if runs else {(ecs.services, Side.DR): ASLEEP}
    found = NameServers(servers, borne, ("dopt-2",))
    return connected({SERVERS: found, HOME: PRIMARY, OURS: network(options="dopt-1"), **sets})


EXAMPLES = [
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
    Example(CHECK, Status.NOT_APPLICABLE, connected({SERVERS: None})),
    Example(CHECK, Status.NOT_APPLICABLE, connected({OURS: None})),
    Example(CHECK, Status.UNKNOWN, connected({SERVERS: DENIED})),
]
