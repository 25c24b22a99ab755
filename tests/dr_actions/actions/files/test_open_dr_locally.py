"""The replica is opened in the DR region alone, where the sick primary does not do its half of a deletion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_actions.actions.files import restore
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Danger, Goal
from dr_estate.config.environment import Side
from dr_estate.readers import efs
from tests.dr_actions.actions.estates import only
from tests.dr_actions.plain import SIT, dark, recorded, sight, with_part

ACTION, HEALTHY = restore.OPEN_DR_LOCALLY, recorded("healthy")
STEP = only(ACTION, sight())


def _replicating(**changed: Any) -> PlanContext:
    rows = tuple(replace(row, **changed) for row in HEALTHY.get(efs.replications, Side.DR))
    return sight(with_part(HEALTHY, efs.replications, Side.DR, rows))


def test_only_the_local_half_is_deleted_and_only_if_both_were_asked_for() -> None:
    assert STEP.call is not None
    assert (STEP.call.region, STEP.call.params["DeletionMode"]) == (SIT.regions.dr, "LOCAL_CONFIGURATION_ONLY")
    assert STEP.danger is Danger.IRREVERSIBLE
    assert refusal(STEP.call, GuardContext(SIT, ACTION.writes)) is None
    silent = sight(dark(HEALTHY, Side.PRIMARY), primary_answers=False)
    assert list(ACTION.plan_steps(silent)) == []
    assert list(ACTION.plan_steps(sight(goal=Goal.SWITCHOVER))) == []


def test_it_is_sent_while_anything_replicates_into_it_even_during_deletion() -> None:
    assert ACTION.observe(STEP, sight()).state is StepState.READY
    stuck = _replicating(status="DELETING")
    assert ACTION.observe(STEP, stuck).state is StepState.READY
    sent = replace(stuck, sent_at={STEP.id: HEALTHY.taken_at})
    assert ACTION.observe(STEP, sent).state is StepState.IN_PROGRESS


def test_nothing_is_sent_once_both_halves_are_gone() -> None:
    assert ACTION.observe(STEP, sight(with_part(HEALTHY, efs.replications, Side.DR, ()))).state is StepState.DONE
