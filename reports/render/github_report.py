"""The report as annotations of GitHub Actions (workflow commands), and the Markdown of a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.verdict import telling_findings
from dr_estate.model.visible import one_line
from reports.render import markdown_report
from reports.render.scenario_places import place_of
from reports.values.report import Report, gate_sentence

_KINDS = {Status.FAIL: "error", Status.UNKNOWN: "error", Status.WARN: "warning", Status.EXCEPTED: "notice"}
_SHOWN = 10  # of each kind, which is what GitHub shows of a step
_MOST_BYTES = 1_000_000  # GitHub takes 1 MiB of a step's summary, and none of a longer one


def render(report: Report) -> str:
    """One annotation a check, the worst first; the last line says how the whole came out.

    Before all stands a posture that is a fault by itself, which is no check's.
    """
    stopping = {row.key.check for row in report.gate.stopping} if report.gate else set()
    rows = [result for status in _KINDS for result in report.verdict.with_status(status)]
    rows.sort(key=lambda result: result.check not in stopping)
    by_kind: dict[str, list[str]] = {}
    for result in rows:
        kind = _KINDS[result.status]
        if report.gate and kind == "error" and result.check not in stopping:
            kind = "warning"
        by_kind.setdefault(kind, []).append(_annotation(kind, result))
    urgent = report.visitors is not None and report.visitors.is_urgent
    alarm = [f"::error title=what visitors can do::{_data(report.first_line)}"] if urgent else []
    alarm += [f"::error title=posture {report.posture}::{_data(report.alarm)}"] if report.alarm else []
    shown = {"error": _SHOWN - len(alarm)}
    lines = [
        line for kind in ("error", "warning", "notice") for line in by_kind.get(kind, [])[: shown.get(kind, _SHOWN)]
    ]
    return "".join(f"{line}\n" for line in [*alarm, *lines, *_closing_lines(report)])


def _closing_lines(report: Report) -> Iterator[str]:
    verdict, name = report.verdict, report.environment.name
    yield f"{report.title} of {name}: {verdict.recommendation}, score {verdict.score}, exit {report.exit}"
    if report.gate:
        yield f"Gate {_data(gate_sentence(report.gate, verdict.score))}"


def _annotation(kind: str, result: CheckResult) -> str:
    findings = telling_findings(result)
    text = result.reason
    if findings:
        f, more = findings[0], f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        text = f"{f.subject}: {f.measured}, wanted {f.wanted}: {f.because}{more}{f.remedy_text}"
    place = place_of(result.feature, result.scenario)
    title = f"{result.check} ({result.severity}) {result.status}"
    return f"::{kind} file={_value(place.file)},line={place.line},title={_value(title)}::{_data(text)}"


def _data(text: str) -> str:
    """As the runner's parser reads a command's text (actions/toolkit, core/src/command.ts)."""
    return one_line(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(report: Report) -> str:
    """The Markdown of the job's summary: the whole report, or as much of it as GitHub takes."""
    text = markdown_report.render(report)
    if len(text.encode()) <= _MOST_BYTES:
        return text
    whole = text.encode()[:_MOST_BYTES].decode(errors="ignore").rpartition("\n")[0]
    return f"{whole}\n\nThe report is longer than a summary may be: the rest is in the run's report.md.\n"
