"""Examples of today's load against what a failover starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling, ecs
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE, TWO, both_services, definitions
from tests.dr_checks.examples.autoscaling import target
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

CHECK, SECOND = "load.carried", frozenset({TWO})


def _running(tasks: int, maximum: int = 4, larger: bool = False, here: Any = None, there: Any = None) -> Snapshot:
    """The second tenant runs ``tasks`` tasks in the primary region, of twice the size where they are ``larger``."""
    home = definitions(SIT.regions.primary)
    home = (home[0], replace(home[1], cpu=home[1].cpu * (1 + larger)))
    pinned = replace(service(TWO, tasks, tasks), task_definition=home[1].arn)
    values = {
        (ecs.services, Side.PRIMARY): (replace(service(ONE), task_definition=home[0].arn), pinned),
        (ecs.services, Side.DR): both_services() if here is None else here,
        (ecs.task_definitions, Side.PRIMARY): home if there is None else there,
        (ecs.task_definitions, Side.DR): definitions(SIT.regions.dr),
        (application_autoscaling.targets, Side.DR): (target(ONE), target(TWO, maximum=maximum)),
    }
    return world(dict(values))


EXAMPLES = [
    Example(CHECK, Status.PASS, _running(2), SECOND),
    Example(CHECK, Status.PASS, _running(0)),
    Example(CHECK, Status.WARN, _running(3), SECOND),
    Example(CHECK, Status.WARN, _running(4), SECOND),
    Example(CHECK, Status.WARN, _running(2, larger=True), SECOND),
    Example(CHECK, Status.FAIL, _running(5), SECOND),
    Example(CHECK, Status.FAIL, _running(3, maximum=2), SECOND),
    Example(CHECK, Status.FAIL, _running(3, larger=True), SECOND),
    Example(CHECK, Status.UNKNOWN, _running(2, there=(DENIED,)), SECOND),
    Example(CHECK, Status.UNKNOWN, _running(2, here=DENIED)),
]
