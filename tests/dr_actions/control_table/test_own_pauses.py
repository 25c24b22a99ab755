"""The stop switch under each person's own key, as where AWS starts runs: anybody stops, anybody lets go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dr_actions.control_table.control import ControlStore, PausedForEver
from dr_actions.control_table.table import Put
from dr_estate.model.dynamodb_values import instant

END = "9999-12-31T23:59:59.999999+00:00"


@pytest.fixture
def own(control: ControlStore) -> ControlStore:
    return ControlStore(control.table, control.clock, own_keys=True)


def test_it_is_written_under_the_key_of_the_caller_and_others_may_release(own: ControlStore) -> None:
    own.pause("Alice", "the network team works on the link", "AIDA1")
    pause = own.in_force().pause
    assert pause is not None
    assert ("Alice", "the network team works on the link") == (pause.who, pause.why)
    own.unpause("Bob", "AIDA2")
    assert own.in_force().pause is None
    assert {"PAUSE#AIDA1", "PAUSE#AIDA2"} == {item["pk"] for item in own.own_pauses()}
    assert [] == own.table.query("STANDING") + own.table.query("HISTORY")


def test_a_second_stop_shows_the_first_and_is_possible_once_that_is_off(own: ControlStore) -> None:
    own.pause("Alice", "because", "AIDA1")
    assert "Alice" == own.pause("Bob", "another reason", "AIDA2").who
    own.unpause("Alice", "AIDA1")
    assert "Bob" == own.pause("Bob", "another reason", "AIDA2").who


def test_a_pause_that_is_dated_ahead_is_set_aside_as_any_other(own: ControlStore) -> None:
    ahead = {"at": instant(datetime.now(UTC) + timedelta(days=365)), "paused": True, "why": "for ever"}
    own.table.put(Put({"pk": "PAUSE#AIDA9", "sk": "PAUSE", "who": "Mallory", "words": [ahead]}))
    assert own.in_force().pause is not None
    own.unpause("Bob", "AIDA2")
    assert own.in_force().pause is None


def test_an_item_that_cannot_be_read_holds_until_somebody_lets_go_on(own: ControlStore) -> None:
    own.table.put(Put({"pk": "PAUSE#AIDA9", "sk": "PAUSE", "who": "Mallory", "words": "nothing"}))
    pause = own.in_force().pause
    assert pause is not None
    assert "unpause" in pause.why
    own.unpause("Bob", "AIDA2")
    assert own.in_force().pause is None


@pytest.mark.parametrize("end", ["9999-12-31T23:59-23:00", "0001-01-01T00:00+23:00"])
def test_a_word_of_beyond_all_time_is_set_aside_by_one_of_today(own: ControlStore, end: str) -> None:
    said_at(own, end, paused=True)
    assert own.in_force().pause is not None
    own.unpause("Bob", "AIDA2")
    assert own.in_force().pause is None


def test_of_two_words_of_the_end_of_all_time_the_pause_counts(own: ControlStore) -> None:
    said_at(own, END, paused=False)
    own.pause("Bob", "storm", "AIDA2")
    assert own.in_force().pause is not None


def test_after_an_endless_pause_no_message_promises_to_outlast_it(own: ControlStore) -> None:
    """A word of "go on" of then would turn the next pause into one that nobody can set aside."""
    said_at(own, END, paused=True)
    with pytest.raises(PausedForEver, match="Mallory stopped all runs"):
        own.unpause("Bob", "AIDA2")
    assert own.in_force().pause is not None
    assert ["PAUSE#AIDA9"] == [item["pk"] for item in own.own_pauses()]


def said_at(own: ControlStore, at: str, *, paused: bool) -> None:
    """Write a word as somebody with plain calls may, under the own key."""
    word = {"at": at, "paused": paused, "why": "for ever"}
    own.table.put(Put({"pk": "PAUSE#AIDA9", "sk": "PAUSE", "who": "Mallory", "words": [word]}))


def test_what_was_stopped_before_by_all_is_let_go_by_one(control: ControlStore, own: ControlStore) -> None:
    control.pause("Alice", "before the switch to AWS")
    assert own.in_force().pause is not None
    own.unpause("Bob", "AIDA2")
    assert own.in_force().pause is None
