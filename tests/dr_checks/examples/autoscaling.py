"""Examples of the auto scaling checks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling, ecs, rds
from dr_estate.readers.application_autoscaling import ScalableTarget, ScalingPolicy, ScheduledAction
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE, TWO, both_services
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.worlds import DENIED, SIT, WARM, Example, world

ALWAYS_ON = SIT.model_copy(update={"scaling_schedule": None})
SECOND = frozenset({TWO})


def target(service: str, **changes: Any) -> ScalableTarget:
    base = ScalableTarget(service, 1, 4, out_suspended=False, in_suspended=False, schedule_suspended=False)
    return replace(base, **changes)


ALIKE = (target(ONE), target(TWO))


CPU, REQUESTS = "ECSServiceAverageCPUUtilization at 60", "ALBRequestCountPerTarget at 500"
POLICIES = (ScalingPolicy(ONE, "cpu", CPU), ScalingPolicy(TWO, "cpu", CPU))


def _here(
    here: Any,
    there: Any = None,
    actions: Any = (),
    rules: Any = POLICIES,
    rules_there: Any = POLICIES,
    database: Any = (),
) -> Snapshot:
    return world(
        {
            (ecs.services, Side.DR): both_services(),
            (application_autoscaling.targets, Side.PRIMARY): ALIKE if there is None else there,
            (application_autoscaling.targets, Side.DR): here,
            (application_autoscaling.scheduled_actions, Side.DR): actions,
            (application_autoscaling.policies, Side.PRIMARY): rules_there,
            (application_autoscaling.policies, Side.DR): rules,
            (rds.instances, Side.DR): database,
        }
    )


NIGHT = ScheduledAction(TWO, "night", "cron(0 19 * * ? *)", 0, 0)
MORNING = ScheduledAction(TWO, "morning", "cron(0 7 * * ? *)", 2, 4)
UNSCHEDULED = target(TWO, schedule_suspended=True)
FEWER = replace(NIGHT, minimum=1, maximum=1)
MINIMUM_ALONE = replace(MORNING, maximum=None)

_ALIKE = "autoscaling.policies-alike"


def _pausing(name: str, seconds: int, target_value: int = 60) -> ScalingPolicy:
    """A policy that tracks a metric of AWS's own, and pauses for so long after it has added tasks."""
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    tracking = json.dumps({**metric, "TargetValue": target_value, "ScaleOutCooldown": seconds})
    return ScalingPolicy(name, "cpu", f"CPU at {target_value}, ScaleOutCooldown {seconds} s", tracking)


def _paused(seconds: int, **changes: int) -> Snapshot:
    """The first service pauses for five minutes in the primary region, here for so long."""
    there = (_pausing(ONE, 300),)
    return _here(ALIKE[:1], rules=(_pausing(ONE, seconds, **changes),), rules_there=there)


EXAMPLES = [
    Example(_ALIKE, Status.PASS, _here(ALIKE)),
    Example(_ALIKE, Status.PASS, _here(ALIKE, rules=(replace(POLICIES[0], name="x"), POLICIES[1]))),
    Example(_ALIKE, Status.PASS, _here(ALIKE, rules=(*POLICIES, ScalingPolicy(TWO, "requests", REQUESTS)))),
    Example(_ALIKE, Status.PASS, _here(ALIKE[:1], rules=POLICIES[:1])),
    Example(_ALIKE, Status.NOT_APPLICABLE, _here(ALIKE, rules=(), rules_there=()), frozenset({"all services"})),
    Example(_ALIKE, Status.FAIL, _here(ALIKE, rules=POLICIES[:1]), SECOND),
    Example(_ALIKE, Status.FAIL, _here(ALIKE, rules=(POLICIES[0], ScalingPolicy(TWO, "cpu", REQUESTS))), SECOND),
    Example(_ALIKE, Status.UNKNOWN, _here(ALIKE, rules_there=DENIED)),
    Example(_ALIKE, Status.PASS, _paused(30)),
    Example(_ALIKE, Status.FAIL, _paused(301)),
    Example(_ALIKE, Status.FAIL, _paused(30, target_value=90)),
    Example(_ALIKE, Status.UNKNOWN, _here(ALIKE, rules=DENIED)),
    Example("autoscaling.targets-exist", Status.PASS, _here(ALIKE)),
    Example("autoscaling.targets-exist", Status.NOT_APPLICABLE, _here((), there=())),
    Example("autoscaling.targets-exist", Status.FAIL, _here(ALIKE[:1]), SECOND),
    Example("autoscaling.targets-exist", Status.UNKNOWN, _here(ALIKE, there=DENIED)),
    Example("autoscaling.bounds", Status.WARN, _here((target(ONE, maximum=2), target(TWO))), env=WARM),
    Example("autoscaling.bounds", Status.PASS, _here((target(ONE, maximum=9), target(TWO))), env=WARM),
    Example("autoscaling.bounds", Status.PASS, _here((target(ONE, maximum=2), target(TWO)), there=DENIED), env=WARM),
    Example("autoscaling.bounds", Status.FAIL, _here((target(ONE), target(TWO, maximum=1))), SECOND, env=WARM),
    Example("autoscaling.bounds", Status.PASS, _here((target(ONE, minimum=0), target(TWO, minimum=0)))),
    Example("autoscaling.bounds", Status.FAIL, _here((target(ONE, minimum=0), target(TWO)), database=()), SECOND),
    Example("autoscaling.bounds", Status.PASS, _here(ALIKE, database=(PRIMARY,))),
    Example("autoscaling.bounds", Status.UNKNOWN, _here(ALIKE, database=DENIED)),
    Example("autoscaling.bounds", Status.NOT_APPLICABLE, _here(())),
    Example("autoscaling.bounds", Status.UNKNOWN, _here(DENIED)),
    Example("autoscaling.not-suspended", Status.PASS, _here((target(ONE), target(TWO, in_suspended=True)))),
    Example("autoscaling.not-suspended", Status.FAIL, _here((target(ONE), target(TWO, out_suspended=True))), SECOND),
    *(
        Example("autoscaling.not-suspended", expected, _here((target(ONE), UNSCHEDULED), there), SECOND)
        for there, expected in (
            (None, Status.WARN),
            ((target(ONE), UNSCHEDULED), Status.PASS),
            ((target(ONE),), Status.PASS),
            (DENIED, Status.PASS),
        )
    ),
    Example("autoscaling.not-suspended", Status.NOT_APPLICABLE, _here(())),
    Example("autoscaling.not-suspended", Status.UNKNOWN, _here(DENIED)),
    Example("autoscaling.no-scheduled-shrink", Status.PASS, _here(ALIKE, actions=(MORNING,)), env=ALWAYS_ON),
    Example("autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(NIGHT,)), SECOND, env=ALWAYS_ON),
    Example("autoscaling.no-scheduled-shrink", Status.PASS, _here(ALIKE, actions=(NIGHT, MORNING))),
    Example("autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(NIGHT,)), SECOND),
    Example(
        "autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(NIGHT, MORNING)), SECOND, env=ALWAYS_ON
    ),
    Example("autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(NIGHT, MINIMUM_ALONE)), SECOND),
    Example("autoscaling.no-scheduled-shrink", Status.FAIL, _here(ALIKE, actions=(FEWER,)), SECOND),
    Example("autoscaling.no-scheduled-shrink", Status.UNKNOWN, _here(ALIKE, actions=DENIED), env=ALWAYS_ON),
]
