"""The gate of a pipeline: which results of a judgement let it go on, by rules that people chose. Pure.

What nobody can choose away: a judgement of nothing, a posture that is a fault by itself, and a blocker that was not
seen. Each of them stops a pipeline by whatever rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dr_checks.core.changes import JudgedSubject, StatusChange, Subjects, changes_between, subjects_of
from dr_checks.core.model import Severity, Status
from dr_checks.core.verdict import Verdict


class FailOn(StrEnum):
    """From which status on a result stops the pipeline, the later ones with it: fail < unknown < warn."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WARN = "warn"

    @property
    def statuses(self) -> frozenset[Status]:
        """The statuses that stop."""
        order = (Status.FAIL, Status.UNKNOWN, Status.WARN)
        return frozenset(order[: list(FailOn).index(self) + 1])


class GateCause(StrEnum):
    """What stopped a pipeline."""

    NOTHING_JUDGED = "nothing-judged"
    NOT_SEEN = "not-seen"
    POSTURE = "posture"
    GAP = "gap"
    SCORE = "score"


@dataclass(frozen=True)
class Baseline:
    """An earlier judgement of the same estate; ``name`` says which."""

    name: str
    observed_at: datetime
    subjects: Subjects


@dataclass(frozen=True)
class GateRules:
    """What a pipeline asks for. Without a ``baseline`` every gap counts, with one the new ones only."""

    fail_on: FailOn = FailOn.UNKNOWN
    min_score: int | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True)
class GateResult:
    """How a judgement came out by ``rules``: what stops, the known gaps that do not, and what changed."""

    rules: GateRules
    causes: frozenset[GateCause]
    stopping: tuple[JudgedSubject, ...]
    known: tuple[JudgedSubject, ...]
    changes: tuple[StatusChange, ...]

    @property
    def passes(self) -> bool:
        """Whether the pipeline goes on."""
        return not self.causes


def weigh_gate(verdict: Verdict, rules: GateRules, *, faulty_posture: bool) -> GateResult:
    """Weigh the results of ``verdict`` by ``rules``; ``faulty_posture``: the posture alone is a blocker."""
    subjects = subjects_of(verdict.results)
    before = rules.baseline.subjects if rules.baseline else {}
    stopping: list[JudgedSubject] = []
    known: list[JudgedSubject] = []
    for row in sorted(subjects.values(), key=lambda row: row.rank):
        # A blocker that was not seen before either is still not seen: a baseline excuses gaps that somebody looked at.
        blind = row.status is Status.UNKNOWN and row.severity is Severity.BLOCKER
        if blind or row.status in rules.fail_on.statuses:
            as_before = row.key in before and before[row.key].status is row.status
            (known if as_before and not blind else stopping).append(row)
    causes = {GateCause.NOT_SEEN if row.status is Status.UNKNOWN else GateCause.GAP for row in stopping}
    # all() of nothing is true: without any result the gate stops too.
    if all(result.status is Status.NOT_APPLICABLE for result in verdict.results):
        causes.add(GateCause.NOTHING_JUDGED)
    if faulty_posture:
        causes.add(GateCause.POSTURE)
    if rules.min_score is not None and verdict.score < rules.min_score:
        causes.add(GateCause.SCORE)
    changes = changes_between(before, subjects) if rules.baseline else ()
    return GateResult(rules, frozenset(causes), tuple(stopping), tuple(known), changes)
