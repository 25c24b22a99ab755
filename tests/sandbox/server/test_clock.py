"""The sandbox's clock: faster than the machine's, continuous, and the same for the world, its headers and the tool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import botocore.session
import pytest

from dr_estate.aws.clock import WORLD_CLOCK, WorldClock
from dr_estate.aws.read_client import Credentials, ReadClient
from sandbox.client.endpoint import Endpoint
from sandbox.core.clock import HEADER
from sandbox.core.errors import SandboxError
from tests.dr_actions.control_tables import SIT
from tests.hosting import hosted

SPEED = 60


@pytest.fixture(scope="module")
def fast() -> Iterator[Endpoint]:
    """A world of its own: its clock is ahead from now on."""
    with hosted(SIT, 1, speed=SPEED) as world:
        yield world


def _client(world: Endpoint, service: str) -> Any:
    keys = world.people["admin"]
    return botocore.session.get_session().create_client(
        service,
        region_name=SIT.regions.dr,
        endpoint_url=world.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )


def _observer(world: Endpoint) -> tuple[ReadClient, WorldClock]:
    """A tool's own client of the world, and the clock that its answers correct."""
    keys, clock = world.people["reader"], WorldClock()
    credentials = Credentials(world.url, keys.access_key_id, keys.secret_access_key, clock=clock)
    return ReadClient(SIT, (), credentials), clock


def _header(world: Endpoint) -> tuple[datetime, dict[str, str]]:
    headers = _client(world, "sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    return parsedate_to_datetime(headers["date"]), headers


def _status(rds: Any) -> str:
    return str(rds.describe_db_instances(DBInstanceIdentifier="a-minute")["DBInstances"][0]["DBInstanceStatus"])


def _since(began: float) -> timedelta:
    """How much of the world's time passed since this moment of the machine's: no two readings differ by more."""
    return SPEED * timedelta(seconds=time.monotonic() - began)


def test_both_sides_call_the_header_the_same() -> None:
    assert HEADER.lower() == WORLD_CLOCK


@pytest.mark.proof
def test_resources_messages_and_the_tool_share_one_time(fast: Endpoint) -> None:
    client, clock = _observer(fast)
    began = time.monotonic()
    client.prove_account()
    time.sleep(0.5)
    key = _client(fast, "kms").create_key()
    created, (dated, headers) = key["KeyMetadata"]["CreationDate"], _header(fast)
    answered = datetime.fromtimestamp(fast.clock()["world"], UTC)
    assert (clock.speed, headers[WORLD_CLOCK].split()[1]) == (SPEED, "60")
    for moment in (created, dated, answered):
        assert abs(clock.now() - moment) < _since(began)
    assert clock.now() - datetime.now(UTC) > timedelta(seconds=25)


@pytest.mark.proof
def test_two_processes_agree_on_the_time_after_a_silence_of_one(fast: Endpoint) -> None:
    client, clock = _observer(fast)
    began = time.monotonic()
    client.prove_account()
    time.sleep(0.7)
    other_client, other = _observer(fast)
    other_client.prove_account()
    assert abs(clock.now() - other.now()) < _since(began)


@pytest.mark.proof
def test_a_minute_of_the_world_is_a_second_for_tool_and_world(fast: Endpoint) -> None:
    fast.timing(transition_s=60)
    rds, (client, clock) = _client(fast, "rds"), _observer(fast)
    client.prove_account()
    size: dict[str, Any] = {"AllocatedStorage": 20, "DBInstanceClass": "db.t3.micro", "Engine": "mysql"}
    began = time.monotonic()
    rds.create_db_instance(DBInstanceIdentifier="a-minute", MasterUsername="a", MasterUserPassword="b" * 9, **size)
    assert _status(rds) == "creating"
    clock.sleep(61)
    assert _status(rds) == "available"
    assert time.monotonic() - began < 30


def test_the_time_goes_on_from_where_it_is_whatever_happens_to_the_world(fast: Endpoint) -> None:
    seen = [fast.clock()["world"]]
    fast.keep("clock")
    for change in (
        lambda: fast.set_speed(600),
        lambda: fast.age(3600),
        lambda: fast.return_to("clock"),
        lambda: fast.set_speed(1),
        lambda: fast.set_speed(SPEED),
    ):
        change()
        seen.append(fast.clock()["world"])
        assert seen[-2] <= seen[-1] < seen[-2] + 60 * 10
    with pytest.raises(SandboxError, match="from 1 to 3600"):
        fast.set_speed(0.5)


def test_real_seconds_stay_real_for_what_a_client_waits_for(fast: Endpoint) -> None:
    fast.latency(0.3)
    began = time.monotonic()
    _header(fast)
    fast.latency(0)
    assert 0.3 <= time.monotonic() - began < 0.3 * SPEED


def test_a_world_at_the_pace_of_the_machine_shows_the_time_of_the_machine(bare_world: Endpoint) -> None:
    dated, headers = _header(bare_world)
    assert WORLD_CLOCK not in headers
    assert abs(datetime.now(UTC) - dated) < timedelta(seconds=2)
