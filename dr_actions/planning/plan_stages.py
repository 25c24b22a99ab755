"""A plan as people read it at night: what follows one another and is of one playbook step is one stage. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from dr_actions.model.plan import Plan, Step
from dr_actions.model.sequence import playbook_step
from dr_actions.planning.write_pause import without_writes


class StageWrites(StrEnum):
    """Whether visitors write while a stage goes: as before it, nobody, or the first of them again once it led them."""

    GO_ON = "go on"
    STOPPED = "stopped"
    RETURN = "return"


@dataclass(frozen=True)
class PlanStage:
    """Steps one after another. ``first`` is the place of the first of them, as a run counts: from 1.

    ``estimate_s`` is how long they take.
    """

    name: str
    first: int
    steps: tuple[Step, ...]
    estimate_s: float
    writes: StageWrites = StageWrites.GO_ON


def stages_of(plan: Plan, estimate_s: Callable[[Sequence[Step]], float]) -> tuple[PlanStage, ...]:
    """Return the stages of the plan in order. ``estimate_s`` returns how many seconds steps take."""
    paused = without_writes(plan)

    def belongs(place: int) -> tuple[str, StageWrites]:
        writes = StageWrites.STOPPED if place in paused else StageWrites.GO_ON
        writes = StageWrites.RETURN if paused and place == paused[-1] else writes
        return playbook_step(plan.goal, plan.steps[place]).name, writes

    stages = []
    for (name, writes), places in groupby(range(len(plan.steps)), key=belongs):
        whole = list(places)
        steps = plan.steps[whole[0] : whole[-1] + 1]
        stages.append(PlanStage(name, whole[0] + 1, steps, estimate_s(steps), writes))
    return tuple(stages)
