"""One plan carried out in a world by the executor, run by run, and what its journal says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dr_actions.execution import executor
from dr_actions.execution.executor import Outcome
from dr_actions.execution.run import PlanRun
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.gates import Override
from dr_actions.model.plan import Plan, to_json
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment
from tests.dr_actions.actions.compute.compute_world import World
from tests.dr_actions.actions.compute.failback_world import records_sight
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.execution.runs import run_in
from tests.dr_actions.hearing import RecordingListener

INCIDENT = "INC-9"


@dataclass
class Walk:
    """One plan in a world, and the journal of its runs."""

    world: World
    env: Environment
    folder: Path
    plan: Plan

    def run(self, listener: RecordingListener, clock: WorldClock | None = None) -> Outcome:
        """One run, from where the journal says; raises what ``execute`` raises."""
        self.outcome = outcome = Outcome()
        clock = clock or WorldClock()
        with Journal.open(self.folder, self.env.name, INCIDENT, "run", clock.now, world=WORLD) as journal:
            if not any(entry.kind is EntryKind.BEGIN for entry in journal.entries):
                journal.append(EntryKind.BEGIN, plan=to_json(self.plan))
            snapshot = records_sight(self.world).snapshot
            anyhow = Override(
                "posture.expected", "operator", "the world is well in a test", clock.now() + timedelta(days=1)
            )
            run = run_in(
                self.world.endpoint, self.env, self.plan, snapshot, journal, listener, clock=clock, overrides=(anyhow,)
            )
            run = self.fitted(run)
            self.stop = run.stop
            executor.execute(run, self.plan.steps, outcome)
        return outcome

    def fitted(self, run: PlanRun) -> PlanRun:
        """The run as a test changes it."""
        return run

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        with Journal.open(
            self.folder, self.env.name, INCIDENT, "test", lambda: datetime.now(UTC), world=WORLD
        ) as journal:
            return [entry for entry in journal.entries if entry.kind in kinds]
