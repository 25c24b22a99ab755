"""The primary's services come back at their recorded counts and bounds, and the DR region shrinks to its standby."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.compute import (
    fence_scaling,
    fence_services,
    raise_dr_scaling,
    repoint_dr_tasks,
    repoint_primary_tasks,
    restore_dr_scaling,
    restore_primary_scaling,
    scale_dr_services,
    start_primary_services,
    stop_dr_services,
)
from dr_actions.actions.compute import services as compute_services
from dr_actions.model.action import HOME, Sight, Standing, Verb
from dr_actions.model.plan import Goal, Step
from dr_actions.model.sequence import SEQUENCE
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling, ecs, ecs_newest_definitions
from tests.dr_actions.actions.compute.compute_world import FIRST, LAST, SIT, World, dark, steps_of, world_of
from tests.dr_actions.actions.failback_world import with_part

AWAY = (fence_scaling.VERB, fence_services.VERB, raise_dr_scaling.VERB, scale_dr_services.VERB)
BACK = (restore_primary_scaling.VERB, start_primary_services.VERB, restore_dr_scaling.VERB, stop_dr_services.VERB)
PARTS = tuple(
    reader.name
    for reader in (ecs.services, ecs.task_definitions, ecs_newest_definitions.newest, application_autoscaling.targets)
)
Recorded = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def away() -> Iterator[World]:
    """A world that was failed over: the primary fenced, the DR region at its failover size."""
    with world_of() as world:
        world.endpoint.timing(transition_s=0.2)
        for verb in AWAY:
            for step in verb.foresee(world.sight()):
                if verb.confirm(step, world.look(verb)).standing is Standing.READY:
                    world.act(verb, step)
        world.endpoint.keep("away")
        yield world


@pytest.fixture(scope="module")
def recorded(away: World) -> Recorded:
    """The before-values of the failover's steps, as the journal keeps them."""
    return {step.id: dict(step.before) for verb in AWAY for step in verb.foresee(away.sight())}


@pytest.fixture
def world(away: World) -> Iterator[World]:
    yield away
    away.endpoint.return_to("away")


def _sight(world: World, recorded: Recorded, **changes: Any) -> Sight:
    return replace(world.sight(world.whole(*PARTS)), goal=Goal.FAILBACK, recorded=recorded, **changes)


def _reach(world: World, verb: Verb, step: Step) -> None:
    """Take the step and wait for it, as a run does."""
    assert world.confirm(verb, step).standing is Standing.READY
    world.act(verb, step)
    assert world.until(Standing.DONE, verb, step).standing is Standing.DONE


def _sizes(world: World, side: Side) -> dict[str, tuple[Any, ...]]:
    """Desired count, bounds and suspensions of each service on a side."""
    seen = world.whole(ecs.services.name, application_autoscaling.targets.name)
    targets = {t.service: t for t in seen.get(application_autoscaling.targets, side)}
    return {one.name: (one.desired, targets[one.name]) for one in seen.get(ecs.services, side)}


@pytest.mark.proof
def test_after_the_way_back_every_count_bound_and_suspension_is_as_before(world: World, recorded: Recorded) -> None:
    targets = {
        s: {t.service: t for t in world.healthy.get(application_autoscaling.targets, s)}
        for s in (Side.PRIMARY, Side.DR)
    }
    before = {
        side: {one.name: (one.desired, targets[side][one.name]) for one in world.healthy.get(ecs.services, side)}
        for side in targets
    }
    assert _sizes(world, Side.PRIMARY) != before[Side.PRIMARY]
    sight = _sight(world, recorded)
    for verb in BACK:
        for step in verb.foresee(sight):
            _reach(world, verb, step)
    assert {side: _sizes(world, side) for side in before} == before


def test_a_service_whose_deployment_failed_at_home_is_deployed_anew_and_not_when_it_is_taken_back(
    world: World, recorded: Recorded
) -> None:
    sight = _sight(world, recorded)
    failed = tuple(replace(one, rollout="FAILED") for one in sight.snapshot.get(ecs.services, Side.PRIMARY))
    sight = replace(sight, snapshot=with_part(sight.snapshot, ecs.services.name, Side.PRIMARY, failed))
    step = steps_of(start_primary_services.VERB, sight)[LAST]
    call, undoing = start_primary_services.VERB.fill(step, sight), start_primary_services.VERB.undo(step)
    assert "its newest deployment failed" in step.says
    assert True is call.params["forceNewDeployment"]
    assert undoing is not None
    assert "forceNewDeployment" not in undoing.params
    newest = next(one.deployment for one in failed if one.name == step.subject)
    sent = replace(sight, deployments={step.id: newest})
    scaled = tuple(replace(one, desired=step.after["desiredCount"]) for one in failed)
    sent = replace(sent, snapshot=with_part(sent.snapshot, ecs.services.name, Side.PRIMARY, scaled))
    assert Standing.FAILED is start_primary_services.VERB.confirm(step, sent).standing
    assert Standing.READY is start_primary_services.VERB.confirm(step, replace(sent, deployments={})).standing


@pytest.mark.parametrize("verb", BACK, ids=lambda verb: verb.name)
def test_each_takes_part_in_a_failback_alone_and_is_taken_back_exactly(
    world: World, recorded: Recorded, verb: Verb
) -> None:
    assert verb.goals == HOME
    step = steps_of(verb, _sight(world, recorded))[LAST]
    before = _sizes(world, step.side)
    _reach(world, verb, step)
    world.take_back(verb, step)
    assert _sizes(world, step.side) == before
    assert world.confirm(verb, step).standing is Standing.READY


@pytest.mark.parametrize("verb", BACK, ids=lambda verb: verb.name)
def test_two_people_plan_the_same_and_a_dark_part_is_unseen(world: World, recorded: Recorded, verb: Verb) -> None:
    sight = _sight(world, recorded)
    steps = steps_of(verb, sight)
    assert steps == steps_of(verb, _sight(world, recorded))
    blind = replace(sight, snapshot=dark(dark(sight.snapshot, Side.PRIMARY), Side.DR))
    assert verb.confirm(steps[FIRST], blind).standing is Standing.UNSEEN
    assert list(verb.foresee(blind)) == []
    assert list(verb.notes(blind))


def test_a_service_is_done_only_when_the_load_balancer_sees_its_tasks_healthy(world: World, recorded: Recorded) -> None:
    step = steps_of(start_primary_services.VERB, _sight(world, recorded))[FIRST]
    group = _group(world)
    world.send(Side.PRIMARY, "elbv2:ModifyTargetGroup", TargetGroupArn=group, HealthCheckPort="81")
    world.act(start_primary_services.VERB, step)
    told = world.until(Standing.DONE, start_primary_services.VERB, step, tries_s=2)
    assert (told.standing, "sees 0 healthy" in told.says) == (Standing.WAITING, True)
    world.send(Side.PRIMARY, "elbv2:ModifyTargetGroup", TargetGroupArn=group, HealthCheckPort="traffic-port")
    assert world.until(Standing.DONE, start_primary_services.VERB, step).standing is Standing.DONE


def _group(world: World) -> str:
    services = world.healthy.get(ecs.services, Side.PRIMARY)
    return next(one.target_groups[0] for one in services if one.name == FIRST)


def test_what_was_not_recorded_comes_from_the_environment_file(world: World) -> None:
    sight = _sight(world, {})
    home = steps_of(start_primary_services.VERB, sight)[FIRST]
    bounds = steps_of(restore_primary_scaling.VERB, sight)[FIRST]
    standby = steps_of(stop_dr_services.VERB, sight)[FIRST]
    needed = SIT.capacity.tasks_per_service
    assert home.after == {"desiredCount": needed}
    assert (bounds.after["MinCapacity"], bounds.after["MaxCapacity"] >= needed) == (needed, True)
    assert not any(bounds.after["SuspendedState"].values())
    assert standby.after == {"desiredCount": SIT.standby.tasks_per_service}


def test_a_primary_that_was_never_fenced_keeps_what_it_has(world: World) -> None:
    sight = replace(world.sight(), goal=Goal.FAILBACK)
    for verb in (restore_primary_scaling.VERB, start_primary_services.VERB):
        for step in verb.foresee(sight):
            assert {key: step.before[key] for key in step.after} == step.after
            assert verb.confirm(step, sight).standing is Standing.DONE


def test_bounds_that_somebody_set_since_are_not_overwritten(world: World, recorded: Recorded) -> None:
    step = steps_of(restore_dr_scaling.VERB, _sight(world, recorded))[FIRST]
    resource = f"service/{SIT.named(SIT.names.cluster)}/{FIRST}"
    world.send(
        Side.DR,
        "application-autoscaling:RegisterScalableTarget",
        ServiceNamespace="ecs",
        ResourceId=resource,
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=7,
        MaxCapacity=9,
    )
    assert world.confirm(restore_dr_scaling.VERB, step).standing is Standing.CHANGED


def test_a_schedule_that_the_failover_suspended_goes_on_once_home(world: World, recorded: Recorded) -> None:
    suspended = {"SuspendedState": {"ScheduledScalingSuspended": True}}
    which = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    which["ResourceId"] = f"service/{SIT.named(SIT.names.cluster)}/{FIRST}"
    world.send(Side.DR, "application-autoscaling:RegisterScalableTarget", **which, **suspended)
    awake = {"SuspendedState": dict.fromkeys(compute_services.SUSPENSIONS, False)}
    kept = recorded | {f"compute/raise_dr_scaling:{FIRST}": recorded[f"compute/raise_dr_scaling:{FIRST}"] | awake}
    step = steps_of(restore_dr_scaling.VERB, _sight(world, kept))[FIRST]
    assert world.confirm(restore_dr_scaling.VERB, step).standing is Standing.READY
    world.act(restore_dr_scaling.VERB, step)
    assert world.confirm(restore_dr_scaling.VERB, step).standing is Standing.DONE
    (target,) = (
        t
        for t in world.whole(application_autoscaling.targets.name).get(application_autoscaling.targets, Side.DR)
        if t.service == FIRST
    )
    assert (target.minimum, target.schedule_suspended) == (SIT.standby.tasks_per_service, False)


def test_a_dr_service_that_scaled_by_its_load_is_stopped_all_the_same(world: World, recorded: Recorded) -> None:
    step = steps_of(stop_dr_services.VERB, _sight(world, recorded))[FIRST]
    cluster = SIT.named(SIT.names.cluster)
    world.send(Side.DR, "ecs:UpdateService", cluster=cluster, service=FIRST, desiredCount=5)
    assert world.confirm(stop_dr_services.VERB, step).standing is Standing.READY
    world.send(Side.DR, "ecs:UpdateService", cluster=cluster, service=FIRST, desiredCount=0)
    assert world.confirm(stop_dr_services.VERB, step).standing is Standing.CHANGED


def test_the_bounds_are_lowered_before_the_services_so_that_scaling_starts_none_again() -> None:
    rows = {row.action: row.stage for row in SEQUENCE[Goal.FAILBACK]}
    assert rows[restore_dr_scaling.VERB.name] < rows[stop_dr_services.VERB.name]
    assert rows[restore_primary_scaling.VERB.name] < rows[start_primary_services.VERB.name]


def test_a_primary_definition_that_names_the_dr_region_is_registered_anew_and_run(
    world: World, recorded: Recorded
) -> None:
    assert list(repoint_primary_tasks.VERB.foresee(_sight(world, recorded))) == []
    _name_the_dr_region(world)
    sight = _sight(world, recorded)
    step = steps_of(repoint_primary_tasks.VERB, sight)[FIRST]
    assert (step.side, step.call.region if step.call else "") == (Side.PRIMARY, SIT.regions.primary)
    moving = steps_of(start_primary_services.VERB, sight)[FIRST]
    assert "taskDefinition" in moving.after
    _reach(world, repoint_primary_tasks.VERB, step)
    _reach(world, start_primary_services.VERB, moving)
    seen = world.whole(ecs.services.name, ecs.task_definitions.name)
    used = next(one.task_definition for one in seen.get(ecs.services, Side.PRIMARY) if one.name == FIRST)
    found = next(d for d in seen.get(ecs.task_definitions, Side.PRIMARY) if getattr(d, "arn", "") == used)
    assert isinstance(found, ecs.TaskDefinition)
    assert SIT.regions.dr not in repr(found.containers)


def _name_the_dr_region(world: World) -> None:
    """The tenant's primary service is moved to a revision whose logs and secrets are those of the DR region."""
    services = world.healthy.get(ecs.services, Side.PRIMARY)
    used = next(one.task_definition for one in services if one.name == FIRST)
    whole = world.send(Side.PRIMARY, "ecs:DescribeTaskDefinition", taskDefinition=used)["taskDefinition"]
    kept = {key: whole[key] for key in repoint_dr_tasks.COPIED if whole.get(key)}
    for container in kept["containerDefinitions"]:
        container["logConfiguration"]["options"]["awslogs-region"] = SIT.regions.dr
    made = world.send(Side.PRIMARY, "ecs:RegisterTaskDefinition", **kept)["taskDefinition"]["taskDefinitionArn"]
    cluster = SIT.named(SIT.names.cluster)
    world.send(Side.PRIMARY, "ecs:UpdateService", cluster=cluster, service=FIRST, taskDefinition=made)
