"""A read replica of the database in the DR region: made whole first, then broken."""

from __future__ import annotations

from datetime import timedelta

from dr_estate.config.environment import Side
from sandbox.core.state import now
from sandbox.disasters import disaster
from sandbox.disasters.databases import database_name, primary_instance, replicated_backup
from sandbox.world.world import World

KEPT_DAYS = 7


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


@disaster(
    "replica-without-backups",
    "The read replica keeps no backups: once promoted, nothing could be undone",
    trips=("rds-replica.backups",),
)
def without_backups(world: World) -> None:
    """Make a replica with a retention of 0."""
    make_replica(world, kept_days=0)
