"""Progress of a run on stderr while it lasts: the step, its age, its budget, and what is left of the whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from rich.markup import escape
from rich.status import Status

from dr_actions.model.plan import Plan, Step, batches
from dr_actions.model.sequence import announced
from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line
from reports.terminal import console
from reports.terminal.manual_step import CHECK_NOW, ManualStepWriter
from reports.terminal.printer import Printer

_SILENCE_S = 10.0
_ANSWER_S = 60.0


class RunProgress:
    """Shows the progress of ``plan`` to a person at a terminal, or in a log. ``tty`` is whether someone can answer.

    ``outage_s`` is how long the outage has lasted, None where there is none. ``estimate_s`` returns how long steps
    take; without it their budgets count. ``elapsed_s`` returns how long the run has lasted, in seconds of the world.
    """

    def __init__(
        self,
        plan: Plan,
        tty: bool,
        by_hand: ManualStepWriter,
        outage_s: float | None = None,
        estimate_s: Callable[[Sequence[Step]], float] | None = None,
        elapsed_s: Callable[[], float] = float,
    ) -> None:
        self._console = Printer(stderr=True, highlight=False, emoji=False)
        self._plan, self._tty, self._by_hand = plan, tty, by_hand
        self._status: Status | None = None
        self._spoke_at = 0.0
        self._elapsed_s, self._outage_s = elapsed_s, outage_s
        self._over: set[str] = set()
        self._places = {step.id: number for number, step in enumerate(plan.steps, 1)}
        self._batch: dict[str, bool] = {}
        self._estimate_s = estimate_s or _budgets_s

    def begins(self, steps: Sequence[Step]) -> None:
        """These steps are next."""
        self._batch = dict.fromkeys((step.id for step in steps), False)
        more = f" (and {len(steps) - 1} alike)" if len(steps) > 1 else ""
        clocks = f"{self._clocks()}, about {duration(self._left_s())} to go"
        self._print(f"[bold]{self._place(steps)}[/] {_shown(steps[0].says)}{more} [dim]({clocks})[/]")
        if (change := announced(self._plan, steps[0].id)) is not None and change.call is not None:
            self._print(f"[bold yellow]{CHECK_NOW}[/] {_shown(change.says)}")
            self._print(_shown(self._by_hand.command(change.id, change.call)))
        if self._console.is_terminal:
            self._start_spinner(f"  {steps[0].action}: looking")

    def waits(self, step: Step, age_s: float, limit_s: float, text: str) -> None:
        """A step is under way: shown in place on a terminal, now and then elsewhere."""
        message = f"  {step.subject}: {text} ({duration(age_s)} of {duration(limit_s)})"
        if self._console.is_terminal:
            self._start_spinner(message)
        elif time.monotonic() - self._spoke_at > _SILENCE_S:
            self._print(_shown(message))

    def done(self, step: Step, message: str) -> None:
        """A step is as wanted."""
        self._over.add(step.id)
        self._batch[step.id] = True
        if len(self._batch) == 1:
            self._print(f"  [green]done[/] {_shown(step.id)}: {_shown(message)}")
            return
        counted = f"{step.action}: {sum(self._batch.values())} of {len(self._batch)}"
        if all(self._batch.values()):
            self._print(f"  [green]done[/] {_shown(counted)}")
        elif self._console.is_terminal:
            self._start_spinner(f"  {counted} done")

    def degraded(self, step_id: str, reason: str) -> None:
        """A step failed, and the run goes on without it."""
        self._print(f"  [bold red]FAILED, going on[/] {_shown(step_id)}: {_shown(reason)}")

    def by_hand(self, step: Step, unread: str = "") -> None:
        """Show exactly what a person is to change now; ``unread`` is why they have to compare it first."""
        self._print(f"[bold yellow]BY HAND[/] {_shown(step.says)}")
        if step.call is None:
            return
        if unread:
            self._print(f"[bold yellow]{_shown(unread)}[/]\n{_shown(self._by_hand.reading(step.call))}")
        self._print(f"{self._by_hand.who}:\n{_shown(self._by_hand.command(step.id, step.call))}")

    def note(self, sentence: str) -> None:
        """Anything else worth saying."""
        self._print(_shown(sentence))

    def gives_up(self, step: Step, reason: str, stop: threading.Event) -> bool:
        """Ask for the step's subject, typed, to wait for it no longer; nobody's answer within a minute goes on."""
        self._print(f"[bold yellow]{_shown(reason)}[/]")
        if not self._tty:
            self._print("The run goes on waiting. `dr_cli.py pause` stops it between two calls.")
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
        self._print(f"[bold red]This cannot be undone:[/] {_shown(step.says)} Way back: {_shown(step.undo)}")
        confirms = console.has_typed(step.subject, f"Type {step.subject} to go on: ", stop.is_set)
        if confirms is None:
            stop.set()
        return bool(confirms)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._status is not None:
            with suppress(OSError):  # the terminal is gone
                self._status.stop()
            self._status = None

    def _place(self, steps: Sequence[Step]) -> str:
        """Where in the plan the steps stand: ``step 3 of 17``, ``steps 4 to 7 of 17``."""
        places, whole = [self._places[step.id] for step in steps if step.id in self._places], len(self._places)
        if not places:
            return str(steps[0].number)
        if len(places) == 1:
            return f"step {places[0]} of {whole}"
        return f"steps {places[0]} to {places[-1]} of {whole}"

    def _clocks(self) -> str:
        """How long the outage and the run last by now."""
        run_s = self._elapsed_s()
        outage = f"outage {duration(self._outage_s + run_s)}, " if self._outage_s is not None else ""
        return f"{outage}run {duration(run_s)}"

    def _left_s(self) -> float:
        return self._estimate_s([step for step in self._plan.steps if step.id not in self._over])

    def _start_spinner(self, text: str) -> None:
        with suppress(OSError):  # a terminal that is gone ends no run: the journal has it all
            if self._status is None:
                self._status = self._console.status("")
                self._status.start()
            self._status.update(_shown(text))

    def _print(self, text: str) -> None:
        self.close()
        self._spoke_at = time.monotonic()
        with suppress(OSError):  # the terminal is gone
            self._console.print(console.completed(text), soft_wrap=True)  # a newline put into a command breaks it


def _budgets_s(steps: Sequence[Step]) -> float:
    return float(sum(max(step.budget_s for step in batch) for batch in batches(steps)))


def _shown(text: str) -> str:
    """What comes from elsewhere, as rich takes it: visible, and no markup."""
    return escape(one_line(text))
