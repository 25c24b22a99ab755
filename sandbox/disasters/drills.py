"""Nobody practises any more, what was practised failed, or a drill died half way and left its canary behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.dynamodb_values import encode, instant
from dr_estate.model.recovery_names import TRIAL, canary_name, new_id
from dr_estate.model.run_records import HISTORY_OF, RunKind
from sandbox.core.errors import SandboxError
from sandbox.core.state import now
from sandbox.disasters import disaster
from sandbox.disasters.dns_zone import swap
from sandbox.world.world import World

_STARTS = HISTORY_OF + RunKind.START_TEST
_NOT_THERE = "the task does not start: CannotPullContainerError: image not found"
# Longer than the longest period that a schedule may have, a year.
_LONG_AGO, _A_WEEK = timedelta(days=400), timedelta(days=7)
# addresses for documentation (RFC 5737), as a canary's are
_LEADS_NOWHERE = ("192.0.2.1", "198.51.100.1")


@disaster(
    "drill-overdue", "The last tabletop exercise on record is more than a year old", trips=("drills.on-schedule",)
)
def drill_overdue(world: World) -> None:
    """Leave one tabletop exercise on record, of 400 days ago. SandboxError where none is."""
    name = world.environment.named(world.environment.names.control_table)
    key = HISTORY_OF + RunKind.TABLETOP
    params = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": key}}}
    items: list[dict[str, Any]] = world.call(Side.DR, "dynamodb", "Query", TableName=name, **params)["Items"]
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


@disaster(
    "start-test-fails",
    "One tenant's task did not start in the last start test: its image was not there",
    trips=("drills.tasks-start",),
)
def start_test_fails(world: World) -> None:
    """Put a start test of an hour ago on record that failed for the last tenant of the one before. SandboxError."""
    name = world.environment.named(world.environment.names.control_table)
    params = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": _STARTS}}}
    items: list[dict[str, Any]] = world.call(Side.DR, "dynamodb", "Query", TableName=name, **params)["Items"]
    if not items:
        raise SandboxError("No start test is on record: there is none that could have failed.")
    an_hour_ago, starts = instant(now() - timedelta(hours=1)), items[-1]["starts"]["M"]
    # Its sort key begins with its time: the newest on record counts.
    failed = {**items[-1], "at": encode(an_hour_ago), "sk": encode(f"{an_hour_ago}#{items[-1]['run']['S']}")}
    failed |= {"complete": encode(False), "verdict": encode("degraded")}
    failed["starts"] = {"M": {**starts, max(starts): encode(_NOT_THERE)}}
    world.undo(Side.DR, "dynamodb", "DeleteItem", TableName=name, Key=_key(failed))
    world.call(Side.DR, "dynamodb", "PutItem", TableName=name, Item=failed)


@disaster(
    "canary-left-behind", "A drill of last week died before it took its canary away", trips=("drills.nothing-left",)
)
def canary_left_behind(world: World) -> None:
    """Make a canary's pair of weighted records. SandboxError where the traffic zone is not listed for canaries."""
    traffic = world.environment.traffic
    if traffic.zone not in traffic.canary_zones:
        raise SandboxError(f"traffic.canary_zones does not list {traffic.zone}: no drill made a canary there.")
    name = canary_name(world.environment, traffic.zone, new_id(TRIAL, now() - _A_WEEK))
    pair = zip((traffic.primary_set_identifier, traffic.secondary_set_identifier), _LEADS_NOWHERE, strict=True)
    shared: dict[str, Any] = {"Name": f"{name}.", "Type": "A", "TTL": world.environment.thresholds.record_ttl_s}
    rows = [{**shared, "SetIdentifier": own, "Weight": 50, "ResourceRecords": [{"Value": at}]} for own, at in pair]
    swap(world, [], rows)
