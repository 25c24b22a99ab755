"""What every action answers where it cannot see, and where the world is another."""

from __future__ import annotations

from dr_actions.model.action import Action, Drifted, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_actions.planning.planner import context_of
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from tests.dr_actions.deciding import SIT, step
from tests.dr_checks.worlds import world


def _unseen(_step: Step, _context: PlanContext) -> StepStatus:
    raise DataUnavailable(Unavailable(UnavailableKind.DENIED, "it is denied"))


def _changed(_step: Step, _context: PlanContext) -> StepStatus:
    raise Drifted("the service is gone.")


def test_an_action_says_that_it_cannot_see_and_that_the_world_changed() -> None:
    context = context_of(SIT, world({}), Goal.FAILOVER)
    unseen, changed = (
        Action("compute/scale_dr_services", "", set(), (), lambda _: iter(()), observe)
        for observe in (_unseen, _changed)
    )
    expected = StepStatus(StepState.UNAVAILABLE, "tenant1 could not be seen: it is denied")
    assert expected == unseen.observe(step("tenant1"), context)
    assert StepStatus(StepState.DRIFTED, "the service is gone.") == changed.observe(step("tenant1"), context)
