"""Whole regions that answer badly. Global services sign with us-east-1: a dark primary leaves them alone (T01, T14).

Two regions that both serve and both take writes (T41).

A primary region that is sick and not dead: its API answers, in part, while what it runs does not serve (T72).

Reads often work while launches and writes fail, calls take a minute or answer 5xx, and metrics come late. Where the
sites fail the health checks fail too, for they are probed from outside.
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.state import SITES
from sandbox.disasters import ANYTHING, NO_ANSWER, disaster
from sandbox.disasters.databases import database_name, primary_instance, replicated_backup
from sandbox.disasters.dns_records import pair, with_weight
from sandbox.disasters.dns_zone import swap
from sandbox.disasters.services import service_of, service_params, stop_tasks, update
from sandbox.world.world import World

# How long a call takes; a test shortens it with ``Endpoint.timing(slow_s=...)``.
SLOW_S = 60.0
STALE_S = 3 * 3600.0
# Where the primary's record evaluates its target's health, visitors are moved.
_MOVED = ("answers.as-recorded", "answers.resolvers-agree")


disaster(
    "primary-dark",
    "The primary region refuses every connection; replication stands still",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="PRIMARY_LOST",
    answer="PROCEED",
    run=lambda world: world.outage(Side.PRIMARY, "refuse"),
)

disaster(
    "primary-hangs",
    "The primary region accepts connections and never answers",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="PRIMARY_LOST",
    answer="PROCEED",
    run=lambda world: world.outage(Side.PRIMARY, "hang"),
)

disaster(
    "primary-throttled",
    "The primary region throttles every call",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="BLIND",
    run=lambda world: world.outage(Side.PRIMARY, "throttle"),
)

disaster(
    "dr-dark",
    "The DR region refuses every connection",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="DR_UNSEEN",
    run=lambda world: world.outage(Side.DR, "refuse"),
)

disaster(
    "us-east-1-dark",
    "us-east-1 is down: the control planes of Route 53, CloudFront and IAM do not answer",
    trips=("route53.zone-accessible", "prerequisites.operator-allowed"),
    consequences=ANYTHING,
    # Refuse every call to the region of the global services' control planes (T01).
    run=lambda world: world.outage(Side.GLOBAL, "refuse"),
)


@disaster(
    "us-east-1-sick",
    "The control planes in us-east-1 answer 503: changes of Route 53, IAM, CloudFront and certificates of it",
    trips=("prerequisites.operator-allowed",),
    consequences=ANYTHING,
)
def us_east_1_sick(world: World) -> None:
    """Answer 503 to changes of records, and to everything of the other control planes."""
    world.outage(Side.GLOBAL, "error", "route53", writes=True)
    for service in ("iam", "cloudfront", "acm"):
        world.outage(Side.GLOBAL, "error", service)


@disaster(
    "credentials-expired",
    "The session token of every caller has expired",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture=NO_ANSWER,
    answer=NO_ANSWER,
)
def credentials_expired(world: World) -> None:
    """Answer ExpiredToken in every region of the estate."""
    for side in Side:
        world.outage(side, "expired")


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
