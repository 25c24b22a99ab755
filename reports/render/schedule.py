"""The current schedule of the tests and their recent results: for the terminal, Markdown and JSON.

As JSON it has these keys; ``null`` is what is not known, moments are ISO 8601 in UTC, days are the time zone's:

====================================================  ==============================================================
key                                                   meaning
====================================================  ==============================================================
``schema``                                            ``aws-dr-manager/schedule/1``
``environment``, ``world``, ``at``, ``timezone``      whose schedule, where the runs were read, and when
``blocked``                                           why no drill may run now, ``""`` where one may
``anchored``                                          whether AWS witnesses each record (``names.stream_bucket``)
``tests[{test,period,due,state,command}]``            ``due`` is null as needed; ``state`` is ok, at risk, overdue,
                                                      never run or blocked window; ``command`` runs the test
``.last{at,who,verdict,score,evidence,report,run}``   the last complete run, null where there is none
``trend[{kind,measure,unit,runs[{at,value}]}]``       score, worst lag and recovery time, the oldest run first
====================================================  ==============================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dr_checks.derived.due import DueState, ScheduledTest
from dr_estate.model.durations import duration
from dr_estate.model.dynamodb_values import instant
from dr_estate.model.run_records import RunKind, RunRecord
from dr_estate.model.world_id import report_title
from reports.values.escaping import code, table_lines
from reports.values.escaping import markdown as escaped

SCHEMA = "aws-dr-manager/schedule/1"
WIDTH = 100
_BARS = "▁▂▃▄▅▆▇█"
# As many values as fit beside the bars in 100 columns.
_SHOWN = 6
_HEADS = ("test", "period", "last run (UTC)", "by", "verdict", "due", "state")
_UNPROVEN = "These records are not proven: keys that record tests can add any (names.stream_bucket)."
_WIDTHS = (14, 10, 16, 16, 14, 10, 14)  # with the gaps between them, no more than WIDTH
_MEASURES = (("score", "score", ""), ("worst lag", "worst_lag_s", "s"), ("recovery time", "rto_s", "s"))


@dataclass(frozen=True)
class Trend:
    """One measure over one kind's runs, the oldest first. ``unit`` is "s" or "" for the score."""

    kind: RunKind
    measure: str
    unit: str
    runs: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True)
class DrillCalendar:
    """The schedule of an environment at a moment, by the runs that ``world`` keeps. ``blocked`` is why not today.

    ``anchored``: AWS witnesses each record of them.
    """

    environment: str
    world: str
    at: datetime
    timezone: str
    tests: tuple[ScheduledTest, ...]
    blocked: str = ""
    trends: tuple[Trend, ...] = ()
    anchored: bool = True

    @property
    def late(self) -> bool:
        """Whether a test is overdue or was never run."""
        return any(row.state.late for row in self.tests)


def trends(records: Iterable[RunRecord]) -> tuple[Trend, ...]:
    """Each measure that a kind's runs have."""
    run_records = sorted(records, key=lambda record: record.at)
    found = []
    for kind in RunKind:
        for measure, name, unit in _MEASURES:
            values = [(run.at, getattr(run, name)) for run in run_records if run.kind is kind]
            known = tuple((at, float(value)) for at, value in values if value is not None)
            if known:
                found.append(Trend(kind, measure, unit, known))
    return tuple(found)


def render(plan: DrillCalendar, form: str) -> str:
    """The schedule as ``terminal`` (100 columns), ``markdown`` or ``json``. Raises ValueError for another form."""
    forms = {"terminal": text, "markdown": markdown, "json": as_json}
    if form not in forms:
        raise ValueError(f"the schedule is not written as {form}: use {', '.join(forms)}")
    return forms[form](plan)


def text(plan: DrillCalendar) -> str:
    """For the terminal."""
    lines = [_title(plan), *([f"  {plan.blocked}"] if plan.blocked else []), ""]
    lines.append(_columns(_HEADS))
    for row in plan.tests:
        lines.append(_columns(_cells(row)))
        if row.last:
            lines.append(_proof(row.last))
        # A test that is due is followed by the line that runs it.
        if row.state is not DueState.OK:
            lines.append(f"    run: {row.command}")
    if not plan.anchored:
        lines += ["", _UNPROVEN]
    if plan.trends:
        lines += ["", "Trends, the oldest first"]
        lines += [f"  {t.kind:<12} {t.measure:<14} {sparkline(t.runs):<12}  {_values(t)}" for t in plan.trends]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def markdown(plan: DrillCalendar) -> str:
    """For tickets and reviews."""
    blocked = [f"**Now {escaped(plan.blocked)}.**", ""] if plan.blocked else []
    lines = [f"# {escaped(_title(plan))}", "", *blocked]
    proofs = [f"`{_evidence(row.last)}` {escaped(row.last.report)}" if row.last else "-" for row in plan.tests]
    rows = ((*map(escaped, _cells(r)), proof, code(r.command)) for r, proof in zip(plan.tests, proofs, strict=True))
    lines += table_lines((*_HEADS, "evidence", "run it with"), rows)
    if not plan.anchored:
        lines += ["", escaped(_UNPROVEN)]
    if plan.trends:
        values = ((t.kind, t.measure, sparkline(t.runs), _values(t)) for t in plan.trends)
        heads = ("kind", "measure", "trend", "last values, the oldest first")
        lines += ["", "## Trends", "", *table_lines(heads, values)]
    return "\n".join(lines) + "\n"


def as_json(plan: DrillCalendar) -> str:
    """For programs: the keys are listed at the top of this module."""
    document = {
        "schema": SCHEMA,
        "environment": plan.environment,
        "world": plan.world,
        "at": instant(plan.at),
        "timezone": plan.timezone,
        "blocked": plan.blocked,
        "anchored": plan.anchored,
        "tests": [_test(row) for row in plan.tests],
        "trend": [
            {**asdict(t), "runs": [{"at": instant(at), "value": value} for at, value in t.runs]} for t in plan.trends
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def sparkline(runs: Sequence[tuple[datetime, float]]) -> str:
    """The values as bars from the least to the most of them; all alike are in the middle."""
    values = [value for _, value in runs]
    least, most = min(values), max(values)
    if least == most:
        return _BARS[len(_BARS) // 2 - 1] * len(values)
    return "".join(_BARS[round((value - least) / (most - least) * (len(_BARS) - 1))] for value in values)


def _title(plan: DrillCalendar) -> str:
    title = (
        f"DR tests of {plan.environment.upper()} ({plan.world}), {plan.at:%Y-%m-%d %H:%M} UTC, days of {plan.timezone}"
    )
    return report_title(title, plan.world)


def _cells(row: ScheduledTest) -> tuple[str, ...]:
    due = str(row.due) if row.due else "-"
    if row.last is None:
        return (row.test, row.period, "never", "-", "-", due, row.state)
    score = "" if row.last.score is None else f" {row.last.score}"
    verdict = f"{row.last.verdict}{score}"
    return (row.test, row.period, f"{row.last.at:%Y-%m-%d %H:%M}", row.last.who, verdict, due, row.state)


def _columns(cells: Iterable[str]) -> str:
    """One line of cells, each cut to its column's width."""
    fitted = (
        cell if len(cell) <= width else f"{cell[: width - 1]}." for cell, width in zip(cells, _WIDTHS, strict=True)
    )
    return " ".join(f"{cell:<{width}}" for cell, width in zip(fitted, _WIDTHS, strict=True))


def _proof(last: RunRecord) -> str:
    """Return evidence and report; only the end of a long path, which says more than its beginning."""
    message = f"    evidence {_evidence(last)} in "
    room = WIDTH - len(message)
    return message + (last.report if len(last.report) <= room else f"...{last.report[3 - room :]}")


def _evidence(last: RunRecord) -> str:
    return last.evidence[:12] or "none"


def _values(trend: Trend) -> str:
    shown = [value for _, value in trend.runs[-_SHOWN:]]
    return ", ".join(duration(value) if trend.unit else f"{value:g}" for value in shown)


def _test(row: ScheduledTest) -> dict[str, Any]:
    last = row.last
    names = ("who", "verdict", "score", "evidence", "report", "run")
    return {
        "test": row.test,
        "period": row.period,
        "due": str(row.due) if row.due else None,
        "state": row.state,
        "command": row.command,
        "last": {"at": instant(last.at), **{name: getattr(last, name) for name in names}} if last else None,
    }
