"""What a person is asked for, on record: anyone who watches the run from elsewhere sees the same command. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Call, Step

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
