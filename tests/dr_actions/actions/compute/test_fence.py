"""The old primary is fenced as far as it answers, and where it does not, that is said (T41). Nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dr_actions.actions.compute import fence_scaling, fence_services
from dr_actions.actions.compute.fence_services import unfenced
from dr_actions.model.action import Standing
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unseen import Blindness, Unseen
from dr_estate.readers import application_autoscaling, ecs, ecs_stopping_tasks
from dr_estate.snapshot.snapshot import Part, Snapshot
from tests.dr_actions.actions.compute.compute_world import FIRST, LAST, World, dark, steps_of, world_of

MINIMUM, SERVICES = fence_scaling.VERB, fence_services.VERB


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_of() as standing:
        yield standing


def _with(snapshot: Snapshot, name: str, value: object) -> Snapshot:
    part = snapshot.parts[name, Side.PRIMARY]
    fresh = Part(part.name, part.side, part.region, part.read_at, value)
    return replace(snapshot, parts={**snapshot.parts, (name, Side.PRIMARY): fresh})


def _target(world: World) -> application_autoscaling.Target:
    seen = world.whole(application_autoscaling.targets.name).get(application_autoscaling.targets, Side.PRIMARY)
    return next(target for target in seen if target.service == FIRST)


@pytest.mark.parametrize("goal", [Goal.FAILOVER, Goal.SWITCHOVER])
def test_auto_scaling_is_fenced_first_and_the_services_after_it(world: World, goal: Goal) -> None:
    sight = world.sight(goal=goal)
    bounds, services = steps_of(MINIMUM, sight), steps_of(SERVICES, sight)
    assert {FIRST, LAST} == set(bounds) == set(services)
    assert max(step.stage for step in bounds.values()) < min(step.stage for step in services.values())
    calls = [step.call for step in (*bounds.values(), *services.values())]
    assert {world.env.regions.primary} == {call.region for call in calls if call}
    assert {"application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"} == {c.name for c in calls if c}


def test_a_fenced_target_can_be_started_by_no_policy_and_no_schedule(world: World) -> None:
    step = steps_of(MINIMUM, world.sight())[FIRST]
    before = _target(world)
    assert Standing.READY is world.confirm(MINIMUM, step).standing
    world.act(MINIMUM, step)
    assert Standing.DONE is world.confirm(MINIMUM, step).standing
    fenced = _target(world)
    assert (0, 0) == (fenced.minimum, fenced.maximum)
    assert all((fenced.in_suspended, fenced.out_suspended, fenced.schedule_suspended))
    world.take_back(MINIMUM, step)
    assert before == _target(world)
    assert Standing.READY is world.confirm(MINIMUM, step).standing


def test_bounds_that_somebody_set_otherwise_are_changed(world: World) -> None:
    step = steps_of(MINIMUM, world.sight())[FIRST]
    assert step.call is not None
    which = {key: value for key, value in step.call.params.items() if key[0] in "SR" and key != "SuspendedState"}
    world.send(Side.PRIMARY, step.call.name, **which, MinCapacity=3, MaxCapacity=5)
    assert Standing.CHANGED is world.confirm(MINIMUM, step).standing
    world.take_back(MINIMUM, step)


def test_a_service_stops_and_is_started_again_at_its_count(world: World) -> None:
    step = steps_of(SERVICES, world.sight())[FIRST]
    assert {"desiredCount": 2} == step.before
    assert Standing.READY is world.confirm(SERVICES, step).standing
    world.act(SERVICES, step)
    ended = world.until(Standing.DONE, SERVICES, step)
    assert Standing.DONE is ended.standing
    assert {"desired": "0", "running": "0", "pending": "0"} == dict(ended.facts)
    world.take_back(SERVICES, step)
    assert Standing.READY is world.confirm(SERVICES, step).standing
    seen = world.whole(ecs.services.name).get(ecs.services, Side.PRIMARY)
    assert {2} == {service.desired for service in seen}


def test_a_task_that_still_starts_or_runs_keeps_the_fence_waiting(world: World) -> None:
    step = steps_of(SERVICES, world.sight())[FIRST]
    for runs, starts in ((1, 0), (0, 1)):
        services = tuple(
            replace(one, desired=0, running=runs, pending=starts)
            for one in world.healthy.get(ecs.services, Side.PRIMARY)
        )
        told = SERVICES.confirm(step, world.sight(_with(world.healthy, ecs.services.name, services)))
        assert Standing.WAITING is told.standing


def test_a_task_that_drains_its_last_requests_keeps_the_fence_waiting(world: World) -> None:
    """DEACTIVATING tasks are in no count of the service, and answer the requests they have."""
    step = steps_of(SERVICES, world.sight())[FIRST]
    services = tuple(
        replace(one, desired=0, running=0, pending=0) for one in world.healthy.get(ecs.services, Side.PRIMARY)
    )
    task = next(t for t in world.healthy.get(ecs.tasks, Side.PRIMARY) if t.group == f"service:{FIRST}")
    stopped = _with(_with(world.healthy, ecs.services.name, services), ecs.tasks.name, ())
    assert Standing.DONE is SERVICES.confirm(step, world.sight(stopped)).standing
    draining = _with(stopped, ecs_stopping_tasks.tasks.name, (replace(task, status="DEACTIVATING"),))
    told = SERVICES.confirm(step, world.sight(draining))
    assert Standing.WAITING is told.standing
    assert "(DEACTIVATING)" in told.says


def test_a_job_of_the_tenant_outside_its_service_keeps_the_fence_waiting(world: World) -> None:
    step = steps_of(SERVICES, world.sight())[LAST]
    network = world.healthy.get(ecs.services, Side.PRIMARY)[0].subnets
    world.act(SERVICES, step)
    world.until(Standing.DONE, SERVICES, step)
    started = world.send(
        Side.PRIMARY,
        "ecs:RunTask",
        cluster="sit-cluster",
        taskDefinition=LAST.removesuffix("-service"),
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": list(network)}},
    )
    assert Standing.WAITING is world.confirm(SERVICES, step).standing
    (note,) = SERVICES.leaves(world.sight(world.whole(ecs.tasks.name)))
    assert f"Tasks of family:{LAST.removesuffix('-service')} run in {world.env.regions.primary}" in note
    world.send(Side.PRIMARY, "ecs:StopTask", cluster="sit-cluster", task=started["tasks"][0]["taskArn"])
    assert Standing.DONE is world.until(Standing.DONE, SERVICES, step).standing
    world.take_back(SERVICES, step)


def test_a_count_that_scaling_moved_since_is_no_reason_to_stop(world: World) -> None:
    step = steps_of(SERVICES, world.sight())[FIRST]
    services = tuple(replace(one, desired=3) for one in world.healthy.get(ecs.services, Side.PRIMARY))
    told = SERVICES.confirm(step, world.sight(_with(world.healthy, ecs.services.name, services)))
    assert Standing.READY is told.standing


def test_a_service_that_is_gone_is_changed(world: World) -> None:
    step = steps_of(SERVICES, world.sight())[FIRST]
    told = SERVICES.confirm(step, world.sight(_with(world.healthy, ecs.services.name, ())))
    assert Standing.CHANGED is told.standing


def test_a_primary_that_answers_is_not_unfenced(world: World) -> None:
    assert unfenced(world.sight()) is None
    assert [] == [*SERVICES.leaves(world.sight()), *MINIMUM.notes(world.sight())]


def test_a_silent_primary_is_said_to_be_unfenced_and_no_step_is_made(world: World) -> None:
    sight = world.sight(dark(world.healthy, Side.PRIMARY), primary_answers=False)
    assert {} == steps_of(MINIMUM, sight) == steps_of(SERVICES, sight)
    (note,) = SERVICES.leaves(sight)
    assert unfenced(sight) == note
    assert f"UNFENCED: the API of {world.env.regions.primary} does not answer" in note


def test_a_primary_whose_ecs_alone_is_dark_is_unfenced_too(world: World) -> None:
    throttled = Unseen(Blindness.ERROR, "ecs:ListServices is throttled.")
    sight = world.sight(_with(world.healthy, ecs.services.name, throttled))
    assert {} == steps_of(SERVICES, sight)
    assert "UNFENCED: ecs:ListServices is throttled," in str(unfenced(sight))


def test_what_cannot_be_seen_later_is_unseen(world: World) -> None:
    blind = world.sight(dark(world.healthy, Side.PRIMARY))
    for verb in (MINIMUM, SERVICES):
        assert Standing.UNSEEN is verb.confirm(steps_of(verb, world.sight())[FIRST], blind).standing
    assert any("may start its services again" in note for note in MINIMUM.notes(blind))


def test_a_failback_fences_nothing_here(world: World) -> None:
    back = world.sight(goal=Goal.FAILBACK)
    assert {} == steps_of(MINIMUM, back) == steps_of(SERVICES, back)
    assert unfenced(back) is None
