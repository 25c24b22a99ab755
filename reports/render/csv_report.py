"""The report as CSV: one row a finding, for spreadsheets and evidence registers. Runs and drills stand before them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TextIO

from dr_actions.model.gates import Gate
from dr_checks.core.model import CheckResult
from reports.values import run_summary
from reports.values.drill_summary import DrillSummary
from reports.values.escaping import spreadsheet
from reports.values.report import Report
from reports.values.run_summary import RunSummary

# Executed runs and drills as rows of the CSV report: in the columns of the findings, with an ``area`` of their own.
#
# docs/json.md describes what each row holds.

# What a row holds, by column; the other columns are empty.
Row = dict[str, str]

_OF_RUN = ("run", "outcome", "operator", "approver", "approved_at", "digest", "journal")


def of_run(summary: RunSummary) -> Iterator[Row]:
    """The ending and the people, then phases, gates, expected losses and the steps of the plan."""
    record = summary.record
    values = {"incident": summary.incident} | {name: str(getattr(summary, name) or "") for name in _OF_RUN}
    for name, value in (values | {"journal_head": record.head}).items():
        yield _row(f"run.{name}", summary.goal, measured=value, because=summary.says if name == "outcome" else "")
    if (timeline := record.timeline) is not None:
        met = {True: "met", False: "not met", None: "not known" if timeline.recovers else ""}[timeline.met]
        objective = str(timeline.objective_s) if timeline.recovers else ""
        yield _row("run.rto", summary.goal, status=met, measured=_number(timeline.reached_s), wanted=objective)
        for name, value in run_summary.clocks(timeline):
            yield _row("run.clock", name, measured=value)
        for phase, span in timeline.phases.items():
            yield _row("run.phase", str(phase), measured=_number(span.seconds))
    # Gates and losses before the steps: they are what the people decided upon.
    yield from (_of_gate(gate) for gate in record.gates)
    yield from (
        _row("run.loss", f"{loss.store}: {loss.subject}", measured=_number(loss.seconds), because=loss.basis)
        for loss in record.losses
    )
    for step in record.plan.steps:
        own = {"side": str(step.side), "tenant": step.tenant or "", "status": str(step.danger)}
        call = f"{step.call.name} in {step.call.region}" if step.call else "by hand" if step.manual else ""
        yield _row("run.step", step.id, because=step.says, measured=call, **own)


def of_drill(summary: DrillSummary) -> Iterator[Row]:
    """The verdict, the measured times, what is left or kept, and each part as a run."""
    values = {"incident": summary.incident, "verdict": summary.verdict, "cost": f"{summary.cost} {summary.currency}"}
    values |= {"journal": str(summary.journal or ""), "journal_head": summary.journal_head}
    for name, value in values.items():
        yield _row(f"drill.{name}", summary.kind, "drill", measured=value)
    rto, wanted = _number(summary.rto_s), str(summary.rto_target_s)
    yield _row("drill.rto", summary.kind, "drill", measured=rto, wanted=wanted)
    yield _row("drill.rpo", summary.kind, "drill", measured=_number(summary.rpo_s))
    for phase in summary.phases:
        yield _row("drill.phase", f"{phase.part}: {phase.phase}", "drill", measured=_number(phase.seconds))
    for row in summary.residue or ():
        left = {"status": str(row.fate), "because": row.says, "remedy": row.command}
        yield _row("drill.residue", row.subject, "drill", measured=row.place, **left)
    for part in summary.parts:
        yield from of_run(part)


def _of_gate(gate: Gate) -> Row:
    status = "met" if gate.met else "relaxed" if gate.relaxed else "not met"
    return _row("run.gate", gate.id, status=status, because=gate.says)


def _number(seconds: float | None) -> str:
    """Seconds, empty where they are not known."""
    return "" if seconds is None else str(seconds)


def _row(check: str, subject: str, area: str = "run", **cells: str) -> Row:
    return {"check": check, "area": area, "subject": subject, **cells}


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


def _of_runs(report: Report) -> Iterator[Row]:
    if report.ran is not None:
        yield from of_run(report.ran)
    for summary in report.drills:
        yield from of_drill(summary)


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
