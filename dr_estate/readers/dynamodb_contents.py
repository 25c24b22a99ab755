"""Content of the global tables as a count and a digest, to compare both regions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import dynamodb, serving_side
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"dynamodb:Scan"})
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


@part(*REGIONAL, reads=READS)
def contents(context: ReadContext) -> tuple[Contents | TableTooLarge | Unavailable, ...]:
    """Each table read through, consistently, a megabyte a call; nothing while the primary region serves.

    DescribeTable's own count is refreshed about every six hours only. Source: API_TableDescription, ItemCount.
    """
    if not serving_side.away(context):
        return ()
    there = [
        table
        for table in context.part(dynamodb.tables)
        if isinstance(table, dynamodb.Table) and table.status != "absent"
    ]
    return tuple(context.maybe(lambda table: _contents(context, table), there))


def _contents(context: ReadContext, table: dynamodb.Table) -> Contents | TableTooLarge:
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
