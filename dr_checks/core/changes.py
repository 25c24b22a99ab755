"""What changed between two judgements of one estate, subject by subject. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dr_checks.core.model import CheckResult, Severity, Status
from dr_checks.core.verdict import WEIGHT

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
