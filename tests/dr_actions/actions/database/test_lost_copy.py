"""Writes are not frozen for a copy in the primary region that no longer follows the DR region's database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.database import failback, freeze
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from tests.dr_actions.actions.database.test_failback import BROKEN, CAME_HOME, COPY, FROZEN_GROUP, SERVED, sight
from tests.dr_actions.plain import with_part
from tests.dr_checks.worlds import DENIED, NOW

COPIED = {"database/replicate_to_primary:sit-mysql": NOW}


def seen(*home: rds.Instance, **changes: Any) -> PlanContext:
    return replace(sight(instances_primary=home), **{"confirmed_at": COPIED, **changes})


def freezing(context: PlanContext) -> StepStatus:
    (step,) = freeze.FREEZE.plan_steps(sight())
    return freeze.FREEZE.observe(step, context)


def test_while_the_copy_follows_the_dr_region_is_frozen() -> None:
    assert StepState.READY is freezing(seen(COPY)).state


@pytest.mark.parametrize(
    ("home", "how"),
    [
        ((CAME_HOME,), "sit-mysql of af-south-1 was promoted, and not by this run: it follows sit-mysql of eu-west-1"),
        ((), "sit-mysql of af-south-1 is gone: it follows sit-mysql of eu-west-1 no more"),
        ((BROKEN,), "sit-mysql of af-south-1 does not replicate (error): Replication is not running."),
    ],
    ids=["promoted", "gone", "broken"],
)
def test_of_a_copy_that_somebody_took_away_the_run_stops_before_the_freeze(
    home: tuple[rds.Instance, ...], how: str
) -> None:
    status = freezing(seen(*home))
    assert (StepState.DRIFTED, True) == (status.state, status.message.startswith(how)), status.message
    assert status.message.endswith("Nobody is kept from writing for that.")


def test_home_that_is_not_seen_is_waited_for() -> None:
    hidden = seen(COPY)
    hidden = replace(hidden, snapshot=with_part(hidden.snapshot, rds.instances, Side.PRIMARY, DENIED))
    assert StepState.UNAVAILABLE is freezing(hidden).state


def test_what_this_run_promotes_or_never_made_is_not_lost() -> None:
    promotes = {f"{failback.PROMOTION}:sit-mysql": NOW}
    assert "" == failback.lost_copy(seen(CAME_HOME, begun_sending_at=promotes), SERVED)
    assert "" == failback.lost_copy(seen(CAME_HOME, confirmed_at={}), SERVED)


def test_a_database_that_is_frozen_already_stays_so() -> None:
    context = replace(sight(instances_primary=(CAME_HOME,), parameter_groups_dr=(FROZEN_GROUP,)), confirmed_at=COPIED)
    assert StepState.DONE is freezing(context).state
