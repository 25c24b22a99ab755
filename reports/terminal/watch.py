"""A screen that is refreshed every so many seconds: changes since the last refresh stand out; q leaves.

Its commands are pasted as they stand: each is one line without a newline in it, however many rows it takes.
"""

from __future__ import annotations

import math
import os
import select
import sys
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dr_checks.core.model import Severity, Status
from dr_estate.model.visible import one_line
from reports.terminal import console
from reports.terminal.parts import Page, table
from reports.terminal.pinned import DrawnLine, PinnedLine, PinnedLines
from reports.terminal.run_screen import pinned_lines
from reports.values.report import next_line
from reports.values.run_view import RunView
from reports.values.watched_estate import WatchedEstate, WatchedStore, age_text, changes, posture_text

_TICK_S = 0.2
_REMEMBERED, _FEWER, _BAR = 4, 1, 16
_FLASH = "reverse"
_URGENT = ", and prints the command that comes first"
_COLUMNS = ("api", "visitors", "served", "running", "writes")
_COLOUR = {True: "green", False: "bold red", None: "bold magenta"}


@dataclass
class WatchScreen:
    """What was seen last, which cells changed by it, and what keeps the next look from coming."""

    estate: WatchedEstate | None = None
    changed: dict[str, str] = field(default_factory=dict)
    history: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    trouble: str = ""
    rings: bool = False
    next_look_s: float | None = None

    def show(self, estate: WatchedEstate) -> None:
        """Take a new look."""
        self.changed = changes(self.estate, estate) if self.estate else {}
        sentences = [f"{estate.at:%H:%M:%S} {sentence}" for sentence in self.changed.values()]
        self.history.extendleft(reversed(sentences))
        self.rings = self.rings or (self.estate is not None and self.estate.calls != estate.calls)
        self.estate, self.trouble = estate, ""

    def lines(self, page: Page, rows: int) -> list[PinnedLine]:
        """The whole screen: where the terminal is lower, what visitors can do, the posture and Next stay."""
        urgent = self.estate is not None and bool(self.estate.posture.next_step)
        again = "" if self.next_look_s is None else f"; {self._again()}"
        leaves = PinnedLine(f"q leaves{_URGENT}{again}", "bad") if urgent else PinnedLine(f"q leaves{again}", "dim")
        trouble = (
            _page_rows(page, Text(f"CANNOT LOOK: {one_line(self.trouble)}", "bold magenta")) if self.trouble else []
        )
        if self.estate is None:
            return [PinnedLine("Looking at the estate for the first time."), *trouble, leaves]
        top = [*_visitors(page, self.estate), *_page_rows(page, *_title(self.estate), self._posture(self.estate))]
        # Not twice: what ends an outage is mostly what comes next.
        comes_next = _next(page, self.estate)
        bottom = [*trouble, *([] if {*comes_next} & {*top} else comes_next), leaves]
        left = rows - 1 - sum(line.rows(page.width) for line in (*top, *bottom))  # the cursor has a row of its own
        return [*top, *_page_rows(page, *self._rows(self.estate))[: max(0, left)], *bottom]

    def _again(self) -> str:
        left_s = math.ceil((self.next_look_s or 0.0) - time.monotonic())
        return f"looks again in {left_s} s" if left_s > 0 else "looks now"

    def _posture(self, estate: WatchedEstate) -> Text:
        grave = estate.posture.severity in (Severity.BLOCKER, Severity.CRITICAL)
        style = _FLASH if "posture" in self.changed else "bold red" if grave else "bold"
        return Text(posture_text(estate), style, no_wrap=True, overflow="ellipsis")

    def _rows(self, estate: WatchedEstate) -> Iterator[RenderableType]:
        yield self._regions(estate)
        if estate.view is not None:  # while a run is at work the copies' ages are nobody's question
            yield from _run_rows(estate.view)
        elif estate.stores:
            yield self._stores(estate)
        counts = [f"{count} {status}" for status, count in estate.counts.items()]
        yield Text(f"checks   {', '.join(counts)}", "red" if estate.counts[Status.FAIL] else "")
        for name, text in (("lock", estate.run), ("pause", estate.pause), ("incident", estate.incident)):
            flashes = {"lock": "run"}.get(name, name) in self.changed
            line = Text(f"{name:<9}{one_line(text) or 'none'}", no_wrap=True, overflow="ellipsis")
            line.stylize(_FLASH if flashes else "bold yellow" if text else "")
            yield line
        yield Text("\nLast changes" if self.history else "\nNothing changed since the first look", "bold")
        shown = _FEWER if estate.view is not None else _REMEMBERED
        for sentence in list(self.history)[:shown]:
            yield Text(f"  {one_line(sentence)}", no_wrap=True, overflow="ellipsis")

    def _regions(self, estate: WatchedEstate) -> Table:
        rows = table("", "region", "role", "API", "visitors", "served", "running", "writes")
        rows.title = None
        for row in estate.regions:
            flashes = {name: _FLASH if f"{row.region} {name}" in self.changed else "" for name in _COLUMNS}
            cells = [Text(getattr(row, name), style) for name, style in flashes.items()]
            rows.add_row(row.region, row.role, *cells)
        return rows

    def _stores(self, estate: WatchedEstate) -> Table:
        rows = table("", "store", "", "oldest copy of objective")
        rows.title = None
        for row in estate.stores:
            style = _FLASH if row.store in self.changed else _COLOUR[row.within]
            rows.add_row(row.store, Text(_bar(row), style), Text(age_text(row), style))
        return rows


def watch(look: Callable[[], WatchedEstate], every_s: float, unseen: tuple[type[Exception], ...]) -> WatchScreen:
    """Look every ``every_s`` seconds until q is pressed; returns what stood on the screen last.

    An exception of ``unseen`` stands on the screen, and the next look may be better. Any other one is raised.
    """
    screen, left, defects = WatchScreen(), threading.Event(), deque[Exception](maxlen=1)

    def keep_looking() -> None:
        while not left.is_set():
            try:
                screen.show(look())
            except unseen as reason:
                screen.trouble = str(reason)
            except Exception as defect:  # noqa: BLE001 - raised again where the command can report it
                defects.append(defect)
                return
            screen.next_look_s = time.monotonic() + every_s
            left.wait(every_s)
            screen.next_look_s = time.monotonic()

    threading.Thread(target=keep_looking, daemon=True).start()
    page = Page(file=sys.stdout)
    try:
        with _single_keys(), page.screen():
            pinned = PinnedLines(sys.stdout)
            while not defects:
                pinned.show(screen.lines(page, page.height))
                if screen.rings:
                    screen.rings = False
                    page.bell()
                if _key() == b"q":
                    return screen
    finally:
        left.set()
    raise defects[0]


def _page_rows(page: Page, *parts: RenderableType) -> list[PinnedLine]:
    """The rows that these parts take on the page."""
    with page.capture() as shown:
        for part in parts:
            wrap = part.no_wrap if isinstance(part, Text) else None
            page.print(part, no_wrap=wrap, overflow=part.overflow if isinstance(part, Text) else None)
    return [DrawnLine(Text.from_ansi(row).plain.rstrip(), "", row) for row in shown.get().splitlines()]


def _visitors(page: Page, estate: WatchedEstate) -> list[PinnedLine]:
    """What visitors can do, and the command that ends an outage below it."""
    seen = estate.visitors
    if seen is None:
        return []
    says = f"{seen.sentence}{f' {seen.purpose}' if seen.command else ''}"
    text = Text(one_line(says), "bold red" if seen.is_urgent else "bold", no_wrap=not seen.is_urgent)
    return [*_page_rows(page, text), *([_command(f"`{seen.command}`")] if seen.command else [])]


def _title(estate: WatchedEstate) -> Iterator[Text]:
    title = f"{estate.environment.upper()}  {one_line(estate.world)}  looked at {estate.at:%H:%M:%S} UTC"
    yield Text(title, "bold", no_wrap=True, overflow="ellipsis")


def _next(page: Page, estate: WatchedEstate) -> list[PinnedLine]:
    """What comes next, and below it its command."""
    explanation, command = next_line(console.complete_commands(one_line(estate.next_step)))
    says = _page_rows(page, Text(f"Next     {explanation}", "bold")) if explanation else []
    return [*says, *([PinnedLine(command, "bold")] if command else [])]


def _command(quoted: str) -> PinnedLine:
    return PinnedLine(console.complete_commands(one_line(quoted)).strip("`"), "bold")


def _run_rows(view: RunView) -> Iterator[Text]:
    """Where the run stands, without its command: a screen that is refreshed as a whole breaks long lines."""
    facts = view.facts.rows() if view.facts else ()
    rows = [PinnedLine(f"{label:<9}{text}") for label, text in facts] or pinned_lines(view)
    if facts:
        yield Text(f"{view.goal} of {view.incident}: {view.outcome}", "bold")
    for row in rows:
        style = {"bold": "bold", "hand": "bold yellow", "good": "green", "dim": "dim"}.get(row.style, "")
        yield Text(one_line(row.text), style, no_wrap=True, overflow="ellipsis")


def _bar(row: WatchedStore) -> str:
    """How much of the objective is used up; a copy that is not measured has none."""
    if row.age_s is None or not row.target_s:
        return "?"
    return "#" * max(1, min(_BAR, round(_BAR * row.age_s / row.target_s)))


@contextmanager
def _single_keys() -> Iterator[None]:
    """Let a key be read as it is pressed, and leave the terminal as it was."""
    terminal = sys.stdin.fileno()
    usual = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, usual)


def _key() -> bytes:
    """The key that was pressed within a tick, b"" where none was."""
    ready, _, _ = select.select([sys.stdin.fileno()], [], [], _TICK_S)  # noqa: TID251 - always file 0
    return os.read(sys.stdin.fileno(), 1) if ready else b""
