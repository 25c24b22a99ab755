"""The report as Markdown, for tickets, wikis and pull requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dr_checks.core.model import Remedy, Status
from dr_checks.core.verdict import with_findings
from dr_estate.model.durations import duration
from dr_estate.model.world_id import report_title
from reports.render import control_planes
from reports.render.assessment_markdown import of_assessment, of_run
from reports.values import drill_summary as summary_texts
from reports.values import gate as values_gate
from reports.values.drill_summary import DrillSummary
from reports.values.escaping import code, markdown, table_lines
from reports.values.report import Report, objective_answer

# A drill's account as Markdown, for tickets, the record and the Allure report.


def of_drill(summary: DrillSummary) -> list[str]:
    """The end, measured times, what is left or kept, each with its command, and each part as a run."""
    lines = [f"# {markdown(summary_texts.headline(summary))}", ""]
    lines += [*(f"- {markdown(sentence)}" for sentence in summary_texts.sentences(summary)), ""]
    lines += [*_phases(summary), *_residue(summary)]
    return lines + [line for part in summary.parts for line in of_run(part)]


def _phases(summary: DrillSummary) -> Iterator[str]:
    if summary.phases:
        rows = ((phase.part, phase.phase, duration(phase.seconds)) for phase in summary.phases)
        yield from ("## Measured", "", *table_lines(("part", "phase", "took"), rows), "")


def _residue(summary: DrillSummary) -> Iterator[str]:
    # What is left over first: it is billed until somebody deletes it (T47).
    for title, rows in (("Left over", summary.left), ("Kept by rule", summary.kept_by_rule)):
        if rows:
            cells = (
                (*map(markdown, (row.place, row.subject, row.says)), code(row.command) if row.command else "")
                for row in rows
            )
            yield from (f"## {title}", "", *table_lines(("where", "what", "why", "by hand"), cells), "")


# A ticket is read by people; the CSV has every row.
_SHOWN = 50


_TITLES = {Status.FAIL: "Gaps", Status.UNKNOWN: "Not seen", Status.WARN: "Warnings", Status.EXCEPTED: "Exceptions"}


def render(report: Report) -> str:
    """The whole report; findings beyond fifty a check are counted, not listed."""
    verdict, env = report.verdict, report.environment
    first_lines = [text for line in (report.first_line, report.alarm) if line for text in (f"**{markdown(line)}**", "")]
    lines: list[str] = [*first_lines, *(of_run(report.ran) if report.ran else [])]
    lines += [line for drill in report.drills for line in of_drill(drill)]
    if report.assessment is not None:
        lines += of_assessment(report.assessment, env, report.command, report.observed_at)
    lines += [
        f"# {report.title} of {env.name.upper()}: {verdict.recommendation}, score {verdict.score}/100",
        "",
        f"- **World:** {markdown(report.world)}, account {env.account}, {env.regions.primary} (primary) and "
        f"{env.regions.dr} (DR)",
        f"- **Observed at:** {report.observed_at.isoformat(timespec='seconds')}, {report.api_calls} API calls",
        f"- **Posture:** {report.posture}: {markdown(report.posture_says)}",
        *([f"- **Served:** {markdown(report.served_sentence)}"] if report.served else []),
        f"- **Writes:** {markdown(report.writers)}",
        *([f"- **Oldest copy (RPO):** {_rpo(report)}"] if report.measures_copies else []),
        *([f"- **Rules:** {report.rules.digest[:12]}, version {report.rules.version}"] if report.rules else []),
        *([f"- **Gate:** {markdown(values_gate.sentence(report.gate, report.verdict.score))}"] if report.gate else []),
        "",
    ]
    # Before the checks: an override or a pause changes what all of them mean.
    lines += _section(
        "In force", [f"- {markdown(sentence)}" for sentence in (*report.in_force, *report.loose_exceptions)]
    )
    lines += _section("Changed since the baseline", _changes(report))
    lines += _section("Checks by area", _areas(report))
    lines += _section("Causes", _causes(report))
    lines += _section("Lag by store", _lags(report))
    for status, title in _TITLES.items():
        lines += _section(title, _findings(report, status))
    lines += _section(
        "Not applicable", [f"- `{r.check}`: {markdown(r.reason)}" for r in verdict.with_status(Status.NOT_APPLICABLE)]
    )
    todo = [report.before_remedies, ""] if report.before_remedies else []
    todo += [line for n, remedy in enumerate(report.recommendations(), 1) for line in _recommendation(n, remedy)]
    lines += _section("Recommendations", todo)
    unseen = [f"- {p.name} ({p.side}): {markdown(p.value.why)}" for p in report.unseen]
    lines += _section("Parts that could not be read", unseen)
    lines += _section("Control planes", control_planes.markdown())
    lines = [f"# {report_title(line[2:], report.world)}" if line.startswith("# ") else line for line in lines]
    return report.invocation.complete("\n".join(lines).rstrip() + "\n")


def _recommendation(number: int, remedy: Remedy) -> list[str]:
    """The sentence, and its commands in a block of code, where they stand as they are pasted."""
    if not remedy.commands:
        return [f"{number}. {markdown(remedy.sentence)}"]
    return [
        f"{number}. {markdown(remedy.sentence)}",
        "",
        "   ```sh",
        *(f"   {c}" for c in remedy.commands),
        "   ```",
        "",
    ]


def _changes(report: Report) -> list[str]:
    changes = report.gate.changes if report.gate else ()
    return [f"- {markdown(change.sentence)}: {markdown(change.summary)}" for change in changes]


def _rpo(report: Report) -> str:
    rpo = report.verdict.rpo
    met = objective_answer(rpo, report.verdict.lags)
    return f"worst {duration(rpo.worst_s)} against {duration(rpo.target_s)}: {met}"


def _section(title: str, body: Iterable[str]) -> list[str]:
    rows = list(body)
    return [f"## {title}", "", *rows, ""] if rows else []


def _areas(report: Report) -> list[str]:
    rows = [
        (area, *(sum(r.status is status for r in results) for status in _COLUMNS))
        for area, results in report.by_area().items()
    ]
    return table_lines(("area", "pass", "warn", "fail", "unknown", "excepted", "not applicable"), rows)


_COLUMNS = (Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN, Status.EXCEPTED, Status.NOT_APPLICABLE)


def _lags(report: Report) -> list[str]:
    rows = [
        (markdown(lag.store), markdown(lag.subject), duration(lag.seconds), markdown(lag.basis))
        for lag in report.verdict.lags
    ]
    return table_lines(("store", "subject", "lag", "basis"), rows) if rows else []


def _causes(report: Report) -> list[str]:
    """Each cause with the checks that it explains, and what only the failback ends."""
    lines = []
    for cause in report.causes:
        since = f" since {cause.since:%Y-%m-%d %H:%M} UTC" if cause.since else ""
        explained = ", ".join(f"`{result.check}`" for result in cause.effects)
        explains = f", explains {explained}" if explained else ""
        lines.append(f"- `{cause.result.check}` ({cause.result.grade}){since}{explains}")
    expected = ", ".join(f"`{result.check}`" for result in report.failback_gaps)
    return [*lines, *([f"- expected until the failback: {expected}"] if expected else [])]


def _findings(report: Report, status: Status) -> list[str]:
    lines: list[str] = []
    for result in with_findings(report.verdict.results, status):
        rows = [f for f in result.findings if f.status is status]
        lines += [f"### {result.check} ({result.grade})", ""]
        if not rows:
            lines += [markdown(result.reason), ""]
            continue
        heads = ("side", "subject", "measured", "wanted", "because", "remedy")
        lines += table_lines(heads, [[markdown(str(getattr(f, head))) for head in heads] for f in rows[:_SHOWN]])
        lines += [f"... and {len(rows) - _SHOWN} more", ""] if len(rows) > _SHOWN else [""]
    return lines
