"""Examples of the attributes of target groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import GroupAttributes
from tests.dr_checks.worlds import DENIED, Example, Values, world

_CHECK, _READER = "elbv2-attributes.alike", elbv2.group_attributes
VALUES = (
    ("load_balancing.algorithm.type", "round_robin"),
    ("stickiness.enabled", "false"),
    ("stickiness.type", "lb_cookie"),
)
ONE, TWO = (GroupAttributes(f"sit-tenant{n}-tg", f"arn:group/{n}", VALUES) for n in (1, 2))
HEALTHY_PARTS: Values = {(_READER, side): (ONE, TWO) for side in (Side.PRIMARY, Side.DR)}


def _changed(**values: str) -> GroupAttributes:
    changed = {key.replace("__", "."): value for key, value in values.items()}
    return replace(TWO, values=tuple(sorted((dict(VALUES) | changed).items())))


def _case(expected: Status, here: Any, there: Any = (ONE, TWO), subject: str = TWO.name) -> Example:
    seen = world({(_READER, Side.PRIMARY): there, (_READER, Side.DR): here})
    return Example(_CHECK, expected, seen, frozenset({subject} if subject else ()))


_DELAY = "deregistration_delay__timeout_seconds"
STICKY = _changed(stickiness__enabled="true")
EXAMPLES = [
    _case(Status.PASS, (ONE, TWO)),
    _case(Status.PASS, (ONE, _changed(stickiness__type="app_cookie"))),
    _case(Status.PASS, (ONE, _changed(slow_start__duration_seconds="0"))),
    _case(Status.FAIL, (ONE, STICKY)),
    _case(Status.PASS, (ONE, _changed(target_group_health__dns_failover__minimum_healthy_targets__count="1"))),
    _case(Status.FAIL, (ONE, _changed(target_group_health__dns_failover__minimum_healthy_targets__count="5"))),
    _case(Status.FAIL, (ONE, TWO), (ONE, STICKY)),
    _case(Status.FAIL, (ONE, replace(STICKY, values=STICKY.values[:-1])), (ONE, STICKY)),
    _case(Status.FAIL, (ONE, _changed(load_balancing__algorithm__type="weighted_random"))),
    *(
        _case(expected, (ONE, _changed(**{_DELAY: here})), (ONE, _changed(**{_DELAY: "300"})))
        for here, expected in (("30", Status.PASS), ("0", Status.FAIL), ("3600", Status.FAIL), ("", Status.FAIL))
    ),
    _case(Status.NOT_APPLICABLE, (ONE,), (TWO,), "all target groups"),
    _case(Status.UNKNOWN, (ONE, DENIED), subject="a target group"),
    _case(Status.UNKNOWN, (DENIED,), subject="a target group"),
    _case(Status.UNKNOWN, DENIED, subject=""),
]
