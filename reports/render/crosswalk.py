"""The crosswalk of controls as Markdown, CSV, and OSCAL assessment results (NIST's JSON for auditors' tools).

Every scenario that serves a control is one observation: when it looked, how it came out, and on which evidence (SHA-256
of the run's evidence file). A control is satisfied only where every scenario that counts passed.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from typing import Any

import orjson

from dr_checks.core.model import CheckResult, Status
from dr_estate.model.visible import json_bytes, visible
from dr_estate.model.world_id import report_title
from reports.values.crosswalk import ControlResult, Framework, crosswalk
from reports.values.escaping import markdown as escaped
from reports.values.escaping import spreadsheet
from reports.values.report import Report

OSCAL_VERSION = "1.2.1"
HEADER = ("framework", "control", "title", "result", "check", "scenario", "status", "at", "evidence")
# Ids are UUIDv5 of this namespace: the same evidence gives the same document, which an auditor can compare.
_NAMESPACE = uuid.UUID("5b0c6f0e-5c0e-5d3a-9d55-2f6f0a1f7c11")
_PREFIXES = {Framework.WELL_ARCHITECTED: "", Framework.NIST: "", Framework.ISO: "iso22301-", Framework.SOC2: "soc2-"}


def markdown(report: Report) -> str:
    """A table a framework, for the auditor's file."""
    title = report_title(f"Controls of {report.environment.name.upper()}", report.world)
    lines = [
        f"# {escaped(title)}",
        "",
        f"Observed at {_moment(report)}, evidence `{report.evidence or 'not kept'}`.",
        "",
    ]
    rows = crosswalk(report.verdict.results)
    for framework in Framework:
        lines += [f"## {framework}", "", "| control | result | scenarios that did not pass |", "|---|---|---|"]
        lines += [_line(row) for row in rows if row.control.framework is framework]
        lines.append("")
    return visible("\n".join(lines))


def _line(row: ControlResult) -> str:
    open_ = [f"`{result.check}` ({result.status})" for result in row.applicable if result.status is not Status.PASS]
    return f"| {row.control.id} {row.control.title} | {row.sentence} | {', '.join(open_)} |"


def as_csv(report: Report) -> str:
    """One row a control and scenario; a control without any has one row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in crosswalk(report.verdict.results):
        about = (row.control.framework, row.control.id, row.control.title, row.sentence)
        if not row.results:
            writer.writerow([*about, "", "", "", "", ""])
        for result in row.results:
            scenario = spreadsheet(result.scenario)
            writer.writerow([*about, result.check, scenario, result.status, _moment(report), report.evidence])
    return out.getvalue()


def oscal(report: Report) -> str:
    """OSCAL assessment results, the same for the same evidence: its ids are made of the evidence's digest."""
    rows = [row for row in crosswalk(report.verdict.results) if row.results]
    # A check serves several controls: OSCAL wants each observation once, and findings that refer to it.
    seen = {result.check: result for row in rows for result in row.results}
    title = report_title(f"DR assessment of {report.environment.name.upper()}", report.world)
    results = {
        "uuid": _id(report, "result"),
        "title": title,
        "description": f"{report.command} of {report.environment.name}: {report.verdict.recommendation}.",
        "start": _moment(report),
        "end": _moment(report),
        "reviewed-controls": {"control-selections": [_scope()]},
        **({"observations": [_observation(report, result) for result in seen.values()]} if seen else {}),
        **({"findings": [_oscal_finding(report, row) for row in rows]} if rows else {}),
    }
    document = {
        "uuid": _id(report, "assessment results"),
        "metadata": {
            "title": title,
            "last-modified": _moment(report),
            "version": report.rules.version if report.rules else "0",
            "oscal-version": OSCAL_VERSION,
        },
        "import-ap": {"href": f"#{_id(report, 'plan')}"},
        "results": [results],
        "back-matter": {"resources": list(_resources(report))},
    }
    indented = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return visible(json_bytes({"assessment-results": document}, indented).decode())


def _scope() -> dict[str, Any]:
    """The controls that scenarios serve: those of scenarios that did not run have no finding."""
    return {"include-controls": [{"control-id": _control(row)} for row in crosswalk(()) if row.served]}


def _observation(report: Report, result: CheckResult) -> dict[str, Any]:
    return {
        "uuid": _id(report, result.check),
        "title": result.check,
        "description": result.scenario or result.reason or result.check,
        "props": [{"name": "status", "value": str(result.status)}, {"name": "severity", "value": str(result.severity)}],
        "methods": ["TEST"],
        "collected": _moment(report),
        "relevant-evidence": [{"href": f"#{_id(report, 'evidence')}", "description": "What was observed."}],
    }


def _oscal_finding(report: Report, row: ControlResult) -> dict[str, Any]:
    # Unknown is no pass: OSCAL has only satisfied and not-satisfied, the reason distinguishes them.
    reason = "pass" if row.is_satisfied else "fail" if row.count(Status.FAIL) else "other"
    state = "satisfied" if row.is_satisfied else "not-satisfied"
    return {
        "uuid": _id(report, row.control.rule),
        "title": row.control.id,
        "description": f"{row.control.title}: {row.sentence}.",
        "target": {"type": "objective-id", "target-id": _control(row), "status": {"state": state, "reason": reason}},
        "related-observations": [{"observation-uuid": _id(report, result.check)} for result in row.results],
    }


def _resources(report: Report) -> Iterator[dict[str, Any]]:
    evidence: dict[str, Any] = {"href": "evidence.json"}
    if report.evidence:
        evidence["hashes"] = [{"algorithm": "SHA-256", "value": report.evidence}]
    yield {"uuid": _id(report, "evidence"), "title": "What was observed", "rlinks": [evidence]}
    yield {
        "uuid": _id(report, "plan"),
        "title": "The scenarios",
        "description": "Each scenario of the feature files is a step of the assessment plan.",
    }


def _control(row: ControlResult) -> str:
    return f"{_PREFIXES[row.control.framework]}{row.control.id}".lower()


def _id(report: Report, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{report.environment.name} {_moment(report)} {report.evidence} {name}"))


def _moment(report: Report) -> str:
    return report.observed_at.isoformat(timespec="seconds")
