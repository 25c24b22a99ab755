"""The exact calls that bring the database up in the DR region from a copy. Pure.

AWS Backup's copies of an RDS instance are RDS snapshots of type awsbackup, encrypted with the DR vault's key. They are
restored through RDS itself: the instance's name is taken in the very moment of the call, so a call that was made before
a crash is seen at once, and every parameter is checked by RDS. StartRestoreJob would need a role to pass, takes all
parameters as text, and creates the instance some time later. Source: RDS API, RestoreDBInstanceFromDBSnapshot.

What a restore does not name it takes from AWS's defaults (T56), so it names all that the primary database had, as it
was last seen. It starts in one zone, for the second one's copy takes its time and nobody waits for that.
"""

from __future__ import annotations

from dr_actions.actions.database.copy_selection import CopyChoice, view_of
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Call, Json, Params
from dr_checks.derived.database_copies import AUTOMATED, REPLICA, DatabaseCopy
from dr_checks.derived.database_identity import remembered
from dr_estate.config.environment import Environment, Side
from dr_estate.model.database_record import DatabaseRecord
from dr_estate.model.restored_names import RESTORED_FROM
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds, rds_groups, vpc

GROUPS = "VpcSecurityGroupIds"
LOGS, STORAGE_LIMIT = "EnableCloudwatchLogsExports", "MaxAllocatedStorage"
_PROVISIONED = ("io1", "io2")
# RDS for MySQL takes IOPS and throughput of gp3 from this size on, and sets them itself below it (RDS: CHAP_Storage).
_GP3_PROVISIONED_GIB = 400
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
    common = {key: value for key, value in _common(context, copy.name).items() if key != LOGS}  # they would stay behind
    return _restore(context, copy, name, {**common, **own})


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
    common = {key: value for key, value in common.items() if key != STORAGE_LIMIT}  # a snapshot's restore takes none
    return Call("rds", "RestoreDBInstanceFromDBSnapshot", region, {**named, **common})


def _common(context: PlanContext, copy_arn: str) -> Params:
    env, like = context.env, remembered(view_of(context))
    return {
        **(_equal(context, like) if like is not None else {}),
        "DBSubnetGroupName": env.named(env.names.db_subnet_group),
        "DBParameterGroupName": env.named(env.names.db_parameter_group),
        GROUPS: [group_id(context) or pending_group(env)],
        "MultiAZ": False,
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


def _equal(context: PlanContext, like: DatabaseRecord) -> Params:
    """What makes the restored instance the equal of the database that is ``like``."""
    params: dict[str, Json] = {
        "DBInstanceClass": like.instance_class,
        "StorageType": like.storage_type,
        "AutoMinorVersionUpgrade": like.auto_minor_upgrade,
        "EnableIAMDatabaseAuthentication": like.iam_authentication,
    }
    params |= provisioned(like, like.storage_gib)
    if like.storage_limit_gib:
        params[STORAGE_LIMIT] = like.storage_limit_gib
    if like.log_exports:
        params[LOGS] = list(like.log_exports)
    if like.option_group and not lacks_option_group(context, like):
        params["OptionGroupName"] = like.option_group
    return params


def provisioned(like: DatabaseRecord | rds.Instance, gib: int) -> Params:
    """IOPS and throughput of a copy of ``gib`` GiB: without them RDS refuses io1 and io2, and gives gp3 its least.

    Source: RDS API, StorageType of CreateDBInstanceReadReplica and RestoreDBInstanceFromDBSnapshot.
    """
    chosen = like.storage_type == "gp3" and min(gib, like.storage_gib) >= _GP3_PROVISIONED_GIB
    if not chosen and like.storage_type not in _PROVISIONED:
        return {}
    return {key: value for key, value in (("Iops", like.iops), ("StorageThroughput", like.throughput)) if value}


def lacks_option_group(context: PlanContext, like: DatabaseRecord) -> bool:
    """Whether the DR region is seen to lack the option group: RDS would refuse to restore with it."""
    try:
        groups = context.snapshot.get(rds_groups.option_groups, Side.DR)
    except DataUnavailable:
        return False
    return all(group.name != like.option_group for group in groups)


def classes(context: PlanContext) -> list[str]:
    """The instance classes to try in order: the primary database's own, then database.classes.

    The own one is "" where it is not known: a restore that names no class takes the original's.
    """
    like = remembered(view_of(context))
    return list(dict.fromkeys([like.instance_class if like else "", *context.env.database.classes]))


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
