"""The postures in which a plan of each goal may make a change. Pure."""

from __future__ import annotations

from dr_actions.model.plan import Goal
from dr_checks.posture.posture import PostureName

# A run under way does not stop because the primary's tasks cannot be counted at this moment.
_PRIMARY_ANSWERS = (PostureName.NORMAL, PostureName.DEGRADED, PostureName.PRIMARY_UNSEEN)
EXPECTED = {
    Goal.FAILOVER: (PostureName.PRIMARY_LOST, PostureName.ON_DR),
    Goal.SWITCHOVER: (*_PRIMARY_ANSWERS, PostureName.ON_DR),
    Goal.FAILBACK: (*_PRIMARY_ANSWERS, PostureName.ON_DR, PostureName.SPLIT, PostureName.RETURNING),
    Goal.RESTORE_TEST: _PRIMARY_ANSWERS,
    Goal.CANARY: _PRIMARY_ANSWERS,
}
