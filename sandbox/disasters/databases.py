"""The database itself, what it needs in the DR region, and its copies there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.core.state import now
from sandbox.disasters import disaster
from sandbox.world.world import World

LEFT_TO_BACKUPS = ("backup-plan.worst-case", "rds-copy.usable", "rds-copy.age", "rpo.met", "rpo.skew")
KEPT_DAYS = 7


def database_name(world: World, side: Side = Side.PRIMARY) -> str:
    """The identifier of the environment's database on ``side``."""
    return world.environment.database_on(side)


def primary_instance(world: World) -> dict[str, Any]:
    """Return the primary database as DescribeDBInstances reports it."""
    found = world.call(Side.PRIMARY, "rds", "describe_db_instances", DBInstanceIdentifier=database_name(world))
    first: dict[str, Any] = found["DBInstances"][0]
    return first


def modify(world: World, **changed: Any) -> None:
    """Modify the primary database, and record how it was."""
    before, name = primary_instance(world), database_name(world)
    was = {key: before[key] for key in changed}
    world.undo(Side.PRIMARY, "rds", "modify_db_instance", DBInstanceIdentifier=name, ApplyImmediately=True, **was)
    world.call(Side.PRIMARY, "rds", "modify_db_instance", DBInstanceIdentifier=name, ApplyImmediately=True, **changed)


def replicated_backup(world: World) -> dict[str, Any]:
    """The automated backups kept in the DR region. Raises SandboxError where there are none."""
    found = world.call(Side.DR, "rds", "describe_db_instance_automated_backups")["DBInstanceAutomatedBackups"]
    # Region is that of the source: the DR region's own databases have backups too.
    away = [backup for backup in found if backup["Region"] != world.environment.regions.dr]
    if not away:
        raise SandboxError("No automated backups are replicated in this world: nothing to break.")
    first: dict[str, Any] = away[0]
    return first


def stop_replication(world: World) -> None:
    """Stop the replication of automated backups; the undo starts it again."""
    was = replicated_backup(world)
    again = {
        "SourceDBInstanceArn": was["DBInstanceArn"],
        "BackupRetentionPeriod": was["BackupRetentionPeriod"],
        "KmsKeyId": was["KmsKeyId"],
        "SourceRegion": world.environment.regions.primary,
    }
    # RDS replicates from the beginning again: for a while after the repair nothing is restorable.
    world.undo(Side.DR, "rds", "start_db_instance_automated_backups_replication", **again)
    arn = was["DBInstanceArn"]
    world.call(Side.DR, "rds", "stop_db_instance_automated_backups_replication", SourceDBInstanceArn=arn)


@disaster(
    "database-backups-off",
    "Somebody switched the database's automated backups off: RDS ends their replication too",
    trips=("rds.retention", "rds-copy.automated-backups"),
    consequences=LEFT_TO_BACKUPS,
)
def backups_off(world: World) -> None:
    """Set the retention to 0."""
    # First, so that the repair starts it again last: RDS replicates no backups at a retention of 0.
    stop_replication(world)
    modify(world, BackupRetentionPeriod=0)


@disaster(
    "database-unprotected", "The database's deletion protection was switched off", trips=("rds.deletion-protection",)
)
def switch_deletion_protection_off(world: World) -> None:
    """Switch deletion protection off."""
    modify(world, DeletionProtection=False)


disaster(
    "database-storage-full",
    "The primary database's storage is full: it takes no write any more",
    trips=("rds.serves",),
    consequences=(  # it cannot be reached, and a page without its database is 500 (T54)
        "answers.as-recorded",
        "answers.resolvers-agree",
        "elbv2-routing.healthy-targets",
        "primary.services-running",
        "sites.every-site-answers",
    ),
    posture="IMPAIRED",
    # Let the storage be full. Source: RDS User Guide, DB instance status.
    # No call fills a disk here: the emulator does not count rows as storage.
    run=lambda world: world.alter(Side.PRIMARY, "rds", ("databases", database_name(world)), status="storage-full"),
)


@disaster("database-in-one-zone", "The database has no standby in another zone any more", trips=("rds.multi-az",))
def in_one_zone(world: World) -> None:
    """Make the database single-AZ."""
    modify(world, MultiAZ=False)


def _tags(world: World, arn: str) -> list[dict[str, str]]:
    """The tags of a resource of RDS in the DR region."""
    tags: list[dict[str, str]] = world.call(Side.DR, "rds", "list_tags_for_resource", ResourceName=arn)["TagList"]
    return tags


@disaster("dr-subnet-group-deleted", "The DR region's subnet group for databases is gone", trips=("rds.subnet-group",))
def subnet_group_deleted(world: World) -> None:
    """Delete the subnet group."""
    name = world.environment.named(world.environment.on(Side.DR).names.db_subnet_group)
    was = world.call(Side.DR, "rds", "describe_db_subnet_groups", DBSubnetGroupName=name)["DBSubnetGroups"][0]
    world.undo(
        Side.DR,
        "rds",
        "create_db_subnet_group",
        DBSubnetGroupName=name,
        DBSubnetGroupDescription=was["DBSubnetGroupDescription"],
        SubnetIds=[subnet["SubnetIdentifier"] for subnet in was["Subnets"]],
        Tags=_tags(world, was["DBSubnetGroupArn"]),
    )
    world.call(Side.DR, "rds", "delete_db_subnet_group", DBSubnetGroupName=name)


@disaster(
    "dr-parameters-differ",
    "A parameter was tuned in the primary region's group and never in the DR region's",
    trips=("rds-parity.parameter-group",),
)
def parameters_differ(world: World) -> None:
    """Change max_connections in the DR region's group only."""
    name = world.environment.named(world.environment.on(Side.DR).names.db_parameter_group)
    rows = world.call(Side.DR, "rds", "describe_db_parameters", DBParameterGroupName=name, Source="user")["Parameters"]
    was = next(row["ParameterValue"] for row in rows if row["ParameterName"] == "max_connections")
    for do, value in ((world.undo, was), (world.call, "66")):
        row = {"ParameterName": "max_connections", "ParameterValue": value, "ApplyMethod": "immediate"}
        do(Side.DR, "rds", "modify_db_parameter_group", DBParameterGroupName=name, Parameters=[row])


@disaster(
    "option-group-in-one-region",
    "The database was given an option group that the DR region does not have",
    trips=("rds-parity.option-group",),
)
def option_group_in_one_region(world: World) -> None:
    """Create an option group in the primary region and use it."""
    before, name = primary_instance(world), f"{database_name(world)}-audit"
    world.undo(Side.PRIMARY, "rds", "delete_option_group", OptionGroupName=name)
    world.call(
        Side.PRIMARY,
        "rds",
        "create_option_group",
        OptionGroupName=name,
        EngineName=before["Engine"],
        MajorEngineVersion=before["EngineVersion"].rpartition(".")[0],
        OptionGroupDescription="Audit log",
    )
    world.alter(Side.PRIMARY, "rds", ("databases", database_name(world)), option_group_name=name)


disaster(
    "engine-version-not-offered",
    "The database runs an engine version that the DR region no longer offers",
    trips=("rds-parity.engine-version",),
    # RDS goes to no lower version by ModifyDBInstance.
    run=lambda world: world.alter(Side.PRIMARY, "rds", ("databases", database_name(world)), engine_version="8.0.28"),
)

disaster(
    "instance-class-not-offered",
    "The database was moved to an instance class that the DR region does not have",
    trips=("rds-parity.orderable",),
    # A class with a table of its own in AWS's list of regions.
    run=lambda world: modify(world, DBInstanceClass="db.x2iedn.large"),
)

disaster(
    "database-backups-not-replicated",
    "The replication of the database's automated backups was stopped",
    trips=("rds-copy.automated-backups", "backup-plan.worst-case"),
    consequences=LEFT_TO_BACKUPS,
    run=stop_replication,
)


@disaster(
    "database-copies-stand-still",
    "Replicated backups stopped moving three hours ago, and so did the backup copies: only their status looks well",
    trips=("rds-copy.age", "rds-copy.automated-backups", "rpo.met", "rpo.skew"),
    consequences=("backup-plan.worst-case", "rds-copy.usable", "backup.copy-age"),
)
def copies_stand_still(world: World) -> None:
    """Freeze the restore window, and make every younger recovery point of the database as old."""
    old, was = now() - timedelta(hours=3), replicated_backup(world)
    arn = was["DBInstanceAutomatedBackupsArn"]
    world.alter(Side.DR, "rds", ("automated_backup_replications", arn), frozen_at=old)
    age_points(world, was["DBInstanceArn"], old)


def age_points(world: World, resource_arn: str, until: Any) -> None:
    """Make every recovery point of a resource in the DR vault as old as ``until`` at least."""
    listed = world.call(
        Side.DR,
        "backup",
        "list_recovery_points_by_backup_vault",
        BackupVaultName=world.environment.named(world.environment.names.dr_vault),
        ByResourceArn=resource_arn,
        # Older ones stay as they are: none is made younger.
        ByCreatedAfter=until,
    )
    for point in listed["RecoveryPoints"]:
        world.alter(Side.DR, "backup", ("recovery_points", point["RecoveryPointArn"]), created=until)


@disaster(
    "database-without-copy",
    "Replication of backups was stopped and the key of the DR vault is disabled: no copy of the database is usable",
    trips=("rds-copy.usable",),
    consequences=("rds-copy.automated-backups", "backup.key-usable", *LEFT_TO_BACKUPS),
)
def without_copy(world: World) -> None:
    """Stop the replication and disable the vault's key."""
    stop_replication(world)
    disable_vault_key(world)


def disable_vault_key(world: World) -> None:
    """Disable the key of the DR vault."""
    name = world.environment.named(world.environment.names.dr_vault)
    key = world.call(Side.DR, "backup", "describe_backup_vault", BackupVaultName=name)["EncryptionKeyArn"]
    world.undo(Side.DR, "kms", "enable_key", KeyId=key)
    world.call(Side.DR, "kms", "disable_key", KeyId=key)


@disaster(
    "database-copy-key-disabled",
    "The key of the replicated database backups was disabled in the DR region",
    trips=("rds-copy.key-usable",),
    consequences=LEFT_TO_BACKUPS,
)
def copy_key_disabled(world: World) -> None:
    """Disable the key."""
    key = replicated_backup(world)["KmsKeyId"]
    world.undo(Side.DR, "kms", "enable_key", KeyId=key)
    world.call(Side.DR, "kms", "disable_key", KeyId=key)


@disaster(
    "dr-parameter-group-missing",
    "The parameter group that a restore names was deleted in the DR region",
    trips=("rds.parameter-group",),
    consequences=("rds-parity.parameter-group",),
)
def parameter_group_missing(world: World) -> None:
    """Delete the group."""
    name = world.environment.named(world.environment.on(Side.DR).names.db_parameter_group)
    group = world.call(Side.DR, "rds", "describe_db_parameter_groups", DBParameterGroupName=name)["DBParameterGroups"][
        0
    ]
    rows = world.call(Side.DR, "rds", "describe_db_parameters", DBParameterGroupName=name, Source="user")["Parameters"]
    if rows:
        # Recorded before the group's own undo: replayed after the group exists again.
        world.undo(Side.DR, "rds", "modify_db_parameter_group", DBParameterGroupName=name, Parameters=rows)
    world.undo(
        Side.DR,
        "rds",
        "create_db_parameter_group",
        DBParameterGroupName=name,
        DBParameterGroupFamily=group["DBParameterGroupFamily"],
        Description=group["Description"],
        Tags=_tags(world, group["DBParameterGroupArn"]),
    )
    world.call(Side.DR, "rds", "delete_db_parameter_group", DBParameterGroupName=name)


@disaster(
    "dr-option-group-of-another-version",
    "The DR region has the database's option group for an older engine version",
    trips=("rds.option-group",),
)
def option_group_of_another_version(world: World) -> None:
    """Make a group of one name in both regions, each for a version of its own, and let the primary database use it."""
    before, name = primary_instance(world), f"{database_name(world)}-audit"
    for side, version in ((Side.PRIMARY, before["EngineVersion"].rpartition(".")[0]), (Side.DR, "5.7")):
        settings = {
            "EngineName": before["Engine"],
            "MajorEngineVersion": version,
            "OptionGroupDescription": "Audit log",
        }
        world.undo(side, "rds", "delete_option_group", OptionGroupName=name)
        world.call(side, "rds", "create_option_group", OptionGroupName=name, **settings)
    world.alter(Side.PRIMARY, "rds", ("databases", database_name(world)), option_group_name=name)


@disaster(
    "dr-database-left-over",
    "An old database in the DR region has the name that a restore will take",
    trips=("rds.name-free",),
    consequences=("rds.deletion-protection", "sites.every-site-answers"),
    posture="SPLIT",
)
def database_left_over(world: World) -> None:
    """Create an empty instance of the name."""
    before, name = primary_instance(world), database_name(world, Side.DR)
    # RDS asks for a final snapshot or for this word.
    world.undo(Side.DR, "rds", "delete_db_instance", DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    world.call(
        Side.DR,
        "rds",
        "create_db_instance",
        DBInstanceIdentifier=name,
        **{key: before[key] for key in ("DBInstanceClass", "Engine", "EngineVersion", "AllocatedStorage")},
        MasterUsername="admin",
        MasterUserPassword="left-over-from-a-drill",
    )


disaster(
    "database-storage-scarce",
    "The primary database has 3 % of its storage left, and none is added by itself",
    trips=("rds-storage.room",),
    # Below the ten percent at which RDS itself grows storage, had it been allowed to.
    run=lambda world: world.alter(Side.PRIMARY, "rds", ["databases", database_name(world)], free_part=0.03),
)


@disaster("database-in-a-cluster", "The primary database is a member of a DB cluster", trips=("supported.database",))
def in_a_cluster(world: World) -> None:
    """Let the instance be of a cluster, as those of Aurora and of Multi-AZ DB clusters are."""
    name = database_name(world)
    world.alter(Side.PRIMARY, "rds", ("databases", name), db_cluster_identifier=f"{name}-cluster")


def replica_name(world: World) -> str:
    """The identifier of the replica these disasters make."""
    return f"{database_name(world)}-replica"


def make_replica(world: World, kept_days: int = KEPT_DAYS) -> None:
    """Make a sound replica in the DR region, its backups kept for ``kept_days``; taking it back deletes it."""
    names, name = world.environment.on(Side.DR).names, replica_name(world)
    # RDS makes no final snapshot of a read replica.
    world.undo(Side.DR, "rds", "delete_db_instance", DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    params = {
        "DBSubnetGroupName": world.environment.named(names.db_subnet_group),
        "DBParameterGroupName": world.environment.named(names.db_parameter_group),
        "KmsKeyId": replicated_backup(world)["KmsKeyId"],
        "MultiAZ": True,
        "EnableCloudwatchLogsExports": primary_instance(world)["EnabledCloudwatchLogsExports"],
    }
    world.call(
        Side.DR,
        "rds",
        "create_db_instance_read_replica",
        DBInstanceIdentifier=name,
        SourceDBInstanceIdentifier=primary_instance(world)["DBInstanceArn"],
        SourceRegion=world.environment.regions.primary,
        **params,
    )
    # A sound replica has both, and begins with no backups (API_CreateDBInstanceReadReplica).
    world.alter(Side.DR, "rds", ("databases", name), deletion_protection=True, backup_retention_period=kept_days)


@disaster(
    "replica-stopped",
    "The database's read replica stopped replicating, and its lag metric vanished",
    trips=("rds-replica.state", "rds-replica.lag"),
)
def stopped(world: World) -> None:
    """Let replication stop by itself: CloudWatch then has no ReplicaLag (T23)."""
    make_replica(world)
    world.alter(
        Side.DR, "rds", ("databases", replica_name(world)), replication_state="stopped", replication_frozen_at=now()
    )


@disaster(
    "replica-broken-for-days",
    "The database's read replica broke two days ago and nobody noticed: its lag metric vanished with it",
    trips=("rds-replica.state", "rds-replica.lag"),
)
def broken_for_days(world: World) -> None:
    """Let the replica hold what was written until two days ago; a graph draws the missing lag as a flat line (T23)."""
    make_replica(world)
    since = now() - timedelta(days=2)
    world.alter(
        Side.DR, "rds", ("databases", replica_name(world)), replication_state="error", replication_frozen_at=since
    )


@disaster(
    "replica-too-small",
    "The primary database's storage was doubled, its read replica's was not",
    trips=("rds-replica.size",),
)
def too_small(world: World) -> None:
    """Shrink the replica's storage."""
    make_replica(world)
    # RDS only grows storage (API_ModifyDBInstance).
    world.alter(Side.DR, "rds", ("databases", replica_name(world)), allocated_storage=100)


disaster(
    "replica-without-backups",
    "The read replica keeps no backups: once promoted, nothing could be undone",
    trips=("rds-replica.backups",),
    run=lambda world: make_replica(world, kept_days=0),
)


@disaster(
    "replica-on-another-port",
    "The database's read replica listens on another port than the primary database",
    trips=("rds-replica.alike",),
)
def on_another_port(world: World) -> None:
    """Let the replica have been made with a port of its own."""
    make_replica(world)
    world.alter(Side.DR, "rds", ("databases", replica_name(world)), port=3310)
