"""What two runs are compared by: the world as it is afterwards, and the calls that made it so.

Dropped is what differs between any two runs of the same: moments, response times, and the ids that AWS draws by lot.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import to_json
from tests.proofs.lots import plain
from tests.proofs.rig import Rig

Facts = dict[str, Any]
Calls = Counter[str]
Sides = tuple[Side, ...]
AWAY: Sides = (Side.DR, Side.GLOBAL)

# How long a visit took; sums of metrics over the minutes that passed; which call met a silent region first.
VOLATILE = {"time_s", "total", "why"}
# AWS takes a zone for each task in turn; points are counted up by the schedule.
PASSING = re.compile(r"^(ecs\.tasks\..*\.zone|vpc\.subnets\..*\.free|backup\.vaults\..*\.points)$")
# What holds the lock is in the journal, and differs with each death; metrics are by the minute. The schedule of AWS
# Backup goes on meanwhile: the backups that a run asked for are known by its calls, their completion by the run itself.
_LEFT_OUT = (
    "control_table.standing",
    "control_table.begin",
    "region_heartbeat.minutes",
    "elbv2_targets.minutes",
    "dynamodb.latency_metrics",
    "backup.recovery_points",
    "backup_jobs.",
)


def facts_of(rig: Rig, sides: Sides = AWAY) -> Facts:
    """Everything that the operator can see on ``sides`` now."""
    return _facts(to_json(observe(rig.env, rig.reach().world.credentials, "sandbox")), sides)


def facts_validated(folder: Path, sides: Sides = AWAY) -> Facts:
    """Everything that a run saw on ``sides`` when it validated itself; what follows changes nothing of it."""
    return _facts((folder / "evidence.json").read_bytes(), sides)


def _facts(evidence: bytes, sides: Sides) -> Facts:
    """Part by part: one path of names a value."""
    found: Facts = {}
    for part in json.loads(evidence)["parts"]:
        if part["side"] in sides and not part["name"].startswith(_LEFT_OUT):
            value = f"<{part['value']['kind']}>" if part["unseen"] else part["value"]
            flat = _flat(value, f"{part['name']}.{part['side']}")
            found.update((path, fact) for path, fact in flat if not PASSING.match(path))
    return found


def calls_of(rig: Rig) -> Calls:
    """How often each call that changes the estate was carried out, with its parameters.

    A message says what visitors can do when it is sent: of messages the topic and the step count.
    """
    done = (mutation for mutation in rig.world.mutations() if not mutation["control"] and mutation["done"])
    return Counter(plain(f"{m['region']} {m['service']}:{m['operation']} {json.dumps(_compared(m))}") for m in done)


def _compared(mutation: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = mutation["params"]
    if mutation["operation"] != "Publish":
        return params
    return {"TopicArn": params["TopicArn"], "step": json.loads(params["Message"])["step"]}


def differences(first: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not the same in both."""
    return {
        key: (first.get(key), other.get(key)) for key in sorted({*first, *other}) if first.get(key) != other.get(key)
    }


def settled(rig: Rig, name: str, wanted: Facts, sides: Sides = AWAY) -> dict[str, tuple[Any, Any]]:
    """How the world that the run ``name`` validated differs from ``wanted``.

    It is looked at again where it does: a fault may be left, or this machine was too busy for an answer in time.
    """
    found = differences(wanted, facts_validated(rig.home / name, sides))
    for _ in range(2):
        if found:
            found = differences(wanted, facts_of(rig, sides))
    return found


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        # The call that met a silent region first names its service too.
        dropped = VOLATILE | {"service"} if "why" in value else VOLATILE
        for key, member in value.items():
            if key not in dropped:
                yield from _flat(member, f"{path}.{key}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _flat(member, f"{path}[{number}]")
    else:
        yield path, plain(value) if isinstance(value, str) else value
