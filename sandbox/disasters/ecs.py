"""Compute that is missing, does not start, or is placed or wired badly.

Auto scaling that would hold a failed-over service back (T36).
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.disasters.services import delete, lower_quota, redefine, service_of, service_params, stop_tasks, update
from sandbox.world.world import World

FARGATE, VCPU = "fargate", "L-3032A538"
_SCARCE = 0.25  # vCPU: less than any task of the estate asks for
# EFS volumes came with 1.4.0 (ECS guide, Fargate platform versions).
_OLD_PLATFORM = "1.3.0"
_SERVICE = "application-autoscaling"
_DIMENSION = "ecs:service:DesiredCount"


@disaster(
    "ecs-cluster-deleted",
    "Somebody deleted the cluster of the DR region and everything that ran in it",
    trips=("ecs.cluster-active", "ecs.service-exists"),
    consequences=("ecs.desired-and-running", "sites.every-site-answers"),
)
def cluster_deleted(world: World) -> None:
    """Delete every service, then the cluster."""
    name = world.environment.named(world.environment.names.cluster)
    found = world.call(Side.DR, "ecs", "DescribeClusters", clusters=[name], include=["SETTINGS", "TAGS"])
    cluster = found["clusters"][0]
    # The services first: ECS deletes no cluster that has any (ClusterContainsServicesException).
    for tenant in world.tenants:
        delete(world, Side.DR, tenant)
    settings = {key: cluster[key] for key in ("settings", "capacityProviders", "tags") if cluster.get(key)}
    # Recorded after the services' undos, so replayed before them.
    world.undo(Side.DR, "ecs", "CreateCluster", clusterName=name, **settings)
    world.call(Side.DR, "ecs", "DeleteCluster", cluster=name)


disaster(
    "ecs-service-deleted",
    "One tenant's service was deleted in the DR region",
    trips=("ecs.service-exists",),
    consequences=("sites.every-site-answers",),
    run=lambda world: delete(world, Side.DR, world.tenants[-1]),
)


@disaster(
    "ecs-standby-stopped",
    "The DR region has no Fargate capacity left, and one tenant's warm standby stopped, where it runs",
    trips=("quotas.fargate-vcpu",),
    consequences=("ecs.desired-and-running", "elbv2-routing.healthy-targets", "sites.every-site-answers"),
)
def standby_stopped(world: World) -> None:
    """Lower the vCPU quota below one task, and stop the last tenant's tasks: none can be started in their place."""
    lower_quota(world, Side.DR, FARGATE, VCPU, _SCARCE)
    # After the quota: ECS would start others at once.
    stop_tasks(world, Side.DR, world.tenants[-1])


disaster(
    "ecs-started-without-database",
    "Somebody started one tenant's service in the DR region, where no database runs",
    trips=("ecs.desired-and-running",),
    consequences=("ecs.deployment-sound", "elbv2-routing.healthy-targets", "sites.every-site-answers"),
    run=lambda world: update(world, Side.DR, world.tenants[-1], desiredCount=1),
)


@disaster(
    "ecs-primary-stopped",
    "One tenant is down in the primary region: its tasks stopped and none can be started",
    trips=("primary.services-running",),
    consequences=(
        "elbv2-routing.healthy-targets",
        "sites.every-site-answers",
        "answers.as-recorded",
        "answers.resolvers-agree",
    ),
    posture="DEGRADED",
)
def primary_stopped(world: World) -> None:
    """Lower the primary's vCPU quota below one task, and stop the last tenant's tasks."""
    lower_quota(world, Side.PRIMARY, FARGATE, VCPU, _SCARCE)
    stop_tasks(world, Side.PRIMARY, world.tenants[-1])


@disaster(
    "ecs-deployment-failed",
    "The newest release of one tenant could not be started in the DR region",
    trips=("ecs.deployment-sound",),
    consequences=("images.parity", "images.present"),
)
def deployment_failed(world: World) -> None:
    """Deploy an image that the DR registry does not hold, without rollback: the circuit breaker gives up."""

    def absent_image(revision: dict[str, Any]) -> None:
        container = revision["containerDefinitions"][0]
        # A digest is sixty-four hexadecimal digits; no image has this one.
        container["image"] = container["image"].partition("@")[0] + "@sha256:" + "0" * 64

    # With a rollback the former revision would serve again, and nothing be seen.
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    redefine(world, Side.DR, world.tenants[-1], absent_image, deploymentConfiguration=breaker)


disaster(
    "ecs-target-group-detached",
    "One tenant's service in the DR region no longer registers with its target group",
    trips=("ecs.target-group-attached",),
    consequences=("elbv2-routing.healthy-targets", "sites.every-site-answers"),
    run=lambda world: update(world, Side.DR, world.tenants[-1], loadBalancers=[]),
)


@disaster(
    "ecs-registry-deleted",
    "The registry of service discovery that one tenant's service in the DR region names was deleted",
    trips=("service-discovery.registries-exist",),
)
def registry_deleted(world: World) -> None:
    """Name a Cloud Map service in the last tenant's service, and delete it: a standby of no tasks keeps none in it."""
    namespace = {"Name": "sites", "CreatorRequestId": "sites"}
    operation = world.call(Side.DR, "servicediscovery", "CreateHttpNamespace", **namespace)["OperationId"]
    found = world.call(Side.DR, "servicediscovery", "GetOperation", OperationId=operation)["Operation"]["Targets"]
    # The service in it goes with the disaster: a namespace that holds one cannot be deleted.
    world.undo(Side.DR, "servicediscovery", "DeleteNamespace", Id=found["NAMESPACE"])
    service = {"Name": "site", "NamespaceId": found["NAMESPACE"]}
    registry = world.call(Side.DR, "servicediscovery", "CreateService", **service)["Service"]
    update(world, Side.DR, world.tenants[-1], serviceRegistries=[{"registryArn": registry["Arn"]}])
    world.call(Side.DR, "servicediscovery", "DeleteService", Id=registry["Id"])


@disaster(
    "ecs-one-zone",
    "Two tasks of one tenant run in the same zone of the DR region",
    trips=("ecs.zone-spread", "vpc.zones"),
    consequences=(  # under a pilot light no task should run, and without its database it answers 500
        *("ecs.deployment-sound", "ecs.desired-and-running"),
        *("elbv2-routing.healthy-targets", "sites.every-site-answers"),
    ),
)
def one_zone(world: World) -> None:
    """Run two tasks of the last tenant in a single subnet."""
    tenant = world.tenants[-1]
    update(world, Side.DR, tenant, networkConfiguration=_network_in(world, tenant, places=1), desiredCount=2)


@disaster("ecs-one-subnet", "One tenant's service in the DR region may run in one zone only", trips=("vpc.zones",))
def one_subnet(world: World) -> None:
    """Leave the last tenant's service a single subnet."""
    tenant = world.tenants[-1]
    update(world, Side.DR, tenant, networkConfiguration=_network_in(world, tenant, places=1))


def _network_in(world: World, tenant: str, places: int) -> dict[str, Any]:
    network: dict[str, Any] = service_of(world, Side.DR, tenant)["networkConfiguration"]["awsvpcConfiguration"]
    return {"awsvpcConfiguration": {**network, "subnets": network["subnets"][:places]}}


disaster(
    "ecs-old-platform",
    "One tenant's service in the DR region is held on an old Fargate platform",
    trips=("ecs.platform-version",),
    run=lambda world: update(world, Side.DR, world.tenants[-1], platformVersion=_OLD_PLATFORM),
)


@disaster(
    "ecs-alarm-rolls-back",
    "Deployments of one tenant's service in the DR region are rolled back by an alarm, the primary region's are not",
    trips=("ecs-deployment.alike",),
)
def alarm_rolls_back(world: World) -> None:
    """Name an alarm in the last tenant's deployment configuration."""
    off = {"alarms": {"alarmNames": [], "enable": False, "rollback": False}}
    on = {"alarms": {"alarmNames": ["too-many-errors"], "enable": True, "rollback": True}}
    where = service_params(world, world.tenants[-1])
    world.undo(Side.DR, "ecs", "UpdateService", **where, deploymentConfiguration=off)
    world.call(Side.DR, "ecs", "UpdateService", **where, deploymentConfiguration=on)


disaster(
    "ecs-short-grace",
    "One tenant's service in the DR region gives new tasks no time before their health checks count",
    trips=("ecs-deployment.alike",),
    run=lambda world: update(world, Side.DR, world.tenants[-1], healthCheckGracePeriodSeconds=0),
)


@disaster(
    "ecs-deployed-by-codedeploy",
    "CodeDeploy deploys one tenant's service of the DR region",
    trips=("supported.services",),
    consequences=("ecs-deployment.alike",),
)
def deployed_by_codedeploy(world: World) -> None:
    """Give the last tenant's service in the DR region another deployment controller."""
    who = service_params(world, world.tenants[-1])
    path = ("services", f"{who['cluster']}:{who['service']}")
    # moto's UpdateService takes no deployment controller.
    world.alter(Side.DR, "ecs", path, deployment_controller={"type": "CODE_DEPLOY"})


def _target(world: World, side: Side = Side.DR, tenant: str = "") -> dict[str, Any]:
    """Return how a tenant's scalable target was registered: by default the last tenant's, in the DR region."""
    who = service_params(world, tenant or world.tenants[-1])
    resource = f"service/{who['cluster']}/{who['service']}"
    found = world.call(side, _SERVICE, "DescribeScalableTargets", ServiceNamespace="ecs", ResourceIds=[resource])[
        "ScalableTargets"
    ][0]
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": _DIMENSION,
        # SuspendedState is left out: a registration without it leaves it as it is.
        "MinCapacity": found["MinCapacity"],
        "MaxCapacity": found["MaxCapacity"],
    }


@disaster(
    "scaling-target-missing",
    "One tenant's service in the DR region is not scaled automatically",
    trips=("autoscaling.targets-exist",),
)
def target_missing(world: World) -> None:
    """Deregister the last tenant's scalable target."""
    target = _target(world)
    world.undo(Side.DR, _SERVICE, "RegisterScalableTarget", **target)
    which = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    world.call(Side.DR, _SERVICE, "DeregisterScalableTarget", **which)


@disaster(
    "scaling-capped",
    "Auto scaling holds one tenant's service in the DR region at a single task",
    trips=("autoscaling.bounds",),
)
def capped(world: World) -> None:
    """Lower the maximum of the last tenant's target to one task."""
    target = _target(world)
    world.undo(Side.DR, _SERVICE, "RegisterScalableTarget", **target)
    # A minimum above the maximum is refused (API_RegisterScalableTarget).
    low = {"MinCapacity": min(1, target["MinCapacity"]), "MaxCapacity": 1}
    world.call(Side.DR, _SERVICE, "RegisterScalableTarget", **(target | low))


@disaster(
    "scaling-suspended",
    "A drill left one tenant's scaling suspended in the DR region",
    trips=("autoscaling.not-suspended",),
)
def suspended(world: World) -> None:
    """Suspend scaling out for the last tenant's service."""
    for turn, off in ((world.undo, False), (world.call, True)):
        values = {"DynamicScalingOutSuspended": off, "DynamicScalingInSuspended": off, "ScheduledScalingSuspended": off}
        turn(Side.DR, _SERVICE, "RegisterScalableTarget", SuspendedState=values, **_target(world))


@disaster(
    "scaling-night-for-ever",
    "A schedule puts one tenant's service in the DR region to sleep and never wakes it",
    trips=("autoscaling.no-scheduled-shrink",),
)
def night_for_ever(world: World) -> None:
    """Schedule the last tenant's service to 0 every evening, without a morning."""
    target = _target(world)
    which = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    which["ScheduledActionName"] = "night"
    world.undo(Side.DR, _SERVICE, "DeleteScheduledAction", **which)
    world.call(
        Side.DR,
        _SERVICE,
        "PutScheduledAction",
        # In UTC, for no time zone is named (API_PutScheduledAction).
        Schedule="cron(0 19 * * ? *)",
        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 0},
        **which,
    )


@disaster(
    "scaling-policy-missing",
    "One tenant's service in the DR region may scale, and has no policy to scale by",
    trips=("autoscaling.policies-alike",),
)
def policy_missing(world: World) -> None:
    """Delete the policies of the last tenant's service."""
    target = _target(world)
    which = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    scaling_policies = world.call(Side.DR, _SERVICE, "DescribeScalingPolicies", **which)["ScalingPolicies"]
    for policy in scaling_policies:
        kind = "TargetTrackingScalingPolicyConfiguration"
        again = {key: policy[key] for key in ("PolicyName", "PolicyType", kind)}
        world.undo(Side.DR, _SERVICE, "PutScalingPolicy", **which, **again)
        world.call(Side.DR, _SERVICE, "DeleteScalingPolicy", PolicyName=policy["PolicyName"], **which)


@disaster(
    "services-asleep",
    "The night's schedule has put every service of the primary region to sleep, and knows those of the DR region too",
    trips=(),
    consequences=(
        "autoscaling.no-scheduled-shrink",
        "elbv2-routing.healthy-targets",
        "primary.services-running",
        "sites.every-site-answers",
    ),
    posture="NORMAL or IMPAIRED",  # by the hour: asleep at night, and gone by day
    answer="DO_NOT_FAILOVER or RISKY",
    unseen="at night it is as planned, and the traffic records, which evaluate no target, move nobody",
)
def asleep(world: World) -> None:
    """Scale the primary's services to 0, and give each of the DR region's an evening and a morning (T36)."""
    if world.environment.scaling_schedule is None:
        raise SandboxError(f"The services of {world.environment.name} never sleep (scaling_schedule): try -e sit.")
    for tenant in world.tenants:
        home, away = _target(world, Side.PRIMARY, tenant), _target(world, Side.DR, tenant)
        world.undo(Side.PRIMARY, _SERVICE, "RegisterScalableTarget", **home)
        # The minimum first, else the next scaling activity would start tasks again (T36).
        world.call(Side.PRIMARY, _SERVICE, "RegisterScalableTarget", **(home | {"MinCapacity": 0}))
        update(world, Side.PRIMARY, tenant, desiredCount=0)
        bounds = {"MinCapacity": away["MinCapacity"], "MaxCapacity": away["MaxCapacity"]}
        for name, hour, action in (("night", 19, {"MinCapacity": 0, "MaxCapacity": 0}), ("morning", 7, bounds)):
            which = {key: away[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
            which["ScheduledActionName"] = name
            world.undo(Side.DR, _SERVICE, "DeleteScheduledAction", **which)
            when = f"cron(0 {hour} * * ? *)"
            world.call(Side.DR, _SERVICE, "PutScheduledAction", Schedule=when, ScalableTargetAction=action, **which)


@disaster(
    "primary-grown",
    "One tenant runs more tasks in the primary region than the DR region may ever start",
    trips=("load.carried",),
)
def primary_grown(world: World) -> None:
    """Let the last tenant's service run a task more than the DR region's maximum."""
    update(world, Side.PRIMARY, world.tenants[-1], desiredCount=int(_target(world)["MaxCapacity"]) + 1)
