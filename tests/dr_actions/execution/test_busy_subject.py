"""A call whose subject is busy is sent again until the step's time is over: a state that passes is no refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.traffic import shift_to_dr
from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.execution.run import FailureCause, PlanRun, StepFailed
from dr_actions.guard.context import GuardContext
from dr_actions.journal.entries import EntryKind
from dr_actions.model.plan import Call, FailureKind, Goal, Plan, SendFailed
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.actions.compute.failback_world import records_sight, weights
from tests.dr_actions.control_tables import Clock
from tests.dr_actions.execution.walks import Walk
from tests.dr_actions.hearing import RecordingListener
from tests.dr_actions.plain import SIT

ENV = SIT.model_copy(update={"execution": SIT.execution.model_copy(update={"poll_s": 0.2, "attempts": 1})})
BUSY = SendFailed(FailureKind.BUSY, "route53 is busy (ConcurrentModification).", "ConcurrentModification")


class BusyClient(MutatingClient[GuardContext]):
    """The real client, whose first ``times`` calls find their subject busy."""

    def __init__(self, real: MutatingClient[GuardContext], times: int) -> None:
        self.real, self.times = real, times

    @contextmanager
    def permitting(self, context: GuardContext) -> Iterator[MutatingClient[GuardContext]]:
        with self.real.permitting(context):
            yield self

    def send(self, call: Call) -> dict[str, Any]:
        if self.times and call.service == "route53":
            self.times -= 1
            raise BUSY
        return self.real.send(call)


@dataclass
class BusyWalk(Walk):
    """A run whose first ``times`` calls find their subject busy."""

    times: int = 0

    def fitted(self, run: PlanRun) -> PlanRun:
        return replace(run, client=BusyClient(run.client, self.times))


@pytest.fixture
def world() -> Iterator[World]:
    with world_of(ENV) as world:
        world.endpoint.timing(transition_s=0.1)
        yield world


def _walk(world: World, folder: Path, times: int, budget_s: int) -> BusyWalk:
    context = replace(records_sight(world, ENV), goal=Goal.FAILOVER)
    steps = tuple(replace(step, budget_s=budget_s) for step in shift_to_dr.SHIFT_TO_DR.plan_steps(context))
    plan = Plan(ENV.name, ENV.account, Goal.FAILOVER, "PRIMARY_LOST", steps)
    return BusyWalk(world, ENV, folder, plan, times)


@pytest.mark.proof
def test_a_subject_that_was_busy_twice_is_changed_despite_one_attempt(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path, times=2, budget_s=60)
    assert walk.run(RecordingListener()).finished
    assert weights(world) == (0, 100)
    assert [entry.data["result"] for entry in walk.entries(EntryKind.OUTCOME)] == ["busy", "busy", "sent"]


@pytest.mark.proof
def test_a_subject_that_stays_busy_is_given_up_when_the_steps_time_is_over(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path, times=99, budget_s=60)
    with pytest.raises(StepFailed) as late:
        walk.run(RecordingListener(), Clock(datetime.now(UTC)))
    assert late.value.cause is FailureCause.LATE
    assert weights(world) == (100, 0)
    assert {entry.data["result"] for entry in walk.entries(EntryKind.OUTCOME)} == {"busy"}
    assert len(walk.entries(EntryKind.OUTCOME)) > 1
    assert walk.entries(EntryKind.UNDONE, EntryKind.COMPENSATION) == []


@dataclass
class PausedWalk(BusyWalk):
    """A run whose calls find their subject busy while nobody can write."""

    def fitted(self, run: PlanRun) -> PlanRun:
        return replace(super().fitted(run), no_writes_since=run.clock.now())


@pytest.mark.proof
def test_in_a_write_pause_a_busy_subject_is_retried_and_people_notified(world: World, tmp_path: Path) -> None:
    busy = _walk(world, tmp_path, times=9, budget_s=10)
    walk = PausedWalk(world, ENV, tmp_path, busy.plan, busy.times)
    assert walk.run(RecordingListener(), Clock(datetime.now(UTC))).finished
    assert weights(world) == (0, 100)
    assert walk.entries(EntryKind.LATE, EntryKind.FAILED) == []
    sentences = [str(entry.data["says"]) for entry in walk.entries(EntryKind.NOTIFIED)]
    assert len(sentences) > 1
    assert all("OUTAGE: nobody can write since" in sentence for sentence in sentences)
