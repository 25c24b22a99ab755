"""Examples of the auto scaling checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.model import Status
from dr_estate.environments import Side
from dr_estate.facts import autoscaling, ecs
from dr_estate.facts.autoscaling import ScheduledAction, Target
from dr_estate.snapshot import Snapshot
from tests.dr_checks.compute import ONE, TWO, both_services
from tests.dr_checks.worlds import DENIED, SIT, Example, world

ALWAYS_ON = SIT.model_copy(update={"scaling_schedule": None})
SECOND = frozenset({TWO})


def target(service: str, **changes: Any) -> Target:
    base = Target(service, 1, 4, out_suspended=False, in_suspended=False, schedule_suspended=False)
    return replace(base, **changes)


ALIKE = (target(ONE), target(TWO))


def _here(here: Any, there: Any = None, actions: Any = ()) -> Snapshot:
    return world(
        {
            (ecs.services, Side.DR): both_services(),
            (autoscaling.targets, Side.PRIMARY): ALIKE if there is None else there,
            (autoscaling.targets, Side.DR): here,
            (autoscaling.scheduled_actions, Side.DR): actions,
        }
    )


NIGHT = ScheduledAction(TWO, "night", "cron(0 19 * * ? *)", 0, 0)
MORNING = ScheduledAction(TWO, "morning", "cron(0 7 * * ? *)", 2, 4)

EXAMPLES = [
    Example("autoscaling.targets-exist", Status.PASS, _here(ALIKE)),
    Example("autoscaling.targets-exist", Status.PASS, _here((), there=())),
    Example("autoscaling.targets-exist", Status.FAIL, _here(ALIKE[:1]), SECOND),
    Example("autoscaling.targets-exist", Status.UNKNOWN, _here(ALIKE, there=DENIED)),
    Example("autoscaling.bounds", Status.PASS, _here((target(ONE, maximum=2), target(TWO)))),
    Example("autoscaling.bounds", Status.FAIL, _here((target(ONE), target(TWO, maximum=1))), SECOND),
    Example("autoscaling.bounds", Status.PASS, _here(())),
    Example("autoscaling.bounds", Status.UNKNOWN, _here(DENIED)),
    Example("autoscaling.not-suspended", Status.PASS, _here((target(ONE), target(TWO, in_suspended=True)))),
    Example("autoscaling.not-suspended", Status.FAIL, _here((target(ONE), target(TWO, out_suspended=True))), SECOND),
    Example("autoscaling.not-suspended", Status.PASS, _here(())),
    Example("autoscaling.not-suspended", Status.UNKNOWN, _here(DENIED)),
    Example("autoscaling.no-scheduled-shrink", Status.PASS, _here(ALIKE, actions=(MORNING,)), env=ALWAYS_ON),
    Example("autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(NIGHT,)), SECOND, env=ALWAYS_ON),
    Example("autoscaling.no-scheduled-shrink", Status.PASS, _here(ALIKE, actions=(NIGHT, MORNING))),
    Example("autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(NIGHT,)), SECOND),
    Example(
        "autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(NIGHT, MORNING)), SECOND, env=ALWAYS_ON
    ),
    Example("autoscaling.no-scheduled-shrink", Status.UNKNOWN, _here(ALIKE, actions=DENIED), env=ALWAYS_ON),
]
