"""What disasters of the compute share: a tenant's service as it is, changed, or running another task definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dr_estate.config.environment import Side
from sandbox.world.world import World

DEFINED_BY = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "runtimePlatform",
)
_CREATED_BY = (
    "taskDefinition",
    "desiredCount",
    "launchType",
    "platformVersion",
    "schedulingStrategy",
    "healthCheckGracePeriodSeconds",
    "deploymentConfiguration",
    "networkConfiguration",
    "loadBalancers",
    "propagateTags",
    "tags",
)
Change = Callable[[dict[str, Any]], None]


def service_params(world: World, tenant: str) -> dict[str, str]:
    """Cluster and service of ``tenant``, as UpdateService wants them."""
    env = world.environment
    return {"cluster": env.named(env.names.cluster), "service": env.named(env.names.service, tenant=tenant)}


def service_of(world: World, side: Side, tenant: str) -> dict[str, Any]:
    """Return the tenant's service as DescribeServices reports it."""
    who = service_params(world, tenant)
    found = world.call(
        side, "ecs", "DescribeServices", cluster=who["cluster"], services=[who["service"]], include=["TAGS"]
    )
    return dict(found["services"][0])


def update(world: World, side: Side, tenant: str, **changes: Any) -> None:
    """Change the tenant's service; the repair restores the settings that ``changes`` names."""
    before, who = service_of(world, side, tenant), service_params(world, tenant)
    world.undo(side, "ecs", "UpdateService", **who, **{key: before[key] for key in changes})
    world.call(side, "ecs", "UpdateService", **who, **changes)


def delete(world: World, side: Side, tenant: str) -> None:
    """Delete the tenant's service with its tasks; the repair creates it again."""
    before, who = service_of(world, side, tenant), service_params(world, tenant)
    # DescribeServices gives empty values for what was never set.
    settings = {key: before[key] for key in _CREATED_BY if before.get(key) not in (None, "", [])}
    world.undo(side, "ecs", "CreateService", cluster=who["cluster"], serviceName=who["service"], **settings)
    # Without force ECS asks for a desired count of 0.
    world.call(side, "ecs", "DeleteService", force=True, **who)


def redefine(world: World, side: Side, tenant: str, change: Change, **more: Any) -> None:
    """Let the tenant's service run a new revision of its task definition, changed in place by ``change``.

    ``more`` are further changes of the service itself.
    """
    before = service_of(world, side, tenant)["taskDefinition"]
    current = world.call(side, "ecs", "DescribeTaskDefinition", taskDefinition=before)["taskDefinition"]
    revision = {key: current[key] for key in DEFINED_BY if current.get(key)}
    change(revision)
    task_definition_arn = world.call(side, "ecs", "RegisterTaskDefinition", **revision)["taskDefinition"][
        "taskDefinitionArn"
    ]
    # Recorded before the service's undo: the service has left the revision when it goes.
    world.undo(side, "ecs", "DeregisterTaskDefinition", taskDefinition=task_definition_arn)
    update(world, side, tenant, taskDefinition=task_definition_arn, **more)


def lower_quota(world: World, side: Side, service: str, code: str, value: float) -> None:
    """Set a quota to ``value``; the repair requests the previous value."""
    params = {"ServiceCode": service, "QuotaCode": code}
    before = world.call(side, "service-quotas", "GetServiceQuota", **params)["Quota"]["Value"]
    world.undo(side, "service-quotas", "RequestServiceQuotaIncrease", DesiredValue=before, **params)
    # The sandbox grants each value at once; AWS takes increases alone, and hours or days for them (T33).
    world.call(side, "service-quotas", "RequestServiceQuotaIncrease", DesiredValue=value, **params)


def stop_tasks(world: World, side: Side, tenant: str) -> None:
    """Stop every task of the tenant's service; ECS starts others where it can."""
    who = service_params(world, tenant)
    tasks = world.call(side, "ecs", "ListTasks", cluster=who["cluster"], serviceName=who["service"])["taskArns"]
    for task in tasks:
        world.call(side, "ecs", "StopTask", cluster=who["cluster"], task=task, reason="a disaster of the sandbox")
