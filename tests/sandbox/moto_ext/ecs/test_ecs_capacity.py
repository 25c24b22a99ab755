"""How fast tasks start, and what stops them: launch rate, vCPU quota, addresses (T33, T35)."""

from __future__ import annotations

from typing import Any

import pytest
from moto.ecs.models import ecs_backends

from sandbox.core.state import STATE, now
from sandbox.moto_ext.ecs.tasks import TaskRequest, launch
from tests.sandbox.moto_ext.compute import platform
from tests.sandbox.moto_ext.conftest import DR, Clients


@pytest.mark.usefixtures("clock")
def test_more_than_a_hundred_tasks_start_at_twenty_a_second(aws: Clients) -> None:
    STATE.extras["transition_s"] = 0.001
    there = platform(aws, DR)
    there.serve(tasks=0)
    aws("service-quotas", DR).request_service_quota_increase(
        ServiceCode="fargate", QuotaCode="L-3032A538", DesiredValue=500.0
    )
    begun = now()
    there.scale(140)
    backend = ecs_backends["123456789012"][DR]
    waits = sorted((task.runs_at - begun).total_seconds() for task in backend.__dict__["tasks_by_id"].values())
    assert waits[99] < 1.0
    assert 1.5 < waits[-1] < 2.5


def test_the_vcpu_quota_stops_a_scale_out_and_raising_it_lets_it_go_on(aws: Clients) -> None:
    STATE.extras["transition_s"] = 0.001
    there = platform(aws, DR)
    there.serve(tasks=0)
    there.scale(20)
    assert len(there.tasks()) == 12
    assert "unable to place a task" in " ".join(event["message"] for event in there.service()["events"])
    aws("service-quotas", DR).request_service_quota_increase(
        ServiceCode="fargate", QuotaCode="L-3032A538", DesiredValue=10.0
    )
    assert len(there.tasks()) == 20


def test_a_subnet_without_addresses_takes_no_more_tasks(aws: Clients) -> None:
    there = platform(aws, DR)
    ec2 = there.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=there.subnets)["Subnets"][0]["VpcId"]
    small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/28")["Subnet"]["SubnetId"]
    there.subnets = [small]
    there.serve(tasks=15)
    assert there.service()["runningCount"] == 11
    assert ec2.describe_subnets(SubnetIds=[small])["Subnets"][0]["AvailableIpAddressCount"] == 0
    there.scale(3)
    assert ec2.describe_subnets(SubnetIds=[small])["Subnets"][0]["AvailableIpAddressCount"] == 8
    there.scale(9)
    assert there.service()["runningCount"] == 9


def test_a_subnet_whose_addresses_are_used_up_by_interfaces_takes_no_task(aws: Clients) -> None:
    there = platform(aws, DR)
    ec2 = there.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=there.subnets)["Subnets"][0]["VpcId"]
    small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/28")["Subnet"]["SubnetId"]
    interfaces = [ec2.create_network_interface(SubnetId=small)["NetworkInterface"] for _ in range(11)]
    there.subnets = [small]
    there.serve(tasks=1)
    assert (there.service()["runningCount"], there.tasks()) == (0, [])
    assert "unable to place a task" in " ".join(event["message"] for event in there.service()["events"])
    ec2.delete_network_interface(NetworkInterfaceId=interfaces[0]["NetworkInterfaceId"])
    there.scale(2)
    assert there.service()["runningCount"] == 1


def test_launching_for_nobody_starts_nothing(aws: Clients) -> None:
    there = platform(aws, DR)
    there.register("nginx:1")
    backend: Any = ecs_backends["123456789012"][DR]
    definition = backend.describe_task_definition("tenant-a")
    assert launch(backend, TaskRequest("shop", "service:x", definition, "test"), 0) == []
    assert len(launch(backend, TaskRequest("shop", "service:x", definition, "test"), 1)) == 1
