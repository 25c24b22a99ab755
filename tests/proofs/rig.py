"""A rig for the executor's proofs: one small world, and real processes that run, die and go on with its failover.

Each run is a forked process with hands, lock, heartbeat and journal of its own, so that SIGKILL is SIGKILL. Waiting
for a dead owner's lease is spared by the clock: a process may judge the control table by a later one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from dr_actions.authority import Case, Clearance, decide
from dr_actions.checking import WITNESSED
from dr_actions.entries import Chain, Kind
from dr_actions.hands import Hands
from dr_actions.journal import journal_path, read
from dr_actions.plan import Danger, Goal
from dr_actions.planning import make_plan, sight_of
from dr_checks.model import Area
from dr_estate.access import Credentials
from dr_estate.environments import Environment, load_environment
from dr_estate.observing import observe
from dr_estate.unseen import CannotSee
from sandbox.endpoint import Endpoint
from tests.proofs.dying import Make
from tests.proofs.processes import Process, forked
from tests.worlds import borrowed
from utils.aws_mgmt.authorising import Start
from utils.aws_mgmt.commands import Refused
from utils.aws_mgmt.desk import Desk
from utils.aws_mgmt.executing_command import hold_and_run
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.judging import Run as Files
from utils.aws_mgmt.judging import judge, look_at
from utils.aws_mgmt.past import past_of
from utils.aws_mgmt.reaching import Reach, clock, in_words, reached
from utils.aws_mgmt.request import Request
from utils.aws_mgmt.worlds import World

ROOT = Path(__file__).parents[2]
INCIDENT = "INC-7"
LEASE_S = 60


@dataclass(frozen=True)
class Rig:
    """A world in which a failover is due. ``start`` is what it was cleared upon; ``kept`` the world's name."""

    world: Endpoint
    env: Environment
    home: Path
    request: Request
    start: Start
    kept: str

    @classmethod
    def of(cls, world: Endpoint, env: Environment, home: Path, request: Request) -> Rig:
        """Clear a run in the world as it is now, and keep that world. Readiness is proven elsewhere."""
        files = Files(_folder(home / "cleared"), lambda *_: None)
        reach = reached(world_of(world, "operator"), env)
        snapshot = look_at(reach.world, env, files)
        report = judge(request, env, (Area.VALIDATION,), snapshot, files)
        goal = Goal.SWITCHOVER if "planned" in request.flags else Goal.FAILOVER
        plan = make_plan(sight_of(env, snapshot, goal), report.posture)
        confirmed = frozenset(step.id for step in plan.steps if step.danger is Danger.IRREVERSIBLE)
        caller = reach.caller
        case = Case(plan, INCIDENT, caller.arn, caller.userid, (), (), (), clock(), confirmed=confirmed)
        clearance = decide(case, env)
        assert isinstance(clearance, Clearance), clearance
        world.keep(str(home))
        start = Start(plan, clearance, snapshot, report, confirmed, (), {})
        return cls(world, env, home, request, start, str(home))

    def with_settings(self, **execution: Any) -> Rig:
        """The same world, under other settings of the run."""
        return replace(self, env=quick(self.env, **{"poll_s": self.env.execution.poll_s, **execution}))

    def begin(self) -> None:
        """Make the world anew, with nothing done and nothing recorded."""
        self.world.end()
        self.world.return_to(self.kept)
        self.world.reset_mutations()

    def run(self, name: str, make: Make = Hands, later_s: float = 0, person: str = "operator") -> Process:
        """Start the run ``name`` (its folder), or go on with it, in a process of its own."""
        folder = _folder(self.home / name)
        log = folder / f"log-{len(list(folder.glob('log-*'))):03d}"
        log.touch()
        return forked(partial(self._in_words, folder, make, later_s, person), log)

    def _in_words(self, *how: Any) -> int:
        """As the error wall does it."""
        try:
            with in_words():
                return self._execute(*how)
        except (Refused, CannotSee) as kept_from_it:
            sys.stdout.write(f"{kept_from_it}\n")
            return int(Exit.REFUSED if isinstance(kept_from_it, Refused) else Exit.COULD_NOT_SEE)

    def _execute(self, folder: Path, make: Make, later_s: float, person: str) -> int:
        def now() -> datetime:
            return clock() + timedelta(seconds=later_s)

        reach = reached(world_of(self.world, person), self.env, make, now)
        reach.zones.learn(self.start.snapshot, self.env)
        request = replace(self.request, output=folder)
        past = past_of(request, self.env, INCIDENT, reach)
        goes_on = any(entry.kind is Kind.BEGIN for entry in past)
        start = self._as_now() if goes_on else self.start
        ran, _ = hold_and_run(Desk(request, self.env, reach, start, Files(folder, lambda *_: None)))
        sys.stdout.write(f"{ran.outcome}: {ran.says}\n")
        return int(ran.exit)

    def _as_now(self) -> Start:
        """What a run that goes on starts from: the same plan, and witnesses that were asked just now."""
        credentials = world_of(self.world, "operator").credentials
        snapshot = observe(self.env, credentials, "sandbox", only=WITNESSED, upon=self.start.snapshot)
        return replace(self.start, report=None, snapshot=snapshot)

    def said(self, name: str) -> str:
        """What the first process of the run ``name`` told its operator."""
        return (self.home / name / "log-000").read_text(encoding="utf-8")

    def journal(self, name: str) -> Chain:
        """What the run's journal on the disk proves."""
        return read(journal_path(self.home / name / "incidents", self.env.name, INCIDENT), self.env.name, INCIDENT)

    def reach(self, person: str = "operator") -> Reach:
        """Connections for the test's own questions."""
        return reached(world_of(self.world, person), self.env)


@contextmanager
def rig(home: Path, *broken: str, transition_s: float = 0.1, planned: bool = False, **execution: Any) -> Iterator[Rig]:
    """A world of one tenant with the disasters ``broken`` in it; ``execution`` are settings of the environment."""
    env = quick(load_environment(ROOT / "environments", "sit"), **execution)
    with borrowed(env, 1) as world:
        world.timing(transition_s=transition_s)
        for name in broken:
            world.break_(name)
        flags = frozenset({"execute", "planned"} if planned else {"execute"})
        yield Rig.of(world, env, home, Request("failover", env.name, flags=flags, arguments={"incident": INCIDENT}))


def quick(env: Environment, **execution: Any) -> Environment:
    """The environment with a short breath: polls at once, no cool-down."""
    wanted = {"lease_s": LEASE_S, "poll_s": 0.02, "cool_down_minutes": 0, **execution}
    return env.model_copy(update={"execution": env.execution.model_copy(update=wanted)})


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def world_of(world: Endpoint, person: str) -> World:
    """The world as a person of it reaches it."""
    keys = world.people[person]
    return World("sandbox", Credentials(world.url, keys.access_key_id, keys.secret_access_key))
