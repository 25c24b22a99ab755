"""Examples of the alarm checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import cloudwatch_alarms, elbv2
from dr_estate.readers.cloudwatch_alarms import Alarm
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.traffic import balancer
from tests.dr_checks.worlds import DENIED, SIT, Example, world

CPU, ERRORS = "sit-mysql-cpu", "sit-alb-5xx"
NAMED = frozenset({ERRORS})


def alarm(name: str, region: str, **changes: Any) -> Alarm:
    topic = f"arn:aws:sns:{region}:1:bbws-ops-critical"
    rule = "Average AWS/RDS CPUUtilization GreaterThanThreshold"
    return replace(
        Alarm(name, "OK", "", rule, 80.0, 5, "notBreaching", actions_enabled=True, actions=(topic,)), **changes
    )


def _both(here: dict[str, Any] | None = None, there: dict[str, Any] | None = None) -> Snapshot:
    """Both regions alike, but for the second alarm here, or there."""
    regions = {Side.PRIMARY: SIT.regions.primary, Side.DR: SIT.regions.dr}
    changes = {Side.PRIMARY: there, Side.DR: here}
    rows = {
        (cloudwatch_alarms.alarms, side): (alarm(CPU, region), alarm(ERRORS, region, **(changes[side] or {})))
        for side, region in regions.items()
    }
    return world(dict(rows))


def _here(value: Any) -> Snapshot:
    return world(
        {
            (cloudwatch_alarms.alarms, Side.PRIMARY): (alarm(CPU, "p"), alarm(ERRORS, "p")),
            (cloudwatch_alarms.alarms, Side.DR): value,
        }
    )


def _watching(watched: str) -> Snapshot:
    """The second alarm of the DR region watches this load balancer, where there is one of the id 1."""
    shown, name = _both({"balancer": watched}), (elbv2.load_balancer.name, Side.DR)
    there = world({(elbv2.load_balancer, Side.DR): balancer(Side.DR)}).parts[name]
    return replace(shown, parts={**shown.parts, name: there})


OWN = "app/sit-alb/1"
SCALES = (f"arn:aws:autoscaling:{SIT.regions.dr}:1:scalingPolicy:1:resource/ecs/service/c/s:policyName/out",)
FUNCTION = (f"arn:aws:lambda:{SIT.regions.dr}:1:function:tell",)
RESPONSE_PLAN = ("arn:aws:ssm-incidents::1:response-plan/outage",)
NO_TOPIC = (f"arn:aws:sns:{SIT.regions.dr}:1:nobody",)
DARK_TOPIC = (f"arn:aws:sns:{SIT.regions.primary}:1:bbws-ops-critical",)

EXAMPLES = [
    Example("alarms.exist", Status.PASS, _both()),
    Example("alarms.exist", Status.FAIL, _here((alarm(CPU, "d"),)), NAMED),
    Example("alarms.exist", Status.UNKNOWN, _here(DENIED)),
    Example("alarms.state", Status.PASS, _both()),
    Example("alarms.state", Status.PASS, _both({"state": "INSUFFICIENT_DATA"})),
    Example("alarms.state", Status.WARN, _both(there={"state": "INSUFFICIENT_DATA"}), NAMED),
    Example("alarms.state", Status.FAIL, _both({"state": "ALARM", "reason": "1 datapoint"}), NAMED),
    Example("alarms.state", Status.FAIL, _both(there={"state": "ALARM"}), NAMED),
    Example("alarms.state", Status.UNKNOWN, _both({"state": "A_NEW_WORD"}), NAMED),
    Example("alarms.state", Status.PASS, _here(())),
    Example("alarms.state", Status.UNKNOWN, _here(DENIED)),
    Example("alarms.parity", Status.PASS, _both()),
    Example("alarms.parity", Status.FAIL, _both({"threshold": 95.0}), NAMED),
    *(
        Example("alarms.parity", expected, _both({"threshold": threshold, "comparison": word}), NAMED)
        for threshold, word, expected in (
            (70.0, "GreaterThanThreshold", Status.PASS),
            (95.0, "GreaterThanThreshold", Status.FAIL),
            (95.0, "LessThanOrEqualToThreshold", Status.PASS),
            (70.0, "LessThanThreshold", Status.FAIL),
            (70.0, "GreaterThanUpperThreshold", Status.FAIL),
        )
    ),
    Example(
        "alarms.parity",
        Status.FAIL,
        _both({"threshold": 70.0, "comparison": "GreaterThanThreshold", "periods": 6}),
        NAMED,
    ),
    Example("alarms.parity", Status.FAIL, _both({"missing_data": "ignore"}), NAMED),
    Example("alarms.parity", Status.FAIL, _both({"periods": 50}), NAMED),
    Example("alarms.parity", Status.PASS, _watching(OWN)),
    Example("alarms.parity", Status.PASS, _watching("app/another/1")),
    Example("alarms.parity", Status.FAIL, _watching("app/sit-alb/of-the-primary"), NAMED),
    Example("alarms.parity", Status.NOT_APPLICABLE, _here(())),
    Example("alarms.parity", Status.UNKNOWN, _here(DENIED)),
    Example("alarms.actions", Status.PASS, _both()),
    Example("alarms.actions", Status.FAIL, _both({"actions_enabled": False}), NAMED),
    Example("alarms.actions", Status.FAIL, _both({"actions": ()}), NAMED),
    Example("alarms.actions", Status.FAIL, _both({"actions": DARK_TOPIC}), NAMED),
    Example("alarms.actions", Status.FAIL, _both({"actions": NO_TOPIC, "lost_topics": NO_TOPIC}), NAMED),
    Example("alarms.actions", Status.FAIL, _both(there={"actions": NO_TOPIC, "lost_topics": NO_TOPIC}), NAMED),
    Example("alarms.actions", Status.FAIL, _both(there={"actions_enabled": False}), NAMED),
    Example("alarms.actions", Status.FAIL, _both(there={"actions": ()}), NAMED),
    Example("alarms.actions", Status.PASS, _both(there={"actions": DARK_TOPIC}), NAMED),
    Example("alarms.actions", Status.PASS, _both({"actions": RESPONSE_PLAN}), NAMED),
    Example("alarms.actions", Status.WARN, _both({"actions": SCALES}), NAMED),
    Example("alarms.actions", Status.WARN, _both({"actions": FUNCTION}), NAMED),
    Example("alarms.actions", Status.WARN, _both(there={"actions": SCALES}), NAMED),
    Example("alarms.actions", Status.FAIL, _both({"actions": (*SCALES, *DARK_TOPIC)}), NAMED),
    Example("alarms.actions", Status.PASS, _here(())),
    Example("alarms.actions", Status.UNKNOWN, _here(DENIED)),
]
