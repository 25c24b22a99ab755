"""Changes that anybody could make with plain boto3 to a SIT that failed over, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dr_estate.config.environment import Side
from tests.proofs.changes import Aws


def _scaled(aws: Aws, side: Side, count: int) -> int:
    """Give the tenant's service that many tasks; returns how many it was to have."""
    ecs, cluster = aws.client("ecs", side), aws.named(aws.env.names.cluster)
    service = aws.named(aws.env.names.service)
    was = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["desiredCount"]
    ecs.update_service(cluster=cluster, service=service, desiredCount=count)
    return int(was)


@contextmanager
def one_task_left(aws: Aws) -> Iterator[None]:
    """A tenant's service runs one task in the DR region, and as many as before."""
    was = _scaled(aws, Side.DR, 1)
    yield
    _scaled(aws, Side.DR, was)


@contextmanager
def no_task_left(aws: Aws) -> Iterator[None]:
    """A tenant's service runs no task in the DR region, and as many as before."""
    was = _scaled(aws, Side.DR, 0)
    yield
    _scaled(aws, Side.DR, was)


@contextmanager
def old_primary_started(aws: Aws) -> Iterator[None]:
    """A tenant's service is started again in the old primary region, and stopped."""
    was = _scaled(aws, Side.PRIMARY, 1)
    yield
    _scaled(aws, Side.PRIMARY, was)


@contextmanager
def definition_of_the_primary(aws: Aws) -> Iterator[None]:
    """A tenant runs a revision that names a host of the primary region, and the one before."""
    ecs, cluster = aws.client("ecs", Side.DR), aws.named(aws.env.names.cluster)
    service = aws.named(aws.env.names.service)
    was = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["taskDefinition"]
    found = ecs.describe_task_definition(taskDefinition=was)["taskDefinition"]
    copied_keys = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "cpu", "memory")
    host = {"name": "CACHE_HOST", "value": f"cache.{aws.env.regions.primary}.example"}
    containers: list[dict[str, Any]] = found["containerDefinitions"]
    changed = [{**container, "environment": [*container["environment"], host]} for container in containers]
    task_definition_arn = ecs.register_task_definition(
        containerDefinitions=changed,
        requiresCompatibilities=["FARGATE"],
        **{key: found[key] for key in copied_keys if key in found},
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=service, taskDefinition=task_definition_arn)
    yield
    ecs.update_service(cluster=cluster, service=service, taskDefinition=was)


@contextmanager
def record_turned_back(aws: Aws) -> Iterator[None]:
    """The traffic name leads to the primary region whatever its health, and to the DR region again."""
    route53, traffic = aws.client("route53", Side.GLOBAL), aws.env.traffic
    listed = route53.list_hosted_zones_by_name(DNSName=traffic.zone)["HostedZones"]
    zone = next(hosted_zone["Id"] for hosted_zone in listed if hosted_zone["Name"] == f"{traffic.zone}.")
    response = route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=traffic.origin_record)
    pair = [rrset for rrset in response["ResourceRecordSets"] if rrset["Name"] == f"{traffic.origin_record}."]
    back = [
        _back(rrset) if rrset["SetIdentifier"] == traffic.primary_set_identifier else {**rrset, "Weight": 0}
        for rrset in pair
    ]

    def upsert(records: list[dict[str, Any]]) -> None:
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    upsert(back)
    yield
    upsert(pair)


def _back(record: dict[str, Any]) -> dict[str, Any]:
    unchecked = {key: value for key, value in record.items() if key != "HealthCheckId"}
    return {**unchecked, "Weight": 100, "AliasTarget": {**record["AliasTarget"], "EvaluateTargetHealth": False}}


@contextmanager
def subscriptions_removed(aws: Aws) -> Iterator[None]:
    """Nobody listens to a topic of the DR region any more, and everybody again."""
    sns, name = aws.client("sns", Side.DR), aws.named(aws.env.names.topics[0])
    arn = f"arn:aws:sns:{aws.env.regions.dr}:{aws.env.account}:{name}"
    listeners = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    for listener in listeners:
        sns.unsubscribe(SubscriptionArn=listener["SubscriptionArn"])
    yield
    for listener in listeners:
        sns.subscribe(TopicArn=arn, Protocol=listener["Protocol"], Endpoint=listener["Endpoint"])


@contextmanager
def database_stopped(aws: Aws) -> Iterator[None]:
    """The database of the DR region is stopped, and started."""
    rds, name = aws.client("rds", Side.DR), aws.named(aws.env.names.database)
    rds.stop_db_instance(DBInstanceIdentifier=name)
    yield
    rds.start_db_instance(DBInstanceIdentifier=name)


@contextmanager
def database_unprotected(aws: Aws) -> Iterator[None]:
    """The database of the DR region may be deleted, and may not."""
    rds, name = aws.client("rds", Side.DR), aws.named(aws.env.names.database)
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
    yield
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True, ApplyImmediately=True)


@contextmanager
def replicated_into_again(aws: Aws) -> Iterator[None]:
    """The old primary's files are replicated into the DR file system again, and no longer."""
    here, there = aws.client("efs", Side.PRIMARY), aws.client("efs", Side.DR)
    name = aws.named(aws.env.names.file_system)
    systems = {efs: efs.describe_file_systems()["FileSystems"] for efs in (here, there)}
    source, copy = (
        next(file_system for file_system in systems[efs] if file_system["Name"] == name) for efs in (here, there)
    )
    there.update_file_system_protection(FileSystemId=copy["FileSystemId"], ReplicationOverwriteProtection="DISABLED")
    into = {"Region": aws.env.regions.dr, "FileSystemId": copy["FileSystemId"], "KmsKeyId": copy["KmsKeyId"]}
    here.create_replication_configuration(SourceFileSystemId=source["FileSystemId"], Destinations=[into])
    yield
    here.delete_replication_configuration(SourceFileSystemId=source["FileSystemId"])


@contextmanager
def table_deleted(aws: Aws) -> Iterator[None]:
    """The DR region's replica of a table is deleted, and made again."""
    tables, region = aws.client("dynamodb", Side.PRIMARY), aws.env.regions.dr
    name = aws.named(aws.env.names.tables[0])
    aws.client("dynamodb", Side.DR).update_table(TableName=name, DeletionProtectionEnabled=False)
    tables.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    yield
    tables.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": region}}])


@contextmanager
def replica_elsewhere(aws: Aws) -> Iterator[None]:
    """The DR region's database gets a replica in the primary region, which is then deleted."""
    rds, there = aws.client("rds", Side.PRIMARY), aws.client("rds", Side.DR)
    name = aws.named(aws.env.names.database)
    source = there.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceArn"]
    key = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["KmsKeyId"]
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier=f"{name}-back",
        SourceDBInstanceIdentifier=source,
        SourceRegion=aws.env.regions.dr,
        KmsKeyId=key,
    )
    yield
    rds.delete_db_instance(DBInstanceIdentifier=f"{name}-back", SkipFinalSnapshot=True)


Made = Callable[[Aws], Any]
