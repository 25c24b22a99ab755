"""Sends very many calls for one step, several at once; a cursor in the journal shows another run where to resume."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dr_actions.execution.run import PlanRun
from dr_actions.guard.context import GuardContext
from dr_actions.journal.entries import Entry
from dr_actions.journal.journal import EntryKind
from dr_actions.journal.redaction import redact
from dr_actions.model.plan import Call, Step

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class StepSender:
    """The sender of ``step`` in ``run``: whatever thread sends may send what ``permission`` allows."""

    run: PlanRun
    step: Step
    permission: GuardContext
    began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_s = self.run.clock.monotonic()

    @property
    def cursor(self) -> str:
        """What was recorded last for the step since its plan began, and since it was done or taken back."""
        return cursor_of(self.run.journal.entries, self.step.id)

    @property
    def attempts(self) -> int:
        """How often a call that failed in passing is sent in all."""
        return self.run.env.execution.attempts

    def send(self, call: Call) -> dict[str, Any]:
        """Send one call, from whatever thread. Raises GuardRefused, SendFailed."""
        with self.run.client.permitting(self.permission):
            return self.run.client.send(call)

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do ``work`` for every item, failback.objects_at_once at a time. Raises the first error."""
        with ThreadPoolExecutor(self.run.env.failback.objects_at_once, "bulk") as pool:
            return list(pool.map(work, items))

    def record(self, cursor: str, message: str) -> None:
        """Record ``cursor``, and report ``message``.

        A cursor that looks like a secret is not written: the previous cursor stays good. Raises RunStopped, LockLost,
        Fenced, StepFailed where all runs are paused.
        """
        run, age_s = self.run, self.run.clock.monotonic() - self.began_s
        run.stop_if_asked()
        # A cursor is a key of a tenant's object: one that looks like a secret stays out of the record.
        if cursor and not redact(cursor)[1]:
            run.journal.append(EntryKind.PROGRESS, self.step.id, cursor=cursor, says=message)
        run.listener.waits(self.step, age_s, self.step.budget_s, message)
        # Last: the cursor is on record by now, and the next run goes on behind it.
        run.stop_if_paused(self.step.id)

    def pause(self, attempt: int) -> None:
        """Wait, twice as long each time. Raises RunStopped, LockLost, Fenced."""
        self.run.pause(attempt)


def cursor_of(entries: Sequence[Entry], step_id: str) -> str:
    """The last cursor of a step on record, "" where its plan has none since it was begun, done or taken back."""
    cursor = ""
    for entry in entries:
        if entry.kind is EntryKind.BEGIN or (
            entry.step == step_id and entry.kind in (EntryKind.CONFIRMED, EntryKind.UNDONE)
        ):
            cursor = ""
        elif entry.step == step_id and entry.kind is EntryKind.PROGRESS:
            cursor = str(entry.data["cursor"])
    return cursor
