"""A drill's account as Markdown, for tickets, the record and the Allure report."""

from __future__ import annotations

from collections.abc import Iterator

from reports import drilled as told
from reports.drilled import Drilled
from reports.durations import duration


def of_drill(drilled: Drilled) -> list[str]:
    """The end, measured times, and what is left or kept, each with its command."""
    lines = [f"# {told.headline(drilled)}", "", *(f"- {sentence}" for sentence in told.sentences(drilled)), ""]
    return lines + list(_phases(drilled)) + list(_residue(drilled))


def _phases(drilled: Drilled) -> Iterator[str]:
    if not drilled.phases:
        return
    yield from ("## Measured", "", "| part | phase | took |", "|---|---|---|")
    for one in drilled.phases:
        yield f"| {one.part} | {one.phase} | {duration(one.seconds)} |"
    yield ""


def _residue(drilled: Drilled) -> Iterator[str]:
    for title, rows in (("Left over", drilled.left), ("Kept by rule", drilled.kept)):
        if rows:
            yield from (f"## {title}", "", "| where | what | why | by hand |", "|---|---|---|---|")
            for row in rows:
                cells = (row.place, row.subject, row.says, f"`{row.command}`" if row.command else "")
                yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
            yield ""
