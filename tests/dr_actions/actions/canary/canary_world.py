"""A canary driven by the executor in a real sandbox, and taken away by the clean-up that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dr_actions.execution import executor
from dr_actions.execution.executor import Outcome
from dr_actions.journal.journal import Entry, Journal, Kind
from dr_actions.model.plan import Goal, Plan, Step, to_json
from dr_actions.planning.planner import make_plan, sight_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.drill_names import canary_name
from dr_estate.readers import route53
from tests.dr_actions.actions.compute.compute_world import World
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.execution.runs import run_in
from tests.dr_actions.hearing import Told

INCIDENT = "TRIAL-20260107-101500"


@dataclass
class Trial:
    """One trial in a world: its journal, and the plans that were carried out."""

    world: World
    env: Environment
    folder: Path

    @property
    def name(self) -> str:
        return canary_name(self.env, self.env.traffic.zone, INCIDENT)

    def plan(self, goal: Goal) -> Plan:
        seen = self.world.whole(route53.records.name, route53.zone.name)
        return make_plan(sight_of(self.env, seen, goal, incident=INCIDENT), "NORMAL")

    def run(self, goal: Goal, tell: Told | None = None) -> Outcome:
        """Plan upon a fresh look and carry it out; raises what ``execute`` raises."""
        outcome, plan = Outcome(), self.plan(goal)
        with self._journal() as journal:
            journal.append(Kind.BEGIN, plan=to_json(plan))
            run = run_in(self.world.endpoint, self.env, plan, self.world.healthy, journal, tell or Told())
            executor.execute(run, plan.steps, outcome)
        return outcome

    def _journal(self) -> Journal:
        return Journal.open(self.folder, self.env.name, INCIDENT, "run", lambda: datetime.now(UTC), world=WORLD)

    @property
    def zone(self) -> str:
        zone = self.world.healthy.get(route53.zone, Side.GLOBAL)
        assert zone is not None
        return zone.id

    def records(self) -> list[dict[str, Any]]:
        """Every record of the zone, as Route 53 has it now."""
        told = self.world.send(Side.GLOBAL, "route53:ListResourceRecordSets", HostedZoneId=self.zone)
        return list(told["ResourceRecordSets"])

    def by_hand(self, step: Step) -> None:
        """A person makes the change that was printed."""
        assert step.call is not None
        self.world.send(Side.GLOBAL, f"route53:{step.call.operation}", **step.call.params)

    def entries(self, kind: Kind) -> list[Entry]:
        with self._journal() as journal:
            return [entry for entry in journal.entries if entry.kind is kind]
