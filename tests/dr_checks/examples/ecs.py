"""Examples of the ECS checks."""

from __future__ import annotations

from dr_checks.model import Status
from dr_estate.environments import Side
from dr_estate.facts import ecs
from tests.dr_checks.worlds import DENIED, Example, service, world

ONE, TWO = "sit-tenant1-service", "sit-tenant2-service"
HERE = (ecs.services, Side.DR)

EXAMPLES = [
    Example("ecs.service-exists", Status.PASS, world({HERE: (service(ONE), service(TWO))})),
    Example("ecs.service-exists", Status.FAIL, world({HERE: (service(ONE),)}), frozenset({TWO})),
    Example("ecs.service-exists", Status.UNKNOWN, world({HERE: DENIED})),
    Example("ecs.desired-and-running", Status.PASS, world({HERE: (service(ONE, 1, 1), service(TWO))})),
    Example(
        "ecs.desired-and-running",
        Status.FAIL,
        world({HERE: (service(ONE, 1, 0), service(TWO))}),
        frozenset({ONE}),
    ),
    Example("ecs.desired-and-running", Status.UNKNOWN, world({HERE: DENIED})),
]
