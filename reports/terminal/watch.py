"""A screen that is refreshed every so many seconds: changes since the last refresh stand out; q leaves."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dr_checks.core.model import Severity, Status
from dr_estate.model.visible import one_line
from reports.terminal.parts import Page, table
from reports.values.watched_estate import WatchedEstate, WatchedStore, age_text, changes, posture_text

_TICK_S = 0.2
_REMEMBERED, _BAR = 4, 16
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

    def show(self, estate: WatchedEstate) -> None:
        """Take a new look."""
        self.changed = changes(self.estate, estate) if self.estate else {}
        sentences = [f"{estate.at:%H:%M:%S} {sentence}" for sentence in self.changed.values()]
        self.history.extendleft(reversed(sentences))
        self.estate, self.trouble = estate, ""

    def __rich__(self) -> RenderableType:
        """The whole screen, at most 24 rows of 80 columns."""
        rows = list(self._rows(self.estate)) if self.estate else [Text("Looking at the estate for the first time.")]
        if self.trouble:
            rows.append(Text(f"CANNOT LOOK: {one_line(self.trouble)}", "bold magenta"))
        urgent = self.estate is not None and bool(self.estate.posture.next_step)
        rows.append(Text(f"q leaves{_URGENT}", "bold red") if urgent else Text("q leaves", "dim"))
        return Group(*rows)

    def _rows(self, estate: WatchedEstate) -> Iterator[RenderableType]:
        title = f"{estate.environment.upper()}  {one_line(estate.world)}  looked at {estate.at:%H:%M:%S} UTC"
        yield Text(title, "bold", no_wrap=True, overflow="ellipsis")
        grave = estate.posture.severity in (Severity.BLOCKER, Severity.CRITICAL)
        style = _FLASH if "posture" in self.changed else "bold red" if grave else "bold"
        yield Text(posture_text(estate), style, no_wrap=True, overflow="ellipsis")
        yield self._regions(estate)
        if estate.stores:
            yield self._stores(estate)
        counts = [f"{count} {status}" for status, count in estate.counts.items()]
        yield Text(f"checks   {', '.join(counts)}", "red" if estate.counts[Status.FAIL] else "")
        for name, text in (("lock", estate.run), ("pause", estate.pause), ("incident", estate.incident)):
            flashes = {"lock": "run"}.get(name, name) in self.changed
            line = Text(f"{name:<9}{one_line(text) or 'none'}", no_wrap=True, overflow="ellipsis")
            line.stylize(_FLASH if flashes else "bold yellow" if text else "")
            yield line
        yield Text("\nLast changes" if self.history else "\nNothing changed since the first look", "bold")
        for sentence in self.history:
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
            left.wait(every_s)

    threading.Thread(target=keep_looking, daemon=True).start()
    page = Page(file=sys.stdout)
    try:
        with _single_keys(), Live(console=page, screen=True, auto_refresh=False, redirect_stderr=False) as live:
            while not defects:
                live.update(screen, refresh=True)
                if _key() == b"q":
                    return screen
    finally:
        left.set()
    raise defects[0]


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
