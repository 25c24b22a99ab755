"""The report as SARIF 2.1.0 (OASIS), for code scanning: a rule a check, a result a finding that is no pass.

SARIF's own kind for "could not say" (`open`) must have the level `none`, which viewers show as nothing at all. What was
not seen is an error here instead, and its property `status` says which. An accepted gap is suppressed, with its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from dr_checks.core.model import Check, CheckResult, Finding, Severity, Status
from dr_checks.core.readiness_gate import Baseline, SubjectKey
from dr_checks.core.registry import checks
from dr_checks.core.verdict import with_findings
from dr_estate.model.visible import escape_surrogates, json_bytes, visible
from reports.render.scenario_places import place_of
from reports.values.report import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
TOOL = "AWS DR Manager"
_LEVELS = {Status.FAIL: "error", Status.UNKNOWN: "error", Status.WARN: "warning", Status.EXCEPTED: "warning"}
_RULE_LEVELS = dict(zip(Severity, ("error", "error", "warning", "note"), strict=True))


@dataclass(frozen=True)
class SarifSource:
    """What a run in a SARIF log states about a run of this tool. ``version`` is "" where it is not known."""

    command: str
    environment: str
    account: str
    world: str
    observed_at: datetime
    posture: str
    score: int
    recommendation: str
    exit: int
    version: str
    results: Sequence[CheckResult]
    baseline: Baseline | None = None


def render(report: Report) -> str:
    """The report as an indented SARIF log with a final newline."""
    return log_of([run_of(_source(report))])


def log_of(runs: Sequence[Mapping[str, Any]]) -> str:
    """The indented SARIF log of these runs, with a final newline."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return visible(json_bytes(log, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def _source(report: Report) -> SarifSource:
    return SarifSource(
        command=report.command,
        environment=report.environment.name,
        account=report.environment.account,
        world=report.world,
        observed_at=report.observed_at,
        posture=report.posture,
        score=report.verdict.score,
        recommendation=report.verdict.recommendation,
        exit=report.exit,
        version=report.rules.version if report.rules else "",
        results=report.verdict.results,
        baseline=report.gate.rules.baseline if report.gate else None,
    )


def run_of(source: SarifSource) -> dict[str, Any]:
    """One run of a log: its rules, and a result for each finding that is no pass."""
    about = {result.check: checks()[result.check] for result in source.results if result.check in checks()}
    driver: dict[str, Any] = {"name": TOOL, "rules": [_rule(check) for check in about.values()]}
    if source.version:
        driver["semanticVersion"] = source.version
    order = {check: number for number, check in enumerate(about)}
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"dr-{source.command}/{source.environment}/"},
        "invocations": [
            {
                # The tool did its work, whatever it found: gaps are results.
                "executionSuccessful": True,
                "exitCode": source.exit,
                "endTimeUtc": f"{source.observed_at:%Y-%m-%dT%H:%M:%SZ}",
            }
        ],
        "results": [row for status in _LEVELS for row in _results(source, status, order)],
        "properties": {
            "account": source.account,
            "world": source.world,
            "posture": source.posture,
            "score": source.score,
            "recommendation": source.recommendation,
        },
    }


def failed_run(environment: str, code: int, reason: str) -> dict[str, Any]:
    """A run of a log for an environment that was not judged: no success, and why."""
    notification = {"level": "error", "message": {"text": reason}}
    invocation = {"executionSuccessful": False, "exitCode": code, "toolExecutionNotifications": [notification]}
    return {
        "tool": {"driver": {"name": TOOL}},
        "automationDetails": {"id": f"dr-status/{environment}/"},
        "invocations": [invocation],
        "results": [],
    }


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "shortDescription": {"text": check.says},
        "defaultConfiguration": {"level": _RULE_LEVELS[check.severity]},
        "properties": {"tags": [check.area, check.severity, *check.traps]},
    }


def _results(source: SarifSource, status: Status, order: dict[str, int]) -> Iterator[dict[str, Any]]:
    for result in with_findings(source.results, status):
        findings: list[Finding | None] = [f for f in result.findings if f.status is status]
        for finding in findings or [None]:
            yield _result(source.baseline, result, status, finding) | (
                {"ruleIndex": order[result.check]} if result.check in order else {}
            )


def _result(baseline: Baseline | None, result: CheckResult, status: Status, finding: Finding | None) -> dict[str, Any]:
    place = place_of(result.feature, result.scenario)
    key = SubjectKey(result.check)
    if finding:
        key = SubjectKey(result.check, finding.side, finding.subject, finding.tenant or "")
    row = {
        "ruleId": result.check,
        "level": _LEVELS[status],
        "message": {"text": _message(result, status, finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": place.file, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": place.line},
                },
                "logicalLocations": [{"name": key.subject or result.check, "fullyQualifiedName": "/".join(_path(key))}],
            }
        ],
        # By what a finding is about, not by its text: it stays the same finding while the measured value changes.
        "partialFingerprints": {
            "subject/v1": hashlib.sha256(escape_surrogates("\0".join(_path(key))).encode()).hexdigest()
        },
        "properties": {"status": status, "severity": result.severity, "tenant": key.tenant},
    }
    if status is Status.EXCEPTED:
        row["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": _message(result, status, finding)}
        ]
    if baseline:
        before = baseline.subjects.get(key)
        row["baselineState"] = "new" if before is None else "unchanged" if before.status is status else "updated"
    return row


def _path(key: SubjectKey) -> list[str]:
    return [part for part in (key.check, key.side, key.tenant, key.subject) if part]


def _message(result: CheckResult, status: Status, finding: Finding | None) -> str:
    start = "Not seen: " if status is Status.UNKNOWN else ""
    if finding is None:
        return f"{start}{result.check}: {result.reason}"
    judged = f"{finding.subject}: {finding.measured}, wanted {finding.wanted}: {finding.because}"
    return f"{start}{judged}{finding.remedy_text}"
