"""The exact calls that bring the database up in the DR region from a copy. Pure.

AWS Backup's copies of an RDS instance are RDS snapshots of type awsbackup, encrypted with the DR vault's key. They are
restored through RDS itself: the instance's name is taken in the very moment of the call, so a call that was made before
a crash is seen at once, and every parameter is checked by RDS. StartRestoreJob would need a role to pass, takes all
parameters as text, and creates the instance some time later. Source: RDS API, RestoreDBInstanceFromDBSnapshot.
"""

from __future__ import annotations

from dr_actions.actions.database.copy_selection import RESTORED_FROM, CopyChoice
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Call, Json, Params
from dr_checks.derived.database_copies import AUTOMATED, REPLICA, DatabaseCopy
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import vpc

GROUPS = "VpcSecurityGroupIds"
PROMOTE = "rds:PromoteReadReplica"
TO_POINT_IN_TIME = "rds:RestoreDBInstanceToPointInTime"
FROM_SNAPSHOT = "rds:RestoreDBInstanceFromDBSnapshot"
WRITES = frozenset({PROMOTE, TO_POINT_IN_TIME, FROM_SNAPSHOT})


def call_for(context: PlanContext, choice: CopyChoice) -> Call:
    """The one call that makes the chosen copy the DR region's database."""
    if choice.copy.mechanism == REPLICA:
        backup_retention = {"BackupRetentionPeriod": context.env.thresholds.backup_retention_days}
        params = {"DBInstanceIdentifier": choice.identifier, **backup_retention}
        return Call("rds", "PromoteReadReplica", context.env.regions.dr, params)
    return _restore(context, choice.copy, choice.identifier, _common(context, choice.copy.name))


def isolated_restore(context: PlanContext, copy: DatabaseCopy, name: str, tags: Json) -> Call:
    """The one call that restores the copy as a recovery would, but under ``name``, unprotected and without backups."""
    own = {"DeletionProtection": False, "BackupRetentionPeriod": 0, "CopyTagsToSnapshot": False, "Tags": tags}
    return _restore(context, copy, name, {**_common(context, copy.name), **own})


def _restore(context: PlanContext, copy: DatabaseCopy, name: str, common: Params) -> Call:
    region = context.env.regions.dr
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


def _common(context: PlanContext, copy_arn: str) -> Params:
    env = context.env
    return {
        "DBSubnetGroupName": env.named(env.names.db_subnet_group),
        "DBParameterGroupName": env.named(env.names.db_parameter_group),
        GROUPS: [group_id(context) or pending_group(env)],
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


def pending_group(env: Environment) -> str:
    """Stands for the id of the database's security group while it is not there yet: provisioning may make it."""
    return f"<the security group {env.named(env.names.db_security_group)} of {env.regions.dr}, once provisioned>"


def group_id(context: PlanContext) -> str:
    """The id of the database's security group in the DR region, "" where it is absent or unseen."""
    name = context.env.named(context.env.names.db_security_group)
    try:
        groups = context.snapshot.get(vpc.security_groups, Side.DR)
    except DataUnavailable:
        return ""
    return next((group.id for group in groups if group.name == name), "")


def filled(call: Call, context: PlanContext) -> Call:
    """The planned call with the security group as it is now.

    Raises ValueError where that is absent: RDS would take the VPC's default group, out of the tasks' reach.
    """
    if GROUPS not in call.params:
        return call
    found = group_id(context)
    if not found:
        raise ValueError(f"{pending_group(context.env)} is still absent")
    params: dict[str, Json] = {**call.params, GROUPS: [found]}
    return Call(call.service, call.operation, call.region, params)
