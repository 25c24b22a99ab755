"""The report as JUnit XML: a suite an area, class = feature, name = scenario. A test checks it by Jenkins' schema.

FAIL is a failure, UNKNOWN an error: neither is green. Not applicable and accepted gaps are skipped, with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from dr_checks.core.model import Area, CheckResult, Status
from dr_checks.core.verdict import telling_findings
from dr_estate.model.visible import commanding_nobody, visible
from dr_estate.model.world_id import report_title
from reports.values.report import Report

KINDS = {Status.FAIL: "failure", Status.UNKNOWN: "error", Status.NOT_APPLICABLE: "skipped", Status.EXCEPTED: "skipped"}
# The attribute of a suite that counts the cases of each kind.
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
_NO_XML = re.compile("[\ufffe\uffff]")  # what XML 1.0 lacks beyond what is never printed


def render(report: Report) -> str:
    """The report as a JUnit document with a final newline."""
    root = ET.Element(
        "testsuites", {"name": report_title(f"{report.title} of {report.environment.name}", report.world)}
    )
    for area, results in report.by_area().items():
        root.append(_suite(report, area, results))
    kinds = Counter(KINDS.get(result.status) for result in report.verdict.results)
    root.attrib |= {"tests": str(len(report.verdict.results)), "failures": str(kinds["failure"])}
    root.attrib |= {"errors": str(kinds["error"])}
    return document_text(root)


def document_text(root: ET.Element) -> str:
    """The document of ``root`` with a final newline."""
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _suite(report: Report, area: Area, results: list[CheckResult]) -> ET.Element:
    kinds = Counter(KINDS.get(result.status) for result in results)
    suite = ET.Element("testsuite", {"name": area, "tests": str(len(results))})
    suite.attrib |= {name: str(kinds[kind]) for name, kind in COUNTED.items()}
    suite.set("timestamp", report.observed_at.isoformat(timespec="seconds"))
    properties = ET.SubElement(suite, "properties")
    about = {"environment": report.environment.name, "world": report.world, "posture": str(report.posture)}
    for name, value in (about | {"score": str(report.verdict.score)}).items():
        ET.SubElement(properties, "property", {"name": name, "value": _text(value)})
    suite.extend(case_of(result) for result in results)
    return suite


def case_of(result: CheckResult) -> ET.Element:
    """The case of a check."""
    names = {"classname": result.feature or result.area, "name": result.scenario or result.check}
    case = ET.Element("testcase", {name: _text(value) for name, value in names.items()})
    rows = telling_findings(result)
    lines = [f"{f.side}: {f.subject}: {f.measured}, wanted {f.wanted}: {f.because}{f.remedy_text}" for f in rows]
    if kind := KINDS.get(result.status):
        message = f"{result.check} ({result.severity}): {result.status}: {result.reason or lines[0]}"
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        ET.SubElement(case, kind, {"type": result.severity, "message": _text(message + more)}).text = _texts(lines)
    elif result.status is Status.WARN:
        ET.SubElement(case, "system-out").text = _texts([f"{result.check} ({result.severity}): warn", *lines])
    return case


def _texts(lines: list[str]) -> str:
    return "\n".join(map(_text, lines))


def _text(value: str) -> str:
    return _NO_XML.sub("\ufffd", commanding_nobody(visible(value)))
