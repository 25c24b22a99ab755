"""Examples of the lifecycles of buckets and their copies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import s3_settings
from dr_estate.readers.s3_settings import Lifecycle, LifecycleEffect
from tests.dr_checks.examples.s3 import COPY, PAIRS, buckets
from tests.dr_checks.worlds import DENIED, Example, world

MONTH = LifecycleEffect("old", "expires", 30, "", ())
FROZEN = LifecycleEffect("cold", "archives", 30, "", ())
FORGETS = LifecycleEffect("former", "forgets", 30, "", ())
LOGS = replace(MONTH, prefix="logs/")


def _lifecycles(side: int, first: Any) -> Any:
    """The lifecycles of a side: the first pair's endings, or what stands for them; DENIED for all."""
    if first == "denied":
        return DENIED
    return (Lifecycle(PAIRS[0][side], first), *(Lifecycle(pair[side], ()) for pair in PAIRS[1:]))


def _case(expected: Status, here: Any = (), there: Any = (), subject: str = COPY) -> Example:
    values = {
        **buckets(),
        (s3_settings.lifecycles, Side.PRIMARY): _lifecycles(0, here),
        (s3_settings.lifecycles, Side.DR): _lifecycles(1, there),
    }
    return Example("s3-lifecycle.kept-as-long", expected, world(values), frozenset({subject} if subject else ()))


EXAMPLES = [
    _case(Status.PASS),
    _case(Status.PASS, here=(MONTH,)),
    _case(Status.PASS, here=(MONTH,), there=(MONTH,)),
    _case(Status.PASS, here=(MONTH,), there=(replace(MONTH, after_days=31), FROZEN)),
    _case(Status.PASS, here=(LOGS,), there=(replace(LOGS, prefix="logs/2026/", tags=("a=b",)),)),
    _case(Status.FAIL, there=(MONTH,)),
    _case(Status.FAIL, there=(FROZEN,)),
    _case(Status.FAIL, here=(MONTH,), there=(replace(MONTH, after_days=29),)),
    _case(Status.FAIL, here=(LOGS,), there=(MONTH,)),
    _case(Status.FAIL, here=(FROZEN,), there=(MONTH,)),
    _case(Status.FAIL, here=(replace(MONTH, tags=("a=b",)),), there=(MONTH,)),
    _case(Status.PASS, here=(FORGETS,), there=(FORGETS,)),
    _case(Status.PASS, here=(FORGETS,), there=(replace(FORGETS, after_days=90),)),
    _case(Status.PASS, here=(FORGETS,)),
    _case(Status.PASS, here=(FORGETS,), there=(replace(FORGETS, versions=3),)),
    _case(Status.WARN, there=(FORGETS,)),
    _case(Status.WARN, there=(replace(FORGETS, after_days=89),)),
    _case(Status.PASS, there=(replace(FORGETS, after_days=90),)),
    _case(Status.WARN, here=(MONTH,), there=(FORGETS,)),
    _case(Status.WARN, here=(replace(FORGETS, versions=3),), there=(FORGETS,)),
    _case(Status.WARN, here=(FORGETS,), there=(replace(FORGETS, after_days=1),)),
    _case(Status.FAIL, there=(FORGETS, FROZEN)),
    _case(Status.FAIL, here=(FORGETS,), there=(MONTH,)),
    _case(Status.UNKNOWN, there=DENIED),
    _case(Status.UNKNOWN, here=DENIED),
    _case(Status.UNKNOWN, here="denied", subject=""),
    _case(Status.UNKNOWN, there="denied", subject=""),
]
