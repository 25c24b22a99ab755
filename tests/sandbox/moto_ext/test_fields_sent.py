"""The healthy sandbox sends the fields that every recorded answer of AWS has (../shared/recordings/fields.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from sandbox.client.endpoint import Endpoint
from tests.dr_estate.contracts import recorded
from tests.sandbox.conftest import client_of

FIELDS = recorded.FOLDER / "fields.json"
REGIONS = REGION, _ = "eu-west-1", "af-south-1"
# Recorded of what the estate has none of, or sent only of what somebody set: AWS leaves them out here too.
NOT_OF_THIS_ESTATE = {
    "application-autoscaling:DescribeScalingPolicies": "its policies track a target, the recorded ones are steps",
    "dynamodb:DescribeTimeToLive": "an attribute is named where time to live is on",
    "route53:ListHealthChecks": "regions are told of a check that was made with regions",
}


@cache
def always_there() -> dict[str, tuple[str, ...]]:
    """By operation, the fields of all its recordings (two at least) that the sandbox did not send."""
    return {
        operation: tuple(sorted(always))
        for operation, found in json.loads(FIELDS.read_text(encoding="utf-8")).items()
        if found["asked_of_sandbox"]
        and found["recordings"] > 1
        and (always := {name for name, count in found["real_not_in_sandbox"].items() if count == found["recordings"]})
    }


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Every field of an answer, as fields.json writes it: ``.Rules[].Conditions[].Values``."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths(part, f"{path}.{name}")
    if isinstance(value, list):
        for part in value:
            yield from paths(part, f"{path}[]")


class Asker:
    """Asks the healthy world what the readers ask, as plain boto3 does."""

    def __init__(self, world: Endpoint) -> None:
        self._world = world

    def client(self, service: str, region: str = REGION) -> Any:
        return client_of(self._world, service, region)

    def answers(self, operation: str) -> Iterator[Any]:
        ask = {
            "application-autoscaling:DescribeScalableTargets": self.targets,
            "backup:ListBackupJobs": self.backup_jobs,
            "ec2:DescribeRouteTables": lambda: [self.client("ec2").describe_route_tables()],
            "ecs:DescribeTasks": self.tasks,
            "elbv2:DescribeRules": self.rules,
            "rds:DescribeDBEngineVersions": lambda: [self.client("rds").describe_db_engine_versions(Engine="mysql")],
            "rds:DescribeDBInstanceAutomatedBackups": self.automated_backups,
            "rds:DescribeDBParameters": self.parameters,
            "s3:HeadBucket": self.buckets,
        }[operation]
        yield from ask()

    def targets(self) -> list[Any]:
        client = self.client("application-autoscaling")
        return [client.describe_scalable_targets(ServiceNamespace=name) for name in ("ecs", "dynamodb")]

    def backup_jobs(self) -> list[Any]:
        return [self.client("backup", region).list_backup_jobs() for region in REGIONS]

    def tasks(self) -> list[Any]:
        ecs = self.client("ecs", "af-south-1")
        cluster = ecs.list_clusters()["clusterArns"][0]
        return [ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])]

    def rules(self) -> list[Any]:
        elb = self.client("elbv2")
        balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
        listeners = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        return [elb.describe_rules(ListenerArn=listener["ListenerArn"]) for listener in listeners]

    def automated_backups(self) -> list[Any]:
        return [self.client("rds", region).describe_db_instance_automated_backups() for region in REGIONS]

    def parameters(self) -> list[Any]:
        rds = self.client("rds")
        groups = [group["DBParameterGroupName"] for group in rds.describe_db_parameter_groups()["DBParameterGroups"]]
        return [rds.describe_db_parameters(DBParameterGroupName=group) for group in groups]

    def buckets(self) -> list[Any]:
        s3 = self.client("s3")
        return [s3.head_bucket(Bucket=s3.list_buckets()["Buckets"][0]["Name"])]


@pytest.mark.proof
@recorded.here
def test_the_healthy_world_sends_what_is_always_there(sandbox_world: Endpoint) -> None:
    asker, missing = Asker(sandbox_world), {}
    for operation, wanted in always_there().items():
        if operation not in NOT_OF_THIS_ESTATE:
            sent = {path for answer in asker.answers(operation) for path in paths(answer)}
            if lacking := [name for name in wanted if name not in sent]:
                missing[operation] = lacking
    assert missing == {}, "AWS sends these each time"
