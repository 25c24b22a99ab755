"""The journal's entries: what kinds there are, how they are chained, and how a chain is checked. Pure.

Each entry holds the SHA-256 of the previous entry (``prev``) and of itself (``digest``), over JSON with sorted keys and
no spaces. The first entry names the world, and the first ``prev`` is made of environment, incident and world, so that a
file cannot pass for that of another journal. A chain proves that nothing inside was changed; what was cut off its end
shows only against the mirror. It does not prove who wrote it: anyone who may write a journal may write a whole journal
from scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from dr_actions.model.plan import Call, Goal, Step
from dr_estate.model import journal_chain
from dr_estate.model.control_items import is_moment
from dr_estate.model.dynamodb_values import instant, moment
from dr_estate.model.visible import escape_surrogates
from dr_estate.model.world_id import WorldId

# The key of who confirmed an irreversible step, in an entry of kind LOOKED; ``way`` is how.
CONFIRMED_BY = "confirmed_by"
# The key of the execution whose task was refused, in a note.
REFUSED_EXECUTION = "refused_execution"


class EntryKind(StrEnum):
    """What an entry records."""

    DETECTED = "detected"
    DECIDED = "decided"
    AUTHORISED = "authorised"
    BEGIN = "begin"
    RESUMED = "resumed"
    OVERRIDE = "override"
    LOOKED = "looked"
    INTENT = "intent"
    PROGRESS = "progress"
    OUTCOME = "outcome"
    CONFIRMED = "confirmed"
    MANUAL_WAIT = "manual-wait"
    MANUAL_DONE = "manual-done"
    COMPENSATION = "compensation"
    UNDONE = "undone"
    LATE = "late"
    FAILED = "failed"
    STOPPED = "stopped"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    VALIDATED = "validated"
    NOTIFIED = "notified"
    INVENTORY = "inventory"
    NOTE = "note"
    END = "end"

    @property
    def sentence(self) -> str:
        """The kind as a sentence."""
        return _SAYS[self]


_SAYS = {
    EntryKind.DETECTED: "The failure was seen: `moment` is when; it lasts since `since`, by what `since_by` names.",
    EntryKind.DECIDED: "The situation was assessed and somebody decided to go; `moment` is when.",
    EntryKind.AUTHORISED: "The plan was cleared: who runs it, who approved it, upon which gates; `moment` is when.",
    EntryKind.BEGIN: "A plan begins: the plan itself, its digest, the clearance, operator and approver.",
    EntryKind.RESUMED: "Another run goes on with the same plan.",
    EntryKind.OVERRIDE: "A gate was set aside by name: by whom, why, until when.",
    EntryKind.LOOKED: "The world was looked at.",
    EntryKind.INTENT: "A call is about to be sent.",
    EntryKind.PROGRESS: "How far a step of very many calls has come: a run that goes on does so after `cursor`.",
    EntryKind.OUTCOME: "What the call answered.",
    EntryKind.CONFIRMED: "The world was seen to be as the step wants it.",
    EntryKind.MANUAL_WAIT: "The run waits for a step that a person takes; `params` are its call's, "
    "where the plan has others.",
    EntryKind.MANUAL_DONE: "A person took the step; it was seen.",
    EntryKind.COMPENSATION: "What became of an attempt to take a step back, short of having undone it.",
    EntryKind.UNDONE: "A step was taken back.",
    EntryKind.LATE: "A step was not done, or not seen, in its time; whatever was sent for it stays in place.",
    EntryKind.FAILED: "A step, or the run, failed.",
    EntryKind.STOPPED: "The operator stopped the run between two calls.",
    EntryKind.PAUSED: "Somebody turned the stop switch of all runs on: `by` whom; `moment` is when.",
    EntryKind.UNPAUSED: "Somebody turned the stop switch off again: `by` whom; `moment` is when.",
    EntryKind.VALIDATED: "The outcome was validated by looking: `passed` says whether it is as intended, "
    "`last_request` when the old region had its last request, where that was seen.",
    EntryKind.NOTIFIED: "A message was sent, or could not be.",
    EntryKind.INVENTORY: "What the estate held before a drill, packed: what it is compared with afterwards.",
    EntryKind.NOTE: "Something the record itself has to say, such as a line that was cut.",
    EntryKind.END: "The run ended; `outcome` says how.",
}


class RecordedState(StrEnum):
    """How the record says a step stands. The world may be further: a run that goes on confirms first."""

    NONE = "none"
    INTENDED = "intended"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


_STATES = {
    EntryKind.INTENT: RecordedState.INTENDED,
    EntryKind.MANUAL_WAIT: RecordedState.INTENDED,
    EntryKind.MANUAL_DONE: RecordedState.INTENDED,
    EntryKind.CONFIRMED: RecordedState.DONE,
    EntryKind.UNDONE: RecordedState.UNDONE,
    EntryKind.FAILED: RecordedState.FAILED,
}


def done_steps(entries: Sequence[Entry]) -> frozenset[str]:
    """The steps that the record says are done since the last plan began: a run that goes on asks nobody for them."""
    states: dict[str, RecordedState] = {}
    for entry in of_last_plan(entries):
        if entry.step and entry.kind in _STATES:
            states[entry.step] = _STATES[entry.kind]
    return frozenset(step for step, state in states.items() if state is RecordedState.DONE)


def of_last_plan(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries since the last plan began: an earlier plan's step of the same id was another decision."""
    begun = max((number for number, entry in enumerate(entries) if entry.kind is EntryKind.BEGIN), default=0)
    return entries[begun:]


class OtherWorld(Exception):
    """The journal is of another world than the one that is asked; the message names both."""

    def __init__(self, where: str, recorded: WorldId, world_id: WorldId) -> None:
        super().__init__(
            f"The record in {where} is of another world: {recorded.full_name}. This is {world_id.full_name}. "
            "Choose that world, or another incident."
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. ``at`` is UTC, ``run`` the run that wrote it, ``step`` the id of the step that it is about.

    ``data`` is plain JSON without secrets.
    """

    seq: int
    at: datetime
    run: str
    kind: EntryKind
    step: str | None
    data: Mapping[str, Any]
    prev: str
    digest: str

    @property
    def plan_steps(self) -> tuple[Mapping[str, Any], ...]:
        """The steps of the plan that it begins."""
        return tuple(self.data["plan"]["steps"])

    @property
    def line(self) -> str:
        """The entry as it is written, without the line's end."""
        return journal_chain.canonical({**_body(self), "digest": self.digest})


@dataclass(frozen=True, slots=True)
class Chain:
    """What a journal's text proves: its entries up to the first fault, the fault, and a torn last line.

    ``torn`` is what a crash left of a line that was being written: it never counted. ``world`` is the one that the
    first entry names; None where there is no entry.
    """

    entries: tuple[Entry, ...]
    head: str
    torn: bytes = b""
    fault: journal_chain.JournalBroken | None = None
    world: WorldId | None = None


def entry_after(
    prev: str, seq: int, at: datetime, run: str, kind: EntryKind, step: str | None, data: Mapping[str, Any]
) -> Entry:
    """The entry that follows the digest ``prev`` in the chain."""
    entry = Entry(seq, at, run, kind, escape_surrogates(step), data, prev, "")
    return replace(entry, digest=journal_chain.text_digest(journal_chain.canonical(_body(entry))))


def read_chain(raw: bytes, environment: str, incident: str) -> Chain:
    """Check the text of a journal. What follows the first fault is not among the entries."""
    *lines, torn = raw.split(b"\n")
    if not lines:
        return Chain((), "", torn)
    if (world := journal_chain.world_of(lines[0])) is None:
        fault = journal_chain.JournalBroken(1, "it is no first entry, which names the journal's world.")
        return Chain((), "", torn, fault)
    head, entries = journal_chain.genesis(environment, incident, world), list[Entry]()
    for number, line in enumerate(lines, 1):
        try:
            entry = _entry_of(line, number, head)
        except journal_chain.JournalBroken as broken:
            return Chain(tuple(entries), head, torn, broken, world)
        entries.append(entry)
        head = entry.digest
    return Chain(tuple(entries), head, torn, None, world)


def valid_chain(chain: Chain, where: str, mirrored: bool) -> Chain:
    """The chain itself. Raises JournalBroken where it has a fault; ``mirrored``: there is a mirror to rebuild it."""
    if chain.fault is None:
        return chain
    remedy = f" Move {where} away: it is evidence, and the mirror rebuilds it." if mirrored else ""
    raise journal_chain.JournalBroken(chain.fault.line, f"{chain.fault.why} ({where}){remedy}") from chain.fault


def of_this_world(chain: Chain, where: str, world: WorldId) -> Chain:
    """The chain itself. Raises OtherWorld where its entries are of another world than ``world``."""
    if chain.world is not None and chain.world != world:
        raise OtherWorld(where, chain.world, world)
    return chain


def agree(local: Sequence[Entry], mirrored: Sequence[Entry], path: str) -> None:
    """Raise JournalBroken where the file at ``path`` and its mirror differ, as far as both go."""
    for mine, theirs in zip(local, mirrored, strict=False):
        if mine.digest != theirs.digest:
            raise journal_chain.JournalBroken(
                mine.seq,
                f"{path} and its mirror differ from here on: another run went on after this one lost the lock, or one "
                "of them was changed. Move the file away: it is evidence, and the mirror rebuilds it.",
            )


def state_after(state: RecordedState, entry: Entry) -> RecordedState:
    """How a step that stood at ``state`` stands after ``entry``, one of its own."""
    return _STATES.get(entry.kind, state)


def _entry_of(line: bytes, number: int, prev: str) -> Entry:
    document = journal_chain.following_document(line, number, prev)
    # Before the digest: an entry of a later version is reported as unknown, not as forged.
    try:
        kind, at = EntryKind(document["kind"]), _moment(document["at"])
    except (ValueError, TypeError, OverflowError) as unknown:
        raise journal_chain.JournalBroken(number, f"this version does not know it: {unknown}.") from unknown
    if odd := _oddity(document, kind):
        raise journal_chain.JournalBroken(number, f"this version cannot read it: {odd}.")
    journal_chain.check_digest(document, line, number)
    # `line` spells the moment again, and must give back the line that was read.
    if document["at"] != instant(at):
        raise journal_chain.JournalBroken(number, "its moment is spelled otherwise than any version spells one.")
    return Entry(
        document["seq"], at, document["run"], kind, document["step"], document["data"], prev, document["digest"]
    )


def _moment(text: Any) -> datetime:
    """The moment, which hours can be counted on from. Raises ValueError."""
    if not is_moment(text):
        raise ValueError(f"{text} is no moment of a run")
    return moment(text)


def _oddity(document: Mapping[str, Any], kind: EntryKind) -> str:
    """What of an entry has a shape that no version wrote, so that readers can rely on the rest; "" where nothing."""
    step, data = document["step"], document["data"]
    if not (type(document["seq"]) is int and isinstance(document["run"], str) and isinstance(step, str | None)):
        return "seq, run or step is of another type"
    if not isinstance(data, dict) or not isinstance(data.get("digest", ""), str):
        return "data is no object, or its digest no text"
    try:
        for name in ("moment", "since", "last_request"):
            if data.get(name) or (name, kind) in _NEEDED_TIMES:
                _moment(data[name])
        if kind in _SHAPES:
            _SHAPES[kind](data)
        if rules := data.get("rules"):
            # Read for their errors alone: a wrong shape raises here, and not where it is shown.
            rules["digest"][:12], rules["version"]
        for loss in data.get("losses", ()):
            loss["store"], loss["subject"], loss["basis"], loss["seconds"] is None or loss["seconds"] + 0.0
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as odd:
        return f"{kind} with {type(odd).__name__} in its data"
    return ""


def _shape_of_beginning(data: Mapping[str, Any]) -> None:
    """Read all that is read of a plan. Raises what a wrong shape raises."""
    plan = data["plan"]
    Goal(plan["goal"])
    for name in ("leaves", "notes"):
        if not all(isinstance(sentence, str) for sentence in list(plan.get(name, ()))):
            raise TypeError(name)
    for row in plan["steps"]:
        if not (isinstance(row["id"], str) and isinstance(row["action"], str)):
            raise TypeError("step")
        dict(row.get("before", {})), row["number"] + 0


def _shape_of_override(data: Mapping[str, Any]) -> None:
    if not all(isinstance(data[name], str) for name in ("gate", "by", "why", "until")):
        raise TypeError("override")


_SHAPES: dict[EntryKind, Callable[[Mapping[str, Any]], None]] = {
    EntryKind.BEGIN: _shape_of_beginning,
    EntryKind.OVERRIDE: _shape_of_override,
}
_NEEDED_TIMES = {("moment", EntryKind.PAUSED), ("moment", EntryKind.UNPAUSED)}


def _body(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": instant(entry.at),
        "run": entry.run,
        "kind": entry.kind.value,
        "step": entry.step,
        "data": entry.data,
        "prev": entry.prev,
    }


# What a person is asked for, on record: anyone who watches the run from elsewhere sees the same command. Pure.

_BACK = ".back"


def wait_data(step: Step, shown: Step, limit_s: float | None = None) -> dict[str, Any]:
    """What the record has of the wait for the plan's ``step``, of which a person is ``shown`` the call as of now.

    ``limit_s`` is how long they are waited for, None where nothing limits it.
    """
    differs = shown.call is not None and shown.call != step.call
    data = {"says": step.says} | ({"params": dict(shown.planned_call.params)} if differs else {})
    return data | ({} if limit_s is None else {"limit_s": round(limit_s)})


def step_back(step: Step, call: Call) -> Step:
    """What a person is shown where a step that was theirs failed: ``call`` takes it back."""
    return replace(step, id=f"{step.id}{_BACK}", says=step.undo, call=call)


def is_by_hand(entry: Entry) -> bool:
    """Whether a person was asked for something: for a step, or, by a note, for its way back."""
    return entry.kind is EntryKind.MANUAL_WAIT or (entry.kind is EntryKind.NOTE and "params" in entry.data)


def shown_step(step: Step, entry: Entry) -> Step:
    """The plan's ``step`` as the person was shown it, by the ``entry``."""
    params = entry.data.get("params")
    if step.call is None or not isinstance(params, Mapping):
        return step
    call = step.call_with(params)
    return step_back(step, call) if entry.kind is EntryKind.NOTE else replace(step, call=call)
