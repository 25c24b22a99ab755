"""The incident log: what the journal holds, its phases, and whether its chain can be believed. Offline, of a file.

As JSON it has these keys; ``null`` is what is not known, moments are ISO 8601 in UTC, ``_s`` is seconds:

=============================================================  =====================================================
key                                                            meaning
=============================================================  =====================================================
``schema``                                                     ``aws-dr-manager/incident-log/1``
``environment``, ``incident``, ``source``                      whose journal it is, and where it was read
``world{account,kind,detail,name}``                            the world it is of, null where none is recorded
``rehearsal``                                                  whether that world is a sandbox
``chain{intact,entries,head,torn_bytes,fault,says}``           ``fault{line,why}`` is null where it is intact
``mirror{compared,says,differs_at}``                           with ``--verify`` alone; the first entry that differs
``anchors{compared,says,differs_at,altered[]}``                the same against its anchors; other altered items
``timelines[]``                                                one a goal, in order
``.goal``, ``.digests[]``                                      what was to be reached, and the plans
``.rto{objective_s,reached_s,met}``                            from the outage's beginning to a passed validation
``.rto{since,since_by,run_s,fenced_s,drained_s}``              the outage's clock, the run's, and the draining
``.phases[{phase,start,end,seconds}]``                         detect, decide, authorise, execute, DNS, validate
``.runs[{run,start,end,outcome}]``, ``.idle_s``                runs, and the time in which none was at work
``.manual{waited_s,waits[{step,says,start,end,seconds}]}``     steps taken by a person
``.changes[{at,run,step,call,region,result,undo}]``            calls that were sent, or were about to be
``.overrides[{gate,by,why,until}]``                            gates that were set aside
``entries[{seq,at,run,kind,step,data,prev,digest}]``           the entries whose chain holds, as they were written
=============================================================  =====================================================
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from textwrap import wrap
from typing import Any

from dr_actions.journal.comparison import RecordComparison
from dr_actions.journal.entries import Chain, Entry, EntryKind
from dr_actions.journal.timeline import Span, Timeline, timelines
from dr_actions.model.plan import prefix_of
from dr_estate.model.durations import duration
from dr_estate.model.dynamodb_values import instant
from dr_estate.model.visible import one_line
from dr_estate.model.world_id import REHEARSAL, WorldKind
from reports.values.escaping import code, holds_command, table_lines
from reports.values.escaping import markdown as escaped
from reports.values.run_summary import clocks, recovery_time, rto_to_dict
from reports.values.run_view import validation_failure

SCHEMA = "aws-dr-manager/incident-log/1"
WIDTH = 100
PHASE_HEADS = ("phase", "start", "end", "took")

# 2,000 tenants' equal steps are 2,000 entries: the first ones show what was done, JSON has them all.
_ALIKE = 4


@dataclass(frozen=True)
class IncidentLog:
    """One incident's journal, as read from ``source``; ``mirror`` and ``anchors`` are None where not asked for."""

    environment: str
    incident: str
    source: str
    chain: Chain
    timelines: tuple[Timeline, ...]
    mirror: RecordComparison | None = None
    anchors: RecordComparison | None = None

    @property
    def rehearsal(self) -> bool:
        """Whether it is the journal of a sandbox."""
        return self.chain.world is not None and self.chain.world.kind is WorldKind.SANDBOX

    def title(self, subject: str) -> str:
        """A title that says whose journal it is and of which world."""
        world = f" ({self.chain.world.full_name})" if self.chain.world else ""
        prefix = f"{REHEARSAL}: " if self.rehearsal else ""
        return f"{prefix}{subject} {self.incident} in {self.environment.upper()}{world}"


def incident_log(
    chain: Chain,
    environment: str,
    incident: str,
    source: str,
    rto_s: int,
    mirror: RecordComparison | None = None,
    anchors: RecordComparison | None = None,
) -> IncidentLog:
    """The log of a journal's chain; ``rto_s`` is the objective, in seconds."""
    return IncidentLog(environment, incident, source, chain, timelines(chain.entries, rto_s), mirror, anchors)


def render(log: IncidentLog, form: str) -> str:
    """The log as ``terminal`` (100 columns), ``markdown`` or ``json``. Raises ValueError for another form."""
    forms = {"terminal": text, "markdown": markdown, "json": as_json}
    if form not in forms:
        raise ValueError(f"the incident log is not written as {form}: use {', '.join(forms)}")
    return forms[form](log)


def chain_verdict(chain: Chain) -> str:
    """Whether the record can be believed, in a sentence."""
    # First: behind a break nothing can be believed, however many entries follow.
    if chain.fault:
        return f"BROKEN: {chain.fault} {len(chain.entries)} entries before it hold."
    if not chain.entries and not chain.torn:
        return "no entry is here, and none in the mirror."
    torn = f" A torn last line of {len(chain.torn)} bytes never counted." if chain.torn else ""
    many = f"{len(chain.entries)} {'entry' if len(chain.entries) == 1 else 'entries'}"
    mirror = "Only the copy in AWS can show whether entries at the end are missing."
    return f"intact: {many}, head {chain.head[:12]}.{torn} {mirror}"


def text(log: IncidentLog) -> str:
    """For the terminal."""
    lines = [*_wrapped_lines("", log.title("Incident")), *_wrapped_lines("  chain ", chain_verdict(log.chain))]
    lines += _wrapped_lines("  mirror ", log.mirror.message) if log.mirror else []
    lines += _wrapped_lines("  anchors ", log.anchors.message) if log.anchors else []
    lines += _wrapped_lines("  source ", log.source)
    for line in log.timelines:
        lines += ["", f"{line.goal}: {recovery_time(line)}"]
        lines += [f"  {name} {value}" for name, value in clocks(line)]
        lines += [f"  {row[0]:<10} {row[1]:<21} {row[2]:<21} {row[3]}" for row in phase_rows(line)]
        for title, rows in _lists(line):
            lines += [f"  {title}", *(part for row in rows for part in _wrapped_lines("    ", row))]
    lines += ["", "Timeline"] if log.chain.entries else ["", "Nothing is recorded."]
    for at, kind, message in _entry_rows(log.chain.entries):
        lines += _wrapped_lines(f"  {at}  {kind:<12} ", message)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def markdown(log: IncidentLog) -> str:
    """For tickets and reviews."""
    lines = [f"# {escaped(log.title('Incident'))}", ""]
    lines += [f"- **Chain:** {escaped(chain_verdict(log.chain))}"]
    lines += [f"- **Mirror:** {escaped(log.mirror.message)}"] if log.mirror else []
    lines += [f"- **Anchors:** {escaped(log.anchors.message)}"] if log.anchors else []
    lines += [f"- **Source:** {code(log.source)}", ""]
    for line in log.timelines:
        title = f"## {escaped(line.goal)}: {recovery_time(line)}"
        lines += [title, "", *(f"- {name} {escaped(value)}" for name, value in clocks(line))]
        lines += ["", *table_lines(PHASE_HEADS, phase_rows(line))]
        for title, rows in _lists(line):
            lines += ["", f"### {title}", "", *(f"- {escaped(row)}" for row in rows)]
        lines.append("")
    events = ((at, kind, escaped(message)) for at, kind, message in _entry_rows(log.chain.entries))
    lines += ["## Timeline", "", *table_lines(("at", "what", ""), events)]
    return "\n".join(lines) + "\n"


def as_json(log: IncidentLog) -> str:
    """For programs: the keys are listed at the top of this module."""
    chain = log.chain
    document = {
        "schema": SCHEMA,
        "environment": log.environment,
        "incident": log.incident,
        "world": chain.world.to_json() | {"name": chain.world.full_name} if chain.world else None,
        "rehearsal": log.rehearsal,
        "source": log.source,
        "chain": {
            "intact": chain.fault is None,
            "entries": len(chain.entries),
            "head": chain.head,
            "torn_bytes": len(chain.torn),
            "fault": {"line": chain.fault.line, "why": chain.fault.why} if chain.fault else None,
            "says": chain_verdict(chain),
        },
        **({"mirror": _comparison(log.mirror)} if log.mirror else {}),
        **({"anchors": {**_comparison(log.anchors), "altered": list(log.anchors.altered)}} if log.anchors else {}),
        "timelines": [_timeline(line) for line in log.timelines],
        # The line as it was written: its digest is of these bytes.
        "entries": [json.loads(entry.line) for entry in chain.entries],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _comparison(found: RecordComparison) -> dict[str, Any]:
    return {"compared": found.compared, "says": found.message, "differs_at": found.differs_at}


def _timeline(line: Timeline) -> dict[str, Any]:
    waits = [{"step": wait.step, "says": wait.message, **_span(wait.span)} for wait in line.waits]
    return {
        "goal": line.goal,
        "digests": list(line.digests),
        "rto": rto_to_dict(line) | {"since": _iso(line.since)},
        "phases": [{"phase": phase.value, **_span(span)} for phase, span in line.phases.items()],
        "runs": [
            {"run": run.run, "start": _iso(run.span.start), "end": _iso(run.span.end), "outcome": run.outcome}
            for run in line.runs
        ],
        "idle_s": line.idle_s,
        "manual": {"waited_s": line.waited_s, "waits": waits},
        "changes": [{**asdict(change), "at": _iso(change.at)} for change in line.changes],
        "overrides": [{name: over.get(name) for name in ("gate", "by", "why", "until")} for over in line.overrides],
    }


def _span(span: Span) -> dict[str, Any]:
    return {"start": _iso(span.start), "end": _iso(span.end), "seconds": span.seconds}


def _iso(at: datetime | None) -> str | None:
    return instant(at) if at else None


def phase_rows(line: Timeline) -> list[tuple[str, str, str, str]]:
    """Each phase of a recovery: its name, start, end (UTC) and how long it took."""

    def clock(at: datetime | None) -> str:
        return f"{at:%Y-%m-%d %H:%M:%S}" if at else "-"

    return [
        (phase.value, clock(span.start), clock(span.end), duration(span.seconds) if span.seconds is not None else "-")
        for phase, span in line.phases.items()
    ]


def _lists(line: Timeline) -> Iterable[tuple[str, list[str]]]:
    counted = Counter((change.call, change.region, change.result) for change in line.changes)
    sent_count = sum(change.result == "sent" for change in line.changes)
    # What was changed, what people did, which gates were set aside, in which runs: in the order in which an auditor
    # asks.
    sections = (
        (
            f"Changes: {sent_count} of {len(line.changes)} calls were answered with success",
            [f"{call} in {region}: {number} x {result}" for (call, region, result), number in counted.items()],
        ),
        (
            f"Waited {duration(line.waited_s)} for steps taken by a person",
            [
                f"{w.step}: {duration(w.span.seconds) if w.span.end else 'not taken yet'}: {w.message}"
                for w in line.waits
            ],
        ),
        ("Overrides", [_override(over) for over in line.overrides]),
        (
            f"Runs (none was active for {duration(line.idle_s)})",
            [f"{run.run}: {run.outcome or 'ended without a word'}" for run in line.runs],
        ),
    )
    return ((title, rows) for title, rows in sections if rows)


def _entry_rows(entries: Sequence[Entry]) -> list[tuple[str, str, str]]:
    """One row an entry; of many alike in a row (one kind, one action) the first ones, and how many follow."""
    rows: list[tuple[str, str, str]] = []
    for (kind, _), group in groupby(entries, key=lambda entry: (entry.kind, prefix_of(entry.step or ""))):
        alike = list(group)
        # One less, for the line that counts the rest.
        shown = alike if len(alike) <= _ALIKE else alike[: _ALIKE - 1]
        rows += [(f"{entry.at:%Y-%m-%d %H:%M:%S}", kind.value, _says(entry)) for entry in shown]
        if len(alike) > len(shown):
            last = alike[-1]
            rows.append((f"{last.at:%Y-%m-%d %H:%M:%S}", kind.value, f"... and {len(alike) - len(shown)} more alike"))
    return rows


def _says(entry: Entry) -> str:
    sentence_of = _SENTENCES.get(entry.kind)
    sentence = sentence_of(entry.data) if sentence_of else str(entry.data.get("says", ""))
    return f"{entry.step}: {sentence}" if entry.step else sentence


def _rules(data: Mapping[str, Any]) -> str:
    """By which rules and version a run began or went on; "" where none are recorded."""
    rules = data.get("rules")
    if not rules:
        return ""
    pinned = f"rules {rules['pinned'][:12]}, with overrides and version" if rules.get("pinned") else "rules"
    return f", {pinned} {rules['digest'][:12]}, version {rules['version']}"


def _override(over: Mapping[str, Any]) -> str:
    by = f"{over.get('by')} ({over['arn']})" if over.get("arn") else over.get("by")
    return f"{over.get('gate')} by {by} until {over.get('until')}: {over.get('why')}"


_SENTENCES: dict[EntryKind, Callable[[Mapping[str, Any]], str]] = {
    EntryKind.BEGIN: lambda data: (
        f"plan {str(data.get('digest', ''))[:12]} of {len(data['plan']['steps'])} steps" + _rules(data)
    ),
    EntryKind.RESUMED: lambda data: str(data.get("says", "")) + _rules(data),
    EntryKind.INTENT: lambda data: f"{data.get('call', 'a call')} in {data.get('region', '?')}",
    EntryKind.OUTCOME: lambda data: " ".join(str(data[name]) for name in ("result", "says") if name in data),
    EntryKind.OVERRIDE: _override,
    EntryKind.AUTHORISED: lambda data: (
        f"operator {data.get('operator') or '-'}, approver {data.get('approver') or '-'}"
        + (f" at {data['approved_at']}" if data.get("approved_at") else "")
        + (f", plan {data['digest'][:12]}" if data.get("digest") else "")
    ),
    EntryKind.VALIDATED: lambda data: "passed" if data.get("passed") else validation_failure(data),
    EntryKind.END: lambda data: f"{data.get('outcome', '')}: {data.get('says', '')}",
}


def _wrapped_lines(before: str, message: str) -> list[str]:
    """``message`` after ``before``, wrapped under itself within the width unless it holds a command."""
    shown = one_line(message) or "-"
    if holds_command(shown):
        return [before + shown]
    return wrap(shown, WIDTH, initial_indent=before, subsequent_indent=" " * len(before)) or [before]
