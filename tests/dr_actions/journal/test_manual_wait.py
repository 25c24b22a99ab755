"""The record of what a person is asked for has the command that was shown, where the plan's is another by then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from dr_actions.actions.traffic import shift_to_dr
from dr_actions.journal.entries import EntryKind, entry_after, is_by_hand, shown_step, step_back, wait_data
from dr_actions.model.plan import Step
from tests.dr_actions.plain import sight, steps_of

STEP = next(iter(steps_of(shift_to_dr.SHIFT_TO_DR, sight()).values()))


def _watched(shown: Step) -> Step:
    """What another terminal makes of the record of the wait."""
    at = datetime(2026, 11, 28, 3, tzinfo=UTC)
    return shown_step(STEP, entry_after("", 1, at, "run", EntryKind.MANUAL_WAIT, STEP.id, wait_data(STEP, shown)))


def test_whoever_watches_is_shown_the_command_that_the_person_was_shown() -> None:
    shown = replace(STEP, call=STEP.call_with({"ChangeBatch": {"Comment": "with another health check", "Changes": []}}))
    assert _watched(shown) == shown


def test_of_the_plans_own_command_the_record_needs_no_second_copy() -> None:
    assert "params" not in wait_data(STEP, STEP)
    assert _watched(STEP) == STEP


def test_a_step_without_a_call_has_none_on_record() -> None:
    bare = replace(STEP, call=None)
    assert wait_data(bare, bare) == {"says": STEP.says}


def test_the_way_back_is_shown_as_a_change_of_its_own() -> None:
    at, call = (
        datetime(2026, 11, 28, 3, tzinfo=UTC),
        STEP.call_with({"ChangeBatch": {"Comment": "back", "Changes": []}}),
    )
    data = {"says": STEP.undo, "params": dict(call.params)}
    note = entry_after("", 1, at, "run", EntryKind.NOTE, STEP.id, data)
    assert shown_step(STEP, note) == step_back(STEP, call)
    assert shown_step(STEP, note).id != STEP.id, "its batch is in a file beside the other"
    assert is_by_hand(note)
    assert not is_by_hand(entry_after("", 1, at, "run", EntryKind.NOTE, None, {"says": "Not mirrored yet."}))
