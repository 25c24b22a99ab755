"""A plan as people read it at night: what follows one another and is of one playbook step is one stage. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from dr_actions.model.plan import Plan, Step
from dr_actions.model.sequence import playbook_step
from dr_actions.planning.estimate import Sizes, estimate_s, floor_s
from dr_actions.planning.write_pause import without_writes
from dr_actions.run_history.durations import StepDurations
from dr_estate.config.environment import Environment

# How long a plan takes with more tenants like its own, beside what AWS's published rates alone make it take. Pure.

LARGER = (100, 1000, 10_000)


@dataclass(frozen=True, slots=True)
class PlanGrowth:
    """The seconds of a plan's steps for so many tenants, and those that no tool is faster than."""

    tenants: int
    estimate_s: int
    floor_s: int


def growth_of(
    steps: Sequence[Step], env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes
) -> tuple[PlanGrowth, ...]:
    """The steps with the tenants that they have and with each larger number; nothing where no step is a tenant's.

    The stores are as large as now: what is counted is calls, tasks and targets.
    """
    now = len({step.tenant for step in steps if step.tenant})
    return tuple(_of(steps, env, measured, sizes, now)) if now else ()


def _of(
    steps: Sequence[Step], env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes, now: int
) -> Iterator[PlanGrowth]:
    for tenants in (now, *(number for number in LARGER if number > now)):
        times = tenants / now
        yield PlanGrowth(tenants, estimate_s(steps, env, measured, sizes, times), round(floor_s(steps, env, times)))


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
