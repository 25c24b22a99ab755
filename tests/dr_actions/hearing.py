"""Who hears how a run goes, in the tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dr_actions.model.plan import Step


def _nothing(_step: Step) -> None:
    """A listener that only listens."""


@dataclass
class RecordingListener:
    """Keeps what it hears. Each callable is called with a step: it may change the world, or stop the run.

    ``baking`` hears of a stage's bake, ``asked`` of a person's step, ``finished`` of one that is done, ``waiting`` of
    every look that finds one not done. ``impatient`` is the answer to whether a slow step is given up.
    """

    baking: Callable[[Step], None] = _nothing
    asked: Callable[[Step], None] = _nothing
    finished: Callable[[Step], None] = _nothing
    waiting: Callable[[Step], None] = _nothing
    said: list[str] = field(default_factory=list)
    limits_s: set[float] = field(default_factory=set)
    impatient: bool = False

    def begins(self, steps: Sequence[Step]) -> None:
        self.said += [f"begins {step.id}" for step in steps]

    def waits(self, step: Step, _age_s: float, limit_s: float, message: str) -> None:
        self.limits_s.add(limit_s)
        self.said.append(f"{step.id} waits: {message}")
        self.waiting(step)
        if "bake" in message:
            self.baking(step)

    def done(self, step: Step, message: str) -> None:
        self.said.append(f"{step.id}: {message}")
        self.finished(step)

    def degraded(self, step_id: str, reason: str) -> None:
        self.said.append(f"{step_id}: {reason}")

    def by_hand(self, step: Step, unread: str = "") -> None:
        self.said.append(" ".join(filter(None, (f"{step.id} by hand", unread))))
        self.asked(step)

    def note(self, sentence: str) -> None:
        self.said.append(sentence)

    def gives_up(self, step: Step, reason: str, _stop: threading.Event) -> bool:
        self.said.append(f"{step.id} asks whether to give up: {reason}")
        return self.impatient

    def confirm(self, step: Step, _stop: threading.Event) -> bool:
        self.said.append(f"{step.id} asks")
        return False
