"""Examples of the network's shape and room."""

from __future__ import annotations

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, vpc
from tests.dr_checks.compute import ONE
from tests.dr_checks.network import PLACES, connected, network, services, subnets
from tests.dr_checks.worlds import DENIED, SIT, Example

HERE, SUBNETS, SERVICES = (vpc.vpc, Side.DR), (vpc.subnets, Side.DR), (ecs.services, Side.DR)
THERE, SIX = (vpc.vpc, Side.PRIMARY), network(cidrs6=(("2a05::/56", "associated"),))
SMALL = (("10.0.0.0/24", "associated"),)
BIG = SIT.model_copy(update={"capacity": SIT.capacity.model_copy(update={"tasks_per_service": 11})})
NETWORK, FIRST, BOTH = frozenset({"sit-vpc"}), frozenset({ONE}), frozenset({", ".join(PLACES)})

EXAMPLES = [
    Example("vpc.available", Status.PASS, connected()),
    Example("vpc.available", Status.FAIL, connected({HERE: None}), NETWORK),
    Example("vpc.available", Status.FAIL, connected({HERE: network(state="pending")}), NETWORK),
    Example("vpc.available", Status.FAIL, connected({HERE: network(cidrs=(("10.0.0.0/16", "failing"),))}), NETWORK),
    Example("vpc.available", Status.FAIL, connected({HERE: network(cidrs6=(("2a05::/56", "failing"),))}), NETWORK),
    Example("vpc.available", Status.UNKNOWN, connected({HERE: DENIED})),
    Example("vpc.shape", Status.PASS, connected()),
    Example("vpc.shape", Status.PASS, connected({HERE: network(cidrs=(("10.8.0.0/15", "associated"),))})),
    Example("vpc.shape", Status.NOT_APPLICABLE, connected({HERE: None})),
    Example("vpc.shape", Status.FAIL, connected({HERE: network(cidrs=SMALL)}), NETWORK),
    Example("vpc.shape", Status.FAIL, connected({HERE: network(tenancy="dedicated")}), NETWORK),
    Example("vpc.shape", Status.FAIL, connected({HERE: network(is_default=True)}), NETWORK),
    Example("vpc.shape", Status.FAIL, connected({SUBNETS: subnets()[:1]}), NETWORK),
    Example("vpc.shape", Status.PASS, connected({HERE: SIX, THERE: SIX})),
    Example("vpc.shape", Status.PASS, connected({HERE: SIX})),
    Example("vpc.shape", Status.FAIL, connected({THERE: SIX}), NETWORK),
    Example("vpc.shape", Status.FAIL, connected({HERE: network(cidrs6=(("2a05::/60", ""),)), THERE: SIX}), NETWORK),
    Example("vpc.shape", Status.UNKNOWN, connected({(vpc.vpc, Side.PRIMARY): DENIED})),
    Example("vpc.zones", Status.PASS, connected()),
    Example("vpc.zones", Status.FAIL, connected({SUBNETS: subnets(zones=("a", "a"))}), FIRST),
    Example("vpc.zones", Status.FAIL, connected({SERVICES: services(Side.DR, subnets=(*PLACES, "subnet-3"))}), FIRST),
    Example("vpc.zones", Status.NOT_APPLICABLE, connected({SERVICES: ()})),
    Example("vpc.zones", Status.UNKNOWN, connected({SUBNETS: DENIED})),
    Example("vpc.free-addresses", Status.PASS, connected()),
    Example("vpc.free-addresses", Status.PASS, connected({SUBNETS: subnets(12, 12)}), env=BIG),
    Example("vpc.free-addresses", Status.WARN, connected({SUBNETS: subnets(12, 11)}), BOTH, env=BIG),
    Example("vpc.free-addresses", Status.WARN, connected({SUBNETS: subnets(10, 10)}), BOTH, env=BIG),
    Example("vpc.free-addresses", Status.FAIL, connected({SUBNETS: subnets(10, 9)}), BOTH, env=BIG),
    Example("vpc.free-addresses", Status.FAIL, connected({SUBNETS: subnets(0, 90)}), BOTH),
    Example("vpc.free-addresses", Status.NOT_APPLICABLE, connected({SERVICES: ()})),
    Example("vpc.free-addresses", Status.UNKNOWN, connected({SUBNETS: DENIED})),
]
