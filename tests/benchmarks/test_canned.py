"""The world of canned answers repeats the emulator, and what is measured there is the reader."""

from __future__ import annotations

import json
import time

import pytest

from benchmarks.canned import HttpRequest
from benchmarks.measuring import take
from benchmarks.throttling import LIMITS, PublishedLimits, limit_of
from benchmarks.worlds import canned_world
from dr_estate.aws.pace import rate_of
from dr_estate.snapshot.registry import reads
from sandbox.client.endpoint import Endpoint

SIGNED = b"AWS4-HMAC-SHA256 Credential=AKIA/20260107/%s/ecs/aws4_request, SignedHeaders=host"


def _request(body: bytes = b"{}", region: bytes = b"eu-central-1", path: bytes = b"/") -> HttpRequest:
    return HttpRequest(80, b"POST", path, {b"authorization": SIGNED % region, b"host": b"127.0.0.1"}, body)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (b'{"StartTime": 1767787200.25}', b'{"StartTime": 1767790800}'),
        (b"StartTime=2026-01-07T12%3A00%3A00Z", b"StartTime=2026-01-07T13%3A30%3A59.123Z"),
        (
            b"\xa1iStartTime\xc1\xfbA\xda\x00\x00\x00\x00\x00\x00",
            b"\xa1iStartTime\xc1\xfbA\xda\x11\x11\x11\x11\x11\x11",
        ),
    ],
    ids=["json", "form", "cbor"],
)
def test_the_same_question_asked_later_is_the_same_request(earlier: bytes, later: bytes) -> None:
    assert _request(earlier).key == _request(later).key


@pytest.mark.parametrize(
    ("scope", "target", "body", "operation"),
    [
        (
            b"eu-west-1/ecs",
            b"AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition",
            b"{}",
            "ecs:DescribeTaskDefinition",
        ),
        (b"eu-west-1/elasticloadbalancing", b"", b"Action=DescribeRules&Version=2015-12-01", "elbv2:DescribeRules"),
        (b"us-east-1/route53", b"", b"", "route53:ListHostedZones"),
        (b"eu-west-1/secretsmanager", b"secretsmanager.GetResourcePolicy", b"{}", "secretsmanager:GetResourcePolicy"),
        (b"eu-west-1/kms", b"TrentService.DescribeKey", b"{}", "kms:DescribeKey"),
    ],
)
def test_a_request_counts_against_the_limit_of_its_operation_and_region(
    scope: bytes, target: bytes, body: bytes, operation: str
) -> None:
    found, rate = limit_of(scope, target, body), rate_of(operation)
    assert ((found[0].burst, found[0].per_s) if found else None) == ((rate.burst, rate.per_s) if rate else None)
    assert found is None or found[1] == scope.partition(b"/")[0].decode()


def test_the_reader_keeps_to_each_of_aws_limits_that_are_enforced() -> None:
    """Calls that AWS counts together, the reader counts together; 500 GetMetricData a second need no pace."""
    names = {"elasticloadbalancing": "elbv2"}
    read = reads()
    for limit in LIMITS:
        service = names.get(limit.service, limit.service)
        operations = limit.operations or tuple(op.partition(":")[2] for op in read if op.startswith(f"{service}:"))
        rates = {rate_of(f"{service}:{name}") for name in operations if f"{service}:{name}" in read}
        assert len(rates) <= 1, limit
        assert all(rate is not None and (rate.burst, rate.per_s) == (limit.burst, limit.per_s) for rate in rates), limit


def test_a_bucket_passes_its_burst_and_then_its_rate() -> None:
    moments = [0.0]
    limits, request = PublishedLimits(now=lambda: moments[-1]), (b"eu-west-1/ecs", b"x.DescribeTaskDefinition", b"{}")
    assert sum(limits.passes(*request) for _ in range(60)) == 50
    assert limits.passes(b"af-south-1/ecs", *request[1:]), "another region has a bucket of its own"
    moments.append(2.0)
    assert sum(limits.passes(*request) for _ in range(60)) == 40
    assert limits.shortest_s == pytest.approx(2.0)
    narrow = PublishedLimits(0.1, lambda: 0.0)
    assert sum(narrow.passes(*request) for _ in range(60)) == 5


def test_another_region_path_or_body_is_another_request() -> None:
    others = (_request(region=b"us-east-1"), _request(path=b"/2020-05-31/distribution"), _request(b'{"cluster": "a"}'))
    assert len({_request().key, *(other.key for other in others)}) == 4


@pytest.mark.proof
def test_the_second_observation_is_answered_from_memory_and_reads_the_same(sandbox_world: Endpoint) -> None:
    with canned_world(sandbox_world) as world:
        runs = {}
        for way in ("one-by-one", "observe"):
            taken = take(["-m", "benchmarks.readers", way], world.variables)
            runs[way] = (json.loads(taken.out), world.counts())
    (concurrent, counts), (in_turn, _) = runs["observe"], runs["one-by-one"]
    assert (counts.misses, concurrent["unseen"]) == (0, 0)
    assert concurrent["calls"] == in_turn["calls"] <= counts.hits


@pytest.mark.proof
def test_latency_is_added_to_every_answer(sandbox_world: Endpoint) -> None:
    with canned_world(sandbox_world) as world:
        words = ["-m", "benchmarks.readers", "naive", "1"]
        calls = json.loads(take(words, world.variables).out)["calls"]
        world.latency(0.05)
        began = time.monotonic()
        slow = json.loads(take(words, world.variables).out)
    assert slow["calls"] == calls
    assert slow["tenants"] == 1
    assert slow["look_s"] >= calls * 0.05
    assert time.monotonic() - began >= slow["look_s"]


@pytest.mark.proof
def test_throttled_calls_are_tried_again_until_every_part_is_seen(sandbox_world: Endpoint) -> None:
    with canned_world(sandbox_world) as world:
        take(["-m", "benchmarks.readers", "observe"], world.variables)
        world.throttle(0.1)
        world.counts()
        document = json.loads(take(["-m", "benchmarks.readers", "observe"], world.variables).out)
        counts = world.counts()
    assert counts.throttled > 0
    assert counts.shortest_s > 0
    assert document["unseen"] == 0
