"""A run of many tenants keeps to AWS's published rates: nothing is throttled, and nobody is given up for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from dr_actions.actions.compute import service_counts
from dr_actions.authorization.clearance import Clearance
from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.execution import sender
from dr_actions.execution.rollback import RollbackResult, roll_back
from dr_actions.execution.run import PlanRun, StepFailed
from dr_actions.guard.context import GuardContext
from dr_actions.journal.journal import Journal
from dr_actions.model.action import Action, PlanContext, ProgramContext, StepState, StepStatus, planned_call, send_call
from dr_actions.model.plan import Call, FailureKind, Goal, Plan, SendFailed, Step
from dr_actions.planning.estimate import floor_s
from dr_actions.planning.planner import context_of
from dr_estate.aws.pace import Pace
from tests.dr_actions.control_tables import WORLD, Clock
from tests.dr_actions.deciding import PROD, step
from tests.dr_actions.hearing import RecordingListener
from tests.dr_checks.worlds import world
from tests.sampling import EXHAUSTIVE

REGION = PROD.regions.dr
# AWS's buckets (Amazon ECS API Reference, Request throttling): so many at once, then so many a second
BUCKETS = {"ecs:UpdateService": (50, 5), "ecs:RegisterTaskDefinition": (20, 1)}


@dataclass
class ThrottlingAccount:
    """An account that takes calls as fast as AWS publishes, by the time of ``clock``. ``calls`` are all that came.

    ``share`` of the rate is left: somebody else spends the rest. ``undo_failures`` come to the first calls that set the
    values of before.
    """

    clock: Clock
    operation: str
    share: float = 1.0
    undo_failures: list[FailureKind] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    throttled: int = 0
    calls: int = 0

    def __post_init__(self) -> None:
        self.tokens, self.at_s = self.share * BUCKETS[self.operation][0], self.clock.monotonic()

    @contextmanager
    def permitting(self, _context: GuardContext) -> Iterator[ThrottlingAccount]:
        yield self

    def send(self, call: Call) -> dict[str, Any]:
        (burst, per_s), now_s = BUCKETS[call.name], self.clock.monotonic()
        more = self.share * per_s * (now_s - self.at_s)
        self.tokens, self.at_s = min(self.share * burst, self.tokens + more), now_s
        self.calls += 1
        if self.undo_failures and "desiredCount" in call.params:
            raise SendFailed(self.undo_failures.pop(), "It did not answer.", "")
        if self.tokens < 1:
            self.throttled += 1
            raise SendFailed(FailureKind.THROTTLED, "Rate exceeded.", "ThrottlingException")
        self.tokens -= 1
        self.taken.add(str(call.params["service"]))
        return {}


def tenants(number: int, operation: str) -> tuple[Step, ...]:
    """A step of each tenant, all of one batch."""
    name = operation.partition(":")[2]
    before = {"desiredCount": 1}
    return tuple(
        step(f"t{n}", call=Call("ecs", name, REGION, {"service": f"t{n}"}), tenant=f"t{n}", before=before)
        for n in range(number)
    )


@dataclass
class LargeRun:
    """A run of so many tenants in an account where ``share`` of the published rate is left to it."""

    folder: Path
    operation: str
    number: int
    share: float = 1.0

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.account = ThrottlingAccount(self.clock, self.operation, self.share)
        self.steps, self.listener = tenants(self.number, self.operation), RecordingListener()

    def send(self) -> sender.Refusals:
        """Send all calls; returns what was given up."""
        with self.begun() as (run, action):
            return sender.send_all(run, action, list(self.steps), context_of(PROD, run.snapshot, Goal.CLEAN_UP))

    def send_and_roll_back(self) -> list[RollbackResult]:
        """Send all calls, then take all of them back as a switchover does."""
        with self.begun() as (run, action):
            sender.send_all(run, action, list(self.steps), context_of(PROD, run.snapshot, Goal.CLEAN_UP))
            run.plan = replace(run.plan, goal=Goal.SWITCHOVER)
            return roll_back(run, self.steps, StepFailed(self.steps[0].id, "it failed"))

    @contextmanager
    def begun(self) -> Iterator[tuple[PlanRun, Action]]:
        """The run, and an action that sends its calls as they are."""
        plan = Plan(PROD.name, PROD.account, Goal.CLEAN_UP, "STEADY", self.steps)
        clearance = Clearance(PROD.name, "INC-1", "operator", "", plan.digest, None, ())
        snapshot = world({})
        own: dict[str, Any] = {"status": self._observe, "build_call": planned_call, "send": send_call, "parts": ()}
        action = replace(service_counts.SCALE_DR, **own)
        with Journal.open(self.folder, PROD.name, "INC-1", "run", self.clock.now, world=WORLD) as journal:
            run = PlanRun(
                env=PROD,
                plan=plan,
                clearance=clearance,
                client=cast("MutatingClient[GuardContext]", self.account),
                journal=journal,
                read=lambda _parts, _upon, _sides: snapshot,
                listener=self.listener,
                clock=self.clock,
                check_lock=lambda: None,
                pause_reason=str,
                snapshot=snapshot,
                program_context=ProgramContext(PROD, self.folder, dict),
                pace=Pace(self.clock.monotonic),
            )
            yield run, action

    def _observe(self, of: Step, _context: PlanContext) -> StepStatus:
        took = of.subject in self.account.taken
        return StepStatus(StepState.DONE if took else StepState.READY, "it was taken" if took else "it was not")


LARGEST = (10_000,) if EXHAUSTIVE else ()
"""Two minutes, in which nothing else happens than with a thousand."""


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        *((operation, 100) for operation in BUCKETS),
        *(pytest.param(operation, 1000, marks=pytest.mark.proof) for operation in BUCKETS),
        *(pytest.param("ecs:UpdateService", number, marks=pytest.mark.proof) for number in LARGEST),
    ],
)
def test_many_tenants_take_little_longer_than_the_rates_without_a_throttle(
    tmp_path: Path, operation: str, number: int
) -> None:
    run = LargeRun(tmp_path, operation, number)
    began_s = run.clock.monotonic()
    assert {} == run.send()
    assert (0, number) == (run.account.throttled, len(run.account.taken))
    burst, per_s = BUCKETS[operation]
    shortest_s = (number - burst) / per_s
    assert shortest_s == pytest.approx(floor_s(run.steps, PROD))
    assert shortest_s <= run.clock.monotonic() - began_s <= 1.1 * shortest_s
    assert (
        f" of {number} calls of this round are sent; AWS's published rates allow the next 16 in "
        in run.listener.said[-2]
    )


@pytest.mark.parametrize("operation", BUCKETS)
def test_no_call_of_a_batch_is_given_up_while_aws_takes_some_of_them(tmp_path: Path, operation: str) -> None:
    run = LargeRun(tmp_path, operation, 200, share=0.5)
    assert {} == run.send()
    assert 200 == len(run.account.taken)
    assert run.account.throttled > 0


@pytest.mark.parametrize("share", [1.0, 0.8], ids=["the whole rate", "most of the rate"])
def test_a_rollback_of_many_tenants_keeps_the_rates_and_undoes_each(tmp_path: Path, share: float) -> None:
    run = LargeRun(tmp_path, "ecs:UpdateService", 120, share=share)
    results = run.send_and_roll_back()
    assert [] == [result.message for result in results if not result.rolled_back]
    assert (120, run.account.throttled == 0) == (len(results), share == 1.0)


@pytest.mark.parametrize("kind", [FailureKind.BUSY, FailureKind.UNCERTAIN])
def test_an_undo_that_aws_does_not_take_at_once_is_sent_again(tmp_path: Path, kind: FailureKind) -> None:
    run = LargeRun(tmp_path, "ecs:UpdateService", 2)
    run.account.undo_failures = [kind] * (PROD.execution.attempts - 1)
    assert [True, True] == [result.rolled_back for result in run.send_and_roll_back()]


def test_an_undo_that_aws_never_takes_is_given_up_after_the_attempts(tmp_path: Path) -> None:
    run = LargeRun(tmp_path, "ecs:UpdateService", 1)
    run.account.undo_failures = [FailureKind.BUSY] * (PROD.execution.attempts + 1)
    (result,) = run.send_and_roll_back()
    assert (False, 1 + PROD.execution.attempts) == (result.rolled_back, run.account.calls)
    assert "could NOT be undone" in result.message


def test_a_throttled_call_ends_after_its_attempts_if_nothing_gets_through(tmp_path: Path) -> None:
    run = LargeRun(tmp_path, "ecs:RegisterTaskDefinition", 3, share=0.0)
    refusals = run.send()
    assert {of.id for of in run.steps} == set(refusals)
    assert PROD.execution.attempts * 3 == run.account.calls


def test_what_aws_rates_make_a_run_wait_is_not_the_primary_regions_time(tmp_path: Path) -> None:
    with LargeRun(tmp_path, "ecs:UpdateService", 1).begun() as (run, _):
        run.fence_began_s = 100.0
        run.hold(30)
        run.fence_weighed = True
        run.hold(30)
    assert (130.0, 60.0) == (run.fence_began_s, run.paced_s)
