"""Auto scaling of the DR region is raised before the services are, and put back exactly (T36)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dr_actions.actions.compute.raise_dr_scaling import VERB
from dr_actions.model.action import Standing
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling
from tests.dr_actions.actions.compute.compute_world import FIRST, LAST, World, dark, steps_of, world_of

TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": f"service/sit-cluster/{FIRST}",
    "ScalableDimension": "ecs:service:DesiredCount",
}
REGISTER = "application-autoscaling:RegisterScalableTarget"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_of() as standing:
        yield standing


def _bounds(world: World, service: str) -> tuple[int, int]:
    targets = world.whole(application_autoscaling.targets.name).get(application_autoscaling.targets, Side.DR)
    return next((target.minimum, target.maximum) for target in targets if target.service == service)


def _held(world: World) -> bool:
    targets = world.whole(application_autoscaling.targets.name).get(application_autoscaling.targets, Side.DR)
    return next(target.schedule_suspended for target in targets if target.service == LAST)


def test_the_minimum_is_raised_and_a_higher_maximum_is_kept(world: World) -> None:
    steps = steps_of(VERB, world.sight())
    assert {FIRST, LAST} == set(steps)
    call = steps[FIRST].call
    assert call is not None
    assert (REGISTER, world.env.regions.dr) == (call.name, call.region)
    assert {**TARGET, "MinCapacity": 2, "MaxCapacity": 4} == call.params
    assert {"MinCapacity": 1, "MaxCapacity": 4} == steps[FIRST].before


def test_a_dark_primary_changes_nothing_of_what_is_planned(world: World) -> None:
    in_the_dark = world.sight(dark(world.healthy, Side.PRIMARY), primary_answers=False)
    assert steps_of(VERB, world.sight()) == steps_of(VERB, in_the_dark)


def test_bounds_are_ready_then_done_and_taken_back_exactly(world: World) -> None:
    step = steps_of(VERB, world.sight())[FIRST]
    assert Standing.READY is world.confirm(VERB, step).standing
    world.act(VERB, step)
    assert Standing.DONE is world.confirm(VERB, step).standing
    assert (2, 4) == _bounds(world, FIRST)
    assert {LAST} == set(steps_of(VERB, world.sight(world.whole(application_autoscaling.targets.name)))), (
        "it is not raised again"
    )
    world.take_back(VERB, step)
    assert (1, 4) == _bounds(world, FIRST)
    assert Standing.READY is world.confirm(VERB, step).standing


def test_a_cap_below_the_failover_size_is_lifted_too(world: World) -> None:
    world.endpoint.break_("scaling-capped")
    capped = world.whole(application_autoscaling.targets.name)
    step = steps_of(VERB, world.sight(capped))[LAST]
    assert ({"MinCapacity": 1, "MaxCapacity": 1}, {"MinCapacity": 2, "MaxCapacity": 2}) == (step.before, step.after)
    world.act(VERB, step, capped)
    assert Standing.DONE is world.confirm(VERB, step).standing
    world.take_back(VERB, step)
    assert (1, 1) == _bounds(world, LAST)
    world.endpoint.mend()


def test_bounds_that_somebody_set_otherwise_are_changed(world: World) -> None:
    step = steps_of(VERB, world.sight())[FIRST]
    world.send(Side.DR, REGISTER, **TARGET, MinCapacity=0, MaxCapacity=1)
    assert Standing.CHANGED is world.confirm(VERB, step).standing
    world.take_back(VERB, step)


def test_a_service_that_does_not_scale_is_left_out_and_named(world: World) -> None:
    world.endpoint.break_("scaling-target-missing")
    without = world.sight(world.whole(application_autoscaling.targets.name))
    assert {FIRST} == set(steps_of(VERB, without))
    assert [f"No auto scaling in {world.env.regions.dr}: {LAST} would stay as large, whatever the load."] == list(
        VERB.notes(without)
    )
    assert Standing.CHANGED is VERB.confirm(steps_of(VERB, world.sight())[LAST], without).standing
    world.endpoint.mend()


def test_a_schedule_that_would_push_a_service_back_is_suspended_and_goes_on_when_it_is_taken_back(world: World) -> None:
    assert [] == list(VERB.notes(world.sight()))
    world.endpoint.break_("scaling-night-for-ever")
    night = world.whole(application_autoscaling.targets.name, application_autoscaling.scheduled_actions.name)
    (note,) = VERB.notes(world.sight(night))
    assert f"'night' at cron(0 19 * * ? *) in {world.env.regions.dr} would push {LAST} below 2 tasks" in note
    step = steps_of(VERB, world.sight(night))[LAST]
    assert "SuspendedState" not in steps_of(VERB, world.sight(night))[FIRST].after, "it has no schedule"
    assert Standing.READY is world.confirm(VERB, step).standing
    world.act(VERB, step, night)
    assert (Standing.DONE, (2, 4), True) == (world.confirm(VERB, step).standing, _bounds(world, LAST), _held(world))
    again = world.sight(
        world.whole(application_autoscaling.targets.name, application_autoscaling.scheduled_actions.name)
    )
    assert {FIRST} == set(steps_of(VERB, again)), "a schedule that is suspended shrinks nothing"
    world.take_back(VERB, step)
    assert ((1, 4), False) == (_bounds(world, LAST), _held(world))
    assert Standing.READY is world.confirm(VERB, step).standing
    world.endpoint.mend()


def test_bounds_alone_do_not_do_where_a_schedule_still_runs(world: World) -> None:
    world.endpoint.break_("scaling-night-for-ever")
    night = world.whole(application_autoscaling.targets.name, application_autoscaling.scheduled_actions.name)
    step = steps_of(VERB, world.sight(night))[LAST]
    which = TARGET | {"ResourceId": f"service/sit-cluster/{LAST}"}
    world.send(Side.DR, REGISTER, **which, MinCapacity=2, MaxCapacity=4)
    assert Standing.CHANGED is world.confirm(VERB, step).standing
    world.take_back(VERB, step)
    world.endpoint.mend()


def test_what_cannot_be_seen_is_said_and_never_done(world: World) -> None:
    blind = world.sight(dark(world.healthy, Side.DR))
    assert {} == steps_of(VERB, blind)
    assert ["Auto scaling of the DR region was planned without this: the region does not answer."] == list(
        dict.fromkeys(VERB.notes(blind))
    )
    assert Standing.UNSEEN is VERB.confirm(steps_of(VERB, world.sight())[FIRST], blind).standing


def test_a_failback_raises_nothing_here(world: World) -> None:
    assert {} == steps_of(VERB, world.sight(goal=Goal.FAILBACK))
