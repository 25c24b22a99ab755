"""Pace: quick for tests, real as on AWS; what a world being built, or a test, asks goes before both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dr_estate.model.aws_durations import operation
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE, now
from sandbox.core.timing import (
    TRANSITION_S,
    TimedStatus,
    begin,
    duration_s,
    lag_s,
    moving,
    pace,
    phases_s,
    set_pace,
)

RESTORE = "rds.restore-to-point-in-time"


class Thing:
    """Something with a status."""

    status = TimedStatus()


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    STATE.extras.clear()
    yield
    STATE.extras.clear()


def shift(thing: Thing, seconds: float) -> None:
    thing.__dict__["_phases"] = tuple(
        (word, until - timedelta(seconds=seconds)) for word, until in thing.__dict__["_phases"]
    )


def test_a_world_is_quick_unless_its_pace_is_set() -> None:
    assert pace() == "quick"
    assert duration_s(RESTORE, "sit-mysql", gib=100) == TRANSITION_S
    set_pace("real")
    assert duration_s(RESTORE, "sit-mysql", gib=100) > 900
    with pytest.raises(SandboxError, match="There is no pace 'slow': use quick or real"):
        set_pace("slow")


def test_what_a_test_gives_goes_before_the_pace() -> None:
    set_pace("real")
    STATE.extras |= {"transition_s": 0.1, "dns_lag_s": 3}
    assert duration_s(RESTORE, "sit-mysql", gib=100) == 0.1
    assert lag_s("dns_lag_s", 0.0, "route53.change", "example.org") == 3
    STATE.extras.pop("dns_lag_s")
    assert lag_s("dns_lag_s", 0.0, "route53.change", "example.org") == 0
    STATE.extras.pop("transition_s")
    assert 5 < lag_s("dns_lag_s", 0.0, "route53.change", "example.org") < 120


def test_a_rerun_takes_as_long_and_another_subject_does_not() -> None:
    assert phases_s(RESTORE, "sit-mysql", gib=100) == phases_s(RESTORE, "sit-mysql", gib=100)
    assert phases_s(RESTORE, "sit-mysql", gib=100) != phases_s(RESTORE, "prod-mysql", gib=100)


def test_durations_are_drawn_from_the_range_of_the_row() -> None:
    row = operation(RESTORE)
    taken = [sum(s for _, s in phases_s(RESTORE, f"database {n}", gib=100)) for n in range(400)]
    assert 0.85 < sum(seconds <= row.seconds(0.9, gib=100) for seconds in taken) / 400 < 0.95
    assert 0.45 < sum(seconds <= row.seconds(gib=100) for seconds in taken) / 400 < 0.55


def test_all_operations_take_their_median_where_a_test_wants_no_draw() -> None:
    STATE.extras["quantile"] = 0.5
    row = operation(RESTORE)
    for n in range(20):
        assert sum(s for _, s in phases_s(RESTORE, f"database {n}", gib=100)) == pytest.approx(row.seconds(gib=100))


def test_a_status_passes_through_the_states_of_its_operation_in_order() -> None:
    set_pace("real")
    thing = Thing()
    thing.status = "available"
    begin(thing, "creating", RESTORE, "sit-mysql", gib=100)
    for state, seconds in phases_s(RESTORE, "sit-mysql", gib=100):
        assert (thing.status, moving(thing)) == (state, state)
        shift(thing, seconds)
    assert (thing.status, moving(thing)) == ("available", "")


def test_at_the_quick_pace_a_status_shows_the_one_word_it_was_given() -> None:
    thing = Thing()
    thing.status = "available"
    begin(thing, "rebooting", "rds.promote", "sit-mysql")
    assert thing.status == "rebooting"
    (_, until), *others = thing.__dict__["_phases"]
    assert not others
    assert until <= now() + timedelta(seconds=TRANSITION_S)
