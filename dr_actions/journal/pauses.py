"""What people did with the stop switch, or set aside, and which starts were refused: copied by the run that may write.

A pause comes from anywhere, a refused task has no lock, and the journal has one writer at a time. So the control
table's history has it first, and the run that holds the lock copies it, at its beginning and its end. What of the
history cannot be read stops no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dr_actions.control_table.control import ControlStore
from dr_actions.journal.entries import REFUSED_EXECUTION, EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import SendFailed
from dr_estate.model.control_items import HISTORY, PAUSE, REFUSAL, SET_ASIDE, readable
from dr_estate.model.dynamodb_values import instant, moment
from dr_estate.model.recovery_document import RefusedStart
from dr_estate.readers.control_table import PauseWord, words_of

PAUSES = frozenset({EntryKind.PAUSED, EntryKind.UNPAUSED})


def record_pauses(journal: Journal, control: ControlStore) -> None:
    """Append each pause and its end, and each item set aside, since the journal's first entry that is not in it yet.

    Of the incident's refused starts all: the first comes before any entry. Where the history cannot be read, the next
    writer appends them. Raises as ``Journal.append``.
    """
    entries = journal.entries
    # A word is known by its moment: the same pause is copied once, however many runs find it in the history.
    known = {entry.data.get("moment") for entry in entries if entry.kind in {*PAUSES, EntryKind.NOTE}}
    try:
        history = control.table.query(HISTORY) if entries else []
        own = [word for item in control.own_pauses() for word in words_of(item)] if entries else []
    except SendFailed:  # the history is the control table's, and stays there: the next run copies it
        return
    history, _ = readable(history)
    for at, values in _set_aside(history):
        if at not in known and moment(at) >= entries[0].at:
            says = f"{values['by']} set the item {values['item']} aside: {values['why']}"
            journal.append(EntryKind.NOTE, moment=at, by=values["by"], says=says)
    for refused in _refusals(history, journal.incident):
        at = instant(refused.at)
        if at not in known:
            journal.append(EntryKind.NOTE, moment=at, says=refused.sentence, **{REFUSED_EXECUTION: refused.execution})
    for word in sorted([*_of_history(history), *own], key=lambda word: word.at):
        at = instant(word.at)
        if at in known or word.at < entries[0].at:
            continue
        if word.paused:
            journal.append(EntryKind.PAUSED, moment=at, by=word.who, says=f"{word.who} stopped all runs: {word.why}")
        else:
            journal.append(EntryKind.UNPAUSED, moment=at, by=word.who, says=f"{word.who} let the runs go on.")


def _of_history(items: Iterable[dict[str, Any]]) -> Iterator[PauseWord]:
    for item in items:
        at, _, what = item["sk"].partition("#")
        if what == PAUSE:
            paused = not item["values"].get("closed_at")
            yield PauseWord(moment(at), paused, item["by"], str(item["values"].get("why", "")))


def _set_aside(items: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    """What was set aside, by its moment."""
    for item in items:
        at, _, what = item["sk"].partition("#")
        if what == SET_ASIDE:
            yield at, {name: str(item["values"].get(name, "")) for name in ("by", "item", "why")}


def _refusals(items: Iterable[dict[str, Any]], incident: str) -> Iterator[RefusedStart]:
    """The incident's starts that AWS's task refused."""
    for item in items:
        at, _, what = item["sk"].partition("#")
        values = item["values"]
        if what == REFUSAL and values.get("incident") == incident:
            yield RefusedStart(incident, str(values.get("execution", "")), str(values.get("says", "")), moment(at))
