"""The post-incident review as Markdown, written from the journal alone: what happened, who decided, what is still open.

It is a draft for the people who were there, due within 48 hours of the end: what the record does not know it asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.timeline import Timeline
from dr_estate.model.durations import duration
from reports.incident.log import IncidentLog, markdown, verified
from reports.values.escaping import code
from reports.values.escaping import markdown as escaped

_DUE = timedelta(hours=48)


def review(log: IncidentLog) -> str:
    """The whole document."""
    entries = log.chain.entries
    lines = [f"# {escaped(log.titled('Post-incident review:'))}", "", *_head(log), ""]
    lines += _section("Objectives", list(_objectives(log.timelines)))
    lines += _section("What was lost", list(_losses(entries)))
    lines += _section("Decisions, and who took them", list(_decisions(entries)))
    lines += _section("Gates set aside", list(_overrides(entries)))
    lines += _section("Steps taken by a person", list(_manual(log.timelines)))
    lines += _section("What went wrong on the way", list(_troubles(entries)))
    lines += _section("Still to be cleaned up by hand", list(_clean_ups(entries)))
    lines += _section("For the people who were there", _QUESTIONS)
    return "\n".join(lines) + "\n---\n\n" + markdown(log)


_QUESTIONS = [
    "- Why did it happen, and why was it not seen, or fixed, earlier?",
    "- Which sentence of the runbook was wrong, missing or not found?",
    "- Which readiness scenario should have been red before, and was not?",
    "- What does each open clean-up cost a day, who closes it, and by when?",
]


def _head(log: IncidentLog) -> Iterator[str]:
    entries = log.chain.entries
    yield f"- **Record:** {escaped(verified(log.chain))}"
    if entries:
        ended = [entry for entry in entries if entry.kind is EntryKind.END]
        due = (ended[-1] if ended else entries[-1]).at + _DUE
        yield f"- **From** {entries[0].at:%Y-%m-%d %H:%M} **to** {entries[-1].at:%Y-%m-%d %H:%M} UTC"
        yield f"- **Review due:** {due:%Y-%m-%d %H:%M} UTC"


def _section(title: str, rows: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *(rows or ["- nothing is recorded"]), ""]


def _objectives(lines: Sequence[Timeline]) -> Iterator[str]:
    if lines:
        yield "| run | outage began | recovery time | objective | met | run took | drained | waited for people |"
        yield "|---|---|---|---|---|---|---|---|"
    for line in lines:
        met = {True: "yes", False: "**NO**", None: "not known"}[line.met]
        began = f"{line.since:%Y-%m-%d %H:%M} UTC ({line.since_by})" if line.since and line.since_by else "not known"
        row = (
            *(escaped(line.goal), escaped(began), duration(line.reached_s), duration(line.objective_s), met),
            *(duration(line.run_s), duration(line.drained.seconds), duration(line.waited_s)),
        )
        yield f"| {' | '.join(row)} |"


def _losses(entries: Sequence[Entry]) -> Iterator[str]:
    """The data-loss window as it was estimated when the run was decided upon."""
    for entry in entries:
        for loss in entry.data.get("losses", ()):
            message = "not measured" if loss["seconds"] is None else f"at most {duration(loss['seconds'])}"
            words = f"{loss['store']} ({loss['subject']}): {message}, {loss['basis']}"
            yield f"- {escaped(words)}"


def _decisions(entries: Sequence[Entry]) -> Iterator[str]:
    kinds = {
        EntryKind.DECIDED,
        EntryKind.AUTHORISED,
        EntryKind.RESUMED,
        EntryKind.STOPPED,
        EntryKind.PAUSED,
        EntryKind.UNPAUSED,
    }
    for entry in entries:
        if entry.kind in kinds:
            yield f"- {entry.at:%Y-%m-%d %H:%M:%S} {entry.kind}: {escaped(_words(entry.data))}"


def _words(data: Any) -> str:
    if data.get("says"):
        return str(data["says"])
    people = [f"operator {data['operator']}"] if data.get("operator") else []
    people += [f"approved by {data['approver']}"] if data.get("approver") else []
    people += [f"at {data['approved_at']}"] if data.get("approved_at") else []
    people += [f"plan {data['digest'][:12]}"] if data.get("digest") else []
    return ", ".join(people) or "no words"


def _overrides(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.kind is EntryKind.OVERRIDE:
            data = entry.data
            words = escaped(f"by {data['by']} until {data['until']}: {data['why']}")
            yield f"- {code(str(data['gate']))} {words}"


def _manual(lines: Sequence[Timeline]) -> Iterator[str]:
    for line in lines:
        for wait in line.waits:
            yield f"- {escaped(wait.step)}: waited {duration(wait.span.seconds)}: {escaped(wait.message)}"


def _troubles(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.kind in (EntryKind.LATE, EntryKind.FAILED, EntryKind.COMPENSATION, EntryKind.UNDONE):
            words = escaped(f"{entry.step or ''}: {entry.data.get('says', '')}")
            yield f"- {entry.at:%H:%M:%S} {entry.kind} {words}"
        elif entry.kind is EntryKind.OUTCOME and entry.data.get("result") != "sent":
            words = escaped(f"{entry.step}: {entry.data.get('says') or entry.data.get('result')}")
            yield f"- {entry.at:%H:%M:%S} {words}"


def _clean_ups(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield what the plans leave to people; all notes of a plan that does not list these separately."""
    plans = [entry.data["plan"] for entry in entries if entry.kind is EntryKind.BEGIN]
    left = dict.fromkeys(sentence for plan in plans for sentence in plan.get("leaves", ()))
    yield from (f"- {escaped(sentence)}" for sentence in left)
