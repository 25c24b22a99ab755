"""The report as CSV: one row a finding, for spreadsheets and evidence registers."""

from __future__ import annotations

import csv
import io

from dr_checks.model import CheckResult
from reports.report import Report

HEADER = (
    "environment",
    "world",
    "observed_at",
    "check",
    "severity",
    "area",
    "side",
    "subject",
    "tenant",
    "status",
    "measured",
    "wanted",
    "because",
    "remedy",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> str:
    """Header and rows. A result without findings (not applicable, not run) has one row with its reason."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    start = (report.environment.name, report.world, report.observed_at.isoformat())
    for result in report.verdict.results:
        about = (*start, result.check, result.severity, result.area)
        if not result.findings:
            writer.writerow([*about, "", "", "", result.status, "", "", _cell(result.reason), ""])
        for f in result.findings:
            said = (f.subject, f.tenant or "", f.status, f.measured, f.wanted, f.because, f.remedy)
            writer.writerow([*about, f.side, *(_cell(value) for value in said)])
    return out.getvalue()


def findings_table(result: CheckResult) -> str:
    """The findings of one check as CSV, as attached to its scenario."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER[6:])
    for f in result.findings:
        said = (f.subject, f.tenant or "", f.status, f.measured, f.wanted, f.because, f.remedy)
        writer.writerow([f.side, *(_cell(value) for value in said)])
    return out.getvalue()


def _cell(value: str) -> str:
    """Keep spreadsheets from running a cell as a formula."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
