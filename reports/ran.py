"""What a run did, for the report: its outcome, its people, what went wrong, and where its journal is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """One run's ending. ``degraded`` and ``undone`` are sentences; ``mutations`` counts the answered calls.

    ``goal`` is what its plan was to reach.
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
    goal: str = ""


def to_dict(ran: Ran) -> dict[str, Any]:
    """The key ``run`` of the JSON report (docs/json.md)."""
    return asdict(ran) | {"journal": str(ran.journal)}


def sentences(ran: Ran) -> Iterator[str]:
    """The ending as an operator reads it."""
    yield f"{ran.outcome.upper()}: {ran.says}"
    yield f"incident {ran.incident}, run {ran.run}, plan {ran.digest[:12]}, {ran.mutations} calls"
    yield f"operator {ran.operator}" + (f", approved by {ran.approver}" if ran.approver else "")
    yield from (f"FAILED: {sentence}" for sentence in ran.degraded)
    yield from (f"compensation: {sentence}" for sentence in ran.undone)
    yield from (f"overridden until closed: {gate}" for gate in ran.overrides)
    yield f"journal: {ran.journal}"
