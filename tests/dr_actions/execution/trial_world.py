"""A world of one tenant in which a trial is run, and taken away again, through the executor under IAM enforcement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from dr_actions.drills.inventory import Difference, differences, inventory
from dr_actions.execution import executor
from dr_actions.execution.executor import Outcome
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Goal, Plan, to_json
from dr_actions.planning.planner import context_of, make_plan
from dr_estate.config.environment import Environment, load_environment
from dr_estate.model.recovery_names import TRIAL, new_id
from dr_estate.readers import drill_resources, efs, rds
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.execution.runs import run_in
from tests.dr_actions.hearing import RecordingListener
from tests.worlds import borrowed, world_of

ROOT = Path(__file__).parents[3]
PERSON = "driller"
MADE = frozenset(
    reader.name
    for reader in (
        rds.instances,
        efs.of_drills,
        drill_resources.access_points,
        drill_resources.mount_targets,
        drill_resources.tasks,
    )
)


@dataclass
class Ground:
    """The world, the environment as it is judged by, and where journals lie."""

    endpoint: Endpoint
    env: Environment
    folder: Path
    listener: RecordingListener = field(default_factory=RecordingListener)

    def look(self, parts: frozenset[str] | None = None, upon: Snapshot | None = None) -> Snapshot:
        return world_of(self.endpoint, PERSON).observe(self.env, parts, upon)

    def look_again(self, upon: Snapshot) -> Snapshot:
        """What drills made, read again; the rest as it was."""
        return self.look(MADE, upon)

    def plan(self, goal: Goal, incident: str, snapshot: Snapshot) -> Plan:
        return make_plan(context_of(self.env, snapshot, goal, incident=incident), "NORMAL")

    def execute(self, goal: Goal, incident: str, snapshot: Snapshot) -> tuple[Plan, Outcome]:
        """Plan upon what was seen, and run, as the driller. Raises what ``execute`` raises."""
        plan, outcome = self.plan(goal, incident, snapshot), Outcome()
        with Journal.open(self.folder / goal.value, self.env.name, incident, "run", now, world=WORLD) as journal:
            journal.append(EntryKind.BEGIN, plan=to_json(plan))
            run = run_in(self.endpoint, self.env, plan, snapshot, journal, self.listener, person=PERSON)
            executor.execute(run, plan.steps, outcome)
        return plan, outcome

    def entries(self, goal: Goal, incident: str, kind: EntryKind) -> list[Entry]:
        with Journal.open(self.folder / goal.value, self.env.name, incident, "test", now, world=WORLD) as journal:
            return [entry for entry in journal.entries if entry.kind is kind]

    def confirmed(self, incident: str) -> list[Entry]:
        return self.entries(Goal.RESTORE_TEST, incident, EntryKind.CONFIRMED)

    def differences(self, before: Snapshot, after: Snapshot) -> tuple[Difference, ...]:
        return differences(inventory(before), inventory(after))


def now() -> datetime:
    return datetime.now(UTC)


def trial() -> str:
    return new_id(TRIAL, now())


@contextmanager
def ground(folder: Path, tenants: int = 1) -> Iterator[Ground]:
    """A healthy PROD that judges every call by the caller's policies; changes take a moment.

    Its driller has no recovery's rights, as where full drills are allowed: what is done here may be done there too.
    """
    env = load_environment(ROOT / "environments", "prod")
    quick = env.model_copy(update={"execution": env.execution.model_copy(update={"poll_s": 0.5})})
    with borrowed(quick, tenants) as endpoint:
        endpoint.timing(transition_s=0.4)
        endpoint.enforce_iam(True)
        yield Ground(endpoint, quick, folder)
