"""Capacity that the DR region lacks on the day: no quota and no check shows it beforehand."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.databases import primary_instance
from sandbox.world.world import World

_BY_ASKING = "AWS shows a lack of capacity only when an instance or a task is requested"


@disaster(
    "dr-database-class-scarce",
    "The DR region has no instance left of the database's class, others it has",
    unseen=_BY_ASKING,
)
def class_scarce(world: World) -> None:
    """Refuse the primary's class with InsufficientDBInstanceCapacity."""
    # Capacity is of a class and a zone: another class may still be had (RDS guide, troubleshooting).
    world.outage(Side.DR, "no-capacity", "rds", detail=primary_instance(world)["DBInstanceClass"])


@disaster("dr-database-classes-scarce", "The DR region has no database instance left of any class", unseen=_BY_ASKING)
def classes_scarce(world: World) -> None:
    """Refuse every class with InsufficientDBInstanceCapacity."""
    world.outage(Side.DR, "no-capacity", "rds")


@disaster(
    "dr-fargate-scarce",
    "The DR region has no Fargate capacity: what runs goes on, no other task can be placed",
    unseen=_BY_ASKING,
)
def fargate_scarce(world: World) -> None:
    """Place no task; services say why in their events."""
    world.outage(Side.DR, "no-capacity", "ecs")
