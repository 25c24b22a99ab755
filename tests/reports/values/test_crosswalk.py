"""The crosswalk counts what applies, names what no scenario speaks about, and knows every control that is named."""

from __future__ import annotations

import re

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks
from reports.values.crosswalk import CONTROLS, ControlResult, Framework, crosswalk

FAMILIES = re.compile(r"REL(09|13)-BP\d\d|NIST CP-\d+|ISO22301 \S+|SOC2 A1\.\d")


def _results(rule: str, *statuses: Status) -> list[CheckResult]:
    serving = [check for check in checks().values() if rule in check.rules]
    return [
        CheckResult(check.id, check.severity, check.area, status, ())
        for check, status in zip(serving, statuses, strict=False)
    ]


def _row(rule: str, *statuses: Status) -> ControlResult:
    return next(row for row in crosswalk(_results(rule, *statuses)) if row.control.rule == rule)


def test_every_control_that_a_check_names_is_in_the_table() -> None:
    named = {rule for check in checks().values() for rule in check.rules if FAMILIES.fullmatch(rule)}
    assert named <= {control.rule for control in CONTROLS}
    assert {control.framework for control in CONTROLS} == set(Framework)


def test_a_control_counts_the_scenarios_that_apply() -> None:
    row = _row("NIST CP-10", Status.PASS, Status.PASS, Status.FAIL, Status.NOT_APPLICABLE)
    assert (row.sentence, row.status, row.is_satisfied) == ("2 of 3 pass", Status.FAIL, False)
    assert row.results[0].status is Status.FAIL, "the worst stands first"


def test_an_unknown_or_a_warning_satisfies_no_control() -> None:
    assert _row("NIST CP-9", Status.PASS, Status.PASS).is_satisfied
    for status in (Status.UNKNOWN, Status.WARN, Status.EXCEPTED):
        assert not _row("NIST CP-9", Status.PASS, status).is_satisfied


def test_not_run_not_applicable_and_no_scenario_are_distinguished() -> None:
    assert _row("NIST CP-9").sentence == "its scenarios were not run"
    assert _row("NIST CP-9", Status.NOT_APPLICABLE).sentence == "none of its scenarios applies here"
    assert _row("NIST CP-13").sentence == "no scenario speaks about it"
    assert not _row("NIST CP-13").is_satisfied
