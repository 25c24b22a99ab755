"""What two runs are compared by: the world as it is afterwards, and the calls that made it so.

Dropped is what differs between any two runs of the same: moments, response times, and the ids that AWS draws by lot.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dr_estate.environments import Side
from dr_estate.observing import observe
from dr_estate.snapshot import to_json
from tests.proofs.rig import Rig
from tests.proofs.watching import reader_of

Facts = dict[str, Any]
Calls = Counter[str]

VOLATILE = {"time_s", "total"}  # how long a visit took; sums of metrics over the minutes that passed
# What holds the lock is told by the journal, and differs with each death; requests served are counted by the minute.
NOT_COMPARED = {"control.standing", "served.minutes"}
_LOTS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<moment>"),
    (re.compile(r"(rds:\S+)-\d{4}(-\d\d){4}$"), r"\1-<minute>"),
    (re.compile(r"\bab-[a-z0-9]{26}\b"), "<backup>"),
    (re.compile(r"\bdb-[A-Z0-9]{26}\b"), "<resource>"),
    (re.compile(r":task/([^/]+)/[0-9a-f]{32}"), r":task/\1/<task>"),
    (re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{6}\b"), "<run>"),
)


def facts_of(rig: Rig, sides: tuple[Side, ...] = (Side.DR, Side.GLOBAL)) -> Facts:
    """Everything that can be seen on ``sides``, part by part: one path of names a value."""
    seen = json.loads(to_json(observe(rig.env, reader_of(rig.world), "sandbox")))
    found: Facts = {}
    for part in seen["parts"]:
        if part["side"] in sides and part["name"] not in NOT_COMPARED:
            value = f"<{part['value']['kind']}>" if part["unseen"] else part["value"]
            found.update(_flat(value, f"{part['name']}.{part['side']}"))
    return found


def calls_of(rig: Rig) -> Calls:
    """How often each call that changes the estate was carried out, with its parameters."""
    done = (one for one in rig.world.mutations() if not one["control"] and one["done"])
    return Counter(_plain(f"{m['region']} {m['service']}:{m['operation']} {json.dumps(m['params'])}") for m in done)


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not the same in both."""
    return {key: (one.get(key), other.get(key)) for key in sorted({*one, *other}) if one.get(key) != other.get(key)}


def settled(rig: Rig, wanted: Facts) -> dict[str, tuple[Any, Any]]:
    """How the world differs from ``wanted``, looked at again where this machine was too busy for an answer in time."""
    found = differences(wanted, facts_of(rig))
    return differences(wanted, facts_of(rig)) if found else found


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, held in value.items():
            if key not in VOLATILE:
                yield from _flat(held, f"{path}.{key}")
    elif isinstance(value, list):
        for number, held in enumerate(value):
            yield from _flat(held, f"{path}[{number}]")
    else:
        yield path, _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    for lot, name in _LOTS:
        text = lot.sub(name, text)
    return text
