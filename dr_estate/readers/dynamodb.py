"""DynamoDB: the platform's tables in both regions, as global tables, and how late writes arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

TABLE_READS = frozenset({"dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive"})
ABSENT = ("ResourceNotFoundException", "TableNotFoundException")
NONE = "absent"
# What the other two calls answer of a table that is being created or deleted.
GOING = (*ABSENT, "ContinuousBackupsUnavailableException")


@dataclass(frozen=True, slots=True)
class TableReplica:
    """A replica as the table that lists it sees it; ``key`` is the KMS key it is encrypted under, "" for AWS's own."""

    region: str
    status: str
    key: str


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index; capacities are units a second, 0 where it is paid by request."""

    name: str
    status: str
    keys: tuple[str, ...]
    projection: str
    read_units: int
    write_units: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``status`` is "absent" where there is none. ``keys`` are ``name:type`` with the hash key first.

    A table that is being deleted shows neither keys nor replicas.

    ``limits`` are the most units that are read and written on demand, 0 for no limit.
    ``items`` is refreshed about every six hours; ``restorable_until`` is None without point-in-time recovery, and
    ``recovery_days`` is how far that reaches back: 35 where nothing else is set.
    """

    name: str
    status: str
    keys: tuple[str, ...]
    indexes: tuple[Index, ...]
    items: int
    billing: str
    read_units: int
    write_units: int
    replicas: tuple[TableReplica, ...]
    global_version: str
    stream: str
    key: str
    table_class: str
    expiry_attribute: str
    deletion_protection: bool
    recovery: str
    restorable_until: datetime | None
    limits: tuple[int, int] = (0, 0)
    recovery_days: int = 35


def names(env: Environment) -> tuple[str, ...]:
    """The tables of the environment file."""
    return tuple(env.named(pattern) for pattern in env.names.tables)


@part(*REGIONAL, reads=TABLE_READS)
def tables(context: ReadContext) -> tuple[Table | Unavailable, ...]:
    """The environment's tables, in its file's order. DynamoDB has no batch read: three calls a table, not a tenant."""
    return tuple(context.maybe(lambda name: _table(context, name), names(context.env)))


@part(*REGIONAL, reads=METRIC_READS)
def latency_metrics(context: ReadContext) -> tuple[Reading, ...]:
    """ReplicationLatency (milliseconds) of writes that leave this region for the other one.

    Published in the region that was written to, only while there are writes. Source: DynamoDB metrics and dimensions.
    """
    away = context.env.region(Side.DR if context.side is Side.PRIMARY else Side.PRIMARY)
    return read_metrics(
        context,
        [
            MetricQuery(
                "AWS/DynamoDB",
                "ReplicationLatency",
                (("TableName", name), ("ReceivingRegion", away)),
                "Maximum",
                context.env.objectives.rpo_minutes,
            )
            for name in names(context.env)
        ],
    )


def _table(context: ReadContext, name: str) -> Table:
    found = context.find("dynamodb", "describe_table", ABSENT, TableName=name)
    if found is None:
        return Table(name, NONE, (), (), 0, "", 0, 0, (), "", "", "", "", "", False, "", None)
    backups = context.find("dynamodb", "describe_continuous_backups", GOING, TableName=name) or {}
    recovery = backups.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    expiry = context.find("dynamodb", "describe_time_to_live", ABSENT, TableName=name) or {}
    row = found["Table"]
    units, stream = row.get("ProvisionedThroughput", {}), row.get("StreamSpecification", {})
    types = {a["AttributeName"]: a["AttributeType"] for a in row.get("AttributeDefinitions", [])}
    return Table(
        name=row["TableName"],
        status=row["TableStatus"],
        keys=_keys(row.get("KeySchema", []), types),
        indexes=tuple(sorted((_index(i) for i in row.get("GlobalSecondaryIndexes") or []), key=lambda i: i.name)),
        items=row.get("ItemCount", 0),
        billing=row.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        read_units=units.get("ReadCapacityUnits", 0),
        write_units=units.get("WriteCapacityUnits", 0),
        replicas=tuple(_replica(replica) for replica in row.get("Replicas") or []),
        global_version=row.get("GlobalTableVersion", ""),
        stream=stream.get("StreamViewType", "") if stream.get("StreamEnabled") else "",
        key=row.get("SSEDescription", {}).get("KMSMasterKeyArn", ""),
        table_class=row.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        expiry_attribute=expiry_attribute(expiry.get("TimeToLiveDescription", {})),
        deletion_protection=bool(row.get("DeletionProtectionEnabled")),
        recovery=recovery.get("PointInTimeRecoveryStatus", "DISABLED"),
        restorable_until=recovery.get("LatestRestorableDateTime"),
        recovery_days=recovery.get("RecoveryPeriodInDays") or 35,
        limits=_limits(row.get("OnDemandThroughput") or {}),
    )


def expiry_attribute(expiry: Mapping[str, Any]) -> str:
    """The attribute by which items expire, "" where none does; while it is switched off some are still deleted."""
    return str(expiry.get("AttributeName") or "") if expiry.get("TimeToLiveStatus") == "ENABLED" else ""


def _limits(row: dict[str, int]) -> tuple[int, int]:
    """The limits of a table that is paid on demand; -1 is none. Source: DynamoDB API, OnDemandThroughput."""
    reads, writes = (int(row.get(name) or 0) for name in ("MaxReadRequestUnits", "MaxWriteRequestUnits"))
    return max(reads, 0), max(writes, 0)


def _keys(schema: list[dict[str, str]], types: dict[str, str]) -> tuple[str, ...]:
    # HASH, then RANGE: as the alphabet has them.
    ordered = sorted(schema, key=lambda key: key["KeyType"])
    return tuple(f"{key['AttributeName']}:{types.get(key['AttributeName'], '')}" for key in ordered)


def _index(row: dict[str, Any]) -> Index:
    units = row.get("ProvisionedThroughput", {})
    projection = row.get("Projection", {})
    attributes = ",".join(sorted(projection.get("NonKeyAttributes", [])))
    return Index(
        name=row["IndexName"],
        status=row.get("IndexStatus", ""),
        keys=_keys(row["KeySchema"], {}),
        projection=f"{projection.get('ProjectionType', '')} {attributes}".strip(),
        read_units=units.get("ReadCapacityUnits", 0),
        write_units=units.get("WriteCapacityUnits", 0),
    )


def _replica(row: dict[str, Any]) -> TableReplica:
    return TableReplica(row["RegionName"], row.get("ReplicaStatus", ""), row.get("KMSMasterKeyId", ""))
