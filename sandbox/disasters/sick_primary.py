"""A primary region that is sick and not dead: its API answers, in part, while what it runs does not serve (T72).

Reads often work while launches and writes fail, calls take a minute or answer 5xx, and metrics come late. Where the
sites fail the health checks fail too, for they are probed from outside.
"""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.core.state import SITES
from sandbox.disasters import ANYTHING, disaster
from sandbox.disasters.databases import database_name
from sandbox.disasters.services import service_of, service_params, stop_tasks
from sandbox.world.world import World

# How long a call takes; a test shortens it with ``Endpoint.timing(slow_s=...)``.
SLOW_S = 60.0
STALE_S = 3 * 3600.0
# Where the primary's record evaluates its target's health, visitors are moved.
_MOVED = ("answers.as-recorded", "answers.resolvers-agree")


@disaster(
    "primary-tasks-die",
    "The primary region's API answers, its tasks died and none can be started: there is no Fargate capacity",
    trips=("primary.services-running", "sites.every-site-answers"),
    consequences=("elbv2-routing.healthy-targets", *_MOVED),
    posture="IMPAIRED",
    answer="RISKY",
)
def tasks_die(world: World) -> None:
    """Let the region have no capacity, and stop every task."""
    for tenant in world.tenants:
        who, desired = service_params(world, tenant), service_of(world, Side.PRIMARY, tenant)["desiredCount"]
        world.undo(Side.PRIMARY, "ecs", "UpdateService", **who, desiredCount=desired)
    # Before the tasks stop: ECS would start others at once.
    world.outage(Side.PRIMARY, "no-capacity", "ecs")
    for tenant in world.tenants:
        stop_tasks(world, Side.PRIMARY, tenant)


@disaster(
    "primary-database-down",
    "The primary's database stopped: every tenant's page answers 500",
    trips=("rds.serves", "sites.every-site-answers"),
    consequences=("elbv2-routing.healthy-targets", "primary.services-running", *_MOVED),
    posture="IMPAIRED",
)
def database_down(world: World) -> None:
    """Stop the database; alone down it is given 15 minutes."""
    name = database_name(world)
    world.undo(Side.PRIMARY, "rds", "StartDBInstance", DBInstanceIdentifier=name)
    # Stopped and not deleted: its data is there when it starts.
    world.call(Side.PRIMARY, "rds", "StopDBInstance", DBInstanceIdentifier=name)


@disaster(
    "primary-reads-only",
    "The primary region's API answers what is read and refuses every change with 503; its sites fail",
    trips=("sites.every-site-answers", "health-checks.healthy-now"),
    posture="IMPAIRED",
    answer="RISKY",
)
def reads_only(world: World) -> None:
    """Answer 503 to every call that changes something, and to every visitor."""
    world.outage(Side.PRIMARY, "error", writes=True)
    world.outage(Side.PRIMARY, "error", SITES)


@disaster(
    "primary-slow-and-failing",
    "Calls to the primary region take a minute or answer 503, and so do its sites",
    trips=("sites.every-site-answers", "health-checks.healthy-now"),
    consequences=ANYTHING,
    posture="PRIMARY_LOST",
    answer="PROCEED",
)
def slow_and_failing(world: World) -> None:
    """Answer 503 for containers, databases and sites, and everything else after a minute."""
    for service in ("ecs", "rds", "elbv2", "sts", SITES):
        world.outage(Side.PRIMARY, "error", service)
    # After the services that fail: the first outage that matches a call is played.
    world.outage(Side.PRIMARY, "slow", seconds=SLOW_S)


@disaster(
    "primary-throttled-and-down",
    "The primary region throttles every call, and its sites answer 503",
    trips=("sites.every-site-answers", "prerequisites.credentials-work"),
    consequences=ANYTHING,
    posture="IMPAIRED",
    answer="RISKY",
)
def throttled_and_down(world: World) -> None:
    """Throttle every call, and answer 503 to every visitor."""
    world.outage(Side.PRIMARY, "throttle")
    world.outage(Side.PRIMARY, "error", SITES)


@disaster(
    "primary-zone-lost",
    "One zone of the primary region is lost: its tasks went to the other zones",
    unseen="the other zones took its tasks over before anybody looked",
)
def zone_lost(world: World) -> None:
    """Lose the first zone in which tasks run; ECS replaces its tasks elsewhere."""
    cluster = world.environment.named(world.environment.names.cluster)
    zone = f"{world.environment.regions.primary}a"
    world.outage(Side.PRIMARY, "zone-lost", detail=zone)
    for tenant in world.tenants:
        service = service_params(world, tenant)["service"]
        arns = world.call(Side.PRIMARY, "ecs", "ListTasks", cluster=cluster, serviceName=service)["taskArns"]
        for task in world.call(Side.PRIMARY, "ecs", "DescribeTasks", cluster=cluster, tasks=arns)["tasks"]:
            # A lost zone stops its tasks by itself on AWS; here they are stopped.
            if task["availabilityZone"] == zone:
                world.call(Side.PRIMARY, "ecs", "StopTask", cluster=cluster, task=task["taskArn"], reason="zone lost")


@disaster(
    "metrics-stale",
    "CloudWatch stopped in both regions: the newest value of every metric is three hours old",
    trips=("efs.sync-metric", "health-checks.healthy-now"),
    consequences=(
        "dynamodb.replication-latency",
        "elbv2-routing.healthy-targets",
        "rds-storage.room",
        "rpo.met",
        "s3-lag.latency",
    ),
)
def metrics_stale(world: World) -> None:
    """Publish nothing of the last hours, the health checks' metrics included."""
    for side in Side:
        world.outage(side, "stale", "cloudwatch", seconds=STALE_S)
