"""What a run did, for the report: its outcome, its people, what went wrong, and what its journal holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from reports.values import run_record
from reports.values.run_record import JournaledRun


@dataclass(frozen=True)
class RunSummary:
    """One run's ending. ``degraded`` and ``undone`` are sentences; ``mutations`` counts the answered calls.

    ``approved_at`` is when the second person approved (ISO 8601, UTC), "" where nobody had to.
    ``rules`` is the digest of all that it was judged by, overrides and version too: another one than that of the rules
    that are pinned.
    ``to_confirm`` are the irreversible steps that nobody could be asked about: the one that ended it, and later ones.
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
    record: JournaledRun
    approved_at: str = ""
    rules: str = ""
    to_confirm: tuple[str, ...] = ()
    stands_otherwise: bool = False


def to_dict(summary: RunSummary) -> dict[str, Any]:
    """The key ``run`` of the JSON report (docs/json.md)."""
    own = {field.name: getattr(summary, field.name) for field in fields(summary) if field.name != "record"}
    return own | {"journal": str(summary.journal)} | run_record.to_dict(summary.record)


def sentences(summary: RunSummary) -> Iterator[str]:
    """The ending as an operator reads it."""
    yield f"{summary.outcome.upper()}: {summary.says}"
    yield f"incident {summary.incident}, run {summary.run}, plan {summary.digest[:12]}, {summary.mutations} calls"
    if summary.rules:
        yield f"rules with the run's overrides and version {summary.rules[:12]}"
    yield (
        f"operator {summary.operator}"
        + (f", approved by {summary.approver}" if summary.approver else "")
        + (f" at {summary.approved_at}" if summary.approved_at else "")
    )
    # What failed and what was taken back stands before the record: it is part of the verdict (T46).
    yield from (f"FAILED: {sentence}" for sentence in summary.degraded)
    yield from (f"compensation: {sentence}" for sentence in summary.undone)
    yield from (f"overridden: {gate}" for gate in summary.overrides)
    yield f"journal: {summary.journal}"
    yield from run_record.sentences(summary.record)
