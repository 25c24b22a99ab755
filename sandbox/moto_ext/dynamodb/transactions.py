"""A transaction is done once by its token, and keeps what it may have to put back: the emulator copies whole tables.

A control table holds a line for each step of each run, so that copying it was a quarter of the work of a whole run.
"""

from __future__ import annotations

import copy
import threading
from datetime import datetime, timedelta
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from sandbox.core.patching import attach, state, wrap
from sandbox.core.state import now

# deepcopy gets no argument of ours: the keys reach it by the thread.
_transaction = threading.local()
Touched = dict[str, list[tuple[DynamoType, DynamoType | None]]]


_MISMATCH = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"
_TOKEN_COUNTS = timedelta(minutes=10)  # API_TransactWriteItems, ClientRequestToken


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
