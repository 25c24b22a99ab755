"""One plan carried out in a world by the executor, run by run, and what its journal says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dr_actions.actions.registry import writes as all_writes
from dr_actions.authorization.clearance import Clearance
from dr_actions.clients.mutating_client import Hands
from dr_actions.execution import executor
from dr_actions.execution.executor import Outcome
from dr_actions.execution.run import Run
from dr_actions.guard.guard import refusal
from dr_actions.journal.journal import Entry, Journal, Kind
from dr_actions.model.action import Workshop
from dr_actions.model.gates import Override
from dr_actions.model.plan import Call, Plan, to_json
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import route53
from dr_estate.snapshot.observer import observe
from tests.dr_actions.actions.compute.compute_world import World
from tests.dr_actions.actions.compute.failback_world import records_sight
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.hearing import Told

INCIDENT = "INC-9"


@dataclass
class Walk:
    """One plan in a world, and the journal of its runs."""

    world: World
    env: Environment
    folder: Path
    plan: Plan

    def run(self, tell: Told, at: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Outcome:
        """One run, from where the journal says; raises what ``execute`` raises."""
        self.outcome = outcome = Outcome()
        with Journal.open(self.folder, self.env.name, INCIDENT, "run", at, world=WORLD) as journal:
            if not any(entry.kind is Kind.BEGIN for entry in journal.entries):
                journal.append(Kind.BEGIN, plan=to_json(self.plan))
            run = self._run(journal, tell, at)
            self.stop = run.stop
            executor.execute(run, self.plan.steps, outcome)
        return outcome

    def _run(self, journal: Journal, tell: Told, at: Callable[[], datetime]) -> Run:
        endpoint = self.world.endpoint
        operator, reader = endpoint.people["operator"], endpoint.people["reader"]
        look = Credentials(endpoint.url, reader.access_key_id, reader.secret_access_key)
        zone = self.world.healthy.get(route53.zone, Side.GLOBAL)
        assert zone is not None

        def guard(call: Call, allowed: frozenset[str]) -> str | None:
            refused = refusal(call, self.env, allowed, zone.id, {}, self.plan.goal)
            return str(refused) if refused else None

        change = Credentials(endpoint.url, operator.access_key_id, operator.secret_access_key)
        anyhow = Override("posture.expected", "operator", "the world is well in a test", at() + timedelta(days=1))
        cleared = Clearance(self.env.name, INCIDENT, "operator", "", self.plan.digest, None, (anyhow,))
        return Run(
            env=self.env,
            plan=self.plan,
            clearance=cleared,
            hands=Hands(self.env, change, all_writes(), guard),
            journal=journal,
            look=lambda parts, upon: observe(self.env, look, "sandbox", only=parts, upon=upon),
            tell=tell,
            clock=at,
            held=lambda: None,
            standing_order=lambda: "",
            snapshot=records_sight(self.world).snapshot,
            workshop=Workshop(self.env, self.folder, {}),
        )

    def entries(self, *kinds: Kind) -> list[Entry]:
        with Journal.open(
            self.folder, self.env.name, INCIDENT, "test", lambda: datetime.now(UTC), world=WORLD
        ) as journal:
            return [entry for entry in journal.entries if entry.kind in kinds]
