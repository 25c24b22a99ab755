"""The exact calls that bring the database up in the DR region from a copy. Pure.

AWS Backup's copies of an RDS instance are RDS snapshots of type awsbackup, encrypted with the DR vault's key. They are
restored through RDS itself: the instance's name is taken in the very moment of the call, so a call that was made before
a crash is seen at once, and every parameter is checked by RDS. StartRestoreJob would need a role to pass, takes all
parameters as text, and creates the instance some time later. Source: RDS API, RestoreDBInstanceFromDBSnapshot.
"""

from __future__ import annotations

from dr_actions.mechanisms import RESTORED_FROM, Choice
from dr_actions.plan import Call, Json, Params
from dr_actions.verbs import Sight
from dr_checks.database_copies import AUTOMATED, REPLICA
from dr_estate.environments import Environment, Side
from dr_estate.facts import vpc
from dr_estate.unseen import CannotSee

GROUPS = "VpcSecurityGroupIds"
PROMOTE = "rds:PromoteReadReplica"
TO_POINT_IN_TIME = "rds:RestoreDBInstanceToPointInTime"
FROM_SNAPSHOT = "rds:RestoreDBInstanceFromDBSnapshot"
WRITES = frozenset({PROMOTE, TO_POINT_IN_TIME, FROM_SNAPSHOT})


def call_for(sight: Sight, choice: Choice) -> Call:
    """The one call that makes the chosen copy the DR region's database."""
    region = sight.env.regions.dr
    if choice.copy.mechanism == REPLICA:
        kept = {"BackupRetentionPeriod": sight.env.thresholds.backup_retention_days}
        return Call("rds", "PromoteReadReplica", region, {"DBInstanceIdentifier": choice.identifier, **kept})
    common = _common(sight, choice.copy.name)
    if choice.copy.mechanism == AUTOMATED:
        source = {
            "SourceDBInstanceAutomatedBackupsArn": choice.copy.name,
            "UseLatestRestorableTime": True,
            "TargetDBInstanceIdentifier": choice.identifier,
        }
        return Call("rds", "RestoreDBInstanceToPointInTime", region, {**source, **common})
    snapshot = choice.copy.name.partition(":snapshot:")[2]
    named = {"DBSnapshotIdentifier": snapshot, "DBInstanceIdentifier": choice.identifier}
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
