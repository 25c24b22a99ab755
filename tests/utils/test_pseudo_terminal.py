"""The screen of the tests' terminal is what a person sees."""

from __future__ import annotations

import pytest

from tests.utils.pseudo_terminal import Terminal


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        ("one\r\ntwo", ["one", "two"]),
        ("one\r\ntwo\r\n\x1b[2Anew\x1b[K\r\n", ["new", "two", ""]),
        ("one\r\ntwo\r\n\x1b[1A\r\x1b[J", ["one", ""]),
        ("abcdefgh", ["abcde", "fgh"]),
        ("\x1b[1;33mabcde\x1b[0m\r\nf", ["abcde", "f"]),
        ("1\r\n2\r\n3\r\n4\r\n\x1b[9A9", ["9", "4", ""]),
    ],
)
def test_screen_has_what_was_written_last_in_each_row(written: str, rows: list[str]) -> None:
    assert Terminal(0, 0, columns=5, rows=3, shown=written).screen == rows
