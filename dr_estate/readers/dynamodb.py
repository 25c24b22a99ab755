"""DynamoDB: the platform's tables in both regions: how late writes arrive, their content, and markers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.stores import ATTRIBUTE, KEY
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import serving_side
from dr_estate.reading.answers import At, read
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.reader import REGIONAL, ReadContext, part

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

    name: Annotated[str, At("IndexName", demanded=True)]
    status: Annotated[str, At("IndexStatus")]
    keys: tuple[str, ...]
    projection: str
    read_units: Annotated[int, At("ProvisionedThroughput.ReadCapacityUnits")]
    write_units: Annotated[int, At("ProvisionedThroughput.WriteCapacityUnits")]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``status`` is "absent" where there is none. ``keys`` are ``name:type`` with the hash key first.

    A table that is being deleted shows neither keys nor replicas.

    ``limits`` are the most units that are read and written on demand, 0 for no limit.
    ``items`` is refreshed about every six hours; ``restorable_until`` is None without point-in-time recovery, and
    ``recovery_days`` is how far that reaches back: 35 where nothing else is set.
    """

    name: Annotated[str, At("TableName", demanded=True)]
    status: Annotated[str, At("TableStatus", demanded=True)]
    keys: tuple[str, ...]
    indexes: tuple[Index, ...]
    items: Annotated[int, At("ItemCount")]
    billing: Annotated[str, At("BillingModeSummary.BillingMode", absent="PROVISIONED")]
    read_units: Annotated[int, At("ProvisionedThroughput.ReadCapacityUnits")]
    write_units: Annotated[int, At("ProvisionedThroughput.WriteCapacityUnits")]
    replicas: tuple[TableReplica, ...]
    global_version: Annotated[str, At("GlobalTableVersion")]
    stream: str
    key: Annotated[str, At("SSEDescription.KMSMasterKeyArn")]
    table_class: Annotated[str, At("TableClassSummary.TableClass", absent="STANDARD")]
    expiry_attribute: str
    deletion_protection: Annotated[bool, At("DeletionProtectionEnabled")]
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
    minutes = context.env.objectives.rpo_minutes
    dimensions = [(("TableName", name), ("ReceivingRegion", away)) for name in names(context.env)]
    queries = [MetricQuery("AWS/DynamoDB", "ReplicationLatency", on, "Maximum", minutes) for on in dimensions]
    return read_metrics(context, queries)


def _table(context: ReadContext, name: str) -> Table:
    found = context.find("dynamodb", "describe_table", ABSENT, TableName=name)
    if found is None:
        return Table(name, NONE, (), (), 0, "", 0, 0, (), "", "", "", "", "", False, "", None)
    backups = context.find("dynamodb", "describe_continuous_backups", GOING, TableName=name) or {}
    recovery = backups.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    expiry = context.find("dynamodb", "describe_time_to_live", ABSENT, TableName=name) or {}
    row = found["Table"]
    stream = row.get("StreamSpecification", {})
    types = {a["AttributeName"]: a["AttributeType"] for a in row.get("AttributeDefinitions", [])}
    # -1 is no limit (DynamoDB API, OnDemandThroughput).
    limited = row.get("OnDemandThroughput") or {}
    reads, writes = (int(limited.get(name) or 0) for name in ("MaxReadRequestUnits", "MaxWriteRequestUnits"))
    return read(
        Table,
        row,
        keys=_keys(row.get("KeySchema", []), types),
        indexes=tuple(sorted((_index(i) for i in row.get("GlobalSecondaryIndexes") or []), key=lambda i: i.name)),
        replicas=tuple(_replica(replica) for replica in row.get("Replicas") or []),
        stream=stream.get("StreamViewType", "") if stream.get("StreamEnabled") else "",
        expiry_attribute=expiry_attribute(expiry.get("TimeToLiveDescription", {})),
        recovery=recovery.get("PointInTimeRecoveryStatus", "DISABLED"),
        restorable_until=recovery.get("LatestRestorableDateTime"),
        recovery_days=recovery.get("RecoveryPeriodInDays") or 35,
        limits=(max(reads, 0), max(writes, 0)),
    )


def expiry_attribute(expiry: Mapping[str, Any]) -> str:
    """The attribute by which items expire, "" where none does; while it is switched off some are still deleted."""
    return str(expiry.get("AttributeName") or "") if expiry.get("TimeToLiveStatus") == "ENABLED" else ""


def _keys(schema: list[dict[str, str]], types: dict[str, str]) -> tuple[str, ...]:
    # HASH, then RANGE: as the alphabet has them.
    ordered = sorted(schema, key=lambda key: key["KeyType"])
    return tuple(f"{key['AttributeName']}:{types.get(key['AttributeName'], '')}" for key in ordered)


def _index(row: dict[str, Any]) -> Index:
    projection = row.get("Projection", {})
    attributes = ",".join(sorted(projection.get("NonKeyAttributes", [])))
    return read(
        Index,
        row,
        keys=_keys(row["KeySchema"], {}),
        projection=f"{projection.get('ProjectionType', '')} {attributes}".strip(),
    )


def _replica(row: dict[str, Any]) -> TableReplica:
    return TableReplica(row["RegionName"], row.get("ReplicaStatus", ""), row.get("KMSMasterKeyId", ""))


# Content of the global tables as a count and a digest, to compare both regions.

# A table of more is not read through: it would take the tenants' capacity, and longer than a look may last.
MOST_ITEMS = 200_000
_MODULUS = 1 << 256
_SETS = ("SS", "NS", "BS")


@dataclass(frozen=True, slots=True)
class Contents:
    """How many items a table holds in this region, and a digest of them all that knows no order. No value is kept."""

    table: str
    items: int
    digest: str


@dataclass(frozen=True, slots=True)
class TableTooLarge:
    """A table of more than ``MOST_ITEMS`` items, which is not read through."""

    table: str


@part(*REGIONAL, reads=frozenset({"dynamodb:Scan"}))
def contents(context: ReadContext) -> tuple[Contents | TableTooLarge | Unavailable, ...]:
    """Each table read through, consistently, a megabyte a call; nothing while the primary region serves.

    DescribeTable's own count is refreshed about every six hours only. Source: API_TableDescription, ItemCount.
    """
    if not serving_side.away(context):
        return ()
    there = [table for table in context.part(tables) if isinstance(table, Table) and table.status != "absent"]
    return tuple(context.maybe(lambda table: _contents(context, table), there))


def _contents(context: ReadContext, table: Table) -> Contents | TableTooLarge:
    if table.items > MOST_ITEMS:
        return TableTooLarge(table.name)
    counted, total = 0, 0
    start: dict[str, Any] = {}
    while True:
        page = context.call("dynamodb", "scan", TableName=table.name, ConsistentRead=True, **start)
        for item in page.get("Items", ()):
            text = json.dumps(_canonical(item), sort_keys=True, separators=(",", ":"), default=bytes.hex)
            # A sum knows no order: each region scans in its own.
            counted, total = counted + 1, (total + int.from_bytes(hashlib.sha256(text.encode()).digest())) % _MODULUS
        if not page.get("LastEvaluatedKey"):
            return Contents(table.name, counted, f"{total:064x}")
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _canonical(value: Any) -> Any:
    """A value in DynamoDB's own form with its sets, which have no order, in one."""
    if isinstance(value, dict):
        return {name: sorted(item) if name in _SETS else _canonical(item) for name, item in value.items()}
    return [_canonical(item) for item in value] if isinstance(value, list) else value


# The marker item that a failback puts into each replicated table, as each region's replica holds it.
#
# Every run uses the same key, which no other item has, so that any observation knows it. A table whose key cannot be
# such a text takes no marker: a number might be a key of the platform's own.

_OF_RANGES = {"S": {"S": KEY}, "N": {"N": "0"}}


@dataclass(frozen=True, slots=True)
class MarkerItem:
    """The item of that key in a table: ``there`` whether there is one, ``marker`` what it is called, "" for none."""

    table: str
    there: bool
    marker: str = ""


def key_of(table: Table) -> dict[str, dict[str, str]] | None:
    """The marker's key in the table, in DynamoDB's own form; None where its key's types cannot take it."""
    (first, first_kind), *ranges = [key.split(":") for key in table.keys] or [["", ""]]
    if first_kind != "S" or any(kind not in _OF_RANGES for _, kind in ranges):
        return None
    return {first: {"S": KEY}} | {name: dict(_OF_RANGES[kind]) for name, kind in ranges}


@part(*REGIONAL, reads=frozenset({"dynamodb:GetItem"}))
def markers(context: ReadContext) -> tuple[MarkerItem | Unavailable, ...]:
    """The item of each table that a run puts one into, read consistently; one call a table, none for any other look."""
    if not context.followed.tables:
        return ()
    there = [table for table in context.part(tables) if isinstance(table, Table)]
    marked = [table for table in there if table.name in context.followed.tables and key_of(table)]
    return tuple(context.maybe(lambda table: _item(context, table), marked))


def _item(context: ReadContext, table: Table) -> MarkerItem:
    key = key_of(table)
    found = context.find("dynamodb", "get_item", ABSENT, TableName=table.name, Key=key, ConsistentRead=True)
    item: dict[str, Any] = (found or {}).get("Item") or {}
    return MarkerItem(table.name, there=bool(item), marker=str(item.get(ATTRIBUTE, {}).get("S", "")))
