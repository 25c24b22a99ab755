"""Several environments as one account: a row an environment, the worst first, from the reports of their runs. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from dr_checks.core.model import CheckResult, Lag, Severity, Status
from dr_checks.core.verdict import Recommendation, best_lags
from dr_estate.model.durations import duration
from dr_estate.model.world_id import is_sandbox
from reports.values.report import objective_answer
from reports.values.stored_report import StoredReport

SCHEMA = "aws-dr-manager/fleet/1"
UNKNOWN = "UNKNOWN"
TONES = {
    Recommendation.READY: Status.PASS,
    Recommendation.UNPROTECTED: Status.WARN,
    Recommendation.AT_RISK: Status.WARN,
    Recommendation.NOT_READY: Status.FAIL,
    Recommendation.CANNOT_SAY: Status.UNKNOWN,
}
# What a row of the page shows.
COLUMNS = ("environment", "posture", "answer", "score", "worst store", "blockers", "exit", "next")
# A blocker that was not seen stops a failover as one that failed.
_STOPPING = (Status.FAIL, Status.UNKNOWN)
_OLD = timedelta(hours=24)  # a daily pipeline brings a run of each environment within these


@dataclass(frozen=True)
class FleetMember:
    """One environment of a fleet. ``report`` is None where it was not judged: ``reason`` says why.

    ``exit`` is the exit code of its run, ``folder`` where the files of that lie; ``doubt`` is what its file says of
    itself otherwise than its results do, "" where they agree.
    """

    environment: str
    exit: int
    report: StoredReport | None = None
    reason: str = ""
    folder: Path | None = None
    doubt: str = ""

    @property
    def posture(self) -> str:
        """The posture, UNKNOWN where nothing was judged."""
        return self.report.posture if self.report else UNKNOWN

    @property
    def answer(self) -> str:
        """The recommendation, UNKNOWN where nothing was judged."""
        return self.report.recommendation if self.report else UNKNOWN

    @property
    def tone(self) -> Status:
        """How the answer is coloured."""
        return TONES[Recommendation(self.report.recommendation)] if self.report else Status.UNKNOWN

    @property
    def score(self) -> int | None:
        """The score, None where nothing was judged."""
        return self.report.score if self.report else None

    @property
    def blockers(self) -> tuple[CheckResult, ...]:
        """The blocker checks that failed or were not seen."""
        results = self.report.results if self.report else ()
        return tuple(row for row in results if row.severity is Severity.BLOCKER and row.status in _STOPPING)

    @property
    def worst_copy(self) -> Lag | None:
        """The store that trails most by its best mechanism; one that was not measured is worst."""
        found = best_lags(self.report.lags) if self.report else []
        return max(found, key=lambda lag: math.inf if lag.seconds is None else lag.seconds, default=None)

    @property
    def copy_age(self) -> str:
        """The worst store and its age against the objective, for people."""
        if self.report is None:
            return "not known"
        target, copy = duration(self.report.rpo.target_s), self.worst_copy
        met = objective_answer(self.report.rpo, self.report.lags)
        return f"{copy.store} {duration(copy.seconds)} of {target}: {met}" if copy else met

    @property
    def next_step(self) -> str:
        """What to do now: what its run said, else why there was none."""
        return self.report.next_step if self.report else self.reason

    @property
    def alarm(self) -> str:
        """A first line of the fleet's screen where the posture is a fault by itself, "" where it is none."""
        if self.report is None or self.report.posture_severity is None:
            return ""
        return f"{self.report.posture_severity.upper()}: {self.environment}: posture {self.posture}. {self.next_step}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the environment, in the order of ``COLUMNS``."""
        score = "-" if self.score is None else str(self.score)
        blockers = str(len(self.blockers)) if self.report else "-"
        row = (self.environment, self.posture, self.answer, score, self.copy_age, blockers, str(self.exit))
        return (*row, self.next_step)

    @property
    def is_rehearsal(self) -> bool:
        """Whether it was a sandbox that was looked at."""
        return self.report is not None and is_sandbox(self.report.world)


@dataclass(frozen=True)
class Fleet:
    """The environments, the worst first."""

    members: tuple[FleetMember, ...]

    @classmethod
    def of(cls, members: Iterable[FleetMember]) -> Fleet:
        """The fleet of these environments: by exit code, blockers and score."""
        return cls(tuple(sorted(members, key=_badness)))

    @property
    def exit(self) -> int:
        """The worst exit code of the members: the table of exit codes is ordered, and the highest is the worst."""
        # Exit codes are ordered by how bad they are, so that a pipeline can go by the worst.
        return max(member.exit for member in self.members)

    @property
    def title(self) -> str:
        """How many environments there are, and how many of each answer."""
        counts = Counter(member.answer for member in self.members)
        number = len(self.members)
        parts = ", ".join(f"{count} {answer}" for answer, count in counts.items())
        return f"DR status of {number} {'environment' if number == 1 else 'environments'}: {parts}"

    @property
    def alarms(self) -> tuple[str, ...]:
        """What every screen begins with: the postures that are faults by themselves."""
        return tuple(member.alarm for member in self.members if member.alarm)

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the tool that judged them."""
        return tuple(sorted({member.report.version or "not recorded" for member in self.members if member.report}))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the rows must know beside them: versions that differ, and runs of another day."""
        differing = f"The runs were judged by differing versions of this tool ({', '.join(self.versions)})."
        alike = len(self.versions) < 2  # noqa: PLR2004 - one version for all
        seen = {member.environment: member.report.observed_at for member in self.members if member.report}
        newest = max(seen.values(), default=None)
        old = [
            f"{name} was seen {at:%Y-%m-%d %H:%M} UTC, {duration((newest - at).total_seconds())} before the newest run "
            "on this page: it may be another now."
            for name, at in seen.items()
            if newest is not None and newest - at > _OLD
        ]
        doubts = [member.doubt for member in self.members if member.doubt]
        return (*doubts, *([] if alike else [differing]), *old)


def _badness(member: FleetMember) -> tuple[int, bool, int, int, str]:
    # Of equal exit codes what was not judged stands first: nobody knows how bad it is.
    return (-member.exit, member.report is not None, -len(member.blockers), member.score or 0, member.environment)


def to_dict(fleet: Fleet) -> dict[str, Any]:
    """The fleet as plain values: docs/json.md."""
    return {
        "schema": SCHEMA,
        "exit": fleet.exit,
        "answers": dict(Counter(member.answer for member in fleet.members)),
        "environments": [_plain(member) for member in fleet.members],
        "notes": list(fleet.notes),
    }


def _plain(member: FleetMember) -> dict[str, Any]:
    report, copy = member.report, member.worst_copy
    return {
        "environment": member.environment,
        "account": report.account if report else None,
        "world": report.world if report else None,
        "observed_at": report.observed_at if report else None,
        "version": report.version if report else None,
        "posture": member.posture,
        "answer": member.answer,
        "score": member.score,
        "exit": member.exit,
        "rpo": {"target_s": report.rpo.target_s, "worst_s": report.rpo.worst_s, "compliant": report.rpo.compliant}
        if report
        else None,
        "worst_copy": {"store": copy.store, "subject": copy.subject, "seconds": copy.seconds, "basis": copy.basis}
        if copy
        else None,
        "blockers": [result.check for result in member.blockers],
        "next_step": member.next_step,
        "reason": member.reason,
        "results": str(member.folder) if member.folder else None,
    }
