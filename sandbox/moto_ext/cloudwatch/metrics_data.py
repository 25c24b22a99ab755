"""Metrics of databases, files, buckets, tables and health checks, and of their replication (T23, T30, T31).

Where AWS publishes them: ReplicaLag with the replica, TimeSinceLastSync with the source, S3's latency and backlog with
the destination and its failures with the source, DynamoDB's latency where the write was made, HealthCheckStatus in
us-east-1. A disaster may set a bucket's ``replication_latency_s``, a table's ``replication_latency_ms``, and the
``free_part`` of a database's storage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.efs.models import efs_backends
from moto.rds.models import DBInstance, rds_backends
from moto.route53.models import HealthCheck, route53_backends
from moto.s3.models import FakeBucket, FakeKey, s3_backends

from sandbox.core.patching import attribute
from sandbox.core.state import STATE, broken_since, replicated_until
from sandbox.core.timing import lag_s
from sandbox.moto_ext.cloudwatch.metrics import GLOBAL_REGION, MetricSource, Value, always, source, until_dark
from sandbox.moto_ext.data.stored_data import REPLICA_LAG_S
from sandbox.moto_ext.dynamodb.writes import replicas
from sandbox.moto_ext.efs.model import ReplicationConfiguration, replications
from sandbox.moto_ext.route53.health import HealthChecker, was_healthy
from sandbox.moto_ext.s3.s3 import backlog

GIB = 1024**3
CPU, FREE_PART = 12.0, 0.6
_STORAGE_TYPES = {"GLACIER": "GlacierStorage", "DEEP_ARCHIVE": "DeepArchiveStorage", "STANDARD_IA": "StandardIAStorage"}
TABLE_LATENCY_MS, OBJECT_LATENCY_S = 850.0, 4.0
_OBJECTS_LATE, _WRITES_LATE = "replication_latency_s", "replication_latency_ms"
_FREE = "free_part"


def databases(account: str, region: str) -> Iterator[MetricSource]:
    """Processor, free storage, connections and, of a replica, its lag."""
    for database in rds_backends[account][region].databases.values():
        # A database that restores or reboots publishes nothing.
        if database.status not in ("available", "backing-up", "modifying"):
            continue
        dimensions = {"DBInstanceIdentifier": database.db_instance_identifier}
        free = float(getattr(database, _FREE)) * float(database.allocated_storage or 0) * GIB
        for name, value, unit in (
            ("CPUUtilization", CPU, "Percent"),
            ("FreeStorageSpace", free, "Bytes"),
            ("DatabaseConnections", 40.0, "Count"),
        ):
            yield source("AWS/RDS", name, dimensions, until_dark(always(value), region), unit)
        # ReplicaLag disappears where replication is broken; the -1 of a broken one is not played (T23).
        if database.is_replica and _replicates(database):
            origin = str(database.source_db_instance_identifier)
            regions = (region, origin.split(":")[3] if origin.startswith("arn:") else region)
            lag = until_dark(always(lag_s("replica_lag_s", REPLICA_LAG_S)), *regions)
            yield source("AWS/RDS", "ReplicaLag", dimensions, lag, "Seconds")


def _replicates(database: DBInstance) -> bool:
    stopped = database.__dict__.get("replication_state") not in (None, "replicating")
    return not stopped and broken_since(database.region) is None


def files(account: str, region: str) -> Iterator[MetricSource]:
    """Seconds since the last sync of each replication whose source is here; it grows once nothing arrives."""
    for replication in replications(efs_backends[account][region]).values():
        if replication.source_region == region and replication.status == "ENABLED":
            dimensions = {"FileSystemId": replication.source_id, "DestinationFileSystemId": replication.destination_id}
            yield source("AWS/EFS", "TimeSinceLastSync", dimensions, _since_sync(replication), "Seconds")


def _since_sync(replication: ReplicationConfiguration) -> Value:
    # TimeSinceLastSync grows from the last sync of a source that is dark.
    standing = replication.frozen_at or (
        replicated_until(replication.source_region, replication.trails_s)
        if replication.source_region in STATE.stopped
        else None
    )
    if standing is None:
        return always(replication.trails_s)
    return lambda moment: max(replication.trails_s, (moment - standing).total_seconds())


def buckets(account: str, region: str) -> Iterator[MetricSource]:
    """Latency and backlog of rules with metrics that write into this region, failures of those that read from it."""
    buckets_by_name = s3_backends[account]["aws"].buckets
    for bucket in buckets_by_name.values():
        if bucket.region_name == region and bucket.keys:
            yield from _storage_metrics(bucket)
        for rule in (getattr(bucket, "replication", None) or {}).get("Rule", ()):
            target = buckets_by_name.get(rule["Destination"]["Bucket"].split(":")[-1])
            measured = (rule["Destination"].get("Metrics") or {}).get("Status") == "Enabled"
            if rule.get("Status") != "Enabled" or not measured or target is None:
                continue
            dimensions = {"SourceBucket": bucket.name, "DestinationBucket": target.name, "RuleId": rule.get("ID", "")}
            if target.region_name == region:
                yield from _arriving(account, bucket, target, dimensions)
            if bucket.region_name == region:
                failed = _failure_counts(bucket)
                yield source("AWS/S3", "OperationsFailedReplication", dimensions, failed, "Count")


def _storage_metrics(bucket: FakeBucket) -> Iterator[MetricSource]:
    """Size and number of a bucket's objects, which S3 publishes once a day (S3 User Guide, storage metrics)."""
    sizes: Counter[str] = Counter()
    for key in _objects_stored(bucket):
        sizes[_STORAGE_TYPES.get(key.storage_class or "", "StandardStorage")] += key.size
    # Each version counts (S3 guide, storage metrics); AWS counts delete markers too.
    number = sum(1 for _ in _objects_stored(bucket))
    measured = [("NumberOfObjects", "AllStorageTypes", float(number), "Count")]
    measured += [("BucketSizeBytes", storage, float(size), "Bytes") for storage, size in sorted(sizes.items())]
    for name, storage, value, unit in measured:
        yield source("AWS/S3", name, {"BucketName": bucket.name, "StorageType": storage}, always(value), unit)


def _objects_stored(bucket: FakeBucket) -> Iterator[FakeKey]:
    return (key for key in _objects(bucket) if isinstance(key, FakeKey))


def _arriving(
    account: str, bucket: FakeBucket, target: FakeBucket, dimensions: dict[str, str]
) -> Iterator[MetricSource]:
    waiting, size, _ = backlog(account, bucket.name)
    regions = (bucket.region_name, target.region_name)
    for name, value, unit in (
        ("ReplicationLatency", float(getattr(bucket, _OBJECTS_LATE)), "Seconds"),
        ("BytesPendingReplication", float(size), "Bytes"),
        ("OperationsPendingReplication", float(waiting), "Count"),
    ):
        yield source("AWS/S3", name, dimensions, until_dark(always(value), *regions), unit)


def _failure_counts(bucket: FakeBucket) -> Value:
    """How many objects written in a minute could not be replicated."""
    moments = [_minute(version.last_modified) for version in _objects(bucket) if _has_failed(version)]
    # Only minutes with a failure have a value.
    return lambda moment: float(moments.count(_minute(moment))) or None


def _objects(bucket: FakeBucket) -> Iterator[Any]:
    for name in bucket.keys:
        yield from bucket.keys.getlist(name, [])


def _has_failed(version: Any) -> bool:
    return isinstance(version, FakeKey) and version.__dict__.get("_replication_status") == "FAILED"


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0, tzinfo=None)


def tables(account: str, region: str) -> Iterator[MetricSource]:
    """Latency of writes made here to every other region of a global table."""
    for table in dynamodb_backends[account][region].tables.values():
        group = replicas(table)
        for name, replica in group.items():
            # ReplicationLatency is published in the region of the write, by receiving region (DynamoDB guide, metrics).
            if name != region and replica.describe()["ReplicaStatus"] == "ACTIVE":
                dimensions = {"TableName": table.name, "ReceivingRegion": name}
                latency = until_dark(always(float(getattr(table, _WRITES_LATE))), region, name)
                yield source("AWS/DynamoDB", "ReplicationLatency", dimensions, latency, "Milliseconds")


def health_checks(account: str, region: str) -> Iterator[MetricSource]:
    """1 for each check that Route 53 counts as healthy, 0 for the others; in us-east-1 alone."""
    if region != GLOBAL_REGION:
        return
    checkers = HealthChecker(account)
    for name, check in route53_backends[account]["aws"].health_checks.items():
        checkers.is_healthy(name)
        dimensions = {"HealthCheckId": name}
        yield source("AWS/Route53", "HealthCheckStatus", dimensions, _healthy(check, 1.0))
        yield source("AWS/Route53", "HealthCheckPercentageHealthy", dimensions, _healthy(check, 100.0), "Percent")


def _healthy(check: HealthCheck, value: float) -> Value:
    """``value`` in each minute at whose end the check was healthy, else 0."""
    return lambda moment: value if was_healthy(check, moment + timedelta(minutes=1)) else 0.0


attribute(DBInstance, **{_FREE: FREE_PART})
attribute(FakeBucket, **{_OBJECTS_LATE: OBJECT_LATENCY_S})
attribute(Table, **{_WRITES_LATE: TABLE_LATENCY_MS})
