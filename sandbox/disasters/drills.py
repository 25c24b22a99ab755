"""Nobody practises any more: the last run of a test is long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dr_estate.attributes import encode, instant
from dr_estate.environments import Side
from dr_estate.run_records import HISTORY_OF, RunKind
from sandbox.disasters import disaster
from sandbox.errors import SandboxError
from sandbox.state import now
from sandbox.world import World

_LONG_AGO = timedelta(days=400)


@disaster(
    "drill-overdue",
    "The last tabletop exercise on record is more than a year old",
    trips=("drills.on-schedule",),
)
def drill_overdue(world: World) -> None:
    """Leave one tabletop exercise on record, of 400 days ago. SandboxError where none is."""
    name = world.environment.named(world.environment.names.control_table)
    key = HISTORY_OF + RunKind.TABLETOP
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": key}}}
    items: list[dict[str, Any]] = world.call(Side.DR, "dynamodb", "Query", TableName=name, **asked)["Items"]
    if not items:
        raise SandboxError("No tabletop exercise is on record: there is nothing that could be long ago.")
    long_ago = instant(now() - _LONG_AGO)
    old = {**items[-1], "at": encode(long_ago), "sk": encode(f"{long_ago}#{items[-1]['run']['S']}")}
    for item in items:
        world.undo(Side.DR, "dynamodb", "PutItem", TableName=name, Item=item)
        world.call(Side.DR, "dynamodb", "DeleteItem", TableName=name, Key=_key(item))
    world.undo(Side.DR, "dynamodb", "DeleteItem", TableName=name, Key=_key(old))
    world.call(Side.DR, "dynamodb", "PutItem", TableName=name, Item=old)


def _key(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("pk", "sk")}
