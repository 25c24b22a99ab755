"""What journals and reports hold of enumerations: a record written before must be read the same."""

from __future__ import annotations

from enum import StrEnum

import pytest

from dr_actions.assessment.failover import Advice
from dr_actions.model.action import StepState
from dr_actions.model.plan import Danger, Goal
from dr_actions.model.sequence import Role


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (StepState, "ready, waiting, done, changed, failed, unseen"),
        (Goal, "failover, switchover, failback, restore test, canary, clean-up, fence, release, abort of a failback"),
        (Danger, "reversible, compensable, irreversible"),
        (Advice, "PROCEED, RISKY, DO_NOT_FAILOVER, WAIT"),
        (
            Role,
            "notify, notify at the end, announce a change by hand, wait for the primary, freeze, freeze the files, "
            "a refused write is seen, backup, rename, zero loss, database, services, traffic, fence, "
            "close the old database",
        ),
    ],
)
def test_the_values_are_as_they_were_written(kind: type[StrEnum], values: str) -> None:
    assert values == ", ".join(kind)
