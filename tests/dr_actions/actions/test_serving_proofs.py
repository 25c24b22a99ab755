"""How AWS's own ways show in the steps of services and traffic: quotas, failed deployments, jobs, secrets, checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.compute import fence, service_counts, task_revisions
from dr_actions.actions.compute import scaling as compute_scaling
from dr_actions.actions.traffic import shift_to_dr
from dr_actions.model.action import Action, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling, ecs, rds
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.plain import FIRST, LAST, SIT, steps_of, with_part
from tests.dr_checks.worlds import WARM

pytestmark = pytest.mark.proof

CLUSTER = SIT.named(SIT.names.cluster)
FAMILY = FIRST.removesuffix("-service")
PASSWORD = "a-plain-password"
HOST = "sit-mysql.abc123.eu-west-1.rds.amazonaws.com"


@pytest.fixture(scope="module")
def whole() -> Iterator[World]:
    """A healthy world in which what is changed is so at once."""
    with world_of(WARM) as world:
        world.endpoint.timing(transition_s=0)
        world.endpoint.keep("whole")
        yield world


@pytest.fixture
def world(whole: World) -> World:
    whole.deployments.clear()
    whole.endpoint.return_to("whole")
    return whole


def _step(world: World, action: Action, service: str = FIRST, seen: Snapshot | None = None) -> Step:
    return steps_of(action, world.sight(seen))[service]


def test_a_job_of_the_tenant_outside_its_service_keeps_the_fence_waiting(world: World) -> None:
    action = fence.FENCE
    step = _step(world, action, LAST)
    network = world.healthy.get(ecs.services, Side.PRIMARY)[0]
    places = {"subnets": list(network.subnets), "securityGroups": list(network.security_groups)}
    world.act(action, step)
    job = world.send(
        Side.PRIMARY,
        "ecs:RunTask",
        cluster=CLUSTER,
        taskDefinition=LAST.removesuffix("-service"),
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": places},
    )["tasks"][0]
    assert world.confirm(action, step).state is StepState.IN_PROGRESS
    (note,) = action.cleanup_notes(world.sight(world.whole(ecs.tasks.name)))
    assert f"Tasks of family:{LAST.removesuffix('-service')} run in {SIT.regions.primary}" in note
    world.send(Side.PRIMARY, "ecs:StopTask", cluster=CLUSTER, task=job["taskArn"])
    assert world.confirm(action, step).state is StepState.DONE


def test_too_small_a_quota_leaves_the_service_waiting(world: World) -> None:
    action = service_counts.SCALE_DR
    step = _step(world, action, LAST)
    world.endpoint.inject("quota-fargate")
    world.act(action, step)
    confirmed = world.confirm(action, step)
    facts = dict(confirmed.evidence)
    assert (confirmed.state, facts["desired"], facts["running"]) == (StepState.IN_PROGRESS, "2", "1")
    world.endpoint.repair()
    assert world.confirm(action, step).state is StepState.DONE


def test_an_image_that_cannot_be_pulled_fails_the_one_tenant(world: World) -> None:
    action = service_counts.SCALE_DR
    world.endpoint.inject("ecs-deployment-failed")
    broken = world.whole(ecs.services.name, ecs.task_definitions.name, ecs.newest_definitions.name)
    step = _step(world, action, LAST, broken)
    assert world.confirm(action, step, broken).state is StepState.READY
    assert world.act(action, step, broken).params["forceNewDeployment"] is True
    assert world.confirm(action, step, broken).state is StepState.FAILED


def test_a_service_of_the_right_size_is_redeployed_once_for_newer_secrets(world: World) -> None:
    action = service_counts.SCALE_DR
    step = _step(world, action)
    assert "forceNewDeployment" not in world.act(action, step).params
    assert world.confirm(action, step).state is StepState.DONE
    name = SIT.named(SIT.names.tenant_secret, tenant="tenant-1")
    value = world.send(Side.PRIMARY, "secretsmanager:GetSecretValue", SecretId=name)["SecretString"]
    world.endpoint.age(5)  # dates of secrets are whole seconds
    world.send(Side.PRIMARY, "secretsmanager:PutSecretValue", SecretId=name, SecretString=value)
    confirmed = world.confirm(action, step)
    assert (confirmed.state, "before its secrets changed" in confirmed.message) == (StepState.READY, True)
    assert world.act(action, step).params["forceNewDeployment"] is True
    assert world.confirm(action, step).state is StepState.DONE
    world.deployments.clear()
    assert world.confirm(action, step).state is StepState.DONE, "its tasks are newer than the secrets now"


def test_a_schedule_is_suspended_with_the_bounds_and_resumed_by_the_undo(world: World) -> None:
    action, scaling = compute_scaling.RAISE_DR, application_autoscaling
    world.endpoint.inject("scaling-night-for-ever")
    night = world.whole(scaling.targets.name, scaling.scheduled_actions.name)
    step = _step(world, action, LAST, night)
    world.act(action, step, night)
    assert (world.confirm(action, step).state, _bounds(world)) == (StepState.DONE, (2, 4, True))
    world.take_back(action, step)
    assert (world.confirm(action, step).state, _bounds(world)) == (StepState.READY, (1, 4, False))


def _bounds(world: World) -> tuple[int, int, bool]:
    target = world.whole(application_autoscaling.targets.name).find(
        application_autoscaling.targets, Side.DR, service=LAST
    )
    assert target is not None
    return target.minimum, target.maximum, target.schedule_suspended


def test_a_copy_of_the_primary_definition_becomes_that_of_the_dr_region(world: World) -> None:
    """The new revision is the primary's own definition, in the names of the DR region; the password stays unread."""
    action = task_revisions.REPOINT_DR
    clean, theirs = _described(world, Side.DR), _described(world, Side.PRIMARY)
    more = {"AWS_REGION": SIT.regions.primary, "DB_PASSWORD": PASSWORD}
    theirs["containerDefinitions"][0]["environment"] += [{"name": key, "value": more[key]} for key in more]
    dirty = world.send(Side.DR, "ecs:RegisterTaskDefinition", **theirs)["taskDefinition"]["taskDefinitionArn"]
    no_rollback = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}}  # no task of it can start
    moved = {"service": FIRST, "taskDefinition": dirty, "deploymentConfiguration": no_rollback}
    world.send(Side.DR, "ecs:UpdateService", cluster=CLUSTER, **moved)
    seen = world.whole(ecs.services.name, ecs.task_definitions.name, ecs.newest_definitions.name)
    (primary,) = seen.get(rds.instances, Side.PRIMARY)
    context = world.sight(with_part(seen, rds.instances, Side.DR, (replace(primary, host=HOST),)))
    (step,) = action.plan_steps(context)
    assert PASSWORD not in json.dumps(step.call.params if step.call else "")
    action.send(step, action.build_call(step, context), world.hand)
    fresh = _described(world, Side.DR)
    variables = fresh["containerDefinitions"][0]["environment"]
    assert {v["name"]: v["value"] for v in variables[-2:]} == more | {"AWS_REGION": SIT.regions.dr}
    del variables[-2:]
    next(v for v in clean["containerDefinitions"][0]["environment"] if v["name"] == "WORDPRESS_DB_HOST")["value"] = (
        f"{HOST}:3306"
    )
    assert fresh == clean


def _described(world: World, side: Side) -> dict[str, Any]:
    answer = world.send(side, "ecs:DescribeTaskDefinition", taskDefinition=FAMILY, include=["TAGS"])
    definition: dict[str, Any] = answer["taskDefinition"]
    return {
        **{key: definition[key] for key in task_revisions.COPIED if definition.get(key)},
        "tags": answer["tags"],
    }


def test_records_that_lead_there_while_the_answers_do_not_are_waited_for(world: World) -> None:
    action = shift_to_dr.SHIFT_TO_DR
    step = _step(world, action, SIT.traffic.zone)
    check = next(row["HealthCheckId"] for row in step.after["records"] if row["Weight"])
    world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=check, Port=81)
    world.act(action, step)
    confirmed = world.confirm(action, step)
    assert (confirmed.state, "still answers" in confirmed.message) == (StepState.IN_PROGRESS, True)
    world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=check, Port=80)
    assert world.confirm(action, step).state is StepState.DONE


def test_after_the_way_back_every_count_bound_and_suspension_is_as_before(world: World) -> None:
    before, recorded = _sizes(world), dict[str, Any]()
    for action in (compute_scaling.FENCE, fence.FENCE, compute_scaling.RAISE_DR, service_counts.SCALE_DR):
        for step in action.plan_steps(world.sight()):
            world.act(action, step)
            recorded[step.id] = dict(step.before)
    away = world.whole()
    assert _sizes(world) != before
    for action in (
        compute_scaling.RESTORE_PRIMARY,
        service_counts.START_PRIMARY,
        compute_scaling.RESTORE_DR,
        service_counts.STOP_DR,
    ):
        for step in action.plan_steps(world.sight(away, goal=Goal.FAILBACK, recorded=recorded)):
            world.act(action, step, away)
            assert world.confirm(action, step, away).state is StepState.DONE
    assert _sizes(world) == before


def _sizes(world: World) -> list[Any]:
    """Desired counts, bounds and suspensions in both regions."""
    seen, both = world.whole(ecs.services.name, application_autoscaling.targets.name), (Side.PRIMARY, Side.DR)
    counts = [(service.name, service.desired) for side in both for service in seen.get(ecs.services, side)]
    return [counts, [seen.get(application_autoscaling.targets, side) for side in both]]


def test_a_service_at_home_is_done_once_its_targets_are_healthy(world: World) -> None:
    world.send(Side.PRIMARY, "ecs:UpdateService", cluster=CLUSTER, service=FIRST, desiredCount=0)
    stopped, action = world.whole(ecs.services.name), service_counts.START_PRIMARY
    step = steps_of(action, world.sight(stopped, goal=Goal.FAILBACK))[FIRST]
    (group,) = next(
        service.target_groups for service in stopped.get(ecs.services, Side.PRIMARY) if service.name == FIRST
    )
    world.send(Side.PRIMARY, "elbv2:ModifyTargetGroup", TargetGroupArn=group, HealthCheckPort="81")
    world.act(action, step, stopped)
    confirmed = world.confirm(action, step, stopped)
    assert (confirmed.state, "sees 0 healthy" in confirmed.message) == (StepState.IN_PROGRESS, True)
    world.send(Side.PRIMARY, "elbv2:ModifyTargetGroup", TargetGroupArn=group, HealthCheckPort="traffic-port")
    assert world.confirm(action, step, stopped).state is StepState.DONE
