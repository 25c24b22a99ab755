"""DynamoDB global tables: who belongs to a group, and how writes reach the others (AWS: V2globaltables; T31).

Every table of a group holds ``table.__dict__["_replicas"]`` (region -> :class:`GlobalTableReplica`, itself included).
Writes are noted per destination in ``backend.__dict__["unsent"]`` and delivered around each request: at once, or when
the regions involved answer again. Of two writes to one item the later one wins.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from sandbox.core.patching import state, wrap
from sandbox.core.state import now
from sandbox.core.timing import is_stopped

Key = tuple[Any, Any]


@dataclass
class GlobalTableReplica:
    """A region of a global table. ``trouble`` lets a disaster give it another status."""

    region: str
    active_from: datetime
    key_id: str | None = None
    trouble: str = ""

    def describe(self) -> dict[str, Any]:
        """As DescribeTable answers."""
        # A disaster gives a status of its own, INACCESSIBLE_ENCRYPTION_CREDENTIALS for instance.
        status = self.trouble or ("ACTIVE" if now() >= self.active_from else "CREATING")
        values = {"RegionName": self.region, "ReplicaStatus": status, "KMSMasterKeyId": self.key_id}
        return {name: value for name, value in values.items() if value is not None}


def replicas(table: Table) -> dict[str, GlobalTableReplica]:
    """The regions of a global table, its own included; empty for a table of one region."""
    stored_replicas: dict[str, GlobalTableReplica] = table.__dict__.setdefault("_replicas", {})
    return stored_replicas


def note(table: Table, key: Key) -> None:
    """Remember that an item was written or deleted just now, for every other region of its table."""
    if not replicas(table):
        return
    at = now()
    table.__dict__.setdefault("_written", {})[key] = at
    unsent = state(dynamodb_backends[table.account_id][table.region_name], "unsent")
    for region in replicas(table):
        if region != table.region_name:
            # By item: of many writes to one only the last must be brought.
            unsent[(table.name, region, key)] = at


def deliver(account: str) -> None:
    """Bring noted writes to the other regions, except from or to a region that is dark."""
    # From every region: a request to one may deliver what another has noted.
    for region, backend in list(dynamodb_backends[account].items()):
        unsent = state(backend, "unsent")
        for (name, target, key), at in list(unsent.items()):
            if is_stopped(region, target):
                continue
            unsent.pop((name, target, key), None)
            source = backend.tables.get(name)
            table = dynamodb_backends[account][target].tables.get(name)
            if source is not None and table is not None and target in replicas(source):
                _apply(source, table, key, at)


def _apply(source: Table, table: Table, key: Key, at: datetime) -> None:
    written = table.__dict__.setdefault("_written", {})
    # Last writer wins, by the time of the write and not of its arrival (T31).
    if key in written and written[key] > at:
        return
    written[key] = at
    hash_key, range_key = key
    stored_item: Any = source.items.get(hash_key)
    item = (stored_item or {}).get(range_key) if source.has_range_key else stored_item
    if isinstance(item, Item):
        if table.has_range_key:
            table.items[hash_key][range_key] = copy.deepcopy(item)
        else:
            table.items.update({hash_key: copy.deepcopy(item)})
    elif table.has_range_key:
        table.items[hash_key].pop(range_key, None)
    else:
        table.items.pop(hash_key, None)


@wrap(Table, "put_item")
def _put_item(original: Any, self: Table, *args: Any, **kwargs: Any) -> Item:
    # BatchWriteItem and transactions come here too: moto writes them by the table's own methods.
    item: Item = original(self, *args, **kwargs)
    note(self, (item.hash_key, item.range_key))
    return item


@wrap(Table, "delete_item")
def _delete_item(original: Any, self: Table, hash_key: Any, range_key: Any) -> Any:
    gone = original(self, hash_key, range_key)
    note(self, (hash_key, range_key))
    return gone


@wrap(DynamoDBBackend, "update_item")
def _update_item(original: Any, self: DynamoDBBackend, table_name: str, *args: Any, **kwargs: Any) -> Item:
    item: Item = original(self, table_name, *args, **kwargs)
    note(self.get_table(table_name), (item.hash_key, item.range_key))
    return item


@wrap(DynamoHandler, "call_action")
def _around_request(original: Any, self: DynamoHandler) -> Any:
    # Before the request: a region that answers again gets what was stranded.
    deliver(self.current_account)
    answer = original(self)
    deliver(self.current_account)
    return answer
