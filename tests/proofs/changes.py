"""Changes that anybody could make to SIT with plain boto3, and the way back, as the same person would take it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from dr_estate.config.environment import Environment, Side
from sandbox.core.people import AccessKeys

Made = Callable[["Aws"], AbstractContextManager[None]]
_HOUR_S = 3600


@dataclass(frozen=True)
class Aws:
    """Plain boto3 clients of one person at an endpoint, and the names of what is there."""

    url: str
    keys: AccessKeys
    env: Environment
    tenant: str

    def client(self, service: str, side: Side) -> Any:
        """A client, as anybody makes one."""
        return boto3.client(
            service,
            self.env.region(side),
            endpoint_url=self.url,
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
        )

    def named(self, pattern: str) -> str:
        """A name of the environment, for the tenant."""
        return self.env.named(pattern, tenant=self.tenant)


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
