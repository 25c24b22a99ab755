"""The control table's few calls over a guarded sender: get, put, update, query, and several writes as a transaction.

Every write carries its condition, so that one of two writers is refused: ``ConditionFailed``. There is no delete. The
mutating client never sends twice; here a call whose answer was lost is sent again, because every write of the store is
idempotent.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import botocore.exceptions

from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.model.dynamodb_values import decode_item, encode, encode_item

CONTROL_CALLS = frozenset(
    {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:TransactWriteItems", "dynamodb:Query"}
)
BY_SK = "by-sk"
MOST_AT_ONCE = 100  # items of one TransactWriteItems (AWS: transactions, 4 MB in all)

Item = Mapping[str, Any]
Key = tuple[str, str]

_ATTEMPTS = 9  # some nine seconds in all, a fraction of a lock's lease
_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 3.0
_PASSING = {FailureKind.THROTTLED, FailureKind.BUSY, FailureKind.UNCERTAIN}
_CONTENDED = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_NO_TABLE = "ResourceNotFoundException"
_PASSING_CODES = {
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
}


class ConditionFailed(Exception):
    """A write was refused because the table is not as its condition says. ``failed`` are the writes' positions."""

    def __init__(self, failed: tuple[int, ...]) -> None:
        super().__init__(f"The control table was changed by somebody else (write {', '.join(map(str, failed))}).")
        self.failed = failed


@dataclass(frozen=True)
class WriteCondition:
    """A condition expression: attributes are written ``#name``, values ``:name`` and given in ``values``."""

    text: str
    values: Item = field(default_factory=dict)


@dataclass(frozen=True)
class Put:
    """Write the whole ``item`` (with its ``pk`` and ``sk``), if ``when`` holds for the one that is there."""

    item: Item
    when: WriteCondition | None = None


@dataclass(frozen=True)
class Update:
    """Set these attributes of the item, if ``when`` holds."""

    key: Key
    values: Item
    when: WriteCondition


@dataclass(frozen=True)
class ConditionCheck:
    """Write nothing here, but let the transaction through only if ``when`` holds."""

    key: Key
    when: WriteCondition


Write = Put | Update | ConditionCheck


class ItemTable(Protocol):
    """What the store needs of a table with the string keys ``pk`` and ``sk`` and the index ``by-sk``."""

    def get(self, key: Key) -> dict[str, Any] | None:
        """The item, read consistently; None where there is none."""
        ...

    def put(self, write: Put) -> None:
        """Write it. Raises ConditionFailed."""
        ...

    def replace(self, write: Put) -> dict[str, Any] | None:
        """Write it; returns the item that was there. Raises ConditionFailed."""
        ...

    def update(self, write: Update) -> None:
        """Change it. Raises ConditionFailed."""
        ...

    def query(self, pk: str) -> list[dict[str, Any]]:
        """Every item of the partition in the order of ``sk``, read consistently."""
        ...

    def query_by_sk(self, sk: str) -> list[dict[str, Any]]:
        """Every item with that ``sk``, in any partition; the index follows writes within moments."""
        ...

    def transact(self, writes: Sequence[Write]) -> None:
        """All of them or none, 100 at most. Raises ConditionFailed."""
        ...


class TableSender(Protocol):
    """The guarded sender. Raises ``dr_actions.clients.mutating_client`` errors, or botocore's ClientError."""

    def send(self, call: Call) -> dict[str, Any]:
        """Send the call and return AWS's answer."""
        ...


class SentTable:
    """The table ``name`` in ``region`` over a sender. Safe to use from several threads if the sender is."""

    def __init__(
        self, sender: TableSender, name: str, region: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._sender, self._name, self._region, self._sleep = sender, name, region, sleep

    def get(self, key: Key) -> dict[str, Any] | None:
        """The item, read consistently; None where there is none."""
        found = self._send("GetItem", {"Key": _key(key), "ConsistentRead": True}).get("Item")
        return decode_item(found) if found else None

    def put(self, write: Put) -> None:
        """Write it. Raises ConditionFailed."""
        self._send("PutItem", _put(write))

    def replace(self, write: Put) -> dict[str, Any] | None:
        """Write it; returns the item that was there. Raises ConditionFailed.

        One that is sent again, for its answer was lost, returns what it wrote itself.
        """
        found = self._send("PutItem", {**_put(write), "ReturnValues": "ALL_OLD"}).get("Attributes")
        return decode_item(found) if found else None

    def update(self, write: Update) -> None:
        """Change it. Raises ConditionFailed."""
        self._send("UpdateItem", _update(write))

    def query(self, pk: str) -> list[dict[str, Any]]:
        """Every item of the partition in the order of ``sk``, read consistently, page by page."""
        return self._pages({**_key_condition("pk", pk), "ConsistentRead": True})

    def query_by_sk(self, sk: str) -> list[dict[str, Any]]:
        """Every item with that ``sk``, in any partition; the index follows writes within moments."""
        return self._pages({**_key_condition("sk", sk), "IndexName": BY_SK})

    def transact(self, writes: Sequence[Write]) -> None:
        """All of them or none, 100 at most. Raises ConditionFailed."""
        rows = [_row(write, self._name) for write in writes]
        # One token for all its sendings, where botocore would make one for each: a transaction that was done, and
        # whose answer was lost, is answered as done, and no condition is asked again (API Reference: ten minutes).
        params = {"TransactItems": rows, "ClientRequestToken": str(uuid4())}
        self._send("TransactWriteItems", params, named=False)

    def _pages(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        # A page ends at 1 MB, whatever it holds (API Reference, Query): the last has no LastEvaluatedKey.
        items: list[dict[str, Any]] = []
        while True:
            page = self._send("Query", params)
            items += [decode_item(item) for item in page["Items"]]
            if not page.get("LastEvaluatedKey"):
                return items
            params = {**params, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _send(self, operation: str, params: dict[str, Any], named: bool = True) -> dict[str, Any]:
        """Send, and again where another write of the same item was under way at that moment."""
        call = Call("dynamodb", operation, self._region, {"TableName": self._name, **params} if named else params)
        for attempt in range(_ATTEMPTS):
            try:
                return self._sender.send(call)
            except (SendFailed, botocore.exceptions.ClientError) as error:
                if isinstance(error, SendFailed) and error.code == _NO_TABLE:
                    missing = self._no_index if "IndexName" in params else self._absence_sentence
                    raise SendFailed(error.trouble, missing, error.code) from error
                if not _passes(error) or attempt == _ATTEMPTS - 1:
                    raise
            self._sleep(min(_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S))
        raise AssertionError("the last attempt returns or raises")

    @property
    def _no_index(self) -> str:
        return (
            f"The control table {self._name} in {self._region} has no index {BY_SK}, or is not there: `dr_cli.py "
            "status --check run-begin.possible` prints the command that makes it."
        )

    @property
    def _absence_sentence(self) -> str:
        return (
            f"There is no control table {self._name} in {self._region}: restore it from its point-in-time recovery or "
            "its backup, or deploy it again (deploy/README.md)."
        )


def _passes(error: SendFailed | botocore.exceptions.ClientError) -> bool:
    """Whether it is worth sending again. Raises ConditionFailed where a condition did not hold."""
    answer = error if isinstance(error, botocore.exceptions.ClientError) else error.__cause__
    response = answer.response if isinstance(answer, botocore.exceptions.ClientError) else {}
    code = response.get("Error", {}).get("Code", "")
    codes = [row.get("Code", "None") for row in response.get("CancellationReasons", [])]
    # Conditions before conflicts: a transaction names both, and sending it again changes no condition.
    if code == "ConditionalCheckFailedException":
        raise ConditionFailed((0,)) from error
    failed = tuple(number for number, found in enumerate(codes) if found == "ConditionalCheckFailed")
    if failed:
        raise ConditionFailed(failed) from error
    if isinstance(error, SendFailed) and error.trouble in _PASSING:
        return True
    return code in _PASSING_CODES or bool(_CONTENDED.intersection(codes))


def _key(key: Key) -> dict[str, Any]:
    return encode_item({"pk": key[0], "sk": key[1]})


def _key_condition(name: str, value: str) -> dict[str, Any]:
    return {"KeyConditionExpression": f"{name} = :{name}", "ExpressionAttributeValues": {f":{name}": encode(value)}}


def _row(write: Write, table: str) -> dict[str, Any]:
    if isinstance(write, Put):
        return {"Put": {"TableName": table, **_put(write)}}
    if isinstance(write, Update):
        return {"Update": {"TableName": table, **_update(write)}}
    return {"ConditionCheck": {"TableName": table, "Key": _key(write.key), **_condition(write.when)}}


def _put(write: Put) -> dict[str, Any]:
    return {"Item": encode_item(write.item), **(_condition(write.when) if write.when else {})}


def _update(write: Update) -> dict[str, Any]:
    condition = _condition(write.when)
    condition["ExpressionAttributeNames"] |= {f"#{name}": name for name in write.values}
    values = condition.get("ExpressionAttributeValues", {}) | {f":to_{n}": encode(v) for n, v in write.values.items()}
    # Every name by a placeholder: TOKEN and VALUES are reserved (DynamoDB Developer Guide, "Reserved words").
    setting = "SET " + ", ".join(f"#{name} = :to_{name}" for name in write.values)
    return {"Key": _key(write.key), "UpdateExpression": setting, **condition, "ExpressionAttributeValues": values}


def _condition(when: WriteCondition) -> dict[str, Any]:
    params: dict[str, Any] = {
        "ConditionExpression": when.text,
        "ExpressionAttributeNames": {f"#{name}": name for name in re.findall(r"#(\w+)", when.text)},
    }
    if when.values:
        params["ExpressionAttributeValues"] = {f":{name}": encode(value) for name, value in when.values.items()}
    return params
