"""Outages look to a client as they would on AWS: a closed connection, silence, or an error of the right shape."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from dr_estate.network.open_files import allow_open_files
from sandbox.client.endpoint import Endpoint
from sandbox.core.errors import SandboxError
from sandbox.core.state import Outage
from tests.sandbox.conftest import Client

PRIMARY, DR = "af-south-1", "eu-west-1"
READS = {
    "json": ("ecs", "list_clusters"),
    "query": ("rds", "describe_db_instances"),
    "ec2": ("ec2", "describe_vpcs"),
    "rest-json": ("efs", "describe_file_systems"),
    "rest-xml": ("route53", "list_hosted_zones"),
    "s3": ("s3", "list_buckets"),
    "sts": ("sts", "get_caller_identity"),
}


def code_of(client: Client, service: str, operation: str, **chosen: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as refused:
        getattr(client(service, PRIMARY, **chosen), operation)()
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize(
    ("how", "codes"),
    [
        (
            "throttle",
            {
                "json": (400, "ThrottlingException"),
                "query": (400, "Throttling"),
                "ec2": (503, "RequestLimitExceeded"),
                "rest-json": (429, "ThrottlingException"),
                "rest-xml": (400, "Throttling"),
                "s3": (503, "SlowDown"),
            },
        ),
        (
            "deny",
            {
                "json": (400, "AccessDeniedException"),
                "query": (403, "AccessDenied"),
                "ec2": (403, "UnauthorizedOperation"),
                "rest-json": (403, "AccessDeniedException"),
                "rest-xml": (403, "AccessDenied"),
                "s3": (403, "AccessDenied"),
            },
        ),
        (
            "expired",
            {
                "json": (400, "ExpiredTokenException"),
                "ec2": (400, "RequestExpired"),
                "sts": (403, "ExpiredToken"),
                "s3": (400, "ExpiredToken"),
            },
        ),
        ("error", {"json": (503, "ServiceUnavailableException"), "query": (503, "ServiceUnavailable")}),
    ],
)
def test_a_bad_answer_has_the_code_and_status_of_its_protocol(
    world: Endpoint, client: Client, how: str, codes: dict[str, tuple[int, str]]
) -> None:
    world.begin(Outage(PRIMARY, how))
    assert {kind: code_of(client, *READS[kind]) for kind in codes} == codes


def test_a_refusing_region_closes_connections_and_leaves_the_others_alone(world: Endpoint, client: Client) -> None:
    world.begin(Outage(PRIMARY, "refuse"))
    with pytest.raises(ConnectionClosedError):
        client("ecs", PRIMARY).list_clusters()
    client("ecs", DR).list_clusters()
    assert client("route53", "us-east-1").list_hosted_zones()["HostedZones"] == []
    world.end()
    assert client("ecs", PRIMARY).list_clusters()["clusterArns"] == []


def test_an_outage_may_be_of_one_service_or_one_operation_or_one_person(world: Endpoint, client: Client) -> None:
    world.begin(Outage(PRIMARY, "deny", service="ecs", operation="ListServices"))
    world.begin(Outage(PRIMARY, "throttle", service="efs"))
    world.begin(Outage(PRIMARY, "deny", service="sns", person="reader"))
    client("ecs", PRIMARY).list_clusters()
    client("sns", PRIMARY).list_topics()
    with pytest.raises(ClientError, match="operator is not authorized to perform: ecs:ListServices"):
        client("ecs", PRIMARY).list_services(cluster="any")
    assert code_of(client, "efs", "describe_file_systems")[1] == "ThrottlingException"
    assert code_of(client, "sns", "list_topics", person="reader")[1] == "AccessDenied"


@pytest.mark.proof
def test_the_first_calls_can_be_throttled_and_a_retry_succeeds(world: Endpoint, client: Client) -> None:
    world.begin(Outage(PRIMARY, "throttle", service="ecs", times=2))
    assert client("ecs", PRIMARY, attempts=3).list_clusters()["clusterArns"] == []
    assert world.calls() == {f"{PRIMARY} ecs:ListClusters": 3}
    assert world.state()["faults"] == []


@pytest.mark.proof
def test_a_hanging_region_answers_nothing_until_the_outage_ends(world: Endpoint, client: Client) -> None:
    world.begin(Outage(PRIMARY, "hang"))
    with pytest.raises(ReadTimeoutError):
        client("ecs", PRIMARY, read_timeout=1).list_clusters()
    mending = threading.Timer(0.3, world.end)
    mending.start()
    assert client("ecs", PRIMARY).list_clusters()["clusterArns"] == []
    mending.join()


def test_a_hang_may_end_by_itself_without_an_answer(world: Endpoint, client: Client) -> None:
    world.begin(Outage(PRIMARY, "hang", seconds=0.3))
    began = time.monotonic()
    with pytest.raises(ConnectionClosedError):
        client("ecs", PRIMARY).list_clusters()
    assert time.monotonic() - began >= 0.3


@pytest.mark.proof
def test_a_call_is_held_however_many_others_are_connected(world: Endpoint, client: Client) -> None:
    address = urlsplit(world.url)
    allow_open_files()
    with ExitStack() as connected:
        for _ in range(1_100):  # more than select() can name
            connected.enter_context(socket.create_connection((address.hostname, address.port)))
        world.begin(Outage(PRIMARY, "hang"))
        with pytest.raises(ReadTimeoutError):
            client("ecs", PRIMARY, read_timeout=1).list_clusters()


def test_a_slow_region_answers_late(world: Endpoint, client: Client) -> None:
    world.begin(Outage(PRIMARY, "slow", seconds=0.3))
    began = time.monotonic()
    client("ecs", PRIMARY).list_clusters()
    assert time.monotonic() - began >= 0.3


def test_replication_stands_still_while_a_region_is_dark_and_only_then(world: Endpoint) -> None:
    world.begin(Outage(PRIMARY, "error", service="ecs"))
    assert world.state()["stopped"] == {}
    world.begin(Outage(PRIMARY, "refuse"))
    since = world.state()["stopped"]
    assert list(since) == [PRIMARY]
    world.begin(Outage(PRIMARY, "hang"))
    world.end(Outage(PRIMARY, "refuse"))
    assert world.state()["stopped"] == since
    world.end()
    assert world.state()["stopped"] == {}


def test_an_unknown_way_to_fail_is_refused_with_the_known_ones(world: Endpoint) -> None:
    with pytest.raises(SandboxError, match="'sulk' is no way to fail: use one of refuse, hang"):
        world.begin(Outage(PRIMARY, "sulk"))


def test_only_name_servers_and_metrics_can_be_left_with_what_was(world: Endpoint) -> None:
    for service in ("", "route53"):
        with pytest.raises(SandboxError, match="Only name servers and metrics"):
            world.begin(Outage(PRIMARY, "stale", service))
    world.begin(Outage(PRIMARY, "stale", "dns"))
    world.end()


def test_where_changes_alone_fail_reads_work_and_nothing_stops_replicating(world: Endpoint, client: Client) -> None:
    world.begin(Outage(PRIMARY, "error", writes=True))
    sns = client("sns", PRIMARY)
    sns.list_topics()
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        sns.create_topic(Name="new")
    assert {} == world.state()["stopped"]


@pytest.mark.proof
def test_credentials_end_after_so_many_calls_or_seconds(world: Endpoint, client: Client) -> None:
    sns = client("sns", PRIMARY)
    world.begin(Outage(PRIMARY, "expired", after=2))
    sns.list_topics()
    sns.list_topics()
    with pytest.raises(ClientError, match="ExpiredToken"):
        sns.list_topics()
    world.end()
    world.begin(Outage(PRIMARY, "expired", seconds=2))
    sns.list_topics()
    time.sleep(2.1)
    with pytest.raises(ClientError, match="ExpiredToken"):
        sns.list_topics()


def test_a_slowed_call_takes_as_long_as_the_test_says(world: Endpoint, client: Client) -> None:
    world.timing(slow_s=0.3)
    world.begin(Outage(PRIMARY, "slow", seconds=60))
    began = time.monotonic()
    client("sns", PRIMARY).list_topics()
    assert time.monotonic() - began >= 0.3
    world.timing(slow_s=None)
