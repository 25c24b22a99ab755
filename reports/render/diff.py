"""What changed between two runs, as text, Markdown and JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from dr_checks.core.model import Status
from dr_checks.core.readiness_gate import StatusChange
from dr_estate.model.visible import json_bytes, one_line
from reports.values.escaping import holds_command, markdown
from reports.values.stored_report import StoredReport

WIDTH = 100
# A region that went dark changes hundreds of findings: a screen shows the worst of them.
_SHOWN = 20
# An accepted gap counts as better than an open one: a person answers for it.
_BAD = (Status.FAIL, Status.UNKNOWN, Status.WARN)


@dataclass(frozen=True)
class RunDifference:
    """Two runs of one environment, the earlier first, and what changed from one to the other."""

    before: StoredReport
    after: StoredReport
    changes: tuple[StatusChange, ...]

    @property
    def worse(self) -> tuple[StatusChange, ...]:
        """What is not well now, and was otherwise before."""
        return tuple(change for change in self.changes if change.after in _BAD)

    @property
    def better(self) -> tuple[StatusChange, ...]:
        """What is well now, or gone."""
        return tuple(change for change in self.changes if change.after not in _BAD)


def render(difference: RunDifference, form: str, *, every: bool = False) -> str:
    """The difference in the format ``form``: terminal (the worst of many, unless ``every``), markdown or json."""
    if form == "json":
        return json_bytes(_plain(difference), orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    shown = None if every or form == "markdown" else _SHOWN
    return "\n".join(_lines(difference, shown, is_markdown=form == "markdown")) + "\n"


def _lines(difference: RunDifference, shown: int | None, *, is_markdown: bool) -> Iterator[str]:
    before, after = difference.before, difference.after
    counts = f"{len(difference.worse)} worse, {len(difference.better)} better"
    yield f"{'# ' if is_markdown else ''}{after.environment.upper()}: {counts}"
    for which, report in (("before", before), ("after", after)):
        about = f"{report.recommendation}, score {report.score}, posture {report.posture}"
        yield f"{'- ' if is_markdown else '  '}{which}: {report.observed_at:%Y-%m-%d %H:%M} UTC, {about}"
    for title, changes in (("Worse", difference.worse), ("Better", difference.better)):
        if changes:
            yield from ("", f"{'## ' if is_markdown else ''}{title}")
            yield from ([""] if is_markdown else [])
        for change in changes[:shown]:
            text = f"{change.sentence}: {change.about}" if change.after else change.sentence
            yield from [f"- {markdown(text)}"] if is_markdown else _row_lines(one_line(text))
        if shown is not None and len(changes) > shown:
            yield f"  ... and {len(changes) - shown} more (--all lists them)"


def _row_lines(text: str) -> list[str]:
    """A row of the terminal in as many lines as it takes; what holds a command stays one."""
    if holds_command(text):
        return [f"  {text}"]
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _plain(difference: RunDifference) -> dict[str, Any]:
    return {
        "environment": difference.after.environment,
        **{
            which: {
                "observed_at": report.observed_at,
                "recommendation": report.recommendation,
                "score": report.score,
                "posture": report.posture,
            }
            for which, report in (("before", difference.before), ("after", difference.after))
        },
        "changes": [
            {
                "check": change.key.check,
                "side": change.key.side,
                "subject": change.key.subject,
                "tenant": change.key.tenant,
                "severity": change.severity,
                "before": change.before,
                "after": change.after,
                "summary": change.summary,
            }
            for change in difference.changes
        ],
    }
