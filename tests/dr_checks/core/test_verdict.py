"""The verdict: what is unknown is never fine, and accepting a gap never raises a score."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status, worst
from dr_checks.core.verdict import Recommendation, readiness_score, recovery_point, verdict_of
from dr_checks.posture.causes import causes_of
from dr_estate.config.environment import Side

TARGET_S = 3600.0


def _result(status: Status, severity: Severity = Severity.CRITICAL, check: str = "a.b") -> CheckResult:
    return CheckResult(check, severity, Area.DNS, status, (), reason="said")


def _lag(store: str, seconds: float | None) -> Lag:
    return Lag(store, "it", None, Side.DR, seconds, "replication")


@pytest.mark.parametrize(
    ("statuses", "recommendation"),
    [
        ([], Recommendation.CANNOT_SAY),
        ([Status.PASS], Recommendation.READY),
        ([Status.PASS, Status.NOT_APPLICABLE], Recommendation.READY),
        ([Status.PASS, Status.WARN], Recommendation.AT_RISK),
        ([Status.PASS, Status.EXCEPTED], Recommendation.AT_RISK),
        ([Status.WARN, Status.FAIL], Recommendation.NOT_READY),
        ([Status.FAIL, Status.UNKNOWN], Recommendation.CANNOT_SAY),
    ],
)
def test_the_worst_status_decides_and_unknown_is_the_worst(
    statuses: list[Status], recommendation: Recommendation
) -> None:
    verdict = verdict_of([_result(status) for status in statuses], [], TARGET_S)
    assert recommendation == verdict.recommendation
    assert verdict.reasons


def _found(*statuses: Status, severity: Severity = Severity.BLOCKER, check: str = "a.blocker") -> CheckResult:
    findings = tuple(
        Finding(check, Side.DR, f"it{n}", None, status, "m", "w", "so") for n, status in enumerate(statuses)
    )
    return CheckResult(check, severity, Area.DNS, worst(list(statuses)), findings)


def test_a_failed_blocker_is_not_ready_whatever_else_is_unseen() -> None:
    unseen = [_result(Status.UNKNOWN, Severity.BLOCKER, f"x.{n}") for n in range(100)]
    failed, half = _found(Status.FAIL), _found(Status.FAIL, Status.UNKNOWN)
    for blocker in (failed, half):
        verdict = verdict_of([*unseen, blocker], [], TARGET_S)
        assert verdict.recommendation is Recommendation.NOT_READY
        assert verdict.reasons[0] == "a.blocker (blocker): it0: m, wanted w: so"
    assert verdict_of([*unseen, _found(Status.FAIL, severity=Severity.CRITICAL)], [], TARGET_S).recommendation is (
        Recommendation.CANNOT_SAY
    )
    assert verdict_of(unseen, [], TARGET_S, "posture SPLIT").recommendation is Recommendation.NOT_READY


def test_failures_stand_in_gaps_reasons_and_causes_beside_the_unseen() -> None:
    half = _found(Status.UNKNOWN, Status.FAIL, severity=Severity.CRITICAL, check="a.critical")
    verdict = verdict_of([half], [], TARGET_S)
    assert verdict.recommendation is Recommendation.CANNOT_SAY
    assert [half.findings[1]] == verdict.gaps
    assert verdict.reasons == ("a.critical (critical): it1: m, wanted w: so",)
    assert [cause.findings for cause in causes_of([half])] == [(half.findings[1],)]


@pytest.mark.parametrize(
    ("check", "area", "status", "compliant"),
    [
        ("rds-copy.usable", Area.REPLICATION, Status.UNKNOWN, None),
        ("rds-copy.usable", Area.REPLICATION, Status.PASS, True),
        ("rds-copy.usable", Area.INFRASTRUCTURE, Status.UNKNOWN, True),
        ("tenants.named", Area.REPLICATION, Status.UNKNOWN, True),
    ],
)
def test_a_young_copy_meets_no_objective_while_its_blocker_is_unjudged(
    check: str, area: Area, status: Status, compliant: bool | None
) -> None:
    result = CheckResult(check, Severity.BLOCKER, area, status, (), reason="said")
    assert verdict_of([result], [_lag("database", 1.0)], TARGET_S).rpo.compliant is compliant


def test_the_score_is_weighed_and_rounded_down() -> None:
    results = [_result(Status.PASS, Severity.BLOCKER), _result(Status.FAIL, Severity.MINOR)]
    assert readiness_score(results) == 90
    assert readiness_score([*results, _result(Status.WARN, Severity.NORMAL)]) == 84


@pytest.mark.parametrize("status", [Status.FAIL, Status.EXCEPTED, Status.UNKNOWN])
def test_a_blocker_that_earns_nothing_caps_the_score_whatever_else_passed(status: Status) -> None:
    passed = [_result(Status.PASS) for _ in range(100)]
    assert verdict_of([*passed, _result(status, Severity.BLOCKER)], [], TARGET_S).score == 49
    assert verdict_of([*passed, _result(status, Severity.CRITICAL)], [], TARGET_S).score == 99
    assert verdict_of([*passed, _result(Status.WARN, Severity.BLOCKER)], [], TARGET_S).score == 99


RESULTS = st.lists(st.builds(_result, st.sampled_from(Status), st.sampled_from(Severity)), min_size=1, max_size=12)


@given(RESULTS)
def test_one_hundred_means_that_every_applicable_check_passed(results: list[CheckResult]) -> None:
    applicable = [r for r in results if r.status is not Status.NOT_APPLICABLE]
    all_passed = bool(applicable) and all(r.status is Status.PASS for r in applicable)
    assert (readiness_score(results) == 100) == all_passed


@given(RESULTS)
def test_accepting_a_gap_never_raises_the_score(results: list[CheckResult]) -> None:
    accepted = [_result(Status.EXCEPTED, r.severity) if r.status is Status.FAIL else r for r in results]
    assert readiness_score(accepted) == readiness_score(results)


def test_a_store_counts_by_its_best_mechanism_and_the_worst_store_decides() -> None:
    lags = [_lag("database", 7200), _lag("database", 300), _lag("files", 900)]
    point = recovery_point(lags, TARGET_S)
    assert (point.worst_s, point.compliant) == (900, True)


@pytest.mark.parametrize(
    ("lags", "compliant"),
    [
        ([], None),
        ([_lag("files", None)], None),
        ([_lag("files", 100), _lag("database", None)], None),
        ([_lag("files", 4000), _lag("database", None)], False),
        ([_lag("files", 3600)], True),
        ([_lag("files", 3601)], False),
        ([_lag("files", None), _lag("files", 10)], True),
        ([_lag("files", 10), replace(_lag("secrets", None), missing=True)], False),
        ([_lag("files", 10), replace(_lag("files", None), missing=True)], True),
    ],
)
def test_a_store_that_was_not_measured_is_never_compliant(lags: list[Lag], compliant: bool | None) -> None:
    assert compliant == recovery_point(lags, TARGET_S).compliant


def test_a_reason_gives_the_first_of_the_worst_findings_and_a_count() -> None:
    def found(subject: str, status: Status) -> Finding:
        return Finding("a.b", Side.DR, subject, None, status, "2 h", "1 h", "it is old")

    findings = (found("x", Status.PASS), found("y", Status.FAIL), found("z", Status.FAIL))
    failed = replace(_result(Status.FAIL), findings=findings)
    assert ("a.b (critical): y: 2 h, wanted 1 h: it is old (and 1 more)",) == verdict_of([failed], [], TARGET_S).reasons
    alone = replace(failed, findings=findings[:2])
    verdict = verdict_of([alone, _result(Status.UNKNOWN, check="c.d")], [], TARGET_S)
    assert (
        "c.d (critical): unknown: said",
        "a.b (critical): y: 2 h, wanted 1 h: it is old",
    ) == verdict.reasons
    assert [findings[1]] == verdict.gaps
