"""What past runs teach of time: how long each action's steps took, which an estimate goes by first. Pure.

A step's time is from its intent to its confirmation in one run: between two runs nobody was at work, and what a person
does is no measure of AWS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Step
from dr_estate.model.run_records import RunRecord

ENOUGH = 3
SAMPLE = 25  # durations of an action that a record keeps: an item of DynamoDB holds 400 KB
_P50, _P90 = 50, 90
_TESTED_BY = {"restore_test/restore_database": "database/restore_dr"}
_ENDS = (EntryKind.CONFIRMED, EntryKind.LATE, EntryKind.FAILED, EntryKind.UNDONE)


@dataclass(frozen=True, slots=True)
class StepDurations:
    """How long an action's steps took, in seconds: the median, and what nine of ten took at most."""

    times: int
    p50_s: float
    p90_s: float


def durations(entries: Iterable[Entry], run: str) -> dict[str, tuple[float, ...]]:
    """The seconds that each action's steps took in ``run`` of a journal, in the order of their confirmation."""
    actions: dict[str, str] = {}
    sent: dict[str, datetime] = {}
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for entry in entries:
        step = entry.step or ""
        if entry.kind is EntryKind.BEGIN:
            actions = {row["id"]: row["action"] for row in entry.plan_steps if not row.get("manual")}
            sent.clear()
        elif entry.run != run or step not in actions:
            continue
        elif entry.kind is EntryKind.INTENT:
            sent.setdefault(step, entry.at)
        elif entry.kind in _ENDS and step in sent:
            seconds = (entry.at - sent.pop(step)).total_seconds()
            if entry.kind is EntryKind.CONFIRMED:
                taken[actions[step]].append(seconds)
    return {action: tuple(seconds) for action, seconds in taken.items()}


def sample(seconds: Sequence[float], most: int = SAMPLE) -> tuple[float, ...]:
    """At most ``most`` of the durations, evenly spread from the shortest to the longest, to a tenth of a second."""
    ranked = sorted(round(duration, 1) for duration in seconds)
    if len(ranked) <= most:
        return tuple(ranked)
    return tuple(ranked[round(n * (len(ranked) - 1) / (most - 1))] for n in range(most))


def by_action(records: Iterable[RunRecord]) -> dict[str, StepDurations]:
    """What the records' runs measured of each action; a restore test's restore measures a recovery's."""
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        for action, seconds in record.steps.items():
            taken[_TESTED_BY.get(action, action)] += seconds
    return {
        action: StepDurations(len(seconds), percentile(seconds, _P50), percentile(seconds, _P90))
        for action, seconds in taken.items()
        if seconds
    }


def percentile(seconds: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile: the smallest value that ``percent`` of all are not above. Raises ValueError."""
    if not seconds:
        raise ValueError("there is no percentile of nothing")
    return sorted(seconds)[max(1, ceil(percent * len(seconds) / 100)) - 1]


def is_measured(step: Step, measured: Mapping[str, StepDurations]) -> bool:
    """Whether enough such steps were timed to reckon with that."""
    known = measured.get(step.action)
    return not step.manual and known is not None and known.times >= ENOUGH
