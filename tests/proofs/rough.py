"""A disturbed failback: it is killed again and again, and steps back because the primary region serves nobody."""

from __future__ import annotations

from dataclasses import dataclass

from tests.proofs.dying import When
from tests.proofs.enforced import Ran
from tests.proofs.killing import Undisturbed

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
