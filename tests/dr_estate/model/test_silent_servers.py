"""When a server that was silent is asked again, and with how much patience."""

from __future__ import annotations

import pytest

from dr_estate.model.silent_servers import LEAST_REST_S, MOST_REST_S, SHORT, SilentServers

NAME = "ns.example"


def _silent(since_s: float, until_s: float) -> SilentServers:
    servers = SilentServers()
    servers.silent(NAME, since_s, since_s + 6)
    servers.silent(NAME, until_s - 1, until_s)
    return servers


def test_who_was_never_silent_is_asked_twice_with_the_whole_patience() -> None:
    servers = _silent(0, 100)
    assert servers.tries("ns.other", 100) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("silent_for_s", "rest_s"), [(6, LEAST_REST_S), (100, 100), (MOST_REST_S, MOST_REST_S), (9000, MOST_REST_S)]
)
def test_a_silent_server_is_asked_again_after_a_bounded_time_of_silence(silent_for_s: float, rest_s: float) -> None:
    servers = _silent(1000, 1000 + silent_for_s)
    again_s = 1000 + silent_for_s + rest_s
    assert servers.tries(NAME, again_s - 0.1) == ()
    assert servers.tries(NAME, again_s) == (SHORT,)


def test_of_many_questions_at_once_one_waits_for_the_silent() -> None:
    servers = _silent(0, 6)
    assert [servers.tries(NAME, 60) for _ in range(3)] == [(SHORT,), (), ()]


def test_one_answer_makes_it_a_server_as_any_other() -> None:
    servers = _silent(0, 5000)
    servers.note_answer(NAME, 5000)
    assert servers.tries(NAME, 5000) == (1.0, 1.0)
    servers.silent(NAME, 6000, 6006)
    assert servers.tries(NAME, 6006 + LEAST_REST_S) == (SHORT,), "the earlier silence counts no more"


def test_a_lost_question_silences_no_server_that_answered_others() -> None:
    servers = SilentServers()
    servers.note_answer(NAME, 103)
    servers.silent(NAME, 100, 106)
    assert servers.tries(NAME, 107) == (1.0, 1.0)
    servers.silent(NAME, 104, 110)
    assert servers.tries(NAME, 111) == ()
