"""How long a plan takes with more tenants like its own, beside what AWS's published rates alone make it take. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dr_actions.model.plan import Step
from dr_actions.planning.estimate import Sizes, estimate_s, floor_s
from dr_actions.run_history.durations import StepDurations
from dr_estate.config.environment import Environment

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
