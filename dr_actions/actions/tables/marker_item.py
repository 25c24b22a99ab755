"""Which tables take a marker item, and what is seen of it on each side. Pure.

Its key cannot be one of the platform's own, and a condition lets nothing but a marker be replaced or removed.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Params
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import available
from dr_estate.readers import dynamodb, dynamodb_markers
from dr_estate.readers.dynamodb_markers import MarkerItem


def marked_tables(context: PlanContext) -> Iterator[tuple[dynamodb.Table, Params]]:
    """The tables of the DR region that replicate and take a marker, each with its key. Raises DataUnavailable."""
    if not context.env.execution.markers or not context.env.replicates:
        return
    for table in _tables(context):
        key = dynamodb_markers.key_of(table)
        if key is not None and table.replicas:
            yield table, key


def marked(table: str) -> Params:
    """Return the step parameters by which a run's observations read the table's marker."""
    return {"marked table": table}


def unfit_tables(context: PlanContext) -> tuple[str, ...]:
    """The names of the tables whose key's types take no marker. Raises DataUnavailable."""
    return tuple(table.name for table in _tables(context) if table.keys and dynamodb_markers.key_of(table) is None)


def _tables(context: PlanContext) -> Iterator[dynamodb.Table]:
    return map(available, context.snapshot.get(dynamodb.tables, Side.DR))


def item_of(context: PlanContext, side: Side, table: str) -> MarkerItem | None:
    """The table's marker as the side's replica shows it; None where the table was not asked. Raises DataUnavailable."""
    found = None
    for row in map(available, context.snapshot.get(dynamodb_markers.items, side)):
        found = row if row.table == table else found
    return found
