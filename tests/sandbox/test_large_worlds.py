"""What a call costs the sandbox by what it is about, however many tenants its world has: counted in Python's calls."""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from dr_estate.config.environment import Side
from tests.sandbox.seeding_worlds import Seeded, seeded

pytestmark = pytest.mark.proof
FEW, MANY = 20, 80
A_METRIC, A_BYSTANDER = 5_000, 30
"""What one tenant more may cost where its metrics are wanted, and where it is only there (3,100 and 18 by now)."""


def test_metrics_look_at_what_tenants_share_once() -> None:
    assert _each_more(_read_healthy_hosts) < A_METRIC


def test_services_by_name_are_found_without_a_look_at_all_others() -> None:
    assert _each_more(_describe_ten_services) < A_BYSTANDER


def _each_more(looking: Callable[[Seeded], object]) -> float:
    few, many = (_cost(tenants, looking) for tenants in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _cost(tenants: int, looking: Callable[[Seeded], object]) -> int:
    with contextmanager(seeded)("sit", tenants) as world:
        looking(world)  # what is prepared once
        return min(_calls(looking, world) for _ in range(9))  # what the clock does meanwhile is nobody's look


def _calls(looking: Callable[[Seeded], object], world: Seeded) -> int:
    profile = cProfile.Profile()
    profile.runcall(looking, world)
    return sum(row.callcount for row in profile.getstats())


def _read_healthy_hosts(world: Seeded) -> None:
    elb = world.client("elbv2", Side.PRIMARY)
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    groups = elb.get_paginator("describe_target_groups").paginate().search("TargetGroups[].TargetGroupArn")
    places = [(balancer["LoadBalancerArn"].partition(":loadbalancer/")[2], arn.rpartition(":")[2]) for arn in groups]
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApplicationELB",
                    "MetricName": "HealthyHostCount",
                    "Dimensions": [{"Name": "LoadBalancer", "Value": door}, {"Name": "TargetGroup", "Value": group}],
                },
                "Period": 60,
                "Stat": "Minimum",
            },
        }
        for number, (door, group) in enumerate(places)
    ]
    window = {"StartTime": datetime.now(UTC) - timedelta(minutes=2), "EndTime": datetime.now(UTC)}
    found = world.client("cloudwatch", Side.PRIMARY).get_metric_data(MetricDataQueries=queries, **window)
    assert [row["Values"][0] >= 1 for row in found["MetricDataResults"]].count(True) == len(places) > 0


def _describe_ten_services(world: Seeded) -> None:
    ecs, cluster = world.client("ecs", Side.PRIMARY), world.named(world.env.names.cluster)
    arns = ecs.list_services(cluster=cluster, maxResults=10)["serviceArns"]
    found = ecs.describe_services(cluster=cluster, services=arns)["services"]
    assert [row["runningCount"] > 0 for row in found] == [True] * 10
