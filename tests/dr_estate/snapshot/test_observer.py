"""An observation can be narrowed to some parts, upon what was seen before."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dr_checks.core.observation import Observation
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import (
    cloudwatch_logs,
    ecs,
    elbv2,
    iam_copy_roles,
    iam_key_roles,
    iam_task_roles,
    kms,
    s3,
    sns_topics,
)
from dr_estate.snapshot.observer import Key, _Reading, calls_at_once, observe
from dr_estate.snapshot.registry import readers, reads
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage


def _reader(world: Endpoint) -> Credentials:
    keys = world.people["reader"]
    return Credentials(world.url, keys.access_key_id, keys.secret_access_key)


@pytest.mark.proof
def test_a_narrow_observation_reads_the_named_parts_and_their_sources(
    sandbox_world: Endpoint, observation: Observation
) -> None:
    seen = observe(
        observation.environment, _reader(sandbox_world), "sandbox", only=frozenset({cloudwatch_logs.groups.name})
    )
    assert {name for name, _ in seen.parts} == {
        cloudwatch_logs.groups.name,
        ecs.task_definitions.name,
        ecs.services.name,
    }
    assert seen.get(cloudwatch_logs.groups, Side.DR) == observation.snapshot.get(cloudwatch_logs.groups, Side.DR)


def test_upon_an_earlier_snapshot_only_the_named_parts_are_read_again(
    sandbox_world: Endpoint, observation: Observation
) -> None:
    before = observation.snapshot
    only = frozenset({sns_topics.topics.name, cloudwatch_logs.groups.name})
    seen = observe(observation.environment, _reader(sandbox_world), "sandbox", only=only, upon=before)
    assert set(seen.parts) == set(before.parts)
    assert {key for key, part in seen.parts.items() if part is not before.parts[key]} == {
        (name, side) for name in only for side in (Side.PRIMARY, Side.DR)
    }
    assert {operation.partition(":")[0] for operation in seen.calls} == {"sts", "sns", "logs"}


def test_an_unseen_part_is_read_again_where_a_named_part_needs_it(
    sandbox_world: Endpoint, observation: Observation
) -> None:
    env, side = observation.environment, Side.DR
    whole = observation.snapshot
    blind = Unavailable(UnavailableKind.UNREACHABLE, "elbv2 did not answer at that moment.")
    key = (elbv2.load_balancer.name, side)
    earlier = replace(whole, parts={**whole.parts, key: replace(whole.parts[key], value=blind)})
    again = observe(env, _reader(sandbox_world), "sandbox", only=frozenset({elbv2.healthy_hosts.name}), upon=earlier)
    assert again.get(elbv2.healthy_hosts, side)


@pytest.mark.parametrize(
    ("reads", "limit", "calls"),
    [
        (ecs.task_definitions.reads, 32, (8, 24)),
        (iam_task_roles.roles.reads, 32, (8, 0)),
        (ecs.task_definitions.reads | iam_task_roles.roles.reads, 32, (8, 0)),
        (ecs.task_definitions.reads, 10, (8, 2)),
        (ecs.task_definitions.reads, 2, (2, 0)),
    ],
)
def test_only_calls_that_are_paced_by_a_published_rate_have_spare_threads(
    reads: frozenset[str], limit: int, calls: tuple[int, int]
) -> None:
    assert calls_at_once(reads, limit) == calls


@pytest.mark.proof
def test_a_service_that_crawls_hides_its_own_parts_alone(sandbox_world: Endpoint, observation: Observation) -> None:
    """Many items of one part wait for S3; no other part waits behind them for a worker."""
    env = observation.environment
    hurried = env.observation.model_copy(update={"workers": 2, "deadline_s": 5})
    crawling = Outage(env.regions.dr, "slow", "s3", seconds=20)
    sandbox_world.begin(crawling)
    try:
        seen = observe(env.model_copy(update={"observation": hurried}), _reader(sandbox_world), "sandbox")
    finally:
        sandbox_world.end(crawling)
    hidden = {part.name for part in seen.parts.values() if isinstance(part.value, Unavailable)}
    assert s3.buckets.name in hidden
    of_s3 = {name for name, reader in readers().items() if any(read.startswith("s3:") for read in reader.reads)}
    of_keys = {kms.keys.name, iam_task_roles.roles.name}  # the buckets' keys are among all keys, which roles may use
    of_copies = {iam_copy_roles.roles.name, iam_key_roles.rights.name}  # who copies a bucket, and who uses its key
    assert hidden <= of_s3 | of_keys | of_copies


class _BegunLate(_Reading):
    """A reading in which a thread begins one more part while those that were begun are taken."""

    def take(self, key: Key) -> None:
        super().take(key)
        self._future_of((sns_topics.topics.name, Side.DR))


def test_a_part_begun_after_the_deadline_is_not_in_the_observation(observation: Observation) -> None:
    client = ReadClient(observation.environment, reads(), Credentials("http://127.0.0.1:9", "AKIDLATE", "none"))
    reading = _BegunLate(client, datetime.now(UTC), (), None, tuple(Side))
    begun = (ecs.services.name, Side.DR)
    reading.futures[begun] = Future()
    taken = reading.begun_parts()
    reading.end()
    assert set(taken) == {begun}
    assert isinstance(taken[begun].value, Unavailable)
    assert taken[begun].value.kind is UnavailableKind.DEADLINE
