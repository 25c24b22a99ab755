"""Which part of a full drill is next, from its record alone: switchover, failback, clean-up, or nothing. Pure.

A drill that was stopped anywhere is completed in the direction in which nothing is lost: a switchover that changed
nothing, or rolled back all that it did, only needs a clean-up; a switchover that is half done is finished, and then the
estate fails back.
"""

from __future__ import annotations

from collections.abc import Sequence

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import NOTIFYING, role_of

_WALKED = ("done", "unconfirmed", "invalid", "degraded")
_TOUCHES = (EntryKind.INTENT, EntryKind.MANUAL_DONE)


def next_part(past: Sequence[Entry]) -> Goal | None:
    """The goal of the next part; None where the drill is over."""
    begun = max((number for number, entry in enumerate(past) if entry.kind is EntryKind.BEGIN), default=None)
    if begun is None:
        return None
    goal, since = Goal(past[begun].data["plan"]["goal"]), past[begun:]
    ended = [str(entry.data.get("outcome")) for entry in since if entry.kind is EntryKind.END]
    walked = ended[-1:] != [] and ended[-1] in _WALKED
    if goal is Goal.SWITCHOVER:
        if walked:
            return Goal.FAILBACK
        return Goal.SWITCHOVER if has_changes(since) else Goal.CLEAN_UP
    if goal is Goal.FAILBACK:
        return Goal.CLEAN_UP if walked else Goal.FAILBACK
    return None if goal is Goal.CLEAN_UP and "done" in ended else Goal.CLEAN_UP


def needs_new_plan(past: Sequence[Entry], goal: Goal) -> bool:
    """Whether ``goal`` is another than that of the plan on record, so that it begins with a plan of its own."""
    begun = [entry for entry in past if entry.kind is EntryKind.BEGIN]
    return not begun or begun[-1].data["plan"]["goal"] != goal


def has_changes(since: Sequence[Entry]) -> bool:
    """Whether a step of the plan that begins ``since`` changed what was not taken back; a message changes nothing."""
    goal = Goal(since[0].data["plan"]["goal"])
    touched: set[str] = set()
    for entry in since:
        step = str(entry.step)
        if entry.kind is EntryKind.UNDONE:
            touched.discard(step)
        elif entry.kind in _TOUCHES and role_of(goal, step) not in NOTIFYING:
            touched.add(step)
    return bool(touched)
