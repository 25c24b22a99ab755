"""Score, recommendation, recovery point and gaps of the results; docs/score.md has the formula. Pure.

score = floor(100 x sum(weight x credit) / sum(weight)) over the applicable checks; weights blocker 10, critical 5,
normal 2, minor 1; credit 1 for pass, 0.5 for warn, 0 for fail, unknown and excepted. An exception never raises the
score (T49). While the posture is a blocker by itself, or a blocker check earns no credit, the score is 49 at most: a
hundred passed details do not outweigh what alone stops a recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status
from dr_estate.model.stores import STORES

WEIGHT = {Severity.BLOCKER: 10, Severity.CRITICAL: 5, Severity.NORMAL: 2, Severity.MINOR: 1}
MOST_WHEN_BLOCKED = 49
_STORES = {store.checked_by: store.id for store in STORES}
# Twice the credit of the formula, so that the sums stay whole numbers.
CREDIT = {Status.PASS: 2, Status.WARN: 1}


class Recommendation(StrEnum):
    """Readiness by the evidence. A failed blocker is NOT_READY whatever else is unseen; without one, missing data is
    CANNOT_SAY: it is no pass. UNPROTECTED: the DR region serves after a failover, with no gap but those that the
    failback ends; a second failure would be a loss.
    """

    READY = "READY"
    AT_RISK = "AT_RISK"
    UNPROTECTED = "UNPROTECTED"
    NOT_READY = "NOT_READY"
    CANNOT_SAY = "CANNOT_SAY"


@dataclass(frozen=True, slots=True)
class RecoveryPointResult:
    """The recovery point measured against its objective, in seconds. ``compliant`` is None where it is not known.

    ``blocked_by`` are the failed blockers of a store's copies: beside one no age of a copy meets the objective.
    """

    target_s: float
    worst_s: float | None
    compliant: bool | None
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The weighed evidence of one run."""

    score: int
    recommendation: Recommendation
    reasons: tuple[str, ...]
    rpo: RecoveryPointResult
    lags: tuple[Lag, ...]
    results: tuple[CheckResult, ...]

    def with_status(self, status: Status) -> list[CheckResult]:
        """The results of one status, the severest first."""
        return with_status(self.results, status)

    @property
    def gaps(self) -> list[Finding]:
        """Every failed finding, the severest checks first."""
        return [f for r in with_findings(self.results, Status.FAIL) for f in r.findings if f.status is Status.FAIL]


def with_status(results: Iterable[CheckResult], status: Status) -> list[CheckResult]:
    """The results of one status, the severest first."""
    return _severest_first(r for r in results if r.status is status)


def with_findings(results: Iterable[CheckResult], status: Status) -> list[CheckResult]:
    """The results that have this status, or a finding of it beside a worse one; the severest first."""
    return _severest_first(r for r in results if status in {r.status, *(finding.status for finding in r.findings)})


def _severest_first(results: Iterable[CheckResult]) -> list[CheckResult]:
    return sorted(results, key=lambda r: (-WEIGHT[r.severity], r.check))


def verdict_of(
    results: Sequence[CheckResult],
    lags: Sequence[Lag],
    rpo_target_s: float,
    blocker: str = "",
    served: str = "",
    unexpected: Sequence[CheckResult] | None = None,
) -> Verdict:
    """Weigh the results of one run. No applicable result at all is CANNOT_SAY with score 0.

    ``blocker`` says what of the posture itself is a blocker, and ``served`` how many tenants would be served where it
    is not all of them; "" where nothing is, and where all are. ``unexpected`` are the results without what a failback
    ends, where a failover is in force: they decide.
    """
    score = min(readiness_score(results), MOST_WHEN_BLOCKED if blocker or served or _is_stopped(results) else 100)
    statuses = {result.status for result in results} - {Status.NOT_APPLICABLE}
    best = None if unexpected is None else Recommendation.UNPROTECTED
    recommendation = _recommendation(results if unexpected is None else unexpected, blocker, best)
    order = [Status.UNKNOWN, Status.FAIL, Status.WARN, Status.EXCEPTED]
    telling = [result for result in results if result.status in order]
    # A failed blocker first: it decides whatever else was not seen.
    telling.sort(key=lambda r: (not fails_blocker(r), order.index(r.status), -WEIGHT[r.severity], r.check))
    reasons = (*filter(None, (blocker, served)), *map(_reason, telling)) or (
        ("Every applicable check passed.",) if statuses else ("No check was run, or none applies.",)
    )
    rpo = recovery_point(lags, rpo_target_s)
    # A copy that is young and cannot be restored meets no objective.
    blocked_by = tuple(r.check for r in results if r.area is Area.REPLICATION and fails_blocker(r) and stores_of(r))
    if blocked_by:
        rpo = replace(rpo, compliant=False, blocked_by=blocked_by)
    elif rpo.compliant and any(_hides_copies(result) for result in results):
        rpo = replace(rpo, compliant=None)  # whether the young copy can be restored was not seen
    return Verdict(score, recommendation, reasons, rpo, tuple(lags), tuple(results))


def _hides_copies(result: CheckResult) -> bool:
    """Whether a blocker of a store's copies was not judged."""
    unseen = result.status is Status.UNKNOWN and result.severity is Severity.BLOCKER
    return unseen and result.area is Area.REPLICATION and bool(store_of(result.check))


def failed_findings(result: CheckResult) -> tuple[Finding, ...]:
    """The findings that make a check fail, of a warning those that warn."""
    status = Status.FAIL if fails(result) else result.status
    return tuple(finding for finding in result.findings if finding.status is status)


def telling_findings(result: CheckResult) -> tuple[Finding, ...]:
    """The failed findings, then those of the check's own status where that is another."""
    own = (finding for finding in result.findings if finding.status is result.status)
    return tuple(dict.fromkeys((*failed_findings(result), *own)))


def store_of(check: str) -> str:
    """The store that a check is about, by its service; "" where it is about none alone."""
    return _STORES.get(check.partition(".")[0].partition("-")[0], "")


def stores_of(result: CheckResult) -> frozenset[str]:
    """The stores that the failed findings of a check are about."""
    found = {finding.store or store_of(result.check) for finding in failed_findings(result)}
    return frozenset(found - {""})


def _recommendation(results: Sequence[CheckResult], blocker: str, best: Recommendation | None) -> Recommendation:
    """What the results amount to; ``best`` is the answer where nothing is in the way of it."""
    statuses = {result.status for result in results} - {Status.NOT_APPLICABLE}
    # What is known to stop a recovery stops it whatever else was not seen: only without it is the answer open.
    if statuses and (blocker or any(fails_blocker(result) for result in results)):
        return Recommendation.NOT_READY
    if not statuses or Status.UNKNOWN in statuses:
        return Recommendation.CANNOT_SAY
    # After a failover the best answer is UNPROTECTED, which smaller gaps do not change.
    grave = (Severity.BLOCKER, Severity.CRITICAL)
    if any(result.status is Status.FAIL and (best is None or result.severity in grave) for result in results):
        return Recommendation.NOT_READY
    if best is None and statuses & {Status.WARN, Status.EXCEPTED}:
        return Recommendation.AT_RISK
    return best or Recommendation.READY


def fails(result: CheckResult) -> bool:
    """Whether a check failed for one subject, whatever was not seen of the others."""
    return Status.FAIL in {result.status, *(finding.status for finding in result.findings)}


def fails_blocker(result: CheckResult) -> bool:
    """Whether a blocker check failed for one subject, whatever was not seen of the others."""
    return result.severity is Severity.BLOCKER and fails(result)


def _is_stopped(results: Iterable[CheckResult]) -> bool:
    """Whether a blocker check earned nothing. What was accepted or not seen counts too: neither raises the score."""
    idle = (*CREDIT, Status.NOT_APPLICABLE)
    return any(result.severity is Severity.BLOCKER and result.status not in idle for result in results)


def readiness_score(results: Iterable[CheckResult]) -> int:
    """The score by the formula of this module; 0 where nothing was applicable."""
    counted = [result for result in results if result.status is not Status.NOT_APPLICABLE]
    most = sum(2 * WEIGHT[result.severity] for result in counted)
    reached = sum(CREDIT.get(result.status, 0) * WEIGHT[result.severity] for result in counted)
    return 100 * reached // most if most else 0


def best_lags(found: Iterable[Lag]) -> list[Lag]:
    """Each store's freshest measured mechanism, in the order found; an unmeasured one where none is measured."""
    best: dict[tuple[str, str, str | None], Lag] = {}
    for lag in found:
        key = (lag.store, lag.subject, lag.tenant)
        known = best.get(key)
        if known is None or _better(lag, known):
            best[key] = lag
    return list(best.values())


def _better(lag: Lag, known: Lag) -> bool:
    """A measured copy before one that could not be measured, and that before none at all."""
    # A measured fallback counts before a preferred mechanism of unknown age: the age is what is asked for.
    if lag.seconds is None or known.seconds is None:
        return lag.seconds is not None or (known.missing and not lag.missing)
    return lag.seconds < known.seconds


def recovery_point(lags: Iterable[Lag], target_s: float) -> RecoveryPointResult:
    """The worst store by its best mechanism. Unknown where one has no measured mechanism, missed where no copy."""
    best: dict[tuple[str, str, str | None], float | None] = {}
    missing: set[tuple[str, str, str | None]] = set()
    for lag in lags:
        key = (lag.store, lag.subject, lag.tenant)
        missing |= {key} if lag.missing else set()
        known = [seconds for seconds in (best.get(key), lag.seconds) if seconds is not None]
        best[key] = min(known, default=None)
    measured = [seconds for seconds in best.values() if seconds is not None]
    worst_s = max(measured, default=None)
    # No copy at all misses every objective; one that was not measured leaves the answer open.
    lost = any(best[key] is None for key in missing)
    if lost or (worst_s is not None and worst_s > target_s):
        return RecoveryPointResult(target_s, worst_s, compliant=False)
    blind = not measured or len(measured) < len(best)
    return RecoveryPointResult(target_s, worst_s, compliant=None if blind else True)


def _reason(result: CheckResult) -> str:
    worst = failed_findings(result)
    if not worst:
        return f"{result.check} ({result.severity}): {result.status}: {result.reason}"
    first, more = worst[0], len(worst) - 1
    also = f" (and {more} more)" if more else ""
    summary = f"{first.subject}: {first.measured}, wanted {first.wanted}: {first.because}{also}"
    return f"{result.check} ({result.severity}): {summary}"
