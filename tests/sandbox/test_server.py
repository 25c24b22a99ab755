"""The server answers as AWS would where it can, and says by name what it cannot."""

from __future__ import annotations

import contextlib
import http.client
import io
import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import running
from sandbox.core.errors import SandboxError
from sandbox.core.request_parser import identify
from tests.hosting import hosted
from tests.sandbox.conftest import Client, client_of


def refusal(call: Any, **params: Any) -> tuple[int, str, str]:
    """Status, code and message of the ClientError that ``call`` raises."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "params", "named"),
    [
        pytest.param(
            "ecs", "stop_service_deployment", {"serviceDeploymentArn": "a"}, "StopServiceDeployment", id="json"
        ),
        pytest.param("rds", "describe_integrations", {}, "DescribeIntegrations", id="query"),
        pytest.param("ec2", "describe_ipam_policies", {}, "DescribeIpamPolicies", id="ec2"),
        pytest.param("batch", "list_service_jobs", {}, "ListServiceJobs", id="rest-json"),
        pytest.param("cloudfront", "list_anycast_ip_lists", {}, "ListAnycastIpLists", id="rest-xml"),
        pytest.param("s3", "get_bucket_metrics_configuration", {"Bucket": "b", "Id": "i"}, "MetricsConf", id="s3"),
        pytest.param(
            "cloudwatch", "list_managed_insight_rules", {"ResourceARN": "a"}, "InsightRules", id="cbor-or-json"
        ),
        pytest.param("pricing", "describe_services", {}, "pricing:DescribeServices", id="unknown json service"),
        pytest.param("connecthealth", "list_domains", {}, "connecthealth:ListDomains", id="unknown rest service"),
    ],
)
def test_an_unknown_operation_is_501_by_name_and_not_retried(
    world: Endpoint, client: Client, service: str, operation: str, params: dict[str, Any], named: str
) -> None:
    service_client = client(service, attempts=3)
    status, code, message = refusal(getattr(service_client, operation), **params)
    assert (status, code) == (501, "NotImplementedInSandbox")
    assert named in message
    assert sum(world.calls().values()) == 1


def test_an_exception_in_the_emulator_is_a_defect_and_not_a_sick_aws(world: Endpoint, client: Client) -> None:
    broken = client("rds", attempts=3, user_agent_extra="broken")  # a client of its own
    broken.meta.events.register("before-call.rds", lambda params, **_: params["body"].update(MaxRecords="not a number"))
    status, code, message = refusal(broken.describe_db_instances)
    assert (status, code) == (501, "SandboxDefect")
    assert "rds:DescribeDBInstances" in message
    assert world.calls() == {"eu-west-1 rds:DescribeDBInstances": 1}


def test_a_service_that_is_signed_for_in_capitals_is_known() -> None:
    scope = "AWS4-HMAC-SHA256 Credential=KEY/20260101/af-south-1/Backup/aws4_request, SignedHeaders=host"
    request = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/backup-vaults/copies", "wsgi.input": io.BytesIO()}
    call = identify({**request, "HTTP_AUTHORIZATION": scope})
    assert ("backup", "CreateBackupVault") == (call.service, call.operation)


def test_calls_are_counted_by_region_service_and_operation(world: Endpoint, client: Client) -> None:
    client("ecs").list_clusters()
    client("elbv2", "af-south-1").describe_load_balancers()
    client("s3", "af-south-1").list_buckets()
    client("route53", "us-east-1").list_hosted_zones()
    client("efs").describe_file_systems()
    client("cloudwatch").list_metrics()
    client("s3").list_buckets()
    assert world.calls() == {
        "af-south-1 elbv2:DescribeLoadBalancers": 1,
        "af-south-1 s3:ListBuckets": 1,
        "eu-west-1 cloudwatch:ListMetrics": 1,
        "eu-west-1 ecs:ListClusters": 1,
        "eu-west-1 efs:DescribeFileSystems": 1,
        "eu-west-1 s3:ListBuckets": 1,
        "us-east-1 route53:ListHostedZones": 1,
    }
    world.reset_calls()
    assert world.calls() == {}


@pytest.mark.parametrize("person", ["reader", "operator", "approver", "admin"])
def test_each_person_has_their_own_identity_in_the_environments_account(
    bare_world: Endpoint, client: Client, sit: Environment, person: str
) -> None:
    identity = client("sts", person=person).get_caller_identity()
    assert identity["Account"] == sit.account == bare_world.account
    assert identity["Arn"] == f"arn:aws:iam::{sit.account}:user/{person}"


def test_the_strangers_keys_speak_for_another_account(client: Client, sit: Environment) -> None:
    identity = client("sts", person="stranger").get_caller_identity()
    assert identity["Account"] != sit.account
    assert identity["Arn"] == f"arn:aws:iam::{identity['Account']}:user/stranger"


def test_expired_keys_are_refused_as_expired(client: Client) -> None:
    assert refusal(client("sts", person="expired").get_caller_identity)[:2] == (403, "ExpiredToken")
    assert refusal(client("ecs", person="expired").list_clusters)[:2] == (400, "ExpiredTokenException")


def test_foreign_keys_and_assumed_roles_act_in_the_account_of_the_file(
    bare_world: Endpoint, client: Client, sit: Environment
) -> None:
    role = client("sts").assume_role(RoleArn=f"arn:aws:iam::{sit.account}:role/drill", RoleSessionName="alice")
    for keys in (role["Credentials"], {"AccessKeyId": "AKIANOBODYINPARTICULA", "SecretAccessKey": "x"}):
        sts = boto3.client(
            "sts",
            "eu-west-1",
            endpoint_url=bare_world.url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
        )
        assert sts.get_caller_identity()["Account"] == sit.account


def took_s(call: Callable[[], object], times: int = 50) -> float:
    """How long the quickest of these calls took: one that the machine did not interrupt."""
    seconds = []
    for _ in range(times):
        began = time.monotonic()
        call()
        seconds.append(time.monotonic() - began)
    return min(seconds)


def test_connections_are_kept_alive_and_a_call_takes_milliseconds(client: Client) -> None:
    assert took_s(client("ecs").list_clusters) < 0.03


def test_a_latency_delays_each_call_and_can_be_taken_off(world: Endpoint, client: Client) -> None:
    ecs = client("ecs")
    world.latency(0.2)
    assert took_s(ecs.list_clusters, times=2) >= 0.2
    world.latency(0)
    assert took_s(ecs.list_clusters) < 0.2


def test_objects_with_odd_names_and_binary_bodies_come_back_as_they_were(client: Client) -> None:
    s3 = client("s3", "af-south-1")
    s3.create_bucket(Bucket="odd-names", CreateBucketConfiguration={"LocationConstraint": "af-south-1"})
    for key, body in {"a/b c": b"\x00\xff" * 500, "é+%2F": b"", "plain": b"x" * 2_000_000}.items():
        s3.put_object(Bucket="odd-names", Key=key, Body=body)
        assert s3.head_object(Bucket="odd-names", Key=key)["ContentLength"] == len(body)
        assert s3.get_object(Bucket="odd-names", Key=key)["Body"].read() == body


def test_many_clients_at_once_lose_no_write(client: Client) -> None:
    def create(number: int) -> None:
        client("ecs").create_cluster(clusterName=f"many-{number}")

    threads = [threading.Thread(target=create, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    arns = [arn for arn in client("ecs").list_clusters()["clusterArns"] if "/many-" in arn]
    assert len(arns) == 12


def post(world: Endpoint, path: str, **headers: str) -> int:
    """Status of a POST to the world's server."""
    connection = http.client.HTTPConnection(world.url.removeprefix("http://"), timeout=5)
    with contextlib.closing(connection):
        connection.request("POST", path, headers=headers)
        return connection.getresponse().status


def test_the_control_path_needs_the_token(world: Endpoint) -> None:
    assert post(world, "/_sandbox/stop") == 401
    assert post(world, "/_sandbox/stop", **{"X-Sandbox-Token": "wrong"}) == 401
    assert world.state()["account"] == world.account


def test_the_emulators_own_reset_path_is_shut(world: Endpoint, client: Client) -> None:
    client("ecs").create_cluster(clusterName="survivor")
    assert post(world, "/moto-api/reset") == 501
    assert any("survivor" in arn for arn in client("ecs").list_clusters()["clusterArns"])


def test_two_worlds_live_side_by_side(world: Endpoint, sit: Environment) -> None:
    with hosted(sit, 3, seeded=False) as other:
        client_of(other, "sns").create_topic(Name="elsewhere")
        assert len(client_of(other, "sns").list_topics()["Topics"]) == 1
        assert client_of(world, "sns").list_topics()["Topics"] == []


@pytest.mark.proof
def test_a_taken_port_is_refused_with_a_sentence(world: Endpoint, sit: Environment) -> None:
    port = int(world.url.rpartition(":")[2])
    with pytest.raises(SandboxError, match=rf"Port {port} .* is taken"), running(sit, 3, port=port, seeded=False):
        pass
