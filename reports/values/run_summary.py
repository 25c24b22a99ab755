"""What a run did, for the report: its outcome, its people, what went wrong, and what its journal holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from reports.values import run_record
from reports.values.run_record import Recorded


@dataclass(frozen=True)
class Ran:
    """One run's ending. ``degraded`` and ``undone`` are sentences; ``mutations`` counts the answered calls.

    ``goal`` is what its plan was to reach, ``record`` what the journal holds of it.
    """

    incident: str
    run: str
    outcome: str
    says: str
    digest: str
    operator: str
    approver: str
    degraded: tuple[str, ...]
    undone: tuple[str, ...]
    overrides: tuple[str, ...]
    mutations: int
    journal: Path
    exit: int
    goal: str
    record: Recorded


def to_dict(ran: Ran) -> dict[str, Any]:
    """The key ``run`` of the JSON report (docs/json.md)."""
    own = {field.name: getattr(ran, field.name) for field in fields(ran) if field.name != "record"}
    return own | {"journal": str(ran.journal)} | run_record.to_dict(ran.record)


def sentences(ran: Ran) -> Iterator[str]:
    """The ending as an operator reads it."""
    yield f"{ran.outcome.upper()}: {ran.says}"
    yield f"incident {ran.incident}, run {ran.run}, plan {ran.digest[:12]}, {ran.mutations} calls"
    yield f"operator {ran.operator}" + (f", approved by {ran.approver}" if ran.approver else "")
    yield from (f"FAILED: {sentence}" for sentence in ran.degraded)
    yield from (f"compensation: {sentence}" for sentence in ran.undone)
    yield from (f"overridden: {gate}" for gate in ran.overrides)
    yield f"journal: {ran.journal}"
    yield from run_record.sentences(ran.record)
