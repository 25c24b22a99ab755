"""The exact calls that bring the database up in the DR region from a copy. Pure.

AWS Backup's copies of an RDS instance are RDS snapshots of type awsbackup, encrypted with the DR vault's key. They are
restored through RDS itself: the instance's name is taken in the very moment of the call, so a call that was made before
a crash is seen at once, and every parameter is checked by RDS. StartRestoreJob would need a role to pass, takes all
parameters as text, and creates the instance some time later. Source: RDS API, RestoreDBInstanceFromDBSnapshot.
"""

from __future__ import annotations

from dr_actions.actions.database.copy_selection import RESTORED_FROM, Choice
from dr_actions.model.action import Sight
from dr_actions.model.plan import Call, Json, Params
from dr_checks.derived.database_copies import AUTOMATED, REPLICA, DatabaseCopy
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import vpc

GROUPS = "VpcSecurityGroupIds"
PROMOTE = "rds:PromoteReadReplica"
TO_POINT_IN_TIME = "rds:RestoreDBInstanceToPointInTime"
FROM_SNAPSHOT = "rds:RestoreDBInstanceFromDBSnapshot"
WRITES = frozenset({PROMOTE, TO_POINT_IN_TIME, FROM_SNAPSHOT})


def call_for(sight: Sight, choice: Choice) -> Call:
    """The one call that makes the chosen copy the DR region's database."""
    if choice.copy.mechanism == REPLICA:
        backup_retention = {"BackupRetentionPeriod": sight.env.thresholds.backup_retention_days}
        params = {"DBInstanceIdentifier": choice.identifier, **backup_retention}
        return Call("rds", "PromoteReadReplica", sight.env.regions.dr, params)
    return _restore(sight, choice.copy, choice.identifier, _common(sight, choice.copy.name))


def beside(sight: Sight, copy: DatabaseCopy, name: str, tags: Json) -> Call:
    """The one call that restores the copy as a recovery would, but under ``name``, unprotected and without backups."""
    own = {"DeletionProtection": False, "BackupRetentionPeriod": 0, "CopyTagsToSnapshot": False, "Tags": tags}
    return _restore(sight, copy, name, {**_common(sight, copy.name), **own})


def _restore(sight: Sight, copy: DatabaseCopy, name: str, common: Params) -> Call:
    region = sight.env.regions.dr
    if copy.mechanism == AUTOMATED:
        source = {
            "SourceDBInstanceAutomatedBackupsArn": copy.name,
            "UseLatestRestorableTime": True,
            "TargetDBInstanceIdentifier": name,
        }
        return Call("rds", "RestoreDBInstanceToPointInTime", region, {**source, **common})
    snapshot = copy.name.partition(":snapshot:")[2]
    named = {"DBSnapshotIdentifier": snapshot, "DBInstanceIdentifier": name}
    return Call("rds", "RestoreDBInstanceFromDBSnapshot", region, {**named, **common})


def _common(sight: Sight, copy_arn: str) -> Params:
    env = sight.env
    return {
        "DBSubnetGroupName": env.named(env.names.db_subnet_group),
        "DBParameterGroupName": env.named(env.names.db_parameter_group),
        GROUPS: [group_id(sight) or later(env)],
        "MultiAZ": True,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        "PubliclyAccessible": False,
        "BackupRetentionPeriod": env.thresholds.backup_retention_days,
        "Tags": [
            {"Key": "Environment", "Value": env.name},
            {"Key": "ManagedBy", "Value": "aws-dr-manager"},
            {"Key": "DR", "Value": "enabled"},
            {"Key": "Backup", "Value": "Required"},
            {"Key": RESTORED_FROM, "Value": copy_arn},
        ],
    }


def later(env: Environment) -> str:
    """Stands for the id of the database's security group while it is not there yet: provisioning may make it."""
    return f"<the security group {env.named(env.names.db_security_group)} of {env.regions.dr}, once provisioned>"


def group_id(sight: Sight) -> str:
    """The id of the database's security group in the DR region, "" where it is absent or unseen."""
    name = sight.env.named(sight.env.names.db_security_group)
    try:
        groups = sight.snapshot.get(vpc.security_groups, Side.DR)
    except CannotSee:
        return ""
    return next((group.id for group in groups if group.name == name), "")


def filled(call: Call, sight: Sight) -> Call:
    """The planned call with the security group as it is now.

    Raises ValueError where that is absent: RDS would take the VPC's default group, out of the tasks' reach.
    """
    if GROUPS not in call.params:
        return call
    found = group_id(sight)
    if not found:
        raise ValueError(f"{later(sight.env)} is still absent")
    params: dict[str, Json] = {**call.params, GROUPS: [found]}
    return Call(call.service, call.operation, call.region, params)
