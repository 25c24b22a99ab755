"""The primary is waited for until it has answered without a gap: one look at its metrics tells, a flap begins anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.traffic.wait_primary_stable import VERB
from dr_actions.model.action import Sight, Standing
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import region_heartbeat
from tests.dr_actions.actions.compute.compute_world import SIT, World, dark


def _within(minutes: int) -> Environment:
    return SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"stable_minutes": minutes})})


def _sight(world: World, minutes: int = 30) -> Sight:
    return replace(world.look(VERB), env=_within(minutes), goal=Goal.FAILBACK)


def _step(sight: Sight) -> Step:
    (step,) = VERB.foresee(sight)
    return step


def test_it_makes_no_call_and_its_budget_holds_the_whole_time(stores: World) -> None:
    step = _step(_sight(stores))
    assert (step.call, VERB.writes, step.number, step.stage) == (None, frozenset(), 1, 15)
    assert step.budget_s > 30 * 60


def test_a_region_that_never_failed_is_stable(stores: World) -> None:
    sight = _sight(stores)
    told = VERB.confirm(_step(sight), sight)
    assert (told.standing, [name for name, _ in told.facts]) == (Standing.DONE, ["since"])


def test_a_flap_within_the_time_is_waited_out_and_one_before_it_is_forgotten(stores: World) -> None:
    stores.endpoint.was_dark(SIT.regions.primary, ended_s_ago=600, lasted_s=180)
    sight = _sight(stores)
    told = VERB.confirm(_step(sight), sight)
    assert (told.standing, "was silent at" in told.says) == (Standing.WAITING, True)
    short = _sight(stores, minutes=5)
    assert VERB.confirm(_step(short), short).standing is Standing.DONE


def test_an_outage_that_was_just_mended_is_seen_by_one_look(stores: World) -> None:
    stores.endpoint.break_("primary-dark")
    silent = _sight(stores)
    assert VERB.confirm(_step(silent), silent).standing in (Standing.WAITING, Standing.UNSEEN)
    stores.endpoint.mend("primary-dark")
    stores.endpoint.was_dark(SIT.regions.primary, ended_s_ago=1, lasted_s=300)
    sight = _sight(stores)
    assert VERB.confirm(_step(sight), sight).standing is Standing.WAITING


def test_where_no_time_is_asked_an_answer_is_enough_and_silence_never_is(stores: World) -> None:
    sight = _sight(stores, minutes=0)
    assert VERB.confirm(_step(sight), sight).standing is Standing.DONE
    lost = replace(sight, primary_answers=False)
    assert VERB.confirm(_step(lost), lost).standing is Standing.WAITING


def test_a_pulse_that_cannot_be_read_is_unseen(stores: World) -> None:
    sight = replace(_sight(stores), snapshot=dark(stores.healthy, Side.PRIMARY), primary_answers=True)
    assert VERB.confirm(_step(sight), sight).standing is Standing.UNSEEN


def test_a_database_that_was_renamed_has_its_old_minutes(stores: World) -> None:
    stores.endpoint.timing(transition_s=0)
    stores.send(
        Side.PRIMARY,
        "rds:ModifyDBInstance",
        DBInstanceIdentifier="sit-mysql",
        NewDBInstanceIdentifier="sit-mysql-before",
        ApplyImmediately=True,
    )
    asked = stores.whole(region_heartbeat.minutes.name, "rds.instances")
    assert asked.get(region_heartbeat.minutes, Side.PRIMARY)


@pytest.mark.parametrize("minutes", [5, 30])
def test_two_people_who_look_a_minute_apart_plan_the_same(stores: World, minutes: int) -> None:
    assert _step(_sight(stores, minutes)) == _step(_sight(stores, minutes))
