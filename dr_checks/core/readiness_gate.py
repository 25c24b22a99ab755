"""The gate of a pipeline: which results of a judgement let it go on, by rules that people chose. Pure.

What nobody can choose away: a judgement of nothing, a posture that is a fault by itself, and a blocker that was not
seen. Each of them stops a pipeline by whatever rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dr_checks.core.model import CheckResult, Severity, Status
from dr_checks.core.verdict import WEIGHT, Verdict


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


# A list for people begins with what they can repair; UNKNOWN is worse (``worst``) and comes second here.
_RANK = {Status.FAIL: 0, Status.UNKNOWN: 1, Status.WARN: 2, Status.EXCEPTED: 3}


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """By what a subject is known again: its check, side, name and tenant. A check without findings has no subject."""

    check: str
    side: str = ""
    subject: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class JudgedSubject:
    """A subject's worst status under one check; ``about`` is the sentence that goes with it, without the subject."""

    key: SubjectKey
    severity: Severity
    status: Status
    about: str

    @property
    def rank(self) -> tuple[int, int, str, str]:
        """Its place in a list, worst first."""
        return (_RANK.get(self.status, len(_RANK)), -WEIGHT[self.severity], self.key.check, self.key.subject)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A subject whose status is another than before; ``before`` is None where it was not judged, ``after`` likewise.

    ``about`` is the sentence of the status, without the subject.
    """

    key: SubjectKey
    severity: Severity
    before: Status | None
    after: Status | None
    about: str

    @property
    def summary(self) -> str:
        """The subject, where there is one, with the sentence of its status."""
        return f"{self.key.subject}: {self.about}" if self.key.subject else self.about

    @property
    def sentence(self) -> str:
        """The change as people read it."""
        subject = f" {self.key.subject}" if self.key.subject else ""
        return f"{self.key.check} ({self.severity}){subject}: {self.before or 'new'} -> {self.after or 'gone'}"


Subjects = Mapping[SubjectKey, JudgedSubject]


def subjects_of(results: Iterable[CheckResult]) -> Subjects:
    """Every judged subject by its key; where a check names one twice, the worse status stands."""
    found: dict[SubjectKey, JudgedSubject] = {}
    for result in results:
        for row in _rows(result):
            known = found.get(row.key)
            if known is None or row.rank < known.rank:
                found[row.key] = row
    return found


def _rows(result: CheckResult) -> Iterable[JudgedSubject]:
    if not result.findings:
        yield JudgedSubject(SubjectKey(result.check), result.severity, result.status, result.reason)
    for finding in result.findings:
        key = SubjectKey(result.check, finding.side, finding.subject, finding.tenant or "")
        about = f"{finding.measured}, wanted {finding.wanted}: {finding.because}"
        yield JudgedSubject(key, result.severity, finding.status, about)


def changes_between(before: Subjects, after: Subjects) -> tuple[StatusChange, ...]:
    """Every subject whose status changed and was or is no pass, what is worst now first, what is gone last."""
    found: list[tuple[tuple[int, int, str, str], StatusChange]] = []
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        statuses = (old.status if old else None, new.status if new else None)
        # What came or went with a pass is no news: each new tenant would bring hundreds of lines.
        if statuses[0] is not statuses[1] and not set(statuses) <= {None, Status.PASS, Status.NOT_APPLICABLE}:
            row = new or before[key]
            rank = new.rank if new else (len(_RANK) + 1, *row.rank[1:])
            found.append((rank, StatusChange(key, row.severity, *statuses, row.about)))
    return tuple(change for _, change in sorted(found, key=lambda ranked: ranked[0]))
