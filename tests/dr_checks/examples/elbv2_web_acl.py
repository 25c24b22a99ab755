"""Examples of the web ACL in front of the load balancer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import GuardedBalancer, WebAcl
from tests.dr_checks.worlds import DENIED, Example, Values, world

ACL = WebAcl("edge", "Allow", ("bots: Block",))
BLOCKS = replace(ACL, default="Block")
NONE = GuardedBalancer("sit-alb", None)
NAMED = frozenset({"sit-alb"})
HEALTHY_PARTS: Values = {(elbv2.guarded, side): NONE for side in (Side.PRIMARY, Side.DR)}


def _given(expected: Status, here: Any, there: Any = ACL, check: str = "alike") -> Example:
    def guarded(value: Any) -> Any:
        return GuardedBalancer("sit-alb", value) if isinstance(value, WebAcl) else value

    parts = {
        (elbv2.guarded, Side.DR): guarded(here),
        (elbv2.guarded, Side.PRIMARY): guarded(there),
    }
    subjects = NAMED if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    return Example(f"elbv2-web-acl.{check}", expected, world(parts), subjects)


def _admitted(expected: Status, here: Any, there: Any = ACL) -> Example:
    return _given(expected, here, there, "admits")


EXAMPLES = [
    _given(Status.PASS, WebAcl("edge-dr", "Allow", ("bots: Block",))),
    _given(Status.FAIL, NONE),
    _given(Status.FAIL, WebAcl("edge", "Block", ("bots: Block",))),
    _given(Status.FAIL, WebAcl("edge", "Allow", ())),
    _given(Status.FAIL, ACL, NONE),
    _given(Status.PASS, replace(ACL, statements=("bots",)), replace(ACL, statements=("bots",))),
    _given(Status.FAIL, replace(ACL, statements=("bots",)), replace(ACL, statements=("crawlers",))),
    _admitted(Status.PASS, ACL),
    _admitted(Status.FAIL, BLOCKS),
    _admitted(Status.FAIL, BLOCKS, NONE),
    _admitted(Status.FAIL, BLOCKS, DENIED),
    _admitted(Status.PASS, BLOCKS, BLOCKS),
    _admitted(Status.PASS, replace(BLOCKS, admits=True)),
    _admitted(Status.FAIL, replace(ACL, blocking="bots")),
    _admitted(Status.PASS, replace(ACL, blocking="bots"), replace(ACL, blocking="bots")),
    _admitted(Status.UNKNOWN, DENIED),
    _admitted(Status.NOT_APPLICABLE, NONE),
    _given(Status.UNKNOWN, DENIED),
    _given(Status.NOT_APPLICABLE, NONE, NONE),
    _given(Status.NOT_APPLICABLE, None),
]
