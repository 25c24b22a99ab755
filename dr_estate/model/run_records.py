"""Record of one run in the control table: kind, result and durations. Pure.

A record is an item with ``pk`` ``HISTORY#<kind>`` and ``sk`` ``<when it ended>#<run>``, so that a partition holds one
kind's runs in the order of time. Nothing secret is in it: the evidence itself stays where the run put it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dr_estate.model.dynamodb_values import instant, moment

HISTORY_OF = "HISTORY#"


class RunKind(StrEnum):
    """What was run."""

    STATUS = "status"
    TEST_INFRA = "test-infra"
    TEST_DNS = "test-dns"
    TABLETOP = "tabletop"
    FULL_DRILL = "full-drill"
    FAILOVER = "failover"
    FAILBACK = "failback"
    RESTORE_TEST = "restore-test"
    START_TEST = "start-test"


@dataclass(frozen=True)
class RunRecord:
    """A run that ended ``at`` (UTC). ``complete``: it was carried through for the whole estate, so that it counts.

    ``verdict`` is its outcome in a word. ``evidence`` is the SHA-256 of what was observed, ``report`` the folder it is
    in. ``rto_s`` is the measured recovery time, ``phases`` its parts, ``steps`` a sample of each action's measured
    durations, all in seconds. None is what the run did not measure. ``starts`` says of each tenant whose task a start
    test started why it did not start, "" where it did.
    """

    kind: RunKind
    at: datetime
    run: str
    who: str
    world: str
    verdict: str
    complete: bool
    score: int | None = None
    recommendation: str = ""
    worst_lag_s: float | None = None
    rto_s: float | None = None
    duration_s: float | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    evidence: str = ""
    report: str = ""
    incident: str = ""
    starts: Mapping[str, str] = field(default_factory=dict)


_TEXTS = ("run", "who", "world", "verdict", "recommendation", "evidence", "report", "incident")
_NUMBERS = ("worst_lag_s", "rto_s", "duration_s")


def to_item(record: RunRecord) -> dict[str, Any]:
    """The record as the table's plain item."""
    return {
        "pk": HISTORY_OF + record.kind,
        "sk": f"{instant(record.at)}#{record.run}",
        "at": instant(record.at),
        "complete": record.complete,
        "score": record.score,
        **{name: getattr(record, name) for name in (*_TEXTS, *_NUMBERS)},
        "phases": dict(record.phases),
        "steps": {action: list(taken) for action, taken in record.steps.items()},
        **({"starts": dict(record.starts)} if record.starts else {}),
    }


def from_item(item: Mapping[str, Any]) -> RunRecord:
    """The record of an item that ``control_items`` can read."""
    numbers: dict[str, Any] = {name: None if item.get(name) is None else float(item[name]) for name in _NUMBERS}
    return RunRecord(
        kind=RunKind(item["pk"].removeprefix(HISTORY_OF)),
        at=moment(item["at"]),
        complete=item["complete"],
        score=item.get("score"),
        **{name: item[name] for name in _TEXTS},
        **numbers,
        phases={name: float(taken_s) for name, taken_s in item["phases"].items()},
        steps={action: tuple(map(float, taken)) for action, taken in item["steps"].items()},
        starts=dict(item.get("starts") or {}),
    )
