"""Calls keep to AWS's published rates: nothing is throttled, and a large estate is given the time that this takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.registry import actions
from dr_estate.aws.pace import RATES, Pace, Rate, rate_of, shortest_s
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from dr_estate.snapshot.call_growth import GROWS, NO_BATCH_READ
from dr_estate.snapshot.registry import reads
from sandbox.client.endpoint import Endpoint

DEFINITION = "ecs:DescribeTaskDefinition"
_UNPUBLISHED = "AWS publishes no rate"
UNPACED = {
    "application-autoscaling:DescribeScalableTargets": f"{_UNPUBLISHED}; its pages follow one another",
    "application-autoscaling:DescribeScalingPolicies": f"{_UNPUBLISHED}; its pages follow one another",
    "cloudwatch:GetMetricData": "500 calls a second are published, and a call has 500 metrics",
    "ec2:DescribeNetworkInterfaces": "100 calls at once are published, and a page has a thousand",
    "efs:DescribeAccessPoints": f"{_UNPUBLISHED}; its pages follow one another",
    "iam:SimulatePrincipalPolicy": f"{_UNPUBLISHED}; eight at once",
    "secretsmanager:BatchGetSecretValue": f"{_UNPUBLISHED} of its own; eight at once",
}
DR = "eu-west-1"


class MovedByHand:
    """A clock of seconds that stands still: time passes only where ``now_s`` is set."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.operations[0])
def test_a_bucket_of_the_size_of_aws_is_never_empty_and_adds_little_time(rate: Rate) -> None:
    clock = MovedByHand()
    pace, calls = Pace(clock), rate.burst + 500
    leaving = [clock.now_s + pace.reserve(rate.operations[n % len(rate.operations)], DR) for n in range(calls)]
    tokens, at = float(rate.burst), clock.now_s
    for moment in leaving:
        tokens, at = min(rate.burst, tokens + (moment - at) * rate.per_s) - 1, moment
        assert tokens >= 0, f"throttled after {moment - clock.now_s:.1f} s"
    floor_s = shortest_s({rate.operations[0]: calls})
    assert floor_s <= leaving[-1] - clock.now_s <= 1.15 * floor_s


def test_each_region_has_its_bucket_and_other_calls_are_not_held_back() -> None:
    pace = Pace(MovedByHand())
    for _ in range(60):
        pace.reserve(DEFINITION, DR)
    assert pace.reserve(DEFINITION, DR) > 0
    assert pace.reserve(DEFINITION, "af-south-1") == 0
    assert pace.reserve("s3:HeadBucket", DR) == 0


def test_every_operation_of_the_table_is_called_by_us_or_by_ecs() -> None:
    sent = frozenset[str]().union(*(action.writes | action.reads for action in actions().values()))
    called = reads() | sent | {f"{operation.partition(':')[0]}:*" for operation in reads()}
    assert {operation for rate in RATES for operation in rate.operations} - called == {"elbv2:RegisterTargets"}


def test_what_grows_with_tenants_has_a_rate_or_a_reason_for_none() -> None:
    grows = {operation for operation in (*GROWS, *NO_BATCH_READ) if rate_of(operation) is None}
    assert grows == UNPACED.keys()


@pytest.fixture
def sit() -> Environment:
    return load_environment(Path(__file__).parents[3] / "environments", "sit")


@contextmanager
def paced(world: Endpoint, sit: Environment, waits: bool = True, **limits: object) -> Iterator[ReadClient]:
    keys = world.people["reader"]
    credentials = Credentials(world.url, keys.access_key_id, keys.secret_access_key, paced=waits)
    env = sit.model_copy(update={"observation": sit.observation.model_copy(update=limits)})
    yield ReadClient(env, reads(), credentials)


def ask(client: ReadClient) -> UnavailableKind | None:
    """Ask for the cluster; why there was no answer, None where there was one."""
    try:
        client.call("ecs", client.environment.region(Side.DR), lambda ecs: ecs.describe_clusters())
    except DataUnavailable as missing:
        return missing.unavailable.kind
    return None


@pytest.mark.proof
def test_threads_that_ask_at_once_wait_their_turn(sandbox_world: Endpoint, sit: Environment) -> None:
    with paced(sandbox_world, sit) as client, ThreadPoolExecutor(16) as threads:
        began = time.monotonic()
        assert set(threads.map(lambda _: ask(client), range(60))) == {None}
        assert time.monotonic() - began > 10 / 20, "ten of sixty are beyond what may leave at once"


@pytest.mark.proof
def test_the_deadline_moves_with_the_rates_and_a_firm_one_does_not(sandbox_world: Endpoint, sit: Environment) -> None:
    with paced(sandbox_world, sit, deadline_s=1, read_timeout_s=1) as client, ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: ask(client), range(80))) == {None}
    firm: dict[str, Any] = {"deadline_s": 1, "read_timeout_s": 1, "firm_deadline": True}
    with paced(sandbox_world, sit, **firm) as client, ThreadPoolExecutor(16) as threads:
        assert UnavailableKind.DEADLINE in set(threads.map(lambda _: ask(client), range(80)))


def test_an_emulator_has_as_long_as_aws_rates_would_take_for_each_look(
    sandbox_world: Endpoint, sit: Environment
) -> None:
    with paced(sandbox_world, sit, waits=False) as client:
        assert _later_by_3000_calls(client) > 50
        client.open()
        assert ask(client) is None
        assert client.remaining_seconds <= sit.observation.deadline_s
    with paced(sandbox_world, sit, waits=False, firm_deadline=True) as client:
        assert _later_by_3000_calls(client) == 0


def _later_by_3000_calls(client: ReadClient) -> float:
    """By how many seconds the deadline moves while so many calls begin."""
    assert ask(client) is None  # its place is known from now on
    before = client.ends_at
    for _ in range(3000):
        client.begin("ecs", client.environment.region(Side.DR), "DescribeClusters")
    return client.ends_at - before
