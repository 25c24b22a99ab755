"""A healthy estate as real ones are is all green: with others' records, listeners, teams and a second platform."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dr_checks.core.model import Finding
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.watching import Watch, judged, not_passed

pytestmark = pytest.mark.proof
BEFORE, SIDES = "before others came", (Side.PRIMARY, Side.DR)
PLATFORM = {"Environment": "other", "Project": "wordpress-platform", "ManagedBy": "terraform"}


@contextmanager
def _among_others(watch: Watch) -> Iterator[Aws]:
    watch.world.keep(BEFORE)
    try:
        yield Aws(watch.world.url, watch.world.people["admin"], watch.environment, watch.world.state()["tenants"][0])
    finally:
        watch.world.return_to(BEFORE)


def _records_in_the_zone(aws: Aws) -> None:
    """Proofs of a certificate's owner, mail, and what third parties ask to be there."""
    route53, zone_name = aws.client("route53", Side.GLOBAL), aws.env.traffic.zone
    listed = route53.list_hosted_zones_by_name(DNSName=zone_name)["HostedZones"]
    zone = next(row["Id"] for row in listed if row["Name"] == f"{zone_name}.")
    rows = [
        (f"_3f2a.{zone_name}", "CNAME", "_91c0.acm-validations.aws."),
        (f"_77ad.tenant2.{zone_name}", "CNAME", "_10bd.acm-validations.aws."),
        (f"shop-mail.{zone_name}", "MX", "10 mail.example.org."),
        (f"shop-mail.{zone_name}", "TXT", '"v=spf1 include:example.org -all"'),
        (f"selector1._domainkey.{zone_name}", "CNAME", "selector1.example.org."),
        (f"status.{zone_name}", "CNAME", "statuspage.example.org."),
    ]
    sets = [{"Name": name, "Type": kind, "TTL": 3600, "ResourceRecords": [{"Value": to}]} for name, kind, to in rows]
    changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in sets]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _another_listener(aws: Aws) -> None:
    """A port on our load balancers that answers a monitor of its own."""
    for side in SIDES:
        elb: Any = aws.client("elbv2", side)
        found = elb.describe_load_balancers(Names=[aws.named(aws.env.names.load_balancer)])["LoadBalancers"][0]
        answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain"}}
        elb.create_listener(
            LoadBalancerArn=found["LoadBalancerArn"], Port=8090, Protocol="HTTP", DefaultActions=[answer]
        )


def _another_team(aws: Aws) -> None:
    """Functions' rules, queues, caches and tables of the payments team, in the primary region alone, named alike."""
    name = f"{aws.env.name}-payments"
    tags = {"Environment": aws.env.name, "Project": "payments"}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    aws.client("sqs", Side.PRIMARY).create_queue(QueueName=name, tags=tags)
    aws.client("events", Side.PRIMARY).put_rule(Name=name, ScheduleExpression="rate(1 day)", Tags=pairs)
    aws.client("elasticache", Side.PRIMARY).create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="carts", Tags=pairs
    )
    aws.client("sns", Side.PRIMARY).create_topic(Name=name, Tags=pairs)
    aws.client("sqs", Side.PRIMARY).create_queue(QueueName="warehouse")


def _another_platform(aws: Aws) -> None:
    """A second platform of the same team beside ours, without a DR region of its own."""
    pairs = [{"Key": key, "Value": value} for key, value in PLATFORM.items()]
    aws.client("sqs", Side.PRIMARY).create_queue(QueueName="other-jobs", tags=PLATFORM)
    aws.client("dynamodb", Side.PRIMARY).create_table(
        TableName="other-tenant-state",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=pairs,
    )
    aws.client("ecs", Side.PRIMARY).create_cluster(
        clusterName="other-cluster", tags=[{"key": key, "value": value} for key, value in PLATFORM.items()]
    )
    bucket = {"CreateBucketConfiguration": {"LocationConstraint": aws.env.regions.primary}}
    aws.client("s3", Side.PRIMARY).create_bucket(Bucket="other-tenant-assets", **bucket)


def _red(watch: Watch) -> dict[str, list[Finding]]:
    with _among_others(watch) as aws:
        for come in (_records_in_the_zone, _another_listener, _another_team, _another_platform):
            come(aws)
        results = judged(watch.whole(), watch.environment)
    return {
        check: [f for f in results[check].findings if f.status == s][:2] for check, s in not_passed(results).items()
    }


def test_sit_among_others_is_all_green(sit_watch: Watch) -> None:
    assert _red(sit_watch) == {}


def test_prod_among_others_is_all_green(prod_watch: Watch) -> None:
    assert _red(prod_watch) == {}
