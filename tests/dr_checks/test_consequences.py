"""A gap that keeps its tenant from being served is a blocker; the check's other gaps are what the check says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_checks.core.model import CheckResult, Severity, Status
from dr_checks.core.registry import checks, judge
from dr_checks.derived.served import serving_estimate
from tests.dr_checks.test_examples import EXAMPLES
from tests.dr_checks.worlds import SIT
from utils.aws_mgmt.app.areas import chosen_checks
from utils.aws_mgmt.app.options import StatusOptions

DECLARED = sorted(name for name, check in checks().items() if check.stops)


def _failures(name: str) -> list[CheckResult]:
    results = [judge(checks()[name], example.snapshot, example.env) for example in EXAMPLES if example.check == name]
    return [result for result in results if result.status is Status.FAIL]


@pytest.mark.parametrize("name", DECLARED)
def test_a_check_that_may_stop_a_tenant_has_a_gap_of_each_consequence(name: str) -> None:
    assert checks()[name].severity is not Severity.BLOCKER
    found = {(any(f.stops for f in result.findings), result.severity) for result in _failures(name)}
    assert found == {(True, Severity.BLOCKER), (False, checks()[name].severity)}


def test_no_other_check_says_so_of_a_finding() -> None:
    seen = {example.check for example in EXAMPLES} - {*DECLARED}
    assert [] == [name for name in sorted(seen) for row in _failures(name) if any(f.stops for f in row.findings)]


@pytest.mark.parametrize("name", DECLARED)
def test_who_asks_for_blockers_alone_has_it_judged(name: str) -> None:
    assert name in chosen_checks(StatusOptions(environment="sit", severity="blocker"))


def test_of_a_check_off_the_way_to_a_tenant_only_the_gap_that_stops_counts() -> None:
    rows = [row for row in _failures("autoscaling.no-scheduled-shrink") if row.severity is Severity.BLOCKER]
    (stopping,) = (finding for finding in rows[0].findings if finding.stops)
    assert serving_estimate(rows, ("tenant1", "tenant2"), SIT).stopped
    harmless = replace(rows[0], findings=(replace(stopping, stops=False), replace(stopping, tenant="tenant1")))
    assert serving_estimate([harmless], ("tenant1", "tenant2"), SIT).stopped == ("tenant1",)
