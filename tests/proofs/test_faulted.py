"""Every call of a run fails once, in each way a call fails: the run goes on, or stops with a true account.

Each operation of the run is met: the looks, the calls that change something, those of the control table, and STS. It is
throttled, answered with a 503, denied, lost without effect, or carried out with its answer lost. Whatever the run says
afterwards is compared with the world: nothing is said done that is not, nothing was changed without a record of it, and
file and mirror hold one unbroken chain. Once the fault is gone, the same command finishes.

By default every operation that is sent fails, and of those that look every fourth; all of them, with DR_FULL_FAULTS=1.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import pytest

from dr_actions.actions.registry import actions, writes
from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.action import StepState
from dr_actions.model.plan import Call, Goal
from dr_actions.planning.planner import context_of
from dr_estate.config.environment import Side
from dr_estate.snapshot.observer import observe
from sandbox.core.state import Outage
from tests.proofs.compared import calls_of, facts_of, settled
from tests.proofs.dying import Decide, Make, When, at_the_first, dying, name_of
from tests.proofs.killing import PUBLISH
from tests.proofs.processes import Process
from tests.proofs.rig import LEASE_S, Rig, rig
from tests.proofs.watching import reader_of
from tests.sampling import every
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

FULL = os.environ.get("DR_FULL_FAULTS") == "1"
WAYS = ("throttle", "error", "deny", "hang", "lost")
TRUE_ENDS = (Exit.READY, Exit.COULD_NOT_SEE, Exit.REFUSED, Exit.ACTION_FAILED, Exit.VALIDATION_FAILED)
MOST_RUNS = 40

FAILS, IN_TURN = "fails ", "in turn"

Operation = tuple[str, str, str]


class Faulted:
    """A rig whose read client asks once only, how a run ends that meets no fault, and which operations it calls.

    ``later`` are steps that a later one of the plan, or the passing of time, may make look otherwise than done,
    ``passing`` facts in which AWS goes on by itself after the run.
    """

    def __init__(self, of: Rig, later: Collection[str] = (), passing: frozenset[str] = frozenset()) -> None:
        self.rig, self._later, self._passing = of, later, passing
        of.begin()
        of.world.reset_calls()
        run = of.run("undisturbed")
        assert run.wait() == 0, run.said
        dark = of.env.region(Side.PRIMARY)
        called = (name.replace(":", " ").split() for name in of.world.calls())
        met = sorted((r, s, o) for r, s, o in called if r != dark)
        sent = writes() | CONTROL_CALLS
        looks = [operation for operation in met if ":".join(operation[1:]) not in sent]
        self.operations: list[Operation] = [
            operation for operation in met if FULL or operation not in looks or operation in every(4, looks)
        ]
        self.sent = {operation for operation in met if operation not in looks}
        self.facts, self.calls = facts_of(of), calls_of(of)

    def finishes(self, name: str, first: Make = MutatingClient) -> int:
        """Run until it is done; every stop before that is a true account. Returns how many runs it took."""
        for number in range(1, MOST_RUNS):
            run = self.rig.run(name, first if number == 1 else MutatingClient, later_s=number * (LEASE_S + 1))
            code = run.wait()
            self._gave_a_true_account(name, run, code)
            if code == Exit.READY:
                break
        assert run.said.splitlines()[-1].startswith("done: "), run.said
        assert settled(self.rig, name, self.facts).keys() <= self._passing
        calls = calls_of(self.rig)
        assert self.calls - calls == Counter()
        assert {call.split()[1] for call in calls - self.calls} <= {PUBLISH}
        return number

    def _gave_a_true_account(self, name: str, run: Process, code: int) -> None:
        assert code in TRUE_ENDS, run.said
        entries = self.rig.whole_journal(name)
        self._nothing_is_said_done_that_is_not(entries)
        recorded = Counter(e.data["call"] for e in entries if e.kind is EntryKind.INTENT)
        changed = Counter(call.split()[1] for call in calls_of(self.rig).elements() if "-ops-critical" not in call)
        assert changed - recorded == Counter(), run.said
        if code in (Exit.ACTION_FAILED, Exit.VALIDATION_FAILED):
            assert run.said.splitlines()[-1].partition(":")[0] in ("failed", "late", "invalid", "degraded"), run.said

    def _nothing_is_said_done_that_is_not(self, entries: tuple[Entry, ...]) -> None:
        confirmed = {entry.step for entry in entries if entry.kind is EntryKind.CONFIRMED}
        confirmed -= set(self._later)
        steps = [s for s in self.rig.start.plan.steps if s.id in confirmed and actions()[s.action].observable]
        watched = frozenset(part for step in steps for part in actions()[step.action].reads_parts)
        if not watched:
            return
        seen = observe(self.rig.env, reader_of(self.rig.world), "sandbox", only=watched, upon=self.rig.start.snapshot)
        sent = dict.fromkeys((step.id for step in steps), seen.taken_at)  # files that a run opened need no copy
        context = replace(context_of(self.rig.env, seen, Goal.FAILOVER), sent_at=sent)
        standings = {step.id: actions()[step.action].observe(step, context) for step in steps}
        assert {} == {step: status for step, status in standings.items() if status.state is not StepState.DONE}


@pytest.fixture(scope="module")
def faulted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulted]:
    broken = ("secrets-host-of-the-primary", "definition-primary-database", "primary-dark")
    with rig(tmp_path_factory.mktemp("faulted"), *broken) as test_rig:
        once = test_rig.env.observation.model_copy(update={"attempts": 1})
        yield Faulted(replace(test_rig, env=test_rig.env.model_copy(update={"observation": once})))


def fault(operation: Operation, how: str) -> Outage:
    """The operator's next call of ``operation`` fails; the calls of other people are spared."""
    region, service, name = operation
    return Outage(region, how, service, name, seconds=0.05, times=1, person="operator")


def unmet(of: Rig) -> list[Operation]:
    """The operations whose fault no call has met yet."""
    return [(o["region"], o["service"], o["operation"]) for o in of.world.state()["faults"] if o["times"]]


def each_its_way(operations: list[Operation], how: str) -> dict[Operation, str]:
    """All fail in one way; or each in one of them, and neighbours in different ones."""
    return {
        operation: WAYS[number % len(WAYS)] if how == IN_TURN else how for number, operation in enumerate(operations)
    }


@pytest.mark.parametrize("how", [IN_TURN, *WAYS] if FULL else [IN_TURN])
def test_a_run_whose_operations_each_fail_once_finishes_after_true_reports(faulted: Faulted, how: str) -> None:
    """What a run did not meet, because it went another way after a fault, fails in a run of its own.

    A look that a run alone does not meet either belongs to a slow machine, as that at targets that are not healthy yet.
    """
    of, left, before = faulted.rig, faulted.operations, list[Operation]()
    while left and left != before:
        of.begin()
        for operation, way in each_its_way(left, how).items():
            of.world.begin(fault(operation, way))
        runs = faulted.finishes(f"all-{len(list(of.home.iterdir()))}")
        sys.stdout.write(f"{how}: {len(left)} operations, finished in {runs} runs\n")
        before, left = left, unmet(of)
    assert set(left).isdisjoint(faulted.sent)


@pytest.mark.parametrize("how", WAYS if FULL else ("lost",))
def test_a_run_finishes_after_one_call_alone_failed(faulted: Faulted, how: str) -> None:
    """Each call that the client sends, with DR_FULL_FAULTS=1; else the one that scales the service."""
    of, nth, name = faulted.rig, 0, "begins"
    while name:
        nth += 1
        of.begin()
        meets = at_the(nth) if FULL else lambda call: call.name == "ecs:UpdateService"
        runs = faulted.finishes(f"{how}-{nth}", dying(failing(of, how, meets)))
        name = next((line for line in of.said(f"{how}-{nth}").splitlines() if line.startswith(FAILS)), "")
        assert unmet(of) == []
        sys.stdout.write(f"{how:8} {nth:3} {name}: finished in {runs} runs\n")
        if not FULL:
            assert name
            break


def at_the(nth: int) -> Callable[[Call], bool]:
    """Whether it is the ``nth`` call."""
    met = 0

    def meets(_: Call) -> bool:
        nonlocal met
        met += 1
        return met == nth

    return meets


def failing(of: Rig, how: str, meets: Callable[[Call], bool]) -> Decide:
    """Let the first call that ``meets`` fail, and no process die."""

    def decide(call: Call) -> When | None:
        if meets(call):
            sys.stdout.write(f"{FAILS}{name_of(call)}\n")
            of.world.begin(fault((call.region, call.service, call.operation), how))
        return None

    return decide


def test_an_answer_that_is_lost_in_the_validation_is_asked_for_once_more(faulted: Faulted) -> None:
    """What was not seen is no finding of the estate: a run is not called invalid for one failed read."""
    of = faulted.rig
    of.begin()
    lost = Outage(of.env.region(Side.DR), "deny", "ecs", "DescribeServices", times=1, person="operator")
    run = of.run("asked-again", at_the_first("route53:UpdateHealthCheck", lambda: of.world.begin(lost)))
    assert run.wait() == Exit.READY, run.said
    assert unmet(of) == []
