"""The report as SARIF 2.1.0 (OASIS), for code scanning: a rule a check, a result a finding that is no pass.

SARIF's own kind for "could not say" (`open`) must have the level `none`, which viewers show as nothing at all. What was
not seen is an error here instead, and its property `status` says which. An accepted gap is suppressed, with its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from dr_checks.core.changes import SubjectKey
from dr_checks.core.model import Check, CheckResult, Finding, Severity, Status
from dr_checks.core.registry import checks
from dr_estate.model.visible import visible
from reports.render.scenario_places import place_of
from reports.values.report import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Status.FAIL: "error", Status.UNKNOWN: "error", Status.WARN: "warning", Status.EXCEPTED: "warning"}
_RULE_LEVELS = dict(zip(Severity, ("error", "error", "warning", "note"), strict=True))


def render(report: Report) -> str:
    """The report as an indented SARIF log with a final newline."""
    about = {result.check: checks()[result.check] for result in report.verdict.results if result.check in checks()}
    driver: dict[str, Any] = {"name": "AWS DR Manager", "rules": [_rule(check) for check in about.values()]}
    if report.rules:
        driver["semanticVersion"] = report.rules.version
    order = {check: number for number, check in enumerate(about)}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"dr-{report.command}/{report.environment.name}/"},
        "invocations": [
            {
                "executionSuccessful": True,
                "exitCode": report.exit,
                "endTimeUtc": f"{report.observed_at:%Y-%m-%dT%H:%M:%SZ}",
            }
        ],
        "results": [row for status in _LEVELS for row in _results(report, status, order)],
        "properties": {
            "account": report.environment.account,
            "world": report.world,
            "posture": report.posture,
            "score": report.verdict.score,
            "recommendation": report.verdict.recommendation,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return visible(orjson.dumps(log, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "shortDescription": {"text": check.says},
        "defaultConfiguration": {"level": _RULE_LEVELS[check.severity]},
        "properties": {"tags": [check.area, check.severity, *check.traps]},
    }


def _results(report: Report, status: Status, order: dict[str, int]) -> Iterator[dict[str, Any]]:
    for result in report.verdict.with_status(status):
        findings: list[Finding | None] = [f for f in result.findings if f.status is status]
        for finding in findings or [None]:
            yield _result(report, result, finding) | (
                {"ruleIndex": order[result.check]} if result.check in order else {}
            )


def _result(report: Report, result: CheckResult, finding: Finding | None) -> dict[str, Any]:
    place = place_of(result.feature, result.scenario)
    key = SubjectKey(result.check)
    if finding:
        key = SubjectKey(result.check, finding.side, finding.subject, finding.tenant or "")
    row = {
        "ruleId": result.check,
        "level": _LEVELS[result.status],
        "message": {"text": _message(result, finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": place.file, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": place.line},
                },
                "logicalLocations": [{"name": key.subject or result.check, "fullyQualifiedName": "/".join(_path(key))}],
            }
        ],
        "partialFingerprints": {"subject/v1": hashlib.sha256("\0".join(_path(key)).encode()).hexdigest()},
        "properties": {"status": result.status, "severity": result.severity, "tenant": key.tenant},
    }
    if result.status is Status.EXCEPTED:
        row["suppressions"] = [{"kind": "external", "status": "accepted", "justification": _message(result, finding)}]
    if report.gate and report.gate.rules.baseline:
        before = report.gate.rules.baseline.subjects.get(key)
        row["baselineState"] = "new" if before is None else "unchanged" if before.status is result.status else "updated"
    return row


def _path(key: SubjectKey) -> list[str]:
    return [part for part in (key.check, key.side, key.tenant, key.subject) if part]


def _message(result: CheckResult, finding: Finding | None) -> str:
    start = "Not seen: " if result.status is Status.UNKNOWN else ""
    if finding is None:
        return f"{start}{result.check}: {result.reason}"
    judged = f"{finding.subject}: {finding.measured}, wanted {finding.wanted}: {finding.because}"
    return f"{start}{judged}{finding.remedy_text}"
