"""What a person is shown where the records cannot be read at that moment: the planned change, and that it is that."""

from __future__ import annotations

from dr_actions.actions.traffic import shift_to_dr
from dr_actions.execution.executor import shown_call
from dr_estate.config.environment import Side
from dr_estate.readers import route53
from tests.dr_actions.plain import sight, steps_of, with_part
from tests.dr_checks.worlds import DENIED

SEEN = sight()
STEP = next(iter(steps_of(shift_to_dr.SHIFT_TO_DR, SEEN).values()))


def test_what_is_seen_is_shown_without_a_word() -> None:
    assert shown_call(shift_to_dr.SHIFT_TO_DR, STEP, SEEN) == (STEP, "")
    assert shown_call(shift_to_dr.SHIFT_TO_DR, STEP, None) == (STEP, "")


def test_records_that_cannot_be_read_are_reported_with_the_planned_change() -> None:
    dark = sight(with_part(SEEN.snapshot, route53.records, Side.GLOBAL, DENIED))
    shown, unread = shown_call(shift_to_dr.SHIFT_TO_DR, STEP, dark)
    assert shown == STEP
    assert "as planned" in unread
    assert DENIED.why in unread
