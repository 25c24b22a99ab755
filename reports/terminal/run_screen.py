"""The screen of a run: its lines one after another and, at a terminal, where it stands pinned below them.

Elsewhere (a log, a pipe) it is the lines alone, without any escape code.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from rich.markup import escape
from rich.text import Text

from dr_actions.model.plan import Step
from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line
from reports.terminal import console
from reports.terminal.manual_step import CHECK_NOW, ManualStepWriter
from reports.terminal.parts import Printer
from reports.terminal.pinned import PinnedLine, PinnedLines, can_pin
from reports.values.escaping import lines_around_commands
from reports.values.run_view import LineKind, RunLine, RunView

# The clocks count seconds.
_EACH_S = 1.0
_WIDEST_STAGE = 44
_MARKS = {
    LineKind.DONE: "  [green]done[/] ",
    LineKind.FAILED: "  [bold red]FAILED[/] ",
    LineKind.LATE: "  [bold red]LATE[/] ",
    LineKind.UNDONE: "  [yellow]taken back[/] ",
    LineKind.ENDED: "[bold]ended[/] ",
}


class RunScreen:
    """Shows the lines of a run and its ``view``, with the commands that ``by_hand`` writes for a person.

    ``alert`` is what visitors cannot do now, "" else: pinned first, for its own line scrolls away.
    """

    def __init__(
        self, by_hand: ManualStepWriter, view: Callable[[], RunView | None], alert: Callable[[], str] = str
    ) -> None:
        self._console = Printer(stderr=True, highlight=False, emoji=False)
        self._by_hand, self._view, self._alert = by_hand, view, alert
        self._pinned = PinnedLines(sys.stderr) if can_pin(sys.stderr) else None
        self._lock, self._asides, self._over = threading.RLock(), 0, threading.Event()
        self._detail = ""
        self.printed_at = time.monotonic()
        if self._pinned is not None:
            console.write_within(self.aside)
            threading.Thread(target=self._keep_drawing, daemon=True).start()

    @property
    def pins(self) -> bool:
        """Whether something stays in place at the bottom."""
        return self._pinned is not None

    def line(self, line: RunLine) -> None:
        """Print one line of the run; a person's change with its command."""
        if line.kind is LineKind.BY_HAND:
            self.by_hand(line.step, line.text)
        elif line.kind is LineKind.CHECK and line.step is not None and line.step.call is not None:
            self.print(f"[bold yellow]{CHECK_NOW}[/] {markup(line.text)}")
            self.print(markup(self._by_hand.command(line.step.id, line.step.call)))
        elif line.kind is LineKind.BEGINS:
            self.print(f"[bold]{markup(line.place)}[/] {markup(line.text)}")
        else:
            self.print(f"{_MARKS.get(line.kind, '')}{markup(line.text)}")

    def by_hand(self, step: Step | None, text: str, unread: str = "") -> None:
        """Show exactly what a person is to change now; ``unread`` is why they have to compare it first."""
        self.print(f"[bold yellow]BY HAND[/] {markup(text)}")
        if step is None or step.call is None:
            return
        # Before the change itself: where its records could not be read, the person compares them first.
        if unread:
            self.print(f"[bold yellow]{markup(unread)}[/]\n{markup(self._by_hand.reading(step.call))}")
        self.print(f"{self._by_hand.subject}:\n{markup(self._by_hand.command(step.id, step.call))}")

    def detail(self, text: str) -> None:
        """Say in place what the step at work shows."""
        self._detail = text
        self.draw()

    def print(self, markup: str) -> None:
        """Print above what is pinned."""
        self.printed_at = time.monotonic()
        with self.aside(), suppress(OSError):  # a terminal that is gone ends no run: the journal has it all
            # The name of a step is no emoji: `:100:` would be drawn as one.
            for line in Text.from_markup(console.complete_commands(markup), emoji=False).split("\n", allow_blank=True):
                self._print_line(line)
        self.draw()

    def _print_line(self, line: Text) -> None:
        """Print one line, broken at its words where the terminal is narrower; a newline in a command would break it."""
        whole = not self._console.is_terminal or line.cell_len <= self._console.width
        at = 0
        for part in [line.plain] if whole else lines_around_commands(line.plain, self._console.width):
            at = line.plain.index(part, at)
            self._console.print(line[at : at + len(part)], soft_wrap=True)
            at += len(part)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Nothing is pinned meanwhile. No lock is held: the heartbeat may have to write while a person is asked."""
        with self._lock:
            self._asides += 1
            if self._pinned is not None:
                self._pinned.take_down()
        try:
            yield
        finally:
            with self._lock:
                self._asides -= 1

    def draw(self) -> None:
        """Draw again what is pinned."""
        with self._lock:
            if self._pinned is None or self._asides or self._over.is_set():
                return
            view = self._view()
            if view is not None and not view.outcome:
                alert = [PinnedLine(says, "bad")] if (says := self._alert()) else []
                self._pinned.show([*alert, *pinned_lines(view, self._detail, self._command(view))])

    def close(self) -> None:
        """Leave the terminal as it was, and say what is known at the end."""
        if self._over.is_set():
            return
        self._over.set()
        if self._pinned is not None:
            with self._lock:
                self._pinned.take_down()
            console.write_within()

    def _command(self, view: RunView) -> str:
        step = view.by_hand.step if view.by_hand else None
        return self._by_hand.command(step.id, step.call) if step is not None and step.call is not None else ""

    def _keep_drawing(self) -> None:
        while not self._over.wait(_EACH_S):
            self.draw()


def pinned_lines(view: RunView, detail: str = "", command: str = "") -> Sequence[PinnedLine]:
    """Where the run stands, for 80 columns: at most a line a stage, and what a person is to do last."""
    count = f", {view.count}" if view.count else ""
    lines = [PinnedLine(f"{view.goal} of {view.incident}: {view.place}{count}", "bold")]
    for stage in view.stages:
        style = "good" if stage.over == stage.steps else "bold" if stage.name == view.stage_name else "dim"
        mark = "x" if stage.over == stage.steps else ">" if stage.name == view.stage_name else " "
        name = stage.name[:_WIDEST_STAGE]
        lines.append(PinnedLine(f"  [{mark}] {name:<{_WIDEST_STAGE}} {stage.over:>5} of {stage.steps}", style))
    lines.append(PinnedLine(f"{view.clocks[0].upper()}{view.clocks[1:]}"))
    if looks := detail or view.detail:
        lines.append(PinnedLine(f"  {looks}", "dim"))
    if view.by_hand is not None:
        limit = view.by_hand.left_s
        left = f"{duration(limit)} left" if limit is not None else f"waited {duration(view.by_hand.waited_s)}"
        lines.append(PinnedLine(f"BY HAND ({left}): {view.by_hand.step.says}", "hand"))
        lines += [PinnedLine(console.complete_commands(command))] if command else []
    return lines


def markup(text: str) -> str:
    """What comes from elsewhere, as rich takes it: visible, and no markup."""
    return escape(one_line(text))
