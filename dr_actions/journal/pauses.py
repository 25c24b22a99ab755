"""What people did with the stop switch, in an incident's journal: copied there by whoever may write to it.

A pause comes from anywhere, the journal has one writer at a time. So the control table's history has it first, and the
run that holds the lock copies it, at its beginning and its end.
"""

from __future__ import annotations

from dr_actions.clients.mutating_client import SendFailed
from dr_actions.control_table.control import HISTORY, ControlStore
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal
from dr_estate.model.dynamodb_values import moment
from dr_estate.readers.control_table import PAUSE

PAUSES = frozenset({EntryKind.PAUSED, EntryKind.UNPAUSED})


def record_pauses(journal: Journal, control: ControlStore) -> None:
    """Append each pause and its end since the journal's first entry that is not in it yet.

    Where the history cannot be read, whoever writes next does it. Raises as ``Journal.append``.
    """
    entries = journal.entries
    known = {entry.data["moment"] for entry in entries if entry.kind in PAUSES}
    try:
        history = control.table.query(HISTORY) if entries else []
    except SendFailed:
        return
    for item in history:
        at, _, what = str(item["sk"]).partition("#")
        if what != PAUSE or at in known or moment(at) < entries[0].at:
            continue
        if item["values"].get("closed_at"):
            journal.append(EntryKind.UNPAUSED, moment=at, by=item["by"], says=f"{item['by']} let the runs go on.")
        else:
            why = item["values"].get("why", "")
            journal.append(EntryKind.PAUSED, moment=at, by=item["by"], says=f"{item['by']} stopped all runs: {why}")
