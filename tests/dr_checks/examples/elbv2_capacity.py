"""Examples of the load balancers' reserved capacity."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import Reservation
from tests.dr_checks.worlds import DENIED, Example, world

NOTHING, WARM = Reservation(0, ()), Reservation(500, ("provisioned",))


def _case(expected: Status, here: Any, there: Any) -> Example:
    reader = elbv2.reservation
    seen = world({(reader, Side.PRIMARY): here, (reader, Side.DR): there})
    named = frozenset({"sit-alb"} if DENIED not in (here, there) else ())
    return Example("elbv2-capacity.reserved-alike", expected, seen, named)


EXAMPLES = [
    _case(Status.NOT_APPLICABLE, NOTHING, NOTHING),
    _case(Status.NOT_APPLICABLE, NOTHING, WARM),
    _case(Status.NOT_APPLICABLE, WARM, None),
    _case(Status.PASS, WARM, Reservation(400, ("provisioned",))),
    _case(Status.FAIL, WARM, Reservation(399, ("provisioned",))),
    _case(Status.FAIL, WARM, NOTHING),
    _case(Status.FAIL, WARM, Reservation(500, ("pending", "provisioned"))),
    _case(Status.UNKNOWN, WARM, Reservation(500, ("provisioned", "reflecting"))),
    _case(Status.FAIL, WARM, Reservation(300, ("reflecting",))),
    _case(Status.UNKNOWN, WARM, DENIED),
    _case(Status.UNKNOWN, DENIED, WARM),
]
