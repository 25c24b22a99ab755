"""What a full drill's record says is next, wherever it was stopped."""

from __future__ import annotations

from typing import Any

import pytest

from dr_actions.drills.stop_conditions import needs_new_plan, next_part
from dr_actions.journal.entries import Entry, EntryKind, entry_after
from dr_actions.model.plan import Goal, to_json
from dr_estate.model.journal_chain import genesis
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.deciding import NOW, plan, step

DRILL = "DRILL-20260107-030000"
EntryRow = tuple[EntryKind, str | None, dict[str, Any]]
STEPS = (step("dr", 5, "notifications/start"), step("tenant1"), step("sit-mysql", 40, "database/restore_dr"))


def record(*rows: EntryRow) -> tuple[Entry, ...]:
    """Entries of a drill, in order."""
    head, entries = genesis("sit", DRILL, WORLD), list[Entry]()
    for seq, (kind, of, data) in enumerate(rows, 1):
        entries.append(entry_after(head, seq, NOW, "run-1", kind, of, data))
        head = entries[-1].digest
    return tuple(entries)


def begin(goal: Goal) -> EntryRow:
    return EntryKind.BEGIN, None, {"plan": to_json(plan(*STEPS, goal=goal))}


def end(outcome: str) -> EntryRow:
    return EntryKind.END, None, {"outcome": outcome}


AWAY, HOME, CLEAN = begin(Goal.SWITCHOVER), begin(Goal.FAILBACK), begin(Goal.CLEAN_UP)
NOTIFIED: EntryRow = (EntryKind.INTENT, "notifications/start:dr", {})
SENT: EntryRow = (EntryKind.INTENT, "compute/scale_dr_services:tenant1", {})
UNDONE: EntryRow = (EntryKind.UNDONE, "compute/scale_dr_services:tenant1", {})
BY_HAND: EntryRow = (EntryKind.MANUAL_DONE, "compute/scale_dr_services:tenant1", {})


@pytest.mark.parametrize(
    ("rows", "goal"),
    [
        ([], None),
        ([AWAY], Goal.CLEAN_UP),
        ([AWAY, NOTIFIED], Goal.CLEAN_UP),
        ([AWAY, NOTIFIED, SENT], Goal.SWITCHOVER),
        ([AWAY, BY_HAND], Goal.SWITCHOVER),
        ([AWAY, SENT, end("failed")], Goal.SWITCHOVER),
        ([AWAY, SENT, UNDONE, end("failed")], Goal.CLEAN_UP),
        ([AWAY, SENT, UNDONE, SENT], Goal.SWITCHOVER),
        ([AWAY, SENT, end("done")], Goal.FAILBACK),
        ([AWAY, SENT, end("invalid")], Goal.FAILBACK),
        ([AWAY, SENT, end("degraded")], Goal.FAILBACK),
        ([AWAY, SENT, end("stopped"), end("done")], Goal.FAILBACK),
        ([AWAY, SENT, end("done"), HOME], Goal.FAILBACK),
        ([AWAY, SENT, end("done"), HOME, end("stepped back")], Goal.FAILBACK),
        ([AWAY, SENT, end("done"), HOME, end("done")], Goal.CLEAN_UP),
        ([AWAY, SENT, end("done"), HOME, end("invalid")], Goal.CLEAN_UP),
        ([AWAY, SENT, end("done"), HOME, end("done"), CLEAN], Goal.CLEAN_UP),
        ([AWAY, SENT, end("done"), HOME, end("done"), CLEAN, end("failed")], Goal.CLEAN_UP),
        ([AWAY, SENT, end("done"), HOME, end("done"), CLEAN, end("done")], None),
    ],
)
def test_the_next_part_follows_from_what_was_done_and_not_taken_back(rows: list[EntryRow], goal: Goal | None) -> None:
    assert goal is next_part(record(*rows))


def test_a_part_of_another_goal_begins_with_a_plan_of_its_own() -> None:
    away = record(AWAY, SENT, end("done"))
    assert (True, False) == (needs_new_plan(away, Goal.FAILBACK), needs_new_plan(away, Goal.SWITCHOVER))
    assert needs_new_plan((), Goal.FAILBACK)
