"""Examples of how soon targets that answer are served."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.traffic import group
from tests.dr_checks.worlds import DENIED, Example, world

CHECK, GROUPS, NAMED = "elbv2-recovery.soon-healthy", (elbv2.target_groups, Side.DR), frozenset({"sit-tenant1-tg"})


def _checked(**settings: Any) -> Snapshot:
    return world({GROUPS: (group(Side.DR, "tenant1", **settings),)})


EXAMPLES = [
    Example(CHECK, Status.PASS, _checked(), NAMED),
    Example(CHECK, Status.PASS, _checked(check_interval_s=180, healthy_after=8), NAMED),
    Example(CHECK, Status.PASS, _checked(check_interval_s=0, healthy_after=0), NAMED),
    Example(CHECK, Status.WARN, _checked(check_interval_s=181, healthy_after=8), NAMED),
    Example(CHECK, Status.WARN, _checked(check_interval_s=300, check_timeout_s=120, healthy_after=10), NAMED),
    Example(CHECK, Status.NOT_APPLICABLE, world({GROUPS: ()})),
    Example(CHECK, Status.UNKNOWN, world({GROUPS: DENIED})),
]
