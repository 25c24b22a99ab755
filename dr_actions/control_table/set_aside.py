"""Set an item aside that cannot be read: it is kept as it was under another key, and what it held holds no more.

Nothing is deleted: the item's own key gets one that says it is over, by whom and why. A lock is given back, with a
token that no run had. One who set an item aside needs no right but to put items, as an approver may.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dr_actions.control_table.control import ControlStore
from dr_actions.control_table.lock import Owner
from dr_actions.control_table.table import Key, Put, WriteCondition
from dr_estate.model.control_items import (
    ASIDE,
    DRILL_LOCK,
    HISTORY,
    LOCK,
    SET_ASIDE,
    STANDING,
    ItemKind,
    UnreadableItem,
    readable,
    unreadable,
)
from dr_estate.model.dynamodb_values import encode_item, instant, moment
from dr_estate.model.run_records import HISTORY_OF, RunKind

_PIECE = 300_000  # of an item's 400 KB (AWS: ServiceQuotas, DynamoDB), which the item that is kept may fill already
# An expression is 4 KB long at most (DynamoDB Developer Guide, quotas).
_MOST_COMPARED, _LONGEST_COMPARED = 20, 500
_LONGEST_KEPT = 100  # letters of a key whose own are all of the most that AWS takes
_LONG_AGO = instant(datetime(1970, 1, 2, tzinfo=UTC))
_NEW = WriteCondition("attribute_not_exists(#pk)")


class NothingToRepair(Exception):
    """The item can be read; the message names it."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """What was set aside, and the key of its copy."""

    item: UnreadableItem
    copy: Key


def unreadable_items(control: ControlStore) -> tuple[UnreadableItem, ...]:
    """Every item that cannot be read of those that a command reads and that can be set aside."""
    partitions = (STANDING, LOCK, DRILL_LOCK, HISTORY, *(HISTORY_OF + kind for kind in RunKind))
    items = [*(item for pk in partitions for item in control.table.query(pk)), *control.own_pauses()]
    return readable(items)[1]


def set_aside(control: ControlStore, found: UnreadableItem, owner: Owner, reason: str) -> SetAside:
    """Set the item aside. Raises NothingToRepair, ConditionFailed where somebody wrote it meanwhile."""
    key = (found.pk, found.sk)
    item = control.table.get(key)
    if item is None or not unreadable(item):
        raise NothingToRepair(f"The item {found.name} of the control table can be read by now: nothing is set aside.")
    at = instant(control.now())
    copy = (ASIDE + found.pk[:_LONGEST_KEPT], f"{at}#{found.sk[:_LONGEST_KEPT]}")
    who = {"by": owner.person, "arn": owner.arn, "why": reason, "at": at}
    values = {**who, "item": found.name, "flaw": found.flaw}
    control.write(
        [
            *_pieces(copy, item, values),
            Put(_over(found, owner, at), _unchanged_condition(item)),
            Put({"pk": HISTORY, "sk": f"{at}#{SET_ASIDE}", "by": owner.person, "values": values}),
        ]
    )
    return SetAside(found, copy)


def _pieces(copy: Key, item: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Put]:
    """The item as DynamoDB's own JSON, in as many items as it takes."""
    text = json.dumps(encode_item(item), ensure_ascii=False, default=lambda raw: base64.b64encode(raw).decode())
    for number, start in enumerate(range(0, len(text), _PIECE)):
        sk = f"{copy[1]}.{number:03d}" if number else copy[1]
        yield Put({"pk": copy[0], "sk": sk, "text": text[start : start + _PIECE], **values}, _NEW)


def _unchanged_condition(item: Mapping[str, Any]) -> WriteCondition:
    """That the item is as it was read, by those of its attributes that compare exactly."""
    exact = {
        name: value
        for name, value in sorted(item.items())
        if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)
        and isinstance(value, str | int | bytes | None)
        and len(str(value)) <= _LONGEST_COMPARED
    }
    compared = dict([*exact.items()][:_MOST_COMPARED])
    return WriteCondition(" AND ".join(["attribute_exists(#pk)", *(f"#{n} = :{n}" for n in compared)]), compared)


def _over(found: UnreadableItem, owner: Owner, at: str) -> dict[str, Any]:
    """What takes the place of the item, and holds nothing."""
    key = {"pk": found.pk, "sk": found.sk}
    if found.kind is not ItemKind.LOCK:
        return {**key, "closed_at": at, "closed_by": owner.person}
    # It ended as it began, long ago: no cool-down is left of it.
    times = dict.fromkeys(("taken_at", "heartbeat_at", "lease_until", "ended_at"), _LONG_AGO)
    who = {"run": f"set-aside-{at}", "person": owner.person, "arn": owner.arn, "incident": "", "outcome": "set aside"}
    # Seconds since 1970 are more than there were runs: no run had that token.
    return {**key, **who, **times, "token": int(moment(at).timestamp())}
