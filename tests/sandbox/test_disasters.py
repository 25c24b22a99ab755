"""Disasters break the world by name and can be taken back."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from sandbox.core.errors import SandboxError
from tests.sandbox.conftest import Client


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
