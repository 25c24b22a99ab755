"""A drill's account as Markdown, for tickets, the record and the Allure report."""

from __future__ import annotations

from collections.abc import Iterator

from dr_estate.model.durations import duration
from reports.render.assessment_markdown import of_run
from reports.values import drill_summary as summary_texts
from reports.values.drill_summary import DrillSummary
from reports.values.escaping import code, markdown, table_lines


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
