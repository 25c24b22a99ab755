"""What was accepted by name is reported and fails no run; that visitors are served must have been seen all the same."""

from __future__ import annotations

import pytest

from dr_actions.execution.executor import Outcome
from dr_actions.model.gates import PLANES
from dr_actions.model.plan import Goal
from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_checks.core.verdict import verdict_of
from dr_checks.dns.dns_choice import stays_away
from dr_checks.posture.posture import PostureName
from dr_checks.validation.validation import tenants_served
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from reports.values.report import Report
from tests.dr_actions.deciding import NOW
from tests.utils.running import ROOT
from utils.aws_mgmt.app.exit_codes import exit_of
from utils.aws_mgmt.app.run_validation import RunValidation, validation_of

SIT = load_environment(ROOT / "environments", "sit")
SILENT = Unavailable(UnavailableKind.UNREACHABLE, "Route 53 does not answer.", "us-east-1", "route53.records")
OWED = ["traffic/shift_to_dr:x: ServiceUnavailable"]


def row(check: str, status: Status, unseen: Unavailable | None = None) -> CheckResult:
    finding = Finding(check, Side.GLOBAL, "it", None, status, "", "", "", "", unseen)
    return CheckResult(check, Severity.BLOCKER, Area.VALIDATION, status, (finding,))


SERVED = row(tenants_served.id, Status.PASS)
RETURNS = row(stays_away.id, Status.FAIL)
HIDDEN = row(stays_away.id, Status.UNKNOWN, SILENT)


def after(
    *rows: CheckResult, owed: list[str] | None = None, by_name: str = PLANES, posture: PostureName = PostureName.ON_DR
) -> RunValidation:
    verdict = verdict_of(rows, (), 3600.0)
    report = Report("failover", SIT, "sandbox", NOW, posture, "so.", (), verdict, (), (), 1, int(exit_of(verdict)))
    return validation_of(report, Outcome(owed=owed or []), Goal.FAILOVER, "INC-1", frozenset({by_name}))


@pytest.mark.parametrize(("found", "owed"), [(RETURNS, OWED), (HIDDEN, [])], ids=["refused", "dark"])
def test_visitors_served_by_health_alone_are_served_and_the_rest_is_named(found: CheckResult, owed: list[str]) -> None:
    result = after(SERVED, found, owed=owed)
    assert result.passed
    assert result.by_health.startswith("Visitors reach eu-west-1 by health alone: us-east-1 ")
    assert "before af-south-1 heals" in result.by_health
    assert "failover --execute --replan --incident INC-1" in result.by_health


@pytest.mark.parametrize(
    "result",
    [
        after(row(tenants_served.id, Status.FAIL), RETURNS, owed=OWED),
        after(row(tenants_served.id, Status.UNKNOWN), HIDDEN),
        after(SERVED, RETURNS),
        after(SERVED, RETURNS, owed=OWED, by_name="another.gate"),
        after(SERVED, HIDDEN, by_name="another.gate"),
        after(SERVED, HIDDEN, posture=PostureName.SPLIT),
    ],
    ids=["not served", "not seen", "nothing is owed", "refused, nobody accepted", "dark, nobody accepted", "split"],
)
def test_nothing_else_is_excused(result: RunValidation) -> None:
    assert not result.passed


def test_a_run_of_which_nothing_was_hidden_reports_nothing_of_health() -> None:
    assert after(SERVED) == RunValidation(True)
