"""A rough way home: the failback is killed again and again, and steps back because the primary serves nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.guard.backup_first import syncs
from dr_actions.model.plan import Call
from dr_estate.config.environment import Side
from sandbox.client.endpoint import Endpoint
from tests.proofs.dying import Make, When, at
from tests.proofs.enforced import Enforced, Ran, Written
from tests.proofs.killing import Died, Ended, Undisturbed, gone_on_with
from tests.proofs.processes import Process
from tests.proofs.rig import Rig

Death = tuple[When, str, int]

FREEZE, BACKUP, RENAME = "rds:ModifyDBParameterGroup", "backup:StartBackupJob", "rds:ModifyDBInstance"
SYNC, FILES, PROMOTE = "rds:CreateDBInstanceReadReplica", "efs:CreateReplicationConfiguration", "rds:PromoteReadReplica"
WEIGHTS = "route53:ChangeResourceRecordSets"

VERBS = {
    WEIGHTS: "traffic/shift_to_primary",
    BACKUP: "backup/create_backups",
}  # what takes its time once it was answered

BEGUN, BACKING_UP = "begun", "backing up"  # worlds kept on the way

# At which call each process dies, counted from where it goes on.
UNTIL_STEPPED_BACK: tuple[Death, ...] = (
    (When.BEFORE, BACKUP, 1),
    (When.LATER, BACKUP, 4),
    (When.AFTER, RENAME, 1),
    (When.AFTER, SYNC, 1),
    (When.BEFORE, FILES, 1),
    (When.AFTER, FREEZE, 1),
    (When.AFTER, PROMOTE, 1),
    (When.LATER, WEIGHTS, 2),
    (When.AFTER, WEIGHTS, 1),
)
IN_EACH_BAKE: tuple[Death, ...] = 3 * ((When.LATER, WEIGHTS, 1),)
TO_THE_END: tuple[Death, ...] = (*UNTIL_STEPPED_BACK, (When.AFTER, WEIGHTS, 2))


@dataclass(frozen=True)
class Back:
    """The failback that nobody disturbed."""

    ran: Ran
    undisturbed: Undisturbed


@dataclass
class Rough:
    """The run ``name`` of the failback that is ``due``: where its processes died, and how the last one ended."""

    of: Enforced
    due: Rig
    written: Written
    name: str = "rough"
    died: Died = field(default_factory=list)
    ended: Ended = field(init=False)

    def goes_on_until(self, where: Sequence[Death]) -> None:
        """Let its processes die there. Until it steps back, the tenant stops at home in the midst of a bake."""
        self.ended = gone_on_with(self.due, self.name, self.dies(where), self.died, self._met)
        self.died = self.ended.died

    def _met(self, process: Process) -> None:
        self.written.writer.write_one()
        when, name = process.died
        if BACKUP in name:
            self.of.world.keep(BEGUN if when is When.BEFORE else BACKING_UP)
        if self.due.goes_on(self.name, "traffic/shift_to_primary"):
            self.tasks_at_home(0)

    def dies(self, where: Sequence[Death]) -> Callable[[Died], Make]:
        """The next process dies at the next of these; the one after the last lives."""

        def next_death(died: Died) -> Make:
            if len(died) == len(where):
                return MutatingClient
            when, name, nth = where[len(died)]
            return at(
                nth, when, lambda call: call.name == name, partial(self.due.goes_on, self.name, VERBS.get(name, ""))
            )

        return next_death

    def returned(self, state: str) -> Endpoint:
        """The world as it was kept, and none of its calls counted."""
        world = self.of.world
        world.end()
        world.return_to(state)
        world.reset_mutations()
        return world

    def synced(self) -> list[str]:
        """The calls that brought data home, or made way for that."""
        calls = (Call(m["service"], m["operation"], m["region"], m["params"]) for m in self.of.world.mutations())
        return [call.name for call in calls if syncs(call, self.of.env)]

    def tasks_at_home(self, wanted: int) -> None:
        """Somebody lets the tenant's service in the primary region run so many tasks."""
        aws, names = self.of.aws("admin"), self.of.env.names
        cluster, service = aws.named(names.cluster), aws.named(names.service)
        ecs = aws.client("ecs", Side.PRIMARY)
        ecs.update_service(cluster=cluster, service=service, desiredCount=wanted)
        ends = time.monotonic() + 20
        while ecs.describe_services(cluster=cluster, services=[service])["services"][0]["runningCount"] != wanted:
            assert time.monotonic() < ends, f"{service} does not run {wanted} tasks"
            time.sleep(0.1)

    def weights(self) -> list[int]:
        """The weights that were sent for the primary region's record, in order."""
        sent = (
            mutation for mutation in self.of.world.mutations() if mutation["operation"] == WEIGHTS.partition(":")[2]
        )
        records = (
            change["ResourceRecordSet"] for mutation in sent for change in mutation["params"]["ChangeBatch"]["Changes"]
        )
        home = self.of.env.traffic.primary_set_identifier
        return [record["Weight"] for record in records if record["SetIdentifier"] == home]

    @property
    def besides(self) -> dict[str, int]:
        """What is sent beside an undisturbed run's: the step back and the half again, the alarm, and tasks by hand."""
        primary, dr, everywhere = (self.of.env.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
        return {f"{everywhere} {WEIGHTS}": 2, f"{dr} sns:Publish": 1, f"{primary} ecs:UpdateService": 2}
