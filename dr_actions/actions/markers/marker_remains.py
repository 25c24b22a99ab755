"""What of a failback's markers is left, by the journal: in which store each is until it was seen removed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dr_actions.actions.common.unavailable_handling import name_list
from dr_actions.actions.markers.file_scripts import FILE
from dr_actions.actions.markers.marker_task import WRITERS
from dr_actions.actions.markers.scripts import TABLE
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.action_ids import label_of, prefix_of
from dr_actions.model.plan import Plan
from dr_estate.model.marker_names import KEY

_CALLED = {
    "database": f"the table {TABLE} in {{}}",
    "files": f"{FILE} in the folder of {{}}",
    "tables": f"the item {KEY} in {{}}",
}
_OF_DATABASES = ("database/write_marker", "database/verify_freeze")
_WAYS = "The failback removes them at its end; `dr_cli.py failback --abort` removes those of the region that serves."


def marker_remains(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Markers that may have been written and were not seen removed since, by store, in the order of writing."""
    left: dict[str, dict[str, None]] = {}
    for entry in entries:
        action, label = prefix_of(str(entry.step)), label_of(str(entry.step))
        room = action.partition("/")[0]
        if action in WRITERS and entry.kind is EntryKind.INTENT:
            left.setdefault(room, {})[label] = None
        elif action.endswith("/remove_marker") and entry.kind is EntryKind.CONFIRMED:
            left.get(room, {}).pop(label, None)
    return tuple(_CALLED[room].format(name_list(list(labels))) for room, labels in left.items() if labels)


def marked_databases(plan: Plan, entries: Sequence[Entry]) -> frozenset[str]:
    """The resource ids of the databases into which the run of ``plan`` may have written a marker."""
    sent = {entry.step for entry in entries if entry.kind is EntryKind.INTENT}
    return frozenset(
        str(step.before["resource"]) for step in plan.steps if step.action in _OF_DATABASES and step.id in sent
    )


def remains_sentence(entries: Sequence[Entry]) -> str:
    """The markers that are left, as sentences; "" where none is."""
    names = marker_remains(entries)
    return f"Its markers are left: {', '.join(names)}. {_WAYS}" if names else ""
