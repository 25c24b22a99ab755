"""Changes made through the endpoint with plain boto3 turn exactly the right checks red, and back.

None of them hides anything: what is missing is a gap that these checks report, with its subject and its remedy, and
never an unknown, so that the command ends with 1 and not with 3.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from dr_checks.core.model import Finding, Status
from dr_checks.core.verdict import verdict_of
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws, Made
from tests.proofs.watching import Watch, not_passed
from utils.aws_mgmt.app.exit_codes import Exit, exit_of

pytestmark = pytest.mark.proof
PATIENCE_S = 600
_HOUR_S = 3600


@contextmanager
def image_deleted(aws: Aws) -> Iterator[None]:
    """The digest that serves is deleted from the DR registry, and pushed again."""
    ecr, name = aws.client("ecr", Side.DR), aws.named(aws.env.names.repository)
    images = ecr.batch_get_image(repositoryName=name, imageIds=ecr.list_images(repositoryName=name)["imageIds"])
    ids = [{"imageDigest": image["imageId"]["imageDigest"]} for image in images["images"]]
    ecr.batch_delete_image(repositoryName=name, imageIds=ids)
    yield
    for image in images["images"]:
        tag = image["imageId"]["imageTag"]
        ecr.put_image(repositoryName=name, imageManifest=image["imageManifest"], imageTag=tag)


@contextmanager
def secret_replica_removed(aws: Aws) -> Iterator[None]:
    """The DR region is taken out of a tenant's secret, and put back."""
    name, region = aws.named(aws.env.names.tenant_secret), aws.env.regions.dr
    here, there = aws.client("secretsmanager", Side.PRIMARY), aws.client("secretsmanager", Side.DR)
    key = there.describe_secret(SecretId=name)["KmsKeyId"]
    here.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=[region])
    yield
    here.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": region, "KmsKeyId": key}])


@contextmanager
def dr_service_deleted(aws: Aws) -> Iterator[None]:
    """A tenant's service is deleted in the DR region, and created again."""
    ecs, cluster = aws.client("ecs", Side.DR), aws.named(aws.env.names.cluster)
    service = aws.named(aws.env.names.service)
    was = ecs.describe_services(cluster=cluster, services=[service], include=["TAGS"])["services"][0]
    ecs.delete_service(cluster=cluster, service=service, force=True)
    yield
    copied_keys = (
        "taskDefinition",
        "desiredCount",
        "launchType",
        "platformVersion",
        "healthCheckGracePeriodSeconds",
        "deploymentConfiguration",
        "networkConfiguration",
        "loadBalancers",
        "propagateTags",
        "tags",
    )
    ecs.create_service(cluster=cluster, serviceName=service, **{key: was[key] for key in copied_keys if was.get(key)})


@contextmanager
def ttl_of_an_hour(aws: Aws) -> Iterator[None]:
    """A tenant's alias becomes a CNAME that is cached for an hour, and an alias again."""
    route53, traffic = aws.client("route53", Side.GLOBAL), aws.env.traffic
    listed = route53.list_hosted_zones_by_name(DNSName=traffic.zone)["HostedZones"]
    zone = next(hosted_zone["Id"] for hosted_zone in listed if hosted_zone["Name"] == f"{traffic.zone}.")
    host = f"{aws.tenant.replace('-', '')}.{traffic.tenant_domain}."
    response = route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=host, StartRecordType="A")
    alias = next(
        record for record in response["ResourceRecordSets"] if record["Name"] == host and record["Type"] == "A"
    )
    value = {"Value": alias["AliasTarget"]["DNSName"]}
    cname = {"Name": host, "Type": "CNAME", "TTL": _HOUR_S, "ResourceRecords": [value]}

    def swap(old: dict[str, Any], new: dict[str, Any]) -> None:
        changes = [{"Action": "DELETE", "ResourceRecordSet": old}, {"Action": "CREATE", "ResourceRecordSet": new}]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    swap(alias, cname)
    yield
    swap(cname, alias)


@contextmanager
def efs_replication_deleted(aws: Aws) -> Iterator[None]:
    """The replication of the files is deleted, and set up again into the same file system."""
    here, there = aws.client("efs", Side.PRIMARY), aws.client("efs", Side.DR)
    name = aws.named(aws.env.names.file_system)
    systems = {efs: efs.describe_file_systems()["FileSystems"] for efs in (here, there)}
    source, copy = (
        next(file_system for file_system in systems[efs] if file_system["Name"] == name) for efs in (here, there)
    )
    here.delete_replication_configuration(SourceFileSystemId=source["FileSystemId"])
    yield
    there.update_file_system_protection(FileSystemId=copy["FileSystemId"], ReplicationOverwriteProtection="DISABLED")
    into = {"Region": aws.env.regions.dr, "FileSystemId": copy["FileSystemId"], "KmsKeyId": copy["KmsKeyId"]}
    here.create_replication_configuration(SourceFileSystemId=source["FileSystemId"], Destinations=[into])


@contextmanager
def dr_topic_deleted(aws: Aws) -> Iterator[None]:
    """A topic of the DR region is deleted, and created and subscribed again."""
    sns, name = aws.client("sns", Side.DR), aws.named(aws.env.names.topics[0])
    arn = f"arn:aws:sns:{aws.env.regions.dr}:{aws.env.account}:{name}"
    listeners = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    sns.delete_topic(TopicArn=arn)
    yield
    sns.create_topic(Name=name)
    for listener in listeners:
        sns.subscribe(TopicArn=arn, Protocol=listener["Protocol"], Endpoint=listener["Endpoint"])


@contextmanager
def health_check_disabled(aws: Aws) -> Iterator[None]:
    """The health check of the primary's traffic record is disabled, and enabled."""
    route53, traffic = aws.client("route53", Side.GLOBAL), aws.env.traffic
    listed = route53.list_hosted_zones_by_name(DNSName=traffic.zone)["HostedZones"]
    zone = next(hosted_zone["Id"] for hosted_zone in listed if hosted_zone["Name"] == f"{traffic.zone}.")
    records = route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=traffic.origin_record)
    checked = next(
        record["HealthCheckId"]
        for record in records["ResourceRecordSets"]
        if record.get("SetIdentifier") == traffic.primary_set_identifier
    )
    route53.update_health_check(HealthCheckId=checked, Disabled=True)
    yield
    route53.update_health_check(HealthCheckId=checked, Disabled=False)


@dataclass(frozen=True)
class Case:
    """A change, the services it touches, and by check the subject and the words of the remedy of its gaps.

    ``at_times``: what is red beside them at some minutes of the hour, while the newest hourly copy is on its way.
    """

    made: Made
    touches: tuple[str, ...]
    expected: dict[str, tuple[str, str]]
    at_times: frozenset[str] = frozenset()


CASES = [
    Case(
        image_deleted,
        ("ecr",),
        {"ecr.digest-present": ("sit-wordpress", "ecr"), "images.present": ("sit-", "Push it there")},
    ),
    Case(
        secret_replica_removed,
        ("secretsmanager",),
        {
            "secrets.secret-exists": ("sit-{tenant}-db-credentials", "replicate-secret-to-regions"),
            "task-sources.exist": ("sit-{tenant}", "valueFrom"),
            "rpo.met": ("secrets sit-{tenant}-db-credentials", "checks of the secrets"),
        },
    ),
    Case(
        dr_service_deleted,
        ("ecs",),
        {
            "ecs.service-exists": ("sit-{tenant}-service", "aws_ecs_service"),
            "sites.every-site-answers": ("{host}", ""),
        },
    ),
    Case(ttl_of_an_hour, ("route53",), {"dns.short-ttl": ("{host} CNAME", "ttl = 60")}),
    Case(
        efs_replication_deleted,
        ("efs",),
        {
            "efs.replication-state": ("sit-efs", "create the replication again"),
            "backup-plan.worst-case": ("sit-efs", "replication of this store"),
        },
        at_times=frozenset({"rpo.met", "rpo.skew"}),
    ),
    Case(dr_topic_deleted, ("sns",), {"topics.in-both-regions": ("bbws-dr-events", "aws_sns_topic")}),
    Case(
        health_check_disabled,
        ("route53",),
        {
            "health-checks.enabled": ("primary-", "--no-disabled"),
            "dns-choice.primary-down": ("with the primary down", "health check"),
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.made.__name__.replace("_", "-"))
def test_a_change_turns_exactly_the_right_checks_red_and_back(case: Case, sit_watch: Watch) -> None:
    world, env = sit_watch.world, sit_watch.environment
    aws = Aws(world.url, world.people["admin"], env, world.state()["tenants"][-1])
    sit_watch.renew()
    with case.made(aws):
        results = sit_watch.judged(case.touches)
    red = not_passed(results)
    assert red == dict.fromkeys({*case.expected, *(case.at_times & set(red))}, Status.FAIL)
    assert exit_of(verdict_of(list(results.values()), (), env.objectives.rpo_minutes * 60)) is Exit.NOT_READY
    for check, (subject, remedy) in case.expected.items():
        gaps = [finding for finding in results[check].findings if finding.status is Status.FAIL]
        assert _all_name(gaps, _filled(subject, aws), remedy), gaps
    _comes_back(sit_watch, case.touches)


def _filled(subject: str, aws: Aws) -> str:
    host = f"{aws.tenant.replace('-', '')}.{aws.env.traffic.tenant_domain}"
    return subject.replace("{tenant}", aws.tenant).replace("{host}", host)


def _all_name(gaps: list[Finding], subject: str, remedy: str) -> bool:
    return all(subject in gap.subject and gap.remedy and remedy in str(gap.healing) for gap in gaps)


def _comes_back(watch: Watch, touched: tuple[str, ...]) -> None:
    """What was put back takes a moment, as on AWS: then all is green."""
    until = time.monotonic() + PATIENCE_S
    while (left := not_passed(watch.judged(touched))) and time.monotonic() < until:
        time.sleep(0.5)
    assert left == {}
