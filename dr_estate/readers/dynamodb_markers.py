"""The marker item that a failback puts into each replicated table, as each region's replica holds it.

Every run uses the same key, which no other item has, so that any observation knows it. A table whose key cannot be
such a text takes no marker: a number might be a key of the platform's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.model.marker_names import ATTRIBUTE, KEY
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import dynamodb
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"dynamodb:GetItem"})
_OF_RANGES = {"S": {"S": KEY}, "N": {"N": "0"}}


@dataclass(frozen=True, slots=True)
class MarkerItem:
    """The item of that key in a table: ``there`` whether there is one, ``marker`` what it is called, "" for none."""

    table: str
    there: bool
    marker: str = ""


def key_of(table: dynamodb.Table) -> dict[str, dict[str, str]] | None:
    """The marker's key in the table, in DynamoDB's own form; None where its key's types cannot take it."""
    (first, first_kind), *ranges = [key.split(":") for key in table.keys] or [["", ""]]
    if first_kind != "S" or any(kind not in _OF_RANGES for _, kind in ranges):
        return None
    return {first: {"S": KEY}} | {name: dict(_OF_RANGES[kind]) for name, kind in ranges}


@part(*REGIONAL, reads=READS)
def items(context: ReadContext) -> tuple[MarkerItem | Unavailable, ...]:
    """The item of each table that a run puts one into, read consistently; one call a table, none for any other look."""
    if not context.followed.tables:
        return ()
    there = [table for table in context.part(dynamodb.tables) if isinstance(table, dynamodb.Table)]
    marked = [table for table in there if table.name in context.followed.tables and key_of(table)]
    return tuple(context.maybe(lambda table: _item(context, table), marked))


def _item(context: ReadContext, table: dynamodb.Table) -> MarkerItem:
    key = key_of(table)
    found = context.find("dynamodb", "get_item", dynamodb.ABSENT, TableName=table.name, Key=key, ConsistentRead=True)
    item: dict[str, Any] = (found or {}).get("Item") or {}
    return MarkerItem(table.name, there=bool(item), marker=str(item.get(ATTRIBUTE, {}).get("S", "")))
