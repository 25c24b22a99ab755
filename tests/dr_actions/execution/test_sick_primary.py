"""No step of a failover waits for the primary region: what needs it is tried for a while, and something stands in."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dr_actions.actions.registry import actions
from dr_actions.execution import sick_primary
from dr_actions.execution.run import PlanRun
from dr_actions.model.plan import Goal, Plan, Step
from dr_actions.model.sequence import NOTIFYING, Role, role_of
from dr_actions.planning.planner import make_plan
from dr_estate.config.environment import Environment, Side
from dr_estate.model.playbook import Plane
from tests.dr_actions.control_tables import Clock
from tests.dr_actions.deciding import NOW
from tests.dr_actions.plain import SIT, dark, recorded, sight

BY_HAND = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"dns_step": "manual"})})
STANDS_IN = {
    "compute/fence_scaling": "database/close_primary",
    "compute/fence_services": "database/close_primary",
    "database/close_primary": "the gate fence.primary",
    "files/restore_dr": "files/open_dr_locally",
    "notifications/start": "the message to the DR region",
    "notifications/end": "the message to the DR region",
}
"""What stands in for a step that the primary region does not take part in, by its action."""


def _plan(env: Environment = SIT, goal: Goal = Goal.FAILOVER) -> Plan:
    return make_plan(sight(env=env, goal=goal), "IMPAIRED")


def _step(action: str, plan: Plan) -> Step:
    return next(step for step in plan.steps if step.action == action)


class _Bound:
    """As much of a run as a limit is reckoned by, at a clock that a test moves."""

    def __init__(self, plan: Plan) -> None:
        self.env, self.plan, self.clock, self.fence_began_s = SIT, plan, Clock(NOW), cast("float | None", None)

    def limit_s(self, action: str, age_s: float = 0.0) -> float:
        return sick_primary.limit_s(cast("PlanRun", cast("Any", self)), _step(action, self.plan), age_s)


@pytest.mark.parametrize("env", [SIT, BY_HAND], ids=["automatic", "by hand"])
def test_whatever_is_asked_of_the_primary_region_says_so_by_its_planes(env: Environment) -> None:
    plan = _plan(env)
    asking = {
        s.action for s in plan.steps if s.side is Side.PRIMARY or (s.call and s.call.region == env.regions.primary)
    }
    assert asking
    assert asking <= {step.action for step in plan.steps if Plane.PRIMARY in step.planes}


@pytest.mark.parametrize("env", [SIT, BY_HAND], ids=["automatic", "by hand"])
def test_what_needs_the_primary_region_is_bounded_and_has_a_substitute(env: Environment) -> None:
    plan = _plan(env)
    needing = {step.action for step in plan.steps if sick_primary.is_tried(plan, step)}
    assert needing - {"notifications/manual_step"} == set(STANDS_IN)
    present = {step.action for step in plan.steps}
    assert {name for name in STANDS_IN.values() if name in actions()} <= present
    assert not any(s.manual for s in plan.steps if Plane.PRIMARY in s.planes), "a person would be waited for"
    bound = _Bound(plan)
    longest = max(bound.limit_s(action) for action in needing)
    assert longest <= env.execution.primary_minutes * 60


def test_no_other_steps_look_asks_the_primary_region() -> None:
    plan = _plan()
    for step in plan.steps:
        asks = Side.PRIMARY in sick_primary.sides_of(plan, step.action)
        assert asks is (step.action in STANDS_IN), step.id


def test_a_dark_primary_is_asked_for_nothing() -> None:
    silent = sight(dark(recorded("healthy"), Side.PRIMARY), primary_answers=False)
    plan = make_plan(silent, "PRIMARY_LOST")
    assert [step.id for step in plan.steps if Plane.PRIMARY in step.planes] == []


def test_steps_of_a_switchover_have_their_whole_time() -> None:
    plan = _plan(goal=Goal.SWITCHOVER)
    assert not any(sick_primary.is_tried(plan, step) for step in plan.steps)
    assert all(Side.PRIMARY in sick_primary.sides_of(plan, step.action) for step in plan.steps)


def test_the_steps_of_the_fence_share_their_time() -> None:
    bound = _Bound(_plan())
    assert bound.limit_s("compute/fence_scaling") == 60
    bound.clock.move(seconds=100)
    assert bound.limit_s("compute/fence_services") == 80
    assert bound.limit_s("compute/fence_services", age_s=40) == 120, "begun forty seconds ago"
    assert bound.limit_s("database/close_primary") == 180, "what stands in for it has as long again"
    assert bound.limit_s("database/restore_dr") == _step("database/restore_dr", bound.plan).budget_s


def test_messages_to_a_sick_region_are_among_what_is_tried() -> None:
    plan = _plan()
    messages = [step for step in plan.steps if role_of(plan.goal, step.id) in NOTIFYING]
    assert {step.side for step in messages if sick_primary.is_tried(plan, step)} == {Side.PRIMARY}
    assert Role.FENCE in {role_of(plan.goal, step.id) for step in plan.steps}
