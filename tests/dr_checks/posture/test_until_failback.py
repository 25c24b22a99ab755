"""What a failover makes on purpose is no fault while the DR region serves; what keeps a tenant from it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status, worst
from dr_checks.core.verdict import Recommendation, verdict_of
from dr_checks.posture.posture import PostureName
from dr_checks.posture.until_failback import AWAY, deciding, expected_results, with_failback_gaps
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from tests.dr_checks.worlds import SIT

DARK = Unavailable(UnavailableKind.UNREACHABLE, "no answer.", SIT.regions.primary)
DENIED = Unavailable(UnavailableKind.DENIED, "it is denied.", SIT.regions.primary)


def _result(
    check: str,
    *statuses: Status,
    severity: Severity = Severity.BLOCKER,
    unseen: Unavailable | None = None,
    until_failback: bool = False,
) -> CheckResult:
    findings = tuple(
        Finding(check, Side.DR, f"{n}", None, status, "m", "w", "so", unseen=unseen, until_failback=until_failback)
        for n, status in enumerate(statuses)
    )
    return CheckResult(check, severity, Area.INFRASTRUCTURE, worst([*statuses]), findings)


GOOD = _result("a.good", Status.PASS)
COPY = _result("efs.replication-state", Status.FAIL)
PINNED = _result("health-checks.healthy-now", Status.FAIL, until_failback=True, severity=Severity.CRITICAL)
HIDDEN = _result("ecr.digest-present", Status.UNKNOWN, unseen=DARK)


def _answer(posture: PostureName, *results: CheckResult) -> Recommendation:
    marked = with_failback_gaps(results, posture, SIT)
    return verdict_of(marked, [], 3600.0, unexpected=deciding(marked, posture)).recommendation


@pytest.mark.parametrize("posture", AWAY)
def test_a_good_failover_is_unprotected_and_its_own_gaps_are_expected(posture: PostureName) -> None:
    marked = with_failback_gaps((GOOD, COPY, PINNED, HIDDEN), posture, SIT)
    assert [result.check for result in expected_results(marked)] == [COPY.check, PINNED.check, HIDDEN.check]
    assert _answer(posture, GOOD, COPY, PINNED, HIDDEN) is Recommendation.UNPROTECTED


@pytest.mark.parametrize(
    ("other", "answer"),
    [
        (_result("sites.every-site-answers", Status.FAIL), Recommendation.NOT_READY),
        (_result("sites.every-site-answers", Status.FAIL, Status.UNKNOWN), Recommendation.NOT_READY),
        (_result("elbv2-routing.healthy-targets", Status.FAIL, severity=Severity.CRITICAL), Recommendation.NOT_READY),
        (_result("ecs.zone-spread", Status.FAIL, severity=Severity.NORMAL), Recommendation.UNPROTECTED),
        (_result("ecr.digest-present", Status.UNKNOWN, unseen=DENIED), Recommendation.CANNOT_SAY),
        (_result("health-checks.healthy-now", Status.FAIL, severity=Severity.CRITICAL), Recommendation.NOT_READY),
    ],
)
def test_what_no_failover_makes_is_judged_as_ever(other: CheckResult, answer: Recommendation) -> None:
    assert _answer(PostureName.ON_DR, GOOD, COPY, PINNED, HIDDEN, other) is answer
    assert other.check not in [r.check for r in expected_results(with_failback_gaps((other,), PostureName.ON_DR, SIT))]


def test_sites_of_a_fenced_primary_are_expected_without_visitors() -> None:
    sites = _result("sites.every-site-answers", Status.FAIL)
    fenced = replace(sites, findings=tuple(replace(found, side=Side.PRIMARY) for found in sites.findings))
    assert _answer(PostureName.ON_DR, GOOD, COPY, fenced) is Recommendation.UNPROTECTED
    assert _answer(PostureName.RETURNING, GOOD, COPY, fenced) is Recommendation.NOT_READY


def test_while_the_primary_region_serves_nothing_is_expected() -> None:
    marked = with_failback_gaps((GOOD, COPY, PINNED, HIDDEN), PostureName.NORMAL, SIT)
    assert (expected_results(marked), deciding(marked, PostureName.NORMAL)) == ((), None)
    assert _answer(PostureName.NORMAL, GOOD, COPY, PINNED, HIDDEN) is Recommendation.NOT_READY


def test_a_copy_with_one_store_expected_and_one_seen_stays_judged() -> None:
    both = _result("kms.key-usable", Status.UNKNOWN, unseen=DARK)
    seen = Finding(both.check, Side.DR, "it", None, Status.FAIL, "m", "w", "so")
    (marked,) = with_failback_gaps(
        [CheckResult(both.check, both.severity, both.area, Status.UNKNOWN, (*both.findings, seen))],
        PostureName.ON_DR,
        SIT,
    )
    assert expected_results([marked]) == ()
    assert _answer(PostureName.ON_DR, marked) is Recommendation.NOT_READY
