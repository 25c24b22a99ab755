"""A network that is gone for a while, right before a call or after one that failed, ends no run before its time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from dr_actions.execution import sender, write_pause_watch
from dr_actions.execution.run import FailureCause, PlanRun, ReadFailed, StepFailed
from dr_actions.model.action import Action, PlanContext, planned_call
from dr_actions.model.plan import Call, Goal, Step
from dr_actions.planning.planner import context_of
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from tests.dr_actions.control_tables import Clock
from tests.dr_actions.deciding import PROD
from tests.dr_actions.execution.test_progress import BUDGET_S, LOOK_S, STEP
from tests.dr_actions.execution.test_published_rates import LargeRun


@dataclass
class Unread:
    """A run that looks each minute of a clock moved by hand, and can read nothing for the first ``dark_s``."""

    dark_s: float
    paused: bool = False
    clock: Clock = field(default_factory=Clock)
    limits: set[float] = field(default_factory=set)

    @property
    def no_writes_since(self) -> datetime | None:
        return self.clock.now() - timedelta(minutes=1) if self.paused else None

    def look(self) -> str:
        if self.clock.monotonic() < self.dark_s:
            message = "no region answered"
            raise ReadFailed(message)
        return "seen"

    def seen(self) -> str:
        listener = SimpleNamespace(waits=lambda _step, _age_s, limit_s, _message: self.limits.add(limit_s))
        run = SimpleNamespace(
            clock=self.clock,
            listener=listener,
            no_writes_since=self.no_writes_since,
            wait=lambda: self.clock.move(seconds=LOOK_S),
        )
        action = cast(Action, SimpleNamespace(essential=True))
        return sender._wait_for_view(cast(PlanRun, run), action, STEP, self.look)


def test_a_network_that_comes_back_in_the_step_s_time_is_waited_for() -> None:
    unread = Unread(dark_s=BUDGET_S)
    assert ("seen", {BUDGET_S}) == (unread.seen(), unread.limits)


def test_a_network_that_stays_away_ends_the_step_as_unseen() -> None:
    with pytest.raises(StepFailed, match="not seen within its 600 s: no region answered") as failed:
        Unread(dark_s=math.inf).seen()
    assert FailureCause.UNAVAILABLE is failed.value.cause


def test_while_nobody_can_write_no_network_ends_the_run() -> None:
    unread = Unread(dark_s=10 * BUDGET_S, paused=True)
    assert ("seen", {math.inf}) == (unread.seen(), unread.limits)


@dataclass
class Unbuilt:
    """Makes a step's call, and cannot read what it is made from for the first ``times``."""

    times: float

    def build(self, of: Step, context: PlanContext) -> Call:
        self.times -= 1
        if self.times >= 0:
            raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, "no region answered"))
        return planned_call(of, context)

    def send(self, large: LargeRun) -> sender.Refusals:
        with large.begun() as (run, action):
            context = context_of(PROD, run.snapshot, Goal.CLEAN_UP)
            return sender.send_all(run, replace(action, build_call=self.build), list(large.steps), context)


def test_a_call_is_sent_once_what_it_is_made_from_is_read(tmp_path: Path) -> None:
    large = LargeRun(tmp_path, "ecs:UpdateService", 1)
    assert {} == Unbuilt(times=1).send(large)
    assert large.account.taken == {"t0"}


def test_a_call_made_from_what_is_never_read_ends_the_step_as_unseen(tmp_path: Path) -> None:
    large = LargeRun(tmp_path, "ecs:UpdateService", 1)
    with pytest.raises(StepFailed, match="no region answered") as failed:
        Unbuilt(times=math.inf).send(large)
    assert (FailureCause.UNAVAILABLE, 0) == (failed.value.cause, large.account.calls)


def test_an_end_of_a_write_pause_off_the_record_is_reported() -> None:
    clock, notes = Clock(), list[str]()

    def refuses(_since: datetime | None, _alarm_from: datetime | None) -> None:
        message = "DynamoDB did not answer."
        raise TimeoutError(message)

    run = SimpleNamespace(
        no_writes_since=clock.now() - timedelta(minutes=5),
        report_writes=refuses,
        journal=SimpleNamespace(append=lambda _kind, **_data: None),
        listener=SimpleNamespace(note=notes.append),
    )
    write_pause_watch._end(cast(PlanRun, run), clock.now())
    assert notes[0].endswith("(DynamoDB did not answer): it alarms people until the incident is closed.")
