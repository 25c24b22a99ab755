"""Compute that is missing, does not start, or is placed or wired badly."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.services import delete, lower_quota, redefine, service_of, service_params, stop_tasks, update
from sandbox.world.world import World

FARGATE, VCPU = "fargate", "L-3032A538"
_SCARCE = 0.25  # vCPU: less than any task of the estate asks for
# EFS volumes came with 1.4.0 (ECS guide, Fargate platform versions).
_OLD_PLATFORM = "1.3.0"


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


@disaster(
    "ecs-service-deleted",
    "One tenant's service was deleted in the DR region",
    trips=("ecs.service-exists",),
    consequences=("sites.every-site-answers",),
)
def service_deleted(world: World) -> None:
    """Delete the last tenant's service in the DR region."""
    delete(world, Side.DR, world.tenants[-1])


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


@disaster(
    "ecs-started-without-database",
    "Somebody started one tenant's service in the DR region, where no database runs",
    trips=("ecs.desired-and-running",),
    consequences=("ecs.deployment-sound", "elbv2-routing.healthy-targets", "sites.every-site-answers"),
)
def started_without_database(world: World) -> None:
    """Let one task of the last tenant's service run in the DR region."""
    update(world, Side.DR, world.tenants[-1], desiredCount=1)


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


@disaster(
    "ecs-target-group-detached",
    "One tenant's service in the DR region no longer registers with its target group",
    trips=("ecs.target-group-attached",),
    consequences=("elbv2-routing.healthy-targets", "sites.every-site-answers"),
)
def target_group_detached(world: World) -> None:
    """Take the load balancer off the last tenant's service."""
    update(world, Side.DR, world.tenants[-1], loadBalancers=[])


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


@disaster(
    "ecs-old-platform",
    "One tenant's service in the DR region is held on an old Fargate platform",
    trips=("ecs.platform-version",),
)
def old_platform(world: World) -> None:
    """Pin the last tenant's service to a platform that cannot mount EFS."""
    update(world, Side.DR, world.tenants[-1], platformVersion=_OLD_PLATFORM)


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


@disaster(
    "ecs-short-grace",
    "One tenant's service in the DR region gives new tasks no time before their health checks count",
    trips=("ecs-deployment.alike",),
)
def short_grace(world: World) -> None:
    """Let the grace period of the last tenant's service be 0 seconds."""
    update(world, Side.DR, world.tenants[-1], healthCheckGracePeriodSeconds=0)


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
