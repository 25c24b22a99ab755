"""The report as CSV: one row a finding, for spreadsheets and evidence registers. Runs and drills stand before them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TextIO

from dr_checks.core.model import CheckResult
from reports.render import csv_runs
from reports.values.escaping import spreadsheet
from reports.values.report import Report

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
    "commands",
)


def write(report: Report, out: TextIO) -> None:
    """Write header, rows of runs and drills, findings. A result without findings (not applicable, not run) has one."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    # Excel runs what begins with = + - or @ as a formula: spreadsheet() puts a quote before it.
    start = (report.environment.name, spreadsheet(report.world), report.observed_at.isoformat())
    for row in _of_runs(report):
        writer.writerow([*start, *(spreadsheet(row.get(column, "")) for column in HEADER[3:])])
    for result in report.verdict.results:
        about = (*start, result.check, result.severity, result.area)
        if not result.findings:
            writer.writerow([*about, "", "", "", result.status, "", "", spreadsheet(result.reason), "", ""])
        writer.writerows((*about, *cells) for cells in _cells(result))


def _of_runs(report: Report) -> Iterator[csv_runs.Row]:
    if report.ran is not None:
        yield from csv_runs.of_run(report.ran)
    for summary in report.drills:
        yield from csv_runs.of_drill(summary)


def findings_table(result: CheckResult) -> str:
    """The findings of one check as CSV, as attached to its scenario."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER[6:])
    writer.writerows(_cells(result))
    return out.getvalue()


def _cells(result: CheckResult) -> Iterator[tuple[str, ...]]:
    """The columns from ``side`` on, of each finding."""
    for f in result.findings:
        texts = (f.subject, f.tenant or "", f.measured, f.wanted, f.because, f.remedy, "\n".join(f.commands))
        subject, tenant, *others = map(spreadsheet, texts)
        yield f.side, subject, tenant, f.status, *others
