"""Shows a run to the person who began it, by its journal, and asks them what a run may have to ask."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from dr_actions.journal.entries import Entry
from dr_actions.model.plan import Step
from dr_estate.model.durations import duration
from reports.terminal import console
from reports.terminal.manual_step import ManualStepWriter
from reports.terminal.run_screen import RunScreen, markup
from reports.values.run_view import LineKind, RunFollower, RunView

# In a log: often enough to show that the run lives, and no line a second.
_SILENCE_S = 10.0
# A run during an outage waits no longer for an answer: without one it goes on.
_ANSWER_S = 60.0
# What the executor says to its listener itself; who watches from elsewhere reads it in the journal.
_SAID_BY_RUN = frozenset({LineKind.NOTE, LineKind.BY_HAND, LineKind.FAILED, LineKind.LATE, LineKind.ENDED})


class RunProgress:
    """The screen of the run whose journal has ``entries``: ``follower`` makes its view at the time of ``now``.

    ``tty`` is whether someone can answer. What the journal holds of earlier runs is not shown again.
    """

    def __init__(
        self,
        follower: RunFollower,
        entries: Callable[[], Sequence[Entry]],
        now: Callable[[], datetime],
        tty: bool,
        by_hand: ManualStepWriter,
    ) -> None:
        self._follower, self._entries, self._now, self._tty = follower, entries, now, tty
        self._lock = threading.Lock()
        follower.follow(entries())
        self._screen = RunScreen(by_hand, self._view)

    def begins(self, _steps: Sequence[Step]) -> None:
        """These steps are next: the journal has it."""
        self._screen.detail("")
        self._follow()

    def waits(self, step: Step, age_s: float, limit_s: float, text: str) -> None:
        """A step is under way: shown in place on a terminal, now and then elsewhere."""
        self._follow()
        message = f"{step.subject}: {text} ({duration(age_s)}{_of(limit_s)})"
        self._screen.detail(message)
        if not self._screen.pins and time.monotonic() - self._screen.printed_at > _SILENCE_S:
            self._screen.print(f"  {markup(message)}")

    def done(self, _step: Step, _message: str) -> None:
        """A step is as wanted: the journal has it."""
        self._screen.detail("")
        self._follow()

    def degraded(self, step_id: str, reason: str) -> None:
        """A step failed, and the run goes on without it."""
        self._screen.print(f"  [bold red]FAILED, going on[/] {markup(step_id)}: {markup(reason)}")
        self._follow()

    def by_hand(self, step: Step, unread: str = "") -> None:
        """Show exactly what a person is to change now; ``unread`` is why they have to compare it first."""
        self._follow()
        self._screen.by_hand(step, step.says, unread)

    def note(self, sentence: str) -> None:
        """Anything else worth saying."""
        self._follow()
        self._screen.print(markup(sentence))

    def gives_up(self, step: Step, reason: str, stop: threading.Event) -> bool:
        """Ask for the step's subject, typed, to wait for it no longer; nobody's answer within a minute goes on."""
        self._screen.print(f"[bold yellow]{markup(reason)}[/]")
        if not self._tty:
            self._screen.print("The run goes on waiting. `dr_cli.py pause` stops it between two calls.")
            return False
        until_s = time.monotonic() + _ANSWER_S
        prompt = f"Type {step.subject} to wait no longer, Enter to go on waiting: "
        answer = console.ask_unless(lambda: stop.is_set() or time.monotonic() > until_s, prompt)
        return answer is not None and answer.strip() == step.subject

    def confirm(self, step: Step, stop: threading.Event) -> bool | None:
        """Ask for the subject of an irreversible step, typed. Returns None without a terminal: nobody is asked.

        ``stop`` ends the question, and is set where nobody can answer it any more.
        """
        if not self._tty:
            return None
        self._screen.print(f"[bold red]This cannot be undone:[/] {markup(step.says)} Way back: {markup(step.undo)}")
        confirms = console.has_typed(step.subject, f"Type {step.subject} to go on: ", stop.is_set)
        # Nobody can answer any more: no further question is asked.
        if confirms is None:
            stop.set()
        return bool(confirms)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._follow()
        self._screen.close()

    def _view(self) -> RunView | None:
        with self._lock:
            return self._follower.view(self._now())

    def _follow(self) -> None:
        with self._lock:
            lines = self._follower.follow(self._entries())
        for line in lines:
            if line.kind not in _SAID_BY_RUN:
                self._screen.line(line)
        self._screen.draw()


def _of(limit_s: float) -> str:
    """The longest time that a step may take; "" for one that is waited for until it is done."""
    return "" if math.isinf(limit_s) else f" of {duration(limit_s)}"
