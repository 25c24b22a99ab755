"""Two regions that both serve and both take writes (T41)."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.databases import database_name, primary_instance, replicated_backup
from sandbox.disasters.dns_records import pair, with_weight
from sandbox.disasters.dns_zone import swap
from sandbox.disasters.services import update
from sandbox.world.world import World


@disaster(
    "both-regions-serve",
    "Somebody failed over by hand and fenced nobody: the primary is back, and both regions serve and take writes",
    trips=("dns-choice.all-well",),
    consequences=("ecs.zone-spread", "rds.deletion-protection"),
    posture="SPLIT",
)
def both_serve(world: World) -> None:
    """Restore the database in the DR region, run its services in full, and lead the visitors there."""
    # The database first, for the tasks need it; visitors last.
    restore_database(world)
    for tenant in world.tenants:
        update(world, Side.DR, tenant, desiredCount=world.environment.capacity.tasks_per_service)
    turn_traffic(world)


def restore_database(world: World) -> None:
    """Restore the database in the DR region from its replicated backups, under its own name."""
    names, name = world.environment.on(Side.DR).names, database_name(world, Side.DR)
    wanted = [{"Name": "group-name", "Values": [world.environment.named(names.db_security_group)]}]
    guard = world.call(Side.DR, "ec2", "DescribeSecurityGroups", Filters=wanted)["SecurityGroups"][0]
    groups = {
        # Named, for a restore takes the VPC's default group where none is (API_RestoreDBInstanceToPointInTime).
        "VpcSecurityGroupIds": [guard["GroupId"]],
        "DBSubnetGroupName": world.environment.named(names.db_subnet_group),
        "DBParameterGroupName": world.environment.named(names.db_parameter_group),
        "DBInstanceClass": primary_instance(world)["DBInstanceClass"],
    }
    world.undo(Side.DR, "rds", "delete_db_instance", DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    world.call(
        Side.DR,
        "rds",
        "restore_db_instance_to_point_in_time",
        SourceDBInstanceAutomatedBackupsArn=replicated_backup(world)["DBInstanceAutomatedBackupsArn"],
        TargetDBInstanceIdentifier=name,
        UseLatestRestorableTime=True,
        **groups,
    )


def turn_traffic(world: World) -> None:
    """Lead the traffic name to the DR region: by weight, or by exchanging what the two records lead to."""
    primary, secondary = pair(world)
    if "Weight" in primary:
        swap(world, [primary, secondary], [with_weight(primary, 0), with_weight(secondary, 100)])
        return

    def record_to(record: dict[str, Any], to: dict[str, Any]) -> dict[str, Any]:
        return record | {key: to[key] for key in ("AliasTarget", "HealthCheckId") if key in to}

    # Failover roles stay: the records exchange their targets and checks.
    swap(world, [primary, secondary], [record_to(primary, secondary), record_to(secondary, primary)])
