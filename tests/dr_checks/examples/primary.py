"""Examples of the primary region's health."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from tests.dr_checks.compute import ONE, TWO, both_services
from tests.dr_checks.worlds import DENIED, NOW, Example, service, world

THERE, HERE = (ecs.services, Side.PRIMARY), (ecs.services, Side.DR)
ELSEWHERE = (ecs.other_regions, Side.PRIMARY)
CHECK = "primary.services-running"
NIGHT = NOW.replace(hour=20)

EXAMPLES = [
    Example(CHECK, Status.PASS, world({})),
    Example(CHECK, Status.FAIL, world({THERE: (service(ONE), service(TWO, 2, 0))}), frozenset({TWO})),
    Example(CHECK, Status.WARN, world({THERE: (service(ONE), service(TWO, 2, 1))}), frozenset({TWO})),
    Example(CHECK, Status.FAIL, world({THERE: (service(ONE), service(TWO, 0, 0))}), frozenset({TWO})),
    Example(CHECK, Status.PASS, replace(world({THERE: (service(ONE, 0, 0),)}), taken_at=NIGHT)),
    Example(CHECK, Status.FAIL, replace(world({THERE: (service(ONE, 2, 0),)}), taken_at=NIGHT), frozenset({ONE})),
    Example(CHECK, Status.UNKNOWN, world({THERE: DENIED, HERE: both_services()})),
    Example(
        CHECK,
        Status.FAIL,
        world({THERE: (), HERE: both_services(), ELSEWHERE: (ecs.RegionCluster("eu-west-1", 2, 4),)}),
        frozenset({"sit-cluster"}),
    ),
    Example(CHECK, Status.FAIL, world({THERE: (), ELSEWHERE: (ecs.RegionCluster("eu-west-1", 0, 0),)})),
    Example(CHECK, Status.UNKNOWN, world({THERE: (), ELSEWHERE: (DENIED,)})),
]
