"""DynamoDB global tables, version 2019.11.21 (AWS: V2globaltables; T31): replicas made and removed by UpdateTable.

A transaction is done once by its token, and keeps what it may have to put back: the emulator copies whole tables.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import StreamShard, Table
from moto.dynamodb.responses import DynamoHandler

from sandbox.core.patching import attach, refused, state, wrap
from sandbox.core.state import now, replicated_until
from sandbox.core.timing import soon, to_the_second
from sandbox.moto_ext.dynamodb.writes import GlobalTableReplica, replicas

VERSION = "2019.11.21"
# LatestRestorableDateTime is typically five minutes ago (API_PointInTimeRecoveryDescription).
RESTORABLE_LAG_S = 300
# deepcopy gets no argument of ours: the keys reach it by the thread.
_transaction = threading.local()
Touched = dict[str, list[tuple[DynamoType, DynamoType | None]]]


_MISMATCH = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"
_TOKEN_COUNTS = timedelta(minutes=10)  # API_TransactWriteItems, ClientRequestToken


def _peers(table: Table) -> Iterator[Table]:
    for region in replicas(table):
        found = dynamodb_backends[table.account_id][region].tables.get(table.name)
        if region != table.region_name and found is not None:
            yield found


def _default_key(table: Table) -> str:
    """The key of AWS by which a table is encrypted where none is named."""
    return str(table._get_default_encryption_key(table.account_id, table.region_name))


def _twin(table: Table, region: str, key_id: str | None) -> Table:
    # A shallow copy with its own data: what is not named below is the same in all regions (keys, throughput, streams).
    twin = copy.copy(table)
    twin.__dict__.update({name: copy.deepcopy(getattr(table, name)) for name in ("attr", "schema", "items", "ttl")})
    twin.region_name = region
    twin.table_arn = twin._generate_arn(table.name)
    if table.sse_specification:
        key = key_id or _default_key(twin)
        twin.sse_specification = {**table.sse_specification, "KMSMasterKeyId": key}
    twin.created_at = utcnow()
    # Tags, point-in-time recovery and deletion protection are set for each replica (DynamoDB guide, global tables).
    twin.tags = []
    twin.indexes, twin.global_indexes = list(table.indexes), list(table.global_indexes)
    twin.continuous_backups = {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    }
    twin.lambda_event_source_mappings = {}
    # Each replica has a stream of its own.
    twin.stream_shard = StreamShard(table.account_id, twin)
    twin.__dict__["_written"] = dict(table.__dict__.get("_written", {}))
    return twin


def _remove(table: Table, region: str) -> None:
    if region not in replicas(table):
        raise refused("ValidationException", f"Table {table.name} has no replica in {region}.")
    backend: DynamoDBBackend = dynamodb_backends[table.account_id][region]
    backend.delete_table(table.name)


@wrap(DynamoHandler, "update_table")
def _update_table(original: Any, self: DynamoHandler) -> Any:
    table = self.dynamodb_backend.get_table(self.body["TableName"])
    for update in self.body.get("ReplicaUpdates") or []:
        if creation := update.get("Create"):
            region = creation["RegionName"]
            target: DynamoDBBackend = dynamodb_backends[table.account_id][region]
            if region in replicas(table) or region == table.region_name:
                raise refused("ValidationException", f"Table {table.name} already has a replica in {region}.")
            # A table of the same name stands in the way, also one that is no replica (API_UpdateTable).
            if table.name in target.tables:
                raise refused("ResourceInUseException", f"Table {table.name} already exists in {region}.")
            # DynamoDB switches a stream with both images on for a global table (DynamoDB guide, global tables).
            if not table.stream_shard:
                table.set_stream_specification({"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
            twin = _twin(table, region, creation.get("KMSMasterKeyId"))
            target.tables[table.name] = twin
            # The first replica makes the table itself a member of the group.
            everywhere = dict(replicas(table)) or {table.region_name: GlobalTableReplica(table.region_name, now())}
            everywhere[region] = GlobalTableReplica(
                region, soon("dynamodb.create-replica", table.name), creation.get("KMSMasterKeyId")
            )
            for member in (table, twin, *_peers(table)):
                member.__dict__["_replicas"] = dict(everywhere)
        elif creation := update.get("Delete"):
            _remove(table, creation["RegionName"])
    # moto's update_table forgets the key of the server-side encryption.
    if (wanted := self.body.get("SSESpecification")) is not None:
        key = wanted.get("KMSMasterKeyId") or _default_key(table)
        table.sse_specification = {**wanted, "KMSMasterKeyId": key} if wanted.get("Enabled") else None
    if limits := self.body.get("OnDemandThroughput"):
        table.__dict__["_limits"] = {**table.__dict__.get("_limits", {}), **limits}
    return original(self)


@wrap(DynamoDBBackend, "delete_table")
def _delete_table(original: Any, self: DynamoDBBackend, name: str) -> Table:
    table: Table = original(self, name)
    for member in list(_peers(table)):
        replicas(member).pop(table.region_name, None)
        # A group of one is an ordinary table: DescribeTable shows no replicas of it.
        if set(replicas(member)) == {member.region_name}:
            replicas(member).clear()
    table.__dict__["_replicas"] = {}
    return table


@wrap(Table, "describe")
def _describe(original: Any, self: Table, base_key: str = "TableDescription") -> dict[str, Any]:
    response: dict[str, Any] = original(self, base_key)
    others = [replica.describe() for replica in replicas(self).values() if replica.region != self.region_name]
    if others:
        response[base_key] |= {"Replicas": others, "GlobalTableVersion": VERSION}
    if limits := self.__dict__.get("_limits"):
        response[base_key]["OnDemandThroughput"] = limits
    return response


@wrap(DynamoDBBackend, "describe_continuous_backups")
def _continuous_backups(original: Any, self: DynamoDBBackend, table_name: str) -> dict[str, Any]:
    # moto gives its own dictionary: a change here would be kept.
    response: dict[str, Any] = copy.deepcopy(original(self, table_name))
    recovery = response["PointInTimeRecoveryDescription"]
    if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
        recovery["LatestRestorableDateTime"] = to_the_second(replicated_until(self.region_name, RESTORABLE_LAG_S))
    return response


@wrap(DynamoHandler, "transact_write_items")
def _transact_once(original: Any, self: DynamoHandler) -> Any:
    """A token that was done is answered as done, and nothing is asked or written; one that was cancelled is not."""
    token, items, backend = self.body.get("ClientRequestToken"), self.body["TransactItems"], self.dynamodb_backend
    known: dict[str, tuple[datetime, Any]] = state(backend, "done_by_token")
    for old in [old for old, (at, _) in known.items() if now() - at > _TOKEN_COUNTS]:
        del known[old]
    if token in known:
        if known[token][1] != items:
            raise JsonRESTError(_MISMATCH, "The token was used for another transaction.")
        return ActionResult({})
    answer = original(self)
    if token:
        known[token] = (now(), copy.deepcopy(items))
    return answer


@wrap(DynamoDBBackend, "transact_write_items")
def _transact(original: Any, self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    found: Touched = {}
    for operation in (operation for item in transact_items for operation in item.values()):
        table = self.tables.get(operation.get("TableName", ""))
        # Update, Delete and ConditionCheck have a Key, Put an Item.
        named = operation.get("Key") or operation.get("Item") or {}
        if table is not None and table.hash_key_attr in named:
            ranged = named.get(table.range_key_attr) if table.range_key_attr else None
            key = DynamoType(named[table.hash_key_attr]), DynamoType(ranged) if ranged else None
            found.setdefault(table.name, []).append(key)
    _transaction.touched = found
    try:
        original(self, transact_items)
    finally:
        _transaction.touched = None


@attach(Table)
def __deepcopy__(self: Table, memo: dict[int, Any]) -> Table:  # noqa: N807 - how copy.deepcopy asks
    """Within a transaction the items that it names are copied; the others are the same ones in both."""
    touched: Touched | None = getattr(_transaction, "touched", None)
    # In the memo first: what the table holds leads back to it.
    table: Table = memo.setdefault(id(self), self.__class__.__new__(self.__class__))
    if touched is None:
        vars(table).update(copy.deepcopy(vars(self), memo))
        return table
    # one level deep: what is written to a table is put into these, or taken out of them
    vars(table).update({name: copy.copy(value) for name, value in vars(self).items()})
    if self.has_range_key:
        for key, item in self.items.items():
            table.items[key] = copy.copy(item)
    for key, ranged in touched.get(self.name, []):
        holder: Any = table.items.get(key, {}) if self.has_range_key else table.items
        at = ranged if self.has_range_key else key
        if at in holder:
            holder[at] = copy.deepcopy(holder[at], memo)
    if table.stream_shard is not None:
        # Records of a transaction that is taken back must go with it.
        table.stream_shard.items = list(table.stream_shard.items)
    return table
