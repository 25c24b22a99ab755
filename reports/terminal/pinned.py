"""Lines that stay at the bottom of a terminal while others scroll above them.

A command among them is one line without a newline in it, however many rows it takes: so it is pasted as it stands. A
line that did not change is not written again, so that a selection on it stays. rich's Live does neither.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TextIO

from rich.cells import cell_len

from dr_estate.model.visible import one_line

_UP, _TO_END, _TO_LINE_END = "\x1b[{}A", "\x1b[J", "\x1b[K"
_PLAIN_TERMINALS = ("dumb", "unknown")
_STYLES = {"": "", "bold": "1", "dim": "2", "hand": "1;33", "bad": "1;31", "good": "32"}


def can_pin(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that takes a line back."""
    return stream.isatty() and os.environ.get("TERM", "") not in _PLAIN_TERMINALS


@dataclass(frozen=True, slots=True)
class PinnedLine:
    """A line and its style, which NO_COLOR leaves out."""

    text: str
    style: str = ""

    def rows(self, columns: int) -> int:
        """How many rows it takes."""
        return max(1, -(-cell_len(self.text) // columns))

    @property
    def styled_text(self) -> str:
        """The text as it is written."""
        code = "" if os.environ.get("NO_COLOR") else _STYLES[self.style]
        return f"\x1b[{code}m{self.text}\x1b[0m" if code else self.text


@dataclass(frozen=True, slots=True)
class DrawnLine(PinnedLine):
    """A line that was drawn already, with its colours."""

    drawn: str = ""

    @property
    def styled_text(self) -> str:
        """The text as it was drawn."""
        return self.drawn


class PinnedLines:
    """What is pinned on ``stream``, whose cursor stands below it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[PinnedLine] = []

    def show(self, lines: Sequence[PinnedLine]) -> None:
        """Put these in the place of what is pinned. A terminal that is gone ends no run."""
        columns, rows = self._size()
        present = [replace(line, text=one_line(line.text)) for line in lines]
        while len(present) > 1 and sum(line.rows(columns) for line in present) >= rows:
            present.pop(1)  # the first says where the run is, the last is what a person is to do
        with suppress(OSError):
            self._stream.write(self._redrawn(present, columns))
            self._stream.flush()
        self._lines = present

    def take_down(self) -> None:
        """Leave the terminal as it was before they were pinned."""
        if self._lines:
            self.show(())

    def _redrawn(self, present: Sequence[PinnedLine], columns: int) -> str:
        heights = [line.rows(columns) for line in self._lines]
        if heights == [line.rows(columns) for line in present]:
            return "".join(self._update_of(number, line, columns) for number, line in enumerate(present))
        up = f"\r{_UP.format(sum(heights))}{_TO_END}" if heights else ""
        return up + "".join(f"{line.styled_text}\n" for line in present)

    def _update_of(self, number: int, line: PinnedLine, columns: int) -> str:
        if line == self._lines[number]:
            return ""
        own, below = line.rows(columns), sum(later.rows(columns) for later in self._lines[number + 1 :])
        # at the last column the cursor stands upon the last letter: clearing from there would take it
        clear = _TO_LINE_END if cell_len(line.text) % columns or not line.text else ""
        down = "\n" * (below + 1)
        return f"\r{_UP.format(own + below)}{line.styled_text}{clear}{down}\r"

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return 80, 24
        return size.columns or 80, size.lines or 24
