"""The number of API calls grows with pages and batches, not with tenants, wherever AWS offers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path

import pytest

from benchmarks.readers import read_in_turn
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.unavailable import Unavailable
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from tests.dr_estate.listed_world import ListedWorld
from tests.worlds import borrowed

SIT = load_environment(Path(__file__).parents[2] / "environments", "sit")

# Calls of a whole observation with n tenants: both regions, but for what stands in one of them alone.
GROWS: dict[str, Callable[[int], int]] = {
    "application-autoscaling:DescribeScalableTargets": lambda n: 2 * ceil(n / 50) + 2,  # the tables' besides
    "application-autoscaling:DescribeScalingPolicies": lambda n: 2 * ceil(n / 10) + 2,
    "cloudwatch:GetMetricData": lambda n: 2 * ceil(n / 500) + 4,  # four lists of fixed length besides
    "ec2:DescribeNetworkInterfaces": lambda n: ceil(n / 1000),
    "ecs:DescribeServices": lambda n: 2 * ceil(n / 10),
    "ecs:DescribeTasks": lambda n: 2 * ceil(n / 100),
    "ecs:ListServices": lambda n: 2 * (1 + ceil(n / 100)),
    "ecs:ListTasks": lambda n: 2 * ceil(n / 100),
    "efs:DescribeAccessPoints": lambda n: 2 * ceil(n / 100),
    "elbv2:DescribeRules": lambda n: 2 * ceil(n / 400),
    "elbv2:DescribeTargetGroups": lambda n: 2 * ceil(n / 400),
    "logs:DescribeLogGroups": lambda n: 2 * ceil(n / 50),
    "route53:ListResourceRecordSets": lambda n: ceil(n / 300),
    "secretsmanager:BatchGetSecretValue": lambda n: 2 * ceil(n / 20),
    "secretsmanager:ListSecrets": lambda n: 2 * ceil(n / 100),
}

# One call a thing, and why.
NO_BATCH_READ = {
    "ecs:DescribeTaskDefinition": "ECS describes one revision a call: ListTaskDefinitions gives ARNs alone",
}

# A denied read spares its sisters that have not begun; one more call a page of 100 tenants is more than that.
CHANCE = 5


def _calls(tenants: int) -> tuple[Counter[str], list[str]]:
    client = ListedWorld(SIT, tenants).eyes()
    values = read_in_turn(client)
    return client.calls, [
        f"{name} {side}" for (name, side), value in values.items() if not isinstance(value, Unavailable)
    ]


@pytest.mark.parametrize("tenants", [10, 1000])
def test_every_list_is_read_by_pages_and_every_batch_is_full(tenants: int) -> None:
    calls, seen = _calls(tenants)
    wanted = {operation: formula(tenants) for operation, formula in GROWS.items()}
    assert wanted == {operation: calls[operation] for operation in GROWS}
    assert dict.fromkeys(NO_BATCH_READ, 2 * tenants) == {name: calls[name] for name in NO_BATCH_READ}
    for part in (
        "ecs.services",
        "ecs.tasks",
        "secretsmanager.contents",
        "elbv2.rules",
        "efs.access_points",
        "cloudwatch_logs.groups",
    ):
        assert {f"{part} {Side.PRIMARY}", f"{part} {Side.DR}"} <= set(seen), "counted because it was really read"


def test_nothing_else_is_called_more_often_for_a_thousand_tenants_than_for_ten() -> None:
    few, many = _calls(10)[0], _calls(1000)[0]
    assert {name for name in many if many[name] - few[name] > CHANCE} <= set(GROWS) | set(NO_BATCH_READ)


@pytest.mark.proof
def test_in_the_whole_sandbox_too_nothing_else_grows(sandbox_world: Endpoint) -> None:
    """The listed world answers what tenants have; the sandbox answers everything, so no reader is left out."""
    few = _observed(SIT, sandbox_world)
    with borrowed(SIT, tenants=25) as larger:
        many = _observed(SIT, larger)
    grown = {name for name in many if many[name] > few.get(name, 0)}
    assert {"ecs:DescribeServices", "ecs:DescribeTaskDefinition"} <= grown <= set(GROWS) | set(NO_BATCH_READ)


def _observed(env: Environment, world: Endpoint) -> dict[str, int]:
    keys = world.people["reader"]
    return dict(observe(env, Credentials(world.url, keys.access_key_id, keys.secret_access_key), "sandbox").calls)
