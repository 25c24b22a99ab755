"""A rough way home: the failback is killed again and again, and steps back because the primary serves nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dr_actions.hands import Hands
from dr_estate.environments import Side
from tests.proofs.dying import Make, When, at
from tests.proofs.enforced import Enforced
from tests.proofs.killing import Died
from tests.proofs.rig import Rig

Death = tuple[When, str, int]

FREEZE, BACKUP, RENAME = "rds:ModifyDBParameterGroup", "backup:StartBackupJob", "rds:ModifyDBInstance"
SYNC, FILES, PROMOTE = "rds:CreateDBInstanceReadReplica", "efs:CreateReplicationConfiguration", "rds:PromoteReadReplica"
WEIGHTS = "route53:ChangeResourceRecordSets"

# At which call each process dies, counted from where it goes on.
UNTIL_STEPPED_BACK: tuple[Death, ...] = (
    (When.AFTER, FREEZE, 1),
    (When.BEFORE, BACKUP, 1),
    (When.AFTER, BACKUP, 2),
    (When.AFTER, RENAME, 1),
    (When.AFTER, SYNC, 1),
    (When.BEFORE, FILES, 1),
    (When.AFTER, PROMOTE, 1),
    (When.LATER, WEIGHTS, 2),
    (When.AFTER, WEIGHTS, 1),
)
IN_EACH_BAKE: tuple[Death, ...] = 3 * ((When.LATER, WEIGHTS, 1),)
TO_THE_END: tuple[Death, ...] = (*UNTIL_STEPPED_BACK, (When.AFTER, WEIGHTS, 2), (When.BEFORE, FILES, 1))


@dataclass(frozen=True)
class Rough:
    """The run ``name`` of the failback that is ``due``."""

    of: Enforced
    due: Rig
    name: str = "rough"

    def dies(self, where: Sequence[Death]) -> Callable[[Died], Make]:
        """The next process dies at the next of these; the one after the last lives."""

        def next_death(died: Died) -> Make:
            if len(died) == len(where):
                return Hands
            when, name, nth = where[len(died)]
            return at(nth, when, lambda call: call.name == name, self.bakes)

        return next_death

    def bakes(self) -> bool:
        """Whether a stage is under way."""
        return self.due.is_answered(self.name, "stage_traffic")

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
        sent = (one for one in self.of.world.mutations() if one["operation"] == WEIGHTS.partition(":")[2])
        records = (change["ResourceRecordSet"] for one in sent for change in one["params"]["ChangeBatch"]["Changes"])
        home = self.of.env.traffic.primary_set_identifier
        return [record["Weight"] for record in records if record["SetIdentifier"] == home]

    @property
    def besides(self) -> dict[str, int]:
        """What is sent beside an undisturbed run's: the step back and the half again, the alarm, and tasks by hand."""
        primary, dr, everywhere = (self.of.env.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
        return {f"{everywhere} {WEIGHTS}": 2, f"{dr} sns:Publish": 1, f"{primary} ecs:UpdateService": 2}
