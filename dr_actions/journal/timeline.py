"""What the journal's entries say of time: phases, recovery time against its objective, waits, changes, overrides. Pure.

A boundary that was not recorded leaves its phase without an end, and the next one starts where the last known one
ended: what is not known is never made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Goal, prefix_of
from dr_actions.model.sequence import SEQUENCE, Role, role_of
from dr_estate.model.dynamodb_values import moment

# The playbook step that shifts and pins, by goal. A failback shifts in stages amid its execution: no phase of its own.
_DNS_STEPS = {
    str(goal): row.playbook.number
    for goal in (Goal.FAILOVER, Goal.SWITCHOVER)
    for row in SEQUENCE[goal]
    if row.role is Role.TRAFFIC
}
# By the step of this role writers are stopped, until the last that leads visitors on is confirmed; or an abort's.
_STOPS = {Goal.FAILBACK: Role.FREEZE, Goal.SWITCHOVER: Role.FENCE}
_UNFREEZE = "database/unfreeze"
_FENCES = ("compute/fence_services", "compute/fence_services_again")
# Outcomes of a run that went through its plan.
REACHED = ("done", "unconfirmed")
_OF_NO_RUN = (EntryKind.PAUSED, EntryKind.UNPAUSED)
_ANSWERS = {EntryKind.OUTCOME: "sent", EntryKind.UNDONE: "sent", EntryKind.COMPENSATION: "failed"}


class Phase(StrEnum):
    """The parts of a recovery time."""

    DETECT = "detect"
    DECIDE = "decide"
    AUTHORISE = "authorise"
    EXECUTE = "execute"
    DNS = "DNS"
    VALIDATE = "validate"


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when; an end that is None has not come, or was not recorded."""

    start: datetime | None
    end: datetime | None

    @property
    def seconds(self) -> float | None:
        """How long it took, None where that is not known."""
        return (self.end - self.start).total_seconds() if self.start and self.end else None


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a person's step was waited for; ``limit_s`` is how long a run waits, None where nothing limits it."""

    step: str
    message: str
    span: Span
    limit_s: float | None = None

    @property
    def is_late(self) -> bool:
        """Whether the person took longer than the run waits at once."""
        return self.limit_s is not None and self.span.seconds is not None and self.span.seconds > self.limit_s


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A call that was about to be sent, and what came back: ``sent``, the trouble, or ``no answer recorded``."""

    at: datetime
    run: str
    step: str
    call: str
    region: str
    result: str
    undo: bool


@dataclass(frozen=True, slots=True)
class RunSpan:
    """One run: when it wrote its first and last entry, and its outcome, "" where it ended without a word."""

    run: str
    span: Span
    outcome: str


@dataclass(frozen=True)
class Timeline:
    """The course of one goal: from its detection to its validation, over all runs and plans it took.

    ``reached_s`` is from the beginning of the outage (or the detection, where it is not known) to a passed validation;
    None where that has not come. ``since`` is that beginning, and ``since_by`` its source, "" where there is none.
    ``run_s`` is from the plan's beginning to the same end. ``idle_s`` is the time between runs.

    ``fenced`` is from the first call that stops the old region's tasks to when they were seen stopped, ``drained`` from
    when the traffic was seen shifted to the last minute in which a request reached the old region. ``unwritable`` is
    when nobody could write, ``promised_pause_s`` what the assessment promised of that at most, None where it did not.
    """

    goal: str
    digests: tuple[str, ...]
    phases: dict[Phase, Span]
    reached_s: float | None
    objective_s: int
    waits: tuple[Wait, ...]
    changes: tuple[RecordedChange, ...]
    overrides: tuple[dict[str, Any], ...]
    runs: tuple[RunSpan, ...]
    idle_s: float
    since: datetime | None = None
    since_by: str = ""
    run_s: float | None = None
    fenced: Span = Span(None, None)
    drained: Span = Span(None, None)
    unwritable: Span = Span(None, None)
    promised_pause_s: float | None = None

    @property
    def recovers(self) -> bool:
        """Whether it ends an outage: the recovery time objective is for no failback, fence or abort."""
        return self.goal in (Goal.FAILOVER, Goal.SWITCHOVER)

    @property
    def met(self) -> bool | None:
        """Whether the objective was met, None while that is not known, and for a goal that has none."""
        return None if self.reached_s is None or not self.recovers else self.reached_s <= self.objective_s

    @property
    def last_at(self) -> datetime | None:
        """When the last entry of its runs was written, None before any."""
        return max((run.span.end for run in self.runs if run.span.end), default=None)

    @property
    def unwritable_s(self) -> float | None:
        """Seconds in which nobody could write, by the last entry while no entry shows an end; None where all could."""
        return Span(self.unwritable.start, self.unwritable.end or self.last_at).seconds

    @property
    def waited_s(self) -> float:
        """Seconds in which at least one person's step was waited for, as far as they ended."""
        spans = [wait.span for wait in self.waits]
        # Seconds covered by at least one of the spans that ended.
        total, until = 0.0, None
        for start, end in sorted((span.start, span.end) for span in spans if span.start and span.end):
            begin = max(start, until) if until else start
            total += max(0.0, (end - begin).total_seconds())
            until = max(end, until) if until else end
        return total


def timelines(entries: Sequence[Entry], objective_s: int) -> tuple[Timeline, ...]:
    """One timeline a goal, in order: a failback under the same incident has its own. Empty before any plan began."""
    # The entries of each goal; what comes before a plan begins (detected, authorised) belongs to that plan.
    starts: list[int] = []
    goal, free_from = "", 0
    for number, entry in enumerate(entries):
        if entry.kind is not EntryKind.BEGIN:
            continue
        if entry.data["plan"]["goal"] != goal:
            goal = entry.data["plan"]["goal"]
            seen = [n for n in range(free_from, number) if entries[n].kind is EntryKind.DETECTED]
            starts.append(seen[0] if seen else number)
        free_from = number + 1
    if starts:
        starts[0] = 0
    parts = [entries[start:end] for start, end in pairwise([*starts, len(entries)])]
    return tuple(_timeline(part, objective_s, parts[number:]) for number, part in enumerate(parts))


def _timeline(entries: Sequence[Entry], objective_s: int, onward: Sequence[Sequence[Entry]]) -> Timeline:
    """``onward`` are the entries of this goal and of those after it: an abort ends a failback's write pause."""
    begun = [entry for entry in entries if entry.kind is EntryKind.BEGIN]
    dns = {
        step["id"]
        for entry in begun
        for step in entry.plan_steps
        if step["number"] == _DNS_STEPS.get(entry.data["plan"]["goal"])
    }
    phases = _phases(entries, dns)
    start, end = phases[Phase.DETECT].start, phases[Phase.VALIDATE].end
    runs, detected = _runs(entries), next((entry for entry in entries if entry.kind is EntryKind.DETECTED), None)
    between = [(later.span.start, earlier.span.end) for earlier, later in pairwise(runs)]
    return Timeline(
        goal=str(begun[-1].data["plan"]["goal"]),
        digests=tuple(str(entry.data.get("digest", "")) for entry in begun),
        phases=phases,
        reached_s=(end - start).total_seconds() if start and end else None,
        objective_s=objective_s,
        waits=_waits(entries),
        changes=_changes(entries),
        overrides=tuple(dict(entry.data) for entry in entries if entry.kind is EntryKind.OVERRIDE),
        runs=runs,
        idle_s=sum(max(0.0, (start - end).total_seconds()) for start, end in between if start and end),
        since=start,
        since_by=str(detected.data.get("since_by", "")) if detected else "",
        run_s=(end - begun[0].at).total_seconds() if end else None,
        fenced=_fence_span(entries),
        drained=_drain_span(entries, phases[Phase.DNS].end),
        unwritable=_unwritable(entries, phases, [entry for part in onward for entry in part]),
        promised_pause_s=_promised_pause_s(entries),
    )


def _unwritable(entries: Sequence[Entry], phases: dict[Phase, Span], onward: Sequence[Entry]) -> Span:
    """From when to when nobody could write; no end while no entry shows one."""
    begun = [entry for entry in entries if entry.kind is EntryKind.BEGIN]
    goal = Goal(begun[-1].data["plan"]["goal"])
    if goal is Goal.FAILOVER:
        detected = phases[Phase.DETECT]
        return Span(detected.start, phases[Phase.DNS].end or phases[Phase.VALIDATE].end)
    effects = [entry for entry in entries if entry.step and _took_effect(entry)]
    stopped = [entry for entry in effects if role_of(goal, str(entry.step)) is _STOPS.get(goal, Role.WAIT)]
    if goal not in _STOPS or not stopped:
        return Span(None, None)
    moves = {str(step["id"]) for step in begun[-1].plan_steps if role_of(goal, str(step["id"])) is Role.TRAFFIC}
    after = [entry for entry in onward if entry.kind is EntryKind.CONFIRMED and entry.at >= stopped[0].at]
    moved = {entry.step: entry.at for entry in after if entry.step in moves}
    ends = [max(moved.values())] if moves and moved.keys() == moves else []
    ends += [entry.at for entry in after if entry.step and prefix_of(entry.step).partition(".")[0] == _UNFREEZE]
    return Span(stopped[0].at, min(ends, default=None))


def _took_effect(entry: Entry) -> bool:
    return entry.kind is EntryKind.CONFIRMED or (entry.kind is EntryKind.OUTCOME and entry.data.get("result") == "sent")


def _promised_pause_s(entries: Sequence[Entry]) -> float | None:
    looked = (entry.data for entry in entries if entry.kind is EntryKind.LOOKED)
    promised = [data["write_pause_s"] for data in looked if "write_pause_s" in data]
    return float(promised[-1]) if promised and isinstance(promised[-1], (int, float)) else None


def _fence_span(entries: Sequence[Entry]) -> Span:
    """From the first call of a fence to the last fence seen done."""
    own = [entry for entry in entries if entry.step and prefix_of(entry.step) in _FENCES]
    sent = [entry.at for entry in own if entry.kind is EntryKind.INTENT]
    done = [entry.at for entry in own if entry.kind is EntryKind.CONFIRMED]
    return Span(min(sent), max(done)) if sent and done else Span(None, None)


def _drain_span(entries: Sequence[Entry], shifted: datetime | None) -> Span:
    """From the shift to the last request of the old region, as the validation saw it."""
    seen = [entry.data.get("last_request") for entry in entries if entry.kind is EntryKind.VALIDATED]
    last = next((text for text in reversed(seen) if text), None)
    if shifted is None or last is None:
        return Span(None, None)
    return Span(shifted, max(shifted, moment(last)))


def _phases(entries: Sequence[Entry], dns: set[str]) -> dict[Phase, Span]:
    begin = next(entry for entry in entries if entry.kind is EntryKind.BEGIN)
    detected = next((entry for entry in entries if entry.kind is EntryKind.DETECTED), None)
    since = moment(detected.data["since"]) if detected and detected.data.get("since") else _moment_of(detected)
    own = [entry for entry in entries if entry.step in dns]
    done = {entry.step: entry.at for entry in own if entry.kind is EntryKind.CONFIRMED}
    shifted = max(done.values()) if dns and done.keys() == dns else None
    # A validation counts from its pass: one that failed is followed by another, and the outage goes on between them.
    valid = next((e.at for e in entries if e.kind is EntryKind.VALIDATED and e.data.get("passed")), None)
    walked = [e.at for e in entries if e.kind is EntryKind.CONFIRMED and e.step and e.step not in dns]
    executed = own[0].at if own else (max(walked) if walked and valid else None)
    ends = {
        Phase.DETECT: _moment_of(detected),
        Phase.DECIDE: _moment_of(next((e for e in entries if e.kind is EntryKind.DECIDED), None)),
        Phase.AUTHORISE: _moment_of(next((e for e in entries if e.kind is EntryKind.AUTHORISED), begin)),
        Phase.EXECUTE: executed,
        Phase.DNS: shifted,
        Phase.VALIDATE: valid,
    }
    starts = {Phase.DETECT: since, Phase.DNS: own[0].at if own else None}
    # Each phase from its own start, or from the last end that is known before it; no start where its end is not.
    spans: dict[Phase, Span] = {}
    last = starts[Phase.DETECT]
    for phase in Phase:
        end = ends[phase]
        start = starts.get(phase) or (last if end or phase is Phase.EXECUTE else None)
        # Two machines' clocks may differ: a phase that would end before it starts has no length.
        spans[phase] = Span(min(start, end) if start and end else start, end)
        last = end or last
    return spans


def _moment_of(entry: Entry | None) -> datetime | None:
    """The moment an entry speaks of, or else its own."""
    if entry is None:
        return None
    recorded = entry.data.get("moment")
    return moment(recorded) if recorded else entry.at


def _waits(entries: Sequence[Entry]) -> tuple[Wait, ...]:
    """From the first time a step was waited for; a run that goes on waits for the same step still."""
    began: dict[str, Entry] = {}
    waits: list[Wait] = []
    for entry in entries:
        step = entry.step or ""
        if entry.kind is EntryKind.MANUAL_WAIT:
            began.setdefault(step, entry)
        ended = step in began and entry.kind in (EntryKind.MANUAL_DONE, EntryKind.CONFIRMED)
        if ended:
            first = began.pop(step)
            waits.append(_wait(first, entry.at))
    return (*waits, *(_wait(first, None) for first in began.values()))


def _wait(first: Entry, end: datetime | None) -> Wait:
    limit = first.data.get("limit_s")
    limit_s = float(limit) if isinstance(limit, (int, float)) else None
    return Wait(first.step or "", str(first.data.get("says", "")), Span(first.at, end), limit_s)


def _changes(entries: Sequence[Entry]) -> tuple[RecordedChange, ...]:
    intents: dict[str, list[int]] = {}
    changes: list[RecordedChange] = []
    for entry in entries:
        step, data = entry.step or "", entry.data
        if entry.kind is EntryKind.INTENT:
            intents.setdefault(step, []).append(len(changes))
            call, region = str(data.get("call", "")), str(data.get("region", ""))
            undo = bool(data.get("undo"))
            changes.append(RecordedChange(entry.at, entry.run, step, call, region, "no answer recorded", undo))
        if entry.kind in _ANSWERS and intents.get(step):
            number = intents[step].pop()
            changes[number] = replace(changes[number], result=str(data.get("result", _ANSWERS[entry.kind])))
    return tuple(changes)


def _runs(entries: Iterable[Entry]) -> tuple[RunSpan, ...]:
    found: dict[str, RunSpan] = {}
    for entry in (entry for entry in entries if entry.kind not in _OF_NO_RUN):
        first = found.get(entry.run)
        outcome = first.outcome if first else ""
        outcome = str(entry.data.get("outcome", "")) if entry.kind is EntryKind.END else outcome
        found[entry.run] = RunSpan(entry.run, Span(first.span.start if first else entry.at, entry.at), outcome)
    return tuple(found.values())
