"""A rig for the executor's proofs: one small world, and real processes that run, die and go on with its plan.

Each run is a forked process with client, lock, heartbeat and journal of its own, so that SIGKILL is SIGKILL. Waiting
for a dead owner's lease is spared by the clock: a process may judge the control table by a later one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.execution.sender import WITNESSED
from dr_actions.journal.entries import Chain, Entry, EntryKind, read_chain
from dr_actions.journal.journal import journal_path, read
from dr_actions.journal.mirror import TableMirror
from dr_actions.model.plan import Plan
from dr_actions.planning.planner import context_of, make_plan
from dr_checks.core.model import Area
from dr_estate.aws.clock import WorldClock
from dr_estate.aws.recording import ExchangeRecorder
from dr_estate.config.environment import Environment, load_environment
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import efs
from dr_estate.snapshot.observer import forget_client, observe
from sandbox.client.endpoint import Endpoint
from tests.proofs.dying import Make
from tests.proofs.processes import Process, forked
from tests.worlds import borrowed, world_of
from utils.aws_mgmt.app.assessment import goal_of
from utils.aws_mgmt.app.authorization import RunStart, clear_trial
from utils.aws_mgmt.app.connections import AppContext, connect, refusals_of_connecting
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.evaluation import CommandRun as Files
from utils.aws_mgmt.app.evaluation import judge, observe_world
from utils.aws_mgmt.app.execution import RunContext, lock_and_run
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.failback_abort import environment_to_run
from utils.aws_mgmt.app.incident_record import (
    before_values,
    entries_of_incident,
    goal_of_beginning,
    journals,
    last_beginning,
)
from utils.aws_mgmt.app.options import FailoverOptions, RecoveryOptions
from utils.aws_mgmt.cli.terminal import Terminal

ROOT = Path(__file__).parents[2]
INCIDENT = "INC-7"
LEASE_S = 60
FULL = os.environ.get("DR_FULL_KILLS") == "1"
"""Each run that goes on reads everything again, as the command does it."""
LEADING = frozenset({efs.policies.name})  # with the records it says which region holds the newer objects


class Heir(WorldClock):
    """The world's clock of a run that takes over: of its watch at most ``skips_s`` seconds pass at once."""

    def __init__(self, skips_s: float) -> None:
        self._skips_s, self._skipped_s = min(skips_s, LEASE_S + 1), 0.0
        super().__init__()

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped_s

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        if seconds < 1 or self._skipped_s >= self._skips_s:
            return super().wait(stop, seconds)
        self._skipped_s += seconds
        return stop.is_set()


@dataclass(frozen=True)
class Rig:
    """A world in which a plan is due. ``start`` is what it was cleared upon; ``kept`` the world's name."""

    world: Endpoint
    env: Environment
    home: Path
    options: RecoveryOptions
    start: RunStart
    kept: str

    @classmethod
    def of(
        cls,
        world: Endpoint,
        env: Environment,
        home: Path,
        options: RecoveryOptions,
        narrowed: Callable[[Plan], Plan] = lambda plan: plan,
    ) -> Rig:
        """Clear a run in the world as it is now, and keep that world. Readiness is proven elsewhere."""
        env = environment_to_run(options, env) if options.failback else env
        files = Files(_folder(home / "cleared"), Terminal())
        reach = connect(world_of(world, "operator"), env)
        recorded = before_values(entries_of_incident(replace(options, output=home / "cleared"), env, INCIDENT, reach))
        snapshot = observe_world(reach.world, env, files)
        report = judge(options, env, (Area.VALIDATION,), snapshot, files)
        context = replace(context_of(env, snapshot, goal_of(options)), recorded=recorded)
        plan = narrowed(make_plan(context, report.posture))
        start = clear_trial(reach, plan, INCIDENT, snapshot, report, recorded=recorded)
        world.keep(str(home))
        return cls(world, env, home, options, start, str(home))

    def with_settings(self, **execution: Any) -> Rig:
        """The same world, under other settings of the run."""
        return replace(self, env=quick(self.env, **{"poll_s": self.env.execution.poll_s, **execution}))

    def begin(self) -> None:
        """Restore the kept world, with nothing done and nothing recorded."""
        self.world.end()
        self.world.return_to(self.kept)
        self.world.reset_mutations()

    def run(
        self,
        name: str,
        make: Make = MutatingClient,
        later_s: float = 0,
        person: str = "operator",
        hears: ExchangeRecorder | None = None,
    ) -> Process:
        """Start the run ``name`` (its folder), or go on with it, in a process of its own.

        ``hears`` meets every call that it makes, of those that look too.
        """
        folder = _folder(self.home / name)
        log = folder / f"log-{len(list(folder.glob('log-*'))):03d}"
        log.touch()
        return forked(partial(self._in_words, folder, make, later_s, person, hears), log)

    def _in_words(self, *how: Any) -> int:
        """As the error boundary does it."""
        try:
            with refusals_of_connecting():
                return self._execute(*how)
        except (Refused, DataUnavailable) as kept_from_it:
            sys.stdout.write(f"{kept_from_it}\n")
            return int(Exit.REFUSED if isinstance(kept_from_it, Refused) else Exit.COULD_NOT_SEE)

    def _execute(self, folder: Path, make: Make, later_s: float, person: str, hears: ExchangeRecorder | None) -> int:
        world = world_of(self.world, person, Heir(later_s))
        world = replace(world, credentials=replace(world.credentials, recorder=hears))
        reach = connect(world, self.env, make)
        options = replace(self.options, output=folder)
        begun = last_beginning(entries_of_incident(options, self.env, INCIDENT, reach))
        goes_on = begun is not None and goal_of_beginning(begun) is self.start.plan.goal
        start = self._as_now() if goes_on else self.start
        if hears:
            forget_client()  # it meets the calls of those to come
        summary, _ = lock_and_run(RunContext(options, self.env, reach, start, Files(folder, Terminal())))
        sys.stdout.write(f"{summary.outcome}: {summary.says}\n")
        return int(summary.exit)

    def _as_now(self) -> RunStart:
        """What a run that goes on starts from: the same plan, and the parts that it reads for no action."""
        credentials = world_of(self.world, "operator").credentials
        only = None if FULL else WITNESSED | LEADING
        snapshot = observe(self.env, credentials, "sandbox", only=only, upon=self.start.snapshot)
        return replace(self.start, report=None, snapshot=snapshot)

    def said(self, name: str) -> str:
        """What the first process of the run ``name`` printed."""
        return (self.home / name / "log-000").read_text(encoding="utf-8")

    def journal_file(self, name: str) -> Path:
        """Where the run keeps its journal, written so far or not."""
        folder = journals(replace(self.options, output=self.home / name), world_of(self.world, "operator").id)
        return journal_path(folder, self.env.name, INCIDENT)

    def journal(self, name: str) -> Chain:
        """What the run's journal on the disk proves."""
        return read(self.journal_file(name), self.env.name, INCIDENT)

    def goes_on(self, name: str, action: str) -> bool:
        """Whether an answer is what the run's journal says last of the action's steps: what was asked for goes on."""
        if not self.journal_file(name).exists():
            return False
        kinds = [entry.kind for entry in self.journal(name).entries if str(entry.step).startswith(f"{action}:")]
        return kinds[-1:] == [EntryKind.OUTCOME]

    def whole_journal(self, name: str) -> tuple[Entry, ...]:
        """The run's entries: one unbroken chain, and no other in the mirror. None where no run came so far."""
        if not self.journal_file(name).exists():
            return ()
        chain = self.journal(name)
        assert (None, b"") == (chain.fault, chain.torn)
        lines = TableMirror(self.reach("admin").control).fetch(INCIDENT)
        journal = read_chain("".join(line + "\n" for line in lines).encode(), self.env.name, INCIDENT)
        assert journal.fault is None
        assert journal.entries == chain.entries[: len(journal.entries)]
        return chain.entries

    def reach(self, person: str = "operator") -> AppContext:
        """Connections for the test's own questions."""
        return connect(world_of(self.world, person), self.env)


@contextmanager
def rig(home: Path, *broken: str, transition_s: float = 0.1, planned: bool = False, **execution: Any) -> Iterator[Rig]:
    """A world of one tenant with the disasters ``broken`` in it; ``execution`` are settings of the environment."""
    env = quick(load_environment(ROOT / "environments", "sit"), **execution)
    with borrowed(env, 1) as world:
        world.timing(transition_s=transition_s)
        for name in broken:
            world.inject(name)
        yield Rig.of(
            world, env, home, FailoverOptions(environment=env.name, execute=True, planned=planned, incident=INCIDENT)
        )


def quick(env: Environment, **execution: Any) -> Environment:
    """The environment with a short breath: polls at once, no cool-down."""
    wanted = {"lease_s": LEASE_S, "poll_s": 0.02, "cool_down_minutes": 0, **execution}
    return env.model_copy(update={"execution": env.execution.model_copy(update=wanted)})


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
