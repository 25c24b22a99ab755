"""The post-incident review as Markdown, written from the journal alone: what happened, who decided, what is still open.

It is a draft for the people who were there, due within 48 hours of the end: what the record does not know it asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dr_actions.journal.entries import REFUSED_EXECUTION, Chain, Entry, EntryKind
from dr_actions.journal.timeline import REACHED, Timeline
from dr_actions.model.gates import FENCE
from dr_actions.model.plan import Goal
from dr_estate.model.durations import duration, lost_writes
from dr_estate.model.recovery_document import RefusedStart
from reports.incident.log import IncidentLog, chain_verdict, incident_log, markdown
from reports.values.escaping import code, table_lines
from reports.values.escaping import markdown as escaped
from reports.values.run_summary import without_writes
from reports.values.run_view import validation_failure

_DUE = timedelta(hours=48)
_RUN_HEADS = (
    *("run", "outage began", "recovery time", "objective", "met", "nobody could write", "run took", "drained"),
    "waited for people",
)
_STOPPING = (Goal.FAILBACK, Goal.FENCE)  # each stops the old primary before it is done


def review(log: IncidentLog, refusal: RefusedStart | None = None) -> str:
    """The whole document. ``refusal`` is the last start that a task refused: no journal has it before the next run."""
    entries = log.chain.entries
    recorded = {entry.data.get(REFUSED_EXECUTION) for entry in entries}
    refused = [f"- {escaped(refusal.sentence)}"] if refusal and refusal.execution not in recorded else []
    lines = [f"# {escaped(log.title('Post-incident review:'))}", "", *_head(log), ""]
    # For a board first: were the objectives met, what was lost, who decided. Then what was set aside and what went
    # wrong.
    lines += _section("Objectives", list(_objectives(log.timelines)))
    lines += _section("What was lost", list(_losses(entries)))
    lines += _section("Decisions, and who took them", list(_decisions(entries)))
    lines += _section("Gates set aside", list(_overrides(entries)))
    lines += _section("Steps taken by a person", list(_manual(log.timelines)))
    lines += _section("What went wrong on the way", [*_troubles(entries), *_overruns(log.timelines), *refused])
    lines += _section("Still to be cleaned up by hand", list(_clean_ups(entries)))
    lines += _section("For the people who were there", _QUESTIONS)
    # The whole log below it: each sentence above can be held against its entry.
    return "\n".join(lines) + "\n---\n\n" + markdown(log)


def review_of(
    chain: Chain,
    environment: str,
    incident: str,
    rto_minutes: float,
    source: str = "the journal",
    refusal: RefusedStart | None = None,
) -> str:
    """The review of a journal's chain, with the recovery time objective of its environment."""
    return review(incident_log(chain, environment, incident, source, round(rto_minutes * 60)), refusal)


_QUESTIONS = [
    "- Why did it happen, and why was it not seen, or fixed, earlier?",
    "- Which sentence of the runbook was wrong, missing or not found?",
    "- Which readiness scenario should have been red before, and was not?",
    "- What does each open clean-up cost a day, who closes it, and by when?",
]


def _head(log: IncidentLog) -> Iterator[str]:
    entries = log.chain.entries
    yield f"- **Record:** {escaped(chain_verdict(log.chain))}"
    if entries:
        ended = [entry for entry in entries if entry.kind is EntryKind.END]
        due = (ended[-1] if ended else entries[-1]).at + _DUE
        yield f"- **From** {entries[0].at:%Y-%m-%d %H:%M} **to** {entries[-1].at:%Y-%m-%d %H:%M} UTC"
        yield f"- **Review due:** {due:%Y-%m-%d %H:%M} UTC"


def _section(title: str, rows: Sequence[str]) -> list[str]:
    # An empty section is shown: left out, it could not be distinguished from one that was forgotten.
    return [f"## {title}", "", *(rows or ["- nothing is recorded"]), ""]


def _objectives(lines: Sequence[Timeline]) -> Iterator[str]:
    rows = []
    for line in lines:
        met = {True: "yes", False: "**NO**", None: "not known"}[line.met]
        began = f"{line.since:%Y-%m-%d %H:%M} UTC ({line.since_by})" if line.since and line.since_by else "not known"
        judged = (duration(line.objective_s), met) if line.recovers else ("-", "-")
        cells = (
            *(escaped(line.goal), escaped(began), duration(line.reached_s), *judged),
            *(without_writes(line), duration(line.run_s), duration(line.drained.seconds), duration(line.waited_s)),
        )
        rows.append(cells)
    yield from table_lines(_RUN_HEADS, rows) if rows else ()


def _losses(entries: Sequence[Entry]) -> Iterator[str]:
    """The data-loss window as it was estimated when the run was decided upon."""
    for entry in entries:
        for loss in entry.data.get("losses", ()):
            # Not measured is not nothing: an auditor asks for the loss of each store.
            words = f"{loss['store']} ({loss['subject']}): {lost_writes(loss['seconds'])}, {loss['basis']}"
            yield f"- {escaped(words)}"


def _decisions(entries: Sequence[Entry]) -> Iterator[str]:
    # Pauses too: they are decisions, and add to the outage.
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
        # Refused, throttled or without an answer: each one cost time, and may have left something half done.
        elif entry.kind is EntryKind.OUTCOME and entry.data.get("result") != "sent":
            words = escaped(f"{entry.step}: {entry.data.get('says') or entry.data.get('result')}")
            yield f"- {entry.at:%H:%M:%S} {words}"
        elif entry.kind is EntryKind.END and entry.data.get("outcome") not in REACHED:
            words = escaped(f"{entry.data.get('outcome')}: {entry.data.get('says', '')}")
            yield f"- {entry.at:%H:%M:%S} run {code(entry.run)} ended unfinished, {words}"
        elif entry.kind is EntryKind.VALIDATED and not entry.data.get("passed"):
            yield f"- {entry.at:%H:%M:%S} validation: {escaped(validation_failure(entry.data))}"
        elif entry.kind is EntryKind.NOTE and {"write_pause_s", REFUSED_EXECUTION} & entry.data.keys():
            yield f"- {entry.at:%H:%M:%S} {escaped(str(entry.data.get('says', '')))}"


def _overruns(lines: Sequence[Timeline]) -> Iterator[str]:
    """What took longer than was promised, and runs that ended without a word."""
    for line in lines:
        for run in line.runs:
            if not run.outcome:
                yield f"- run {code(run.run)} of the {escaped(line.goal)} has no end on record"
        for wait in line.waits:
            if wait.is_late:
                waited = f"{duration(wait.span.seconds)}, and the run waits {duration(wait.limit_s)}"
                yield f"- {escaped(wait.step)} was late: a person took {waited}"
        paused_s, promised_s = line.unwritable_s, line.promised_pause_s
        if paused_s is not None and promised_s is not None and paused_s > promised_s:
            yield f"- nobody could write for {duration(paused_s)}, and at most {duration(promised_s)} was promised"


def _clean_ups(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield what the plans leave to people; all notes of a plan that does not list these separately."""
    plans = [entry.data["plan"] for entry in entries if entry.kind is EntryKind.BEGIN]
    left = dict.fromkeys(sentence for plan in plans for sentence in plan.get("leaves", ()))
    yield from (f"- {escaped(sentence)}" for sentence in (*left, *_unfenced_sentences(entries)))


def _unfenced_sentences(entries: Sequence[Entry]) -> list[str]:
    """That the old primary was not stopped, as the last run saw it; nothing once it was fenced, or serves again."""
    sentences, goal = list[str](), ""
    for entry in entries:
        if entry.kind is EntryKind.BEGIN:
            goal = entry.data["plan"]["goal"]
        elif entry.kind is EntryKind.LOOKED and entry.data.get("gate") == FENCE:
            sentences = [str(entry.data.get("says", ""))]
        elif entry.kind is EntryKind.END and goal in _STOPPING and entry.data.get("outcome") in REACHED:
            sentences = []
    return sentences
