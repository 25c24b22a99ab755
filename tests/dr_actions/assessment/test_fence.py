"""When one region is stopped from writing, and when it is let go: never the side with visitors, never two writers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.assessment.failback import failback_advice
from dr_actions.assessment.failover import Advice
from dr_actions.assessment.fence import fence_gates
from dr_actions.model.action import PlanContext
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal
from dr_actions.planning.planner import make_plan
from dr_checks.posture.posture import Posture, PostureName
from dr_checks.posture.signals import signals_of
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from tests.dr_actions.plain import FIRST, LAST, SIT, recorded, sight
from tests.dr_checks.worlds import DENIED
from tests.golden.varying import with_part

HEALTHY = recorded("healthy")
SPLIT = Posture(PostureName.SPLIT, "two write.", to_fence=Side.DR)


def _gates(context: PlanContext, posture: Posture = SPLIT) -> dict[str, Gate]:
    plan = make_plan(context, posture.name)
    return {g.id: g for g in fence_gates((), plan, posture, signals_of(HEALTHY, SIT), context)}


def _fence(side: Side) -> PlanContext:
    return sight(goal=Goal.FENCE, fence=side)


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_the_side_without_visitors_is_stopped_and_everything_is_named(side: Side) -> None:
    gates = _gates(_fence(side), replace(SPLIT, to_fence=side))
    assert failback_advice(tuple(gates.values()))[0] is Advice.PROCEED
    assert gates["plan.fence"].says.startswith(f"{SIT.region(side)}: fence scaling: {FIRST}, {LAST}; fence services: ")
    other = _gates(_fence(Side.DR if side is Side.PRIMARY else Side.PRIMARY), replace(SPLIT, to_fence=side))
    assert (other["fence.side"].met, other["fence.side"].stops) == (False, True)
    assert f"fence --side {side}`" in other["fence.side"].says


def test_nothing_is_fenced_in_a_normal_estate_or_with_unknown_visitors() -> None:
    assert not _gates(_fence(Side.DR), Posture(PostureName.NORMAL, "well."))["posture.fence"].met
    assert not _gates(_fence(Side.DR), replace(SPLIT, to_fence=None))["fence.side"].met


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_each_fence_step_is_in_its_region_and_freezes_the_primary_database(side: Side) -> None:
    plan = make_plan(_fence(side), "SPLIT")
    steps = [step for step in plan.steps if not step.action.startswith("notifications/")]
    assert {step.planned_call.region for step in steps} == {SIT.region(side)}
    actions = [step.action for step in steps]
    assert actions == sorted(actions, key=["compute/fence_scaling", "compute/fence_services", "database/freeze"].index)
    assert ("database/freeze" in actions) == (side is Side.PRIMARY), "the DR region has no database of its own"


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_a_release_puts_back_what_the_fence_recorded(side: Side) -> None:
    fenced = {step.id: step.before for step in make_plan(_fence(side), "SPLIT").steps}
    context = sight(goal=Goal.RELEASE, fence=side, recorded=fenced)
    calls = [step.planned_call for step in make_plan(context, "NORMAL").steps if step.action.startswith("compute/")]
    counts = [call.params["desiredCount"] for call in calls if call.operation == "UpdateService"]
    bounds = [call.params["MinCapacity"] for call in calls if call.operation == "RegisterScalableTarget"]
    assert counts == [2, 2] if side is Side.PRIMARY else [1, 1]
    assert bounds == [2, 2] if side is Side.PRIMARY else [1, 1]
    assert _gates(context)["release.one-writer"].met
    other = replace(context, fence=Side.DR if side is Side.PRIMARY else Side.PRIMARY)
    assert not _gates(other)["plan.fence"].met, "nothing of that side was fenced"


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_a_release_waits_until_the_databases_of_both_regions_are_seen(side: Side) -> None:
    context = sight(goal=Goal.RELEASE, fence=Side.PRIMARY)
    unseen = replace(context, snapshot=with_part(context.snapshot, (rds.instances.name, side), DENIED))
    gate = _gates(unseen)["release.one-writer"]
    assert (gate.met, gate.stops, gate.says) == (False, True, DENIED.why)
