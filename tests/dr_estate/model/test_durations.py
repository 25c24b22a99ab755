"""How long something takes, as people say it."""

from __future__ import annotations

import pytest

from dr_estate.model.durations import duration, lost_writes


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "not measured"),
        (-1.0, "0 s"),  # AWS wrote it while it was looked at: a moment after the look
        (0.0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (290, "4 min 50 s"),
        (3600, "1 h"),
        (3601, "1 h 1 s"),
        (3900, "1 h 5 min"),
        (3901, "1 h 5 min"),
        (2 * 86400 + 3 * 3600, "2 d 3 h"),
    ],
)
def test_the_two_largest_units_are_named_and_nothing_is_less_than_now(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "not measured"), (0.0, "no writes"), (0.2, "at most 1 s"), (247.0, "at most 4 min 7 s")],
)
def test_what_is_lost_is_no_writes_only_where_nothing_was_written(seconds: float | None, text: str) -> None:
    assert lost_writes(seconds) == text
