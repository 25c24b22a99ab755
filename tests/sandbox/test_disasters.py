"""Disasters break the world by name and can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from sandbox.core.errors import SandboxError
from tests.sandbox.conftest import Client, client_of


@pytest.mark.parametrize(
    ("name", "dark"),
    [("primary-dark", Side.PRIMARY), ("dr-dark", Side.DR), ("us-east-1-dark", Side.GLOBAL)],
)
def test_a_dark_region_is_dark_alone_and_comes_back(
    world: Endpoint, client: Client, sit: Environment, name: str, dark: Side
) -> None:
    world.inject(name)
    for side in Side:
        zones = client("sns", sit.region(side))
        if side is dark:
            with pytest.raises(ConnectionClosedError):
                zones.list_topics()
        else:
            zones.list_topics()
    assert world.repair(name) == [name]
    client("sns", sit.region(dark)).list_topics()


def test_expired_credentials_are_expired_everywhere(world: Endpoint, client: Client, sit: Environment) -> None:
    world.inject("credentials-expired")
    for side in Side:
        with pytest.raises(ClientError, match="ExpiredToken"):
            client("sts", sit.region(side)).get_caller_identity()


def test_the_list_says_what_is_broken(world: Endpoint) -> None:
    world.inject("primary-throttled")
    listed = {d["name"]: d for d in world.disasters()}
    assert listed["primary-throttled"]["broken"]
    assert not listed["primary-dark"]["broken"]
    assert all(d["sentence"] for d in listed.values())
    assert world.state()["disasters"] == ["primary-throttled"]


def test_mending_without_a_name_takes_everything_back(world: Endpoint) -> None:
    world.inject("primary-throttled")
    world.inject("dr-dark")
    assert world.repair() == ["dr-dark", "primary-throttled"]
    assert world.state()["faults"] == []


def test_a_misspelt_disaster_is_refused_with_the_nearest_name(world: Endpoint) -> None:
    with pytest.raises(SandboxError, match=r"no disaster 'primary-drak'\. Did you mean primary-dark"):
        world.inject("primary-drak")


def test_breaking_twice_and_mending_what_is_whole_are_refused(world: Endpoint) -> None:
    world.inject("dr-dark")
    with pytest.raises(SandboxError, match="already broken"):
        world.inject("dr-dark")
    with pytest.raises(SandboxError, match=r"'primary-dark' is not broken \(broken now: dr-dark"):
        world.repair("primary-dark")


def _tagged(estate: Endpoint, sit: Environment) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """By disaster: how the resource that it deletes gets a tag, and how its tags are read."""
    names, dr, tenant = sit.names, sit.regions.dr, estate.state()["tenants"][-1]
    services = ("logs", "cloudwatch", "rds", "ssm")
    logs, alarms, rds, ssm = (client_of(estate, service, dr, person="admin") for service in services)
    group = f"arn:aws:logs:{dr}:{sit.account}:log-group:{sit.named(names.log_group, tenant=tenant)}"
    alarm = f"arn:aws:cloudwatch:{dr}:{sit.account}:alarm:{sit.named(names.alarms[-1])}"
    subnets = f"arn:aws:rds:{dr}:{sit.account}:subgrp:{sit.named(names.db_subnet_group)}"
    parameters = f"arn:aws:rds:{dr}:{sit.account}:pg:{sit.named(names.db_parameter_group)}"
    path = ssm.get_paginator("describe_parameters").paginate().build_full_result()["Parameters"][0]["Name"]
    parameter = {"ResourceType": "Parameter", "ResourceId": path}
    tag = [{"Key": "owner", "Value": "storage team"}]
    return {
        "log-group-deleted": (
            partial(logs.tag_resource, resourceArn=group, tags={"owner": "storage team"}),
            lambda: logs.list_tags_for_resource(resourceArn=group)["tags"],
        ),
        "alarm-deleted": (
            partial(alarms.tag_resource, ResourceARN=alarm, Tags=tag),
            lambda: alarms.list_tags_for_resource(ResourceARN=alarm)["Tags"],
        ),
        "dr-subnet-group-deleted": (
            partial(rds.add_tags_to_resource, ResourceName=subnets, Tags=tag),
            lambda: rds.list_tags_for_resource(ResourceName=subnets)["TagList"],
        ),
        "dr-parameter-group-missing": (
            partial(rds.add_tags_to_resource, ResourceName=parameters, Tags=tag),
            lambda: rds.list_tags_for_resource(ResourceName=parameters)["TagList"],
        ),
        "parameter-missing": (
            partial(ssm.add_tags_to_resource, **parameter, Tags=tag),
            lambda: ssm.list_tags_for_resource(**parameter)["TagList"],
        ),
    }


def test_what_is_made_again_has_the_tags_that_it_had(estate: Endpoint, sit: Environment) -> None:
    for name, (tag, tags) in _tagged(estate, sit).items():
        tag()
        before = tags()
        assert "storage team" in str(before)
        estate.inject(name)
        estate.repair(name)
        assert before == tags(), name


def test_a_smaller_definition_is_one_that_fargate_has(estate: Endpoint, sit: Environment) -> None:
    estate.inject("definition-smaller")
    ecs, tenant = client_of(estate, "ecs", sit.regions.dr, person="admin"), estate.state()["tenants"][-1]
    services = [sit.named(sit.names.service, tenant=tenant)]
    (found,) = ecs.describe_services(cluster=sit.named(sit.names.cluster), services=services)["services"]
    definition = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    # 0.25 vCPU goes with 512 MiB, 1 GiB or 2 GiB (ECS guide, task size).
    assert ("256", "512") == (definition["cpu"], definition["memory"])
