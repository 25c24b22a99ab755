"""The Then sentences: the words of the registry's checks. No check needs a step by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pytest_bdd import then
from pytest_bdd.parsers import StepParser
from pytest_bdd.reporting import scenario_reports_registry

from dr_checks.core.exceptions import apply_exceptions
from dr_checks.core.model import Check, CheckResult, Finding, Status
from dr_checks.core.observation import HANDED_IN, RESULT_PROPERTY, Observation, result_to_json
from dr_checks.core.registry import checks, judge
from dr_checks.core.verdict import telling_findings
from dr_estate.model.visible import one_line
from dr_estate.model.world_id import is_sandbox

# pytest prints this text for each scenario; the attached table has every finding.
_SHOWN = 20


class Gap(AssertionError):
    """A check found what would break a failover: FAIL, in Allure ``failed``."""


class Accepted(Gap):
    """Gaps that a named person accepted until a day: still ``failed`` in Allure, marked as known."""


class NotSeen(Exception):
    """A check could not look: UNKNOWN, in Allure ``broken``."""


class _Sentences(StepParser):
    """Knows every check by its words. One step for all: pytest-bdd asks each step there is about each sentence."""

    def __init__(self) -> None:
        super().__init__("the words of a check")
        self._checks = {check.says: check for check in checks().values()}

    def is_matching(self, name: str) -> bool:
        """Return whether a check has these words."""
        return name in self._checks

    def parse_arguments(self, name: str) -> dict[str, Any]:
        """Return the check that has these words."""
        return {"check": self._checks[name]}


@then(_Sentences())
def judge_estate(check: Check, estate: Observation, request: pytest.FixtureRequest) -> None:
    """Judge the estate by the check, and report what it found."""
    result = judge(check, estate.snapshot, estate.environment, estate.only_tenants)
    # Before the exceptions: what they add to a finding is no command.
    result = _with_commands(result, estate)
    result = apply_exceptions(result, estate.exceptions, estate.snapshot.taken_at.date())
    scenario = scenario_reports_registry[request.node].scenario
    result = replace(result, scenario=scenario.name, feature=scenario.feature.name)
    is_here = request.config.pluginmanager.has_plugin(HANDED_IN)  # a text has a copy of each string
    request.node.user_properties.append((RESULT_PROPERTY, result if is_here else result_to_json(result)))
    _raise(result)


def _with_commands(result: CheckResult, estate: Observation) -> CheckResult:
    """The result, the commands of its remedies as the operator types them."""
    typed, rehearsal = estate.invocation, is_sandbox(estate.snapshot.world)
    findings = (
        replace(f, remedy=typed.complete(f.remedy), commands=tuple(typed.typed_line(c, rehearsal) for c in f.commands))
        if f.remedy or f.commands
        else f
        for f in result.findings
    )
    return replace(result, findings=tuple(findings))


def _raise(result: CheckResult) -> None:
    __tracebackhide__ = True
    if result.status is Status.NOT_APPLICABLE:
        pytest.skip(one_line(f"NOT APPLICABLE: {result.reason}"))
    # What was not seen is no gap: Allure shows it as broken, and a pipeline by an exit code of its own.
    if result.status is Status.UNKNOWN:
        raise NotSeen(_failure_text(result))
    if result.status is Status.EXCEPTED:
        raise Accepted(_failure_text(result))
    if result.status is Status.FAIL:
        raise Gap(_failure_text(result))


def _failure_text(result: CheckResult) -> str:
    findings = telling_findings(result)
    lines = [_line(finding) for finding in findings]
    more = [f"... and {len(lines) - _SHOWN} more (see the findings table)"] if len(lines) > _SHOWN else []
    counts = Counter(finding.status for finding in findings) or {result.status: 0}
    head = ", ".join(f"{number} finding(s) {status}" for status, number in counts.items())
    return "\n".join([f"{result.check}: {head}", *lines[:_SHOWN], *more])


def _line(finding: Finding) -> str:
    message = f"{finding.measured}, wanted {finding.wanted}: {finding.because.rstrip('.')}.{finding.remedy_text}"
    return one_line(f"- {finding.subject}: {message}")
