"""Quotas of the DR region that would stop a failover halfway (T33), and capacity that it lacks without a quota."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.databases import primary_instance
from sandbox.disasters.services import lower_quota
from sandbox.world.world import World

_BY_ASKING = "AWS shows a lack of capacity only when an instance or a task is requested"


@disaster("quota-fargate", "The DR region's Fargate quota is a new account's", trips=("quotas.fargate-vcpu",))
def fargate(world: World) -> None:
    """Allow a single vCPU."""
    # Fargate On-Demand vCPU resource count (Service Quotas).
    lower_quota(world, Side.DR, "fargate", "L-3032A538", 1)


disaster(
    "quota-network-interfaces",
    "The DR region may hold no more network interfaces",
    trips=("quotas.network-interfaces",),
    # Network interfaces per Region.
    run=lambda world: lower_quota(world, Side.DR, "vpc", "L-DF5E4CA3", 1),
)


@disaster(
    "quota-load-balancer-rules", "The DR region's load balancer may hold no more rules", trips=("quotas.load-balancer",)
)
def load_balancer_rules(world: World) -> None:
    """Allow a single rule on a load balancer."""
    # Rules per Application Load Balancer, default rules not counted.
    lower_quota(world, Side.DR, "elasticloadbalancing", "L-7EED9B64", 1)


@disaster(
    "quota-services", "The DR region's cluster may hold no more services", trips=("quotas.services-and-certificates",)
)
def services(world: World) -> None:
    """Allow a single service in a cluster."""
    # Services per cluster.
    lower_quota(world, Side.DR, "ecs", "L-9EF96962", 1)


@disaster("quota-databases", "The DR region may hold no more databases", trips=("quotas.database",))
def databases(world: World) -> None:
    """Allow no database instance at all."""
    # DB instances of a region.
    lower_quota(world, Side.DR, "rds", "L-7B6409FD", 0)


disaster(
    "dr-database-class-scarce",
    "The DR region has no instance left of the database's class, others it has",
    unseen=_BY_ASKING,
    # Capacity is of a class and a zone: another class may still be had (RDS guide, troubleshooting).
    run=lambda world: world.outage(Side.DR, "no-capacity", "rds", detail=primary_instance(world)["DBInstanceClass"]),
)


@disaster("dr-database-classes-scarce", "The DR region has no database instance left of any class", unseen=_BY_ASKING)
def classes_scarce(world: World) -> None:
    """Refuse every class with InsufficientDBInstanceCapacity."""
    world.outage(Side.DR, "no-capacity", "rds")


disaster(
    "dr-fargate-scarce",
    "The DR region has no Fargate capacity: what runs goes on, no other task can be placed",
    unseen=_BY_ASKING,
    # Place no task; services say why in their events.
    run=lambda world: world.outage(Side.DR, "no-capacity", "ecs"),
)
