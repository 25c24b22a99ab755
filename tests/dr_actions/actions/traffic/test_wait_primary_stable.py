"""The primary is waited for until it has answered without a gap: one read of its metrics shows it, a flap resets it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dr_actions.actions.traffic.verification import WAIT_PRIMARY_STABLE
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import region_heartbeat
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import world_of
from tests.dr_actions.plain import SIT, dark, recorded, sight, with_part

HEALTHY, PRIMARY = recorded("healthy"), Side.PRIMARY


def _sight(snapshot: Snapshot = HEALTHY, minutes: int = 30) -> PlanContext:
    failback = SIT.failback.model_copy(update={"stable_minutes": minutes})
    return sight(snapshot, env=SIT.model_copy(update={"failback": failback}), goal=Goal.FAILBACK)


def _step(seen: PlanContext) -> Step:
    (step,) = WAIT_PRIMARY_STABLE.plan_steps(seen)
    return step


def _confirm(seen: PlanContext) -> StepStatus:
    return WAIT_PRIMARY_STABLE.observe(_step(seen), seen)


def _silent(ended_s_ago: int, lasted_s: int) -> Snapshot:
    """The region published nothing for so long, until so many seconds ago."""
    end = HEALTHY.taken_at - timedelta(seconds=ended_s_ago)
    gap = (end - timedelta(seconds=lasted_s), end)
    beats = HEALTHY.get(region_heartbeat.minutes, PRIMARY)
    return with_part(
        HEALTHY, region_heartbeat.minutes, PRIMARY, tuple(beat for beat in beats if not gap[0] <= beat < gap[1])
    )


def test_it_makes_no_call_and_its_budget_holds_the_whole_time() -> None:
    step = _step(_sight())
    assert (step.call, WAIT_PRIMARY_STABLE.writes, step.number, step.stage) == (None, frozenset(), 1, 15)
    assert step.budget_s > 30 * 60


def test_a_region_that_never_failed_is_stable() -> None:
    confirmed = _confirm(_sight())
    assert (confirmed.state, [name for name, _ in confirmed.evidence]) == (StepState.DONE, ["since"])


def test_a_flap_within_the_time_is_waited_out_and_one_before_it_is_forgotten() -> None:
    flapped = _silent(ended_s_ago=600, lasted_s=180)
    confirmed = _confirm(_sight(flapped))
    assert (confirmed.state, "was silent at" in confirmed.message) == (StepState.IN_PROGRESS, True)
    assert _confirm(_sight(flapped, minutes=5)).state is StepState.DONE


def test_an_outage_that_has_just_ended_is_seen_by_one_read() -> None:
    assert _confirm(_sight(_silent(ended_s_ago=1, lasted_s=300))).state is StepState.IN_PROGRESS


def test_where_no_time_is_asked_an_answer_is_enough_and_silence_never_is() -> None:
    context = _sight(minutes=0)
    assert _confirm(context).state is StepState.DONE
    assert _confirm(replace(context, primary_answers=False)).state is StepState.IN_PROGRESS


def test_a_pulse_that_cannot_be_read_is_unseen() -> None:
    assert _confirm(_sight(dark(HEALTHY, PRIMARY))).state is StepState.UNAVAILABLE


@pytest.mark.proof
def test_minutes_of_an_outage_are_missing_and_those_of_a_renamed_database_are_not() -> None:
    with world_of() as world:
        world.endpoint.timing(transition_s=0)
        world.endpoint.was_dark(SIT.regions.primary, ended_s_ago=1, lasted_s=300)
        assert _confirm(_sight(world.look(WAIT_PRIMARY_STABLE).snapshot)).state is StepState.IN_PROGRESS
        world.send(
            PRIMARY,
            "rds:ModifyDBInstance",
            DBInstanceIdentifier="sit-mysql",
            NewDBInstanceIdentifier="sit-mysql-before",
            ApplyImmediately=True,
        )
        renamed = world.whole(region_heartbeat.minutes.name, "rds.instances")
        assert renamed.get(region_heartbeat.minutes, PRIMARY)


@pytest.mark.parametrize("minutes", [5, 30])
def test_two_people_who_look_a_minute_apart_plan_the_same(minutes: int) -> None:
    later = replace(HEALTHY, taken_at=HEALTHY.taken_at + timedelta(minutes=1))
    assert _step(_sight(minutes=minutes)) == _step(_sight(later, minutes))
