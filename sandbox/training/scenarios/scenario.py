"""What a training scene is made of: a briefing, a world to set, and goals judged from what the world then shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sandbox.training.scenarios.observation import WorldObservation

if TYPE_CHECKING:  # listing the scenes need not load the emulator
    from sandbox.world.world import World


class GoalState(StrEnum):
    """How a goal stands. NOT_MET is a thing done wrong, which more work does not take back; NOT_YET waits for work."""

    MET = "met"
    NOT_YET = "not yet"
    NOT_MET = "not met"


@dataclass(frozen=True, slots=True)
class GoalResult:
    """The state of a goal, and the evidence for it in the world."""

    standing: GoalState
    evidence: str


Judge = Callable[[WorldObservation], GoalResult]


@dataclass(frozen=True, slots=True)
class ScenarioGoal:
    """Something to be learned. ``judge`` is pure; ``why`` says why it matters, ``traps`` name the facts behind it."""

    id: str
    sentence: str
    why: str
    traps: tuple[str, ...]
    judge: Judge


@dataclass(frozen=True)
class Scenario:
    """One scene. ``minutes`` is what a player needs; ``briefing`` never holds the answer, ``hints`` lead to it.

    Texts may name ``{env}``, ``{primary}``, ``{dr}``, ``{tenant}`` (the last one), ``{other}`` (the first one) and
    ``{database}``. ``disasters`` are put in force in that order; ``stage`` changes what no disaster does.
    """

    name: str
    sentence: str
    teaches: str
    minutes: int
    briefing: str
    goals: tuple[ScenarioGoal, ...]
    hints: tuple[str, ...]
    disasters: tuple[str, ...] = ()
    stage: Callable[[World], None] | None = field(default=None)

    def format_text(self, text: str, words: Mapping[str, str]) -> str:
        """``text`` with the world's own names in it."""
        return text.format_map(dict(words))

    def summary(self) -> dict[str, Any]:
        """What a list of scenarios says of it, JSON-ready: nothing that gives the answer away."""
        return {"name": self.name, "sentence": self.sentence, "teaches": self.teaches, "minutes": self.minutes}


def goal_result(well: bool, evidence: str) -> GoalResult:
    """MET where it is ``well``, else NOT_YET."""
    return GoalResult(GoalState.MET if well else GoalState.NOT_YET, evidence)


def harm_result(broken: str, evidence: str) -> GoalResult:
    """NOT_MET where something was ``broken`` (the sentence that says what), else MET by ``evidence``."""
    return GoalResult(GoalState.NOT_MET, broken) if broken else GoalResult(GoalState.MET, evidence)
