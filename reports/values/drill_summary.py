"""What a drill did, for every report: its parts, measured times, what it left, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dr_actions.drills.inventory import Residue, ResidueState
from dr_actions.model.plan import Goal
from dr_estate.model.durations import duration
from reports.values import run_summary
from reports.values.run_summary import RunSummary


@dataclass(frozen=True)
class PhaseDuration:
    """How long a phase of a part took, in seconds; None where its end was not recorded."""

    part: str
    phase: str
    seconds: float | None


@dataclass(frozen=True)
class DrillSummary:
    """A drill: ``kind`` is full drill, restore test, start test, canary or clean-up.

    ``rto_s`` is the measured recovery time, ``rpo_s`` the measured age of what was recovered; None where not measured.
    ``residue`` is None where nothing could be compared. ``cost`` is the estimate in ``currency``. ``journal_head`` is
    the digest of the journal's last entry, "" where it was not read.
    """

    kind: str
    incident: str
    parts: tuple[RunSummary, ...]
    phases: tuple[PhaseDuration, ...]
    rto_s: float | None
    rto_target_s: int
    rpo_s: float | None
    residue: tuple[Residue, ...] | None
    took_s: float
    cost: float
    currency: str
    journal: Path | None
    exit: int
    notes: tuple[str, ...] = ()
    journal_head: str = ""

    @property
    def left(self) -> tuple[Residue, ...]:
        """What is left over, or could not be compared."""
        return tuple(row for row in self.residue or () if row.fate is not ResidueState.KEPT)

    @property
    def kept_by_rule(self) -> tuple[Residue, ...]:
        """What is kept by rule."""
        return tuple(row for row in self.residue or () if row.fate is ResidueState.KEPT)

    @property
    def went_there_and_back(self) -> bool:
        """Whether it moved the estate to the DR region and back, each validated: only that counts as a full drill."""
        # A drill that ended in the DR region proved half of what it is for.
        home = any((phase.part, phase.phase) == ("failback", "validate") for phase in self.phases)
        return self.rto_s is not None and home

    @property
    def is_over(self) -> bool:
        """Whether its clean-up is done: else there is more to come, and nothing is compared yet."""
        return any((part.goal, part.outcome) == (Goal.CLEAN_UP, "done") for part in self.parts[-1:])

    @property
    def verdict(self) -> str:
        """The end in a word: of the first part that went wrong, else of what is left."""
        # What went wrong comes before what is left: the drill proved nothing then.
        if wrong := next((part.outcome for part in self.parts if part.outcome != "done"), ""):
            return wrong
        # Without an inventory of before nothing proves that the drill left nothing (T47).
        if self.residue is None:
            return "not compared"
        return "left over" if self.left else "done"


def to_dict(summary: DrillSummary) -> dict[str, Any]:
    """The key ``drill`` of the JSON report (docs/json.md)."""
    values = asdict(replace(summary, parts=())) | {"parts": [run_summary.to_dict(part) for part in summary.parts]}
    return values | {"journal": str(summary.journal) if summary.journal else None, "verdict": summary.verdict}


def headline(summary: DrillSummary) -> str:
    """The end as one sentence."""
    rto = ""
    if summary.rto_s is not None:
        met = "met" if summary.rto_s <= summary.rto_target_s else "NOT MET"
        rto = f"; recovery time {duration(summary.rto_s)}, objective {duration(summary.rto_target_s)}: {met}"
    return f"{summary.kind} {summary.incident}: {summary.verdict}, {duration(summary.took_s)}{rto}"


def sentences(summary: DrillSummary) -> Iterator[str]:
    """Everything below the headline but the tables."""
    for part in summary.parts:
        yield f"{part.goal}: {part.outcome.upper()}: {part.says}"
        yield from (f"FAILED: {sentence}" for sentence in part.degraded)
        yield from (f"compensation: {sentence}" for sentence in part.undone)
    yield from (f"note: {sentence}" for sentence in summary.notes)
    if summary.rpo_s is not None:
        yield f"oldest copy (RPO): {duration(summary.rpo_s)}"
    yield f"cost about {summary.cost:.2f} {summary.currency}"
    yield residue_in_brief(summary)
    if summary.journal is not None:
        yield f"journal: {summary.journal}"
        yield f"journal head: {summary.journal_head or 'not read'}"


def residue_in_brief(summary: DrillSummary) -> str:
    """What is left, counted."""
    if summary.residue is None:
        over = "no inventory of before is on record" if summary.is_over else "the drill is not over"
        return f"residue: not compared, for {over}"
    rule_text = f", {len(summary.kept_by_rule)} kept by rule" if summary.kept_by_rule else ""
    return f"residue: {len(summary.left) or 'nothing'} left over{rule_text}"
