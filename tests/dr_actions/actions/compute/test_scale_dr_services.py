"""Each tenant's DR service reaches its failover size, and is done only when the load balancer sees it healthy (T07)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dr_actions.actions.compute.scale_dr_services import VERB
from dr_actions.model.action import Standing
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unseen import Blindness, Unseen
from dr_estate.readers import ecs, elbv2
from dr_estate.snapshot.snapshot import Part
from tests.dr_actions.actions.compute.compute_world import FIRST, LAST, World, dark, steps_of, world_of


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_of() as standing:
        yield standing


def test_every_tenant_gets_one_step_with_the_exact_call(world: World) -> None:
    steps = steps_of(VERB, world.sight())
    assert {FIRST, LAST} == set(steps)
    call = steps[FIRST].call
    assert call is not None
    assert ("ecs:UpdateService", world.env.regions.dr) == (call.name, call.region)
    assert {"cluster": "sit-cluster", "service": FIRST, "desiredCount": 2} == call.params
    assert 1 == steps[FIRST].before["desiredCount"]
    assert f"compute/scale_dr_services:{FIRST}" == steps[FIRST].id


def test_a_dark_primary_changes_nothing_of_what_is_planned(world: World) -> None:
    in_the_dark = world.sight(dark(world.healthy, Side.PRIMARY), primary_answers=False)
    assert steps_of(VERB, world.sight()) == steps_of(VERB, in_the_dark)


def test_one_tenant_alone_can_be_asked_for(world: World) -> None:
    assert {LAST} == set(steps_of(VERB, world.sight(only_tenants=frozenset({"tenant2"}))))


def test_a_failback_scales_nothing_here(world: World) -> None:
    assert {} == steps_of(VERB, world.sight(goal=Goal.FAILBACK))
    assert [] == list(VERB.notes(world.sight(goal=Goal.FAILBACK)))


def test_a_dark_dr_region_yields_no_step_and_says_why(world: World) -> None:
    sight = world.sight(dark(world.healthy, Side.DR))
    assert {} == steps_of(VERB, sight)
    assert ["No service of the DR region can be scaled: the region does not answer."] == list(VERB.notes(sight))


def test_a_service_is_ready_then_waiting_then_done_and_can_be_taken_back(world: World) -> None:
    step = steps_of(VERB, world.sight())[FIRST]
    assert Standing.READY is world.confirm(VERB, step).standing
    world.act(VERB, step)
    begun = world.confirm(VERB, step)
    assert (Standing.WAITING, "1") == (begun.standing, dict(begun.facts)["running"])
    ended = world.until(Standing.DONE, VERB, step)
    assert Standing.DONE is ended.standing
    assert {"running": "2", "healthy": "2"}.items() <= dict(ended.facts).items()
    world.take_back(VERB, step)
    assert Standing.READY is world.until(Standing.READY, VERB, step).standing


def test_a_service_that_somebody_shrank_since_is_changed(world: World) -> None:
    step = steps_of(VERB, world.sight())[FIRST]
    world.send(Side.DR, "ecs:UpdateService", cluster="sit-cluster", service=FIRST, desiredCount=0)
    assert Standing.CHANGED is world.confirm(VERB, step).standing
    world.send(Side.DR, "ecs:UpdateService", cluster="sit-cluster", service=FIRST, desiredCount=1)


def test_too_small_a_quota_leaves_the_service_waiting(world: World) -> None:
    step = steps_of(VERB, world.sight())[LAST]
    world.endpoint.break_("quota-fargate")
    world.act(VERB, step)
    told = world.confirm(VERB, step)
    assert (Standing.WAITING, "2", "1") == (told.standing, *(dict(told.facts)[n] for n in ("desired", "running")))
    world.endpoint.mend()
    assert Standing.DONE is world.until(Standing.DONE, VERB, step).standing
    world.take_back(VERB, step)


def test_an_image_that_cannot_be_pulled_fails_the_one_tenant(world: World) -> None:
    """What failed before the call is no verdict on it. The run is told FAILED, and goes on without this tenant."""
    world.endpoint.break_("ecs-deployment-failed")
    broken = world.whole("ecs.services", "ecs.task_definitions", "ecs_newest_definitions.newest")
    step = steps_of(VERB, world.sight(broken))[LAST]
    assert "its newest deployment failed" in step.says
    assert Standing.READY is world.confirm(VERB, step, broken).standing
    call = world.act(VERB, step, broken)
    assert (True, 2) == (call.params["forceNewDeployment"], call.params["desiredCount"])
    assert Standing.FAILED is world.confirm(VERB, step, broken).standing
    assert not VERB.essential
    assert any(
        f"deployment of {LAST} in {world.env.regions.dr} failed" in note for note in VERB.notes(world.sight(broken))
    )
    undoing = VERB.undo(step)
    assert undoing is not None
    assert "forceNewDeployment" not in undoing.params
    world.take_back(VERB, step)
    world.endpoint.mend()


def _until_completed(world: World) -> None:
    end = time.monotonic() + 8
    while any(one.rollout != "COMPLETED" for one in world.whole("ecs.services").get(ecs.services, Side.DR)):
        assert time.monotonic() < end, "the services do not come to rest"
        time.sleep(0.3)


@pytest.mark.proof
def test_a_service_of_the_wanted_size_is_deployed_anew_once_where_its_secrets_changed_since(world: World) -> None:
    _until_completed(world)
    step = steps_of(VERB, world.sight())[FIRST]
    call = world.act(VERB, step)
    assert "forceNewDeployment" not in call.params
    assert Standing.DONE is world.until(Standing.DONE, VERB, step).standing
    time.sleep(1.1)  # Secrets Manager tells its times in whole seconds in the sandbox
    name = world.env.named(world.env.names.tenant_secret, tenant="tenant-1")
    value = world.send(Side.PRIMARY, "secretsmanager:GetSecretValue", SecretId=name)["SecretString"]
    world.send(Side.PRIMARY, "secretsmanager:PutSecretValue", SecretId=name, SecretString=value)
    told = world.confirm(VERB, step)
    assert (Standing.READY, True) == (told.standing, "before its secrets changed" in told.says)
    assert world.act(VERB, step).params["forceNewDeployment"] is True
    assert Standing.READY is not world.confirm(VERB, step).standing
    assert Standing.DONE is world.until(Standing.DONE, VERB, step).standing
    world.deployments.clear()
    assert Standing.DONE is world.confirm(VERB, step).standing, "its tasks are newer than the secrets now"
    world.take_back(VERB, step)


def test_secrets_that_cannot_be_seen_are_no_reason_to_replace_tasks_and_are_told(world: World) -> None:
    parts = dict(world.healthy.parts)
    part = parts["secretsmanager.secrets", Side.DR]
    parts["secretsmanager.secrets", Side.DR] = replace(part, value=Unseen(Blindness.DENIED, "secrets are denied."))
    unseen = world.sight(replace(world.healthy, parts=parts))
    step = steps_of(VERB, unseen)[FIRST]
    assert step.call is not None
    assert "forceNewDeployment" not in step.call.params
    told = "are not replaced for secrets that changed since they started: secrets are denied."
    assert [note for note in VERB.notes(unseen) if note.endswith(told)]
    assert not [note for note in VERB.notes(world.sight()) if "not replaced" in note]


def test_a_tenant_without_a_service_is_left_out_and_named(world: World) -> None:
    world.endpoint.break_("ecs-service-deleted")
    without = world.sight(world.whole("ecs.services"))
    assert {FIRST} == set(steps_of(VERB, without))
    assert any(f"There is no service {LAST} in {world.env.regions.dr}" in note for note in VERB.notes(without))
    step = steps_of(VERB, world.sight())[LAST]
    assert Standing.CHANGED is world.confirm(VERB, step).standing
    world.endpoint.mend()


def test_running_tasks_alone_are_not_done_while_the_load_balancer_sees_none_healthy(world: World) -> None:
    step = steps_of(VERB, world.sight())[FIRST]
    services = tuple(
        replace(one, desired=2, running=2, rollout="COMPLETED") for one in world.healthy.get(ecs.services, Side.DR)
    )
    old = world.healthy.taken_at.replace(year=2020)
    stale = tuple(replace(one, value=2.0, at=old) for one in world.healthy.get(elbv2.healthy_hosts, Side.DR))
    for readings, healthy in (((), "0"), (stale, "0")):
        parts = dict(world.healthy.parts)
        for reader, value in ((ecs.services, services), (elbv2.healthy_hosts, readings)):
            part = parts[reader.name, Side.DR]
            parts[reader.name, Side.DR] = Part(part.name, part.side, part.region, part.read_at, value)
        told = VERB.confirm(step, world.sight(replace(world.healthy, parts=parts)))
        assert (Standing.WAITING, healthy) == (told.standing, dict(told.facts)["healthy"])


def test_what_cannot_be_seen_is_unseen_with_the_reason(world: World) -> None:
    step = steps_of(VERB, world.sight())[FIRST]
    told = VERB.confirm(step, world.sight(dark(world.healthy, Side.DR)))
    assert Standing.UNSEEN is told.standing
    assert "the region does not answer" in told.says


def test_the_budget_grows_with_what_aws_lets_start(world: World) -> None:
    few = steps_of(VERB, world.sight())[FIRST].budget_s
    capacity = world.env.capacity.model_copy(update={"tasks_per_service": 1000, "launch_per_s": 1})
    many = world.sight(env=world.env.model_copy(update={"capacity": capacity}))
    assert 1998 - capacity.launch_burst == steps_of(VERB, many)[FIRST].budget_s - few
