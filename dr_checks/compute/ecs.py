"""Checks of ECS in the DR region: cluster, services, deployments and target groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.compute.autoscaling import register
from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import runs_database
from dr_checks.derived.pairing import clusters, service_pairs, services_by_name, tenant_services
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import application_autoscaling, ecs, elbv2
from dr_estate.snapshot.tenants import Tenant

# Two tasks can outlive a zone only in two zones; AWS spreads a Fargate service over the zones of its subnets.
_ZONES = 2
# Fargate mounts file systems since its platform version 1.4.0 (ECS guide, "Use Amazon EFS volumes").
_WITHOUT_EFS = frozenset({"1.0.0", "1.1.0", "1.2.0", "1.3.0"})


@check("the ECS cluster of the DR region is active")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "NIST CP-7", "ISO22301 8.4")
def cluster_active(view: View) -> Iterator[Finding]:
    """The cluster exists and is ACTIVE, each of several. Source: ECS DescribeClusters."""
    for cluster in clusters(view):
        yield _cluster_finding(view, cluster)


def _cluster_finding(view: View, cluster: ecs.Cluster) -> Finding:
    if cluster.status and not states.CLUSTER[cluster.status].known:
        return view.undocumented(cluster.name, "ACTIVE", cluster.status)
    if cluster.status and states.CLUSTER[cluster.status].serves:
        return view.ok(cluster.name, cluster.status, "ACTIVE", "services can be started in it")
    reason = f"no task can be started in {view.region} without its cluster"
    remedy = Remedy(
        f"Apply aws_ecs_cluster '{cluster.name}' with the provider of {view.region}.",
        () if cluster.status else (view.command("ecs", "CreateCluster", clusterName=cluster.name),),
    )
    return view.gap(cluster.name, cluster.status or "absent", "ACTIVE", reason, remedy)


@check("every tenant has an active ECS service in the DR region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("EcsServiceExists", "REL13-BP02", "NIST CP-7", "SOC2 A1.2")
def service_exists(view: View) -> Iterator[Finding]:
    """Each tenant's service, by name, is ACTIVE in the DR cluster. Source: ECS DescribeServices."""
    there = services_by_name(view, Side.DR)
    for tenant in view.tenants:
        name = view.env.named(view.env.names.service, tenant=tenant.id)
        service = there.get(name)
        if service and states.SERVICE[service.status].serves:
            yield view.ok(name, service.status, "ACTIVE", "the service exists and is active", tenant.id)
        else:
            reason = f"the tenant cannot be started without it in {view.region}"
            remedy = f"Create it in {view.region}: apply aws_ecs_service '{name}' with the DR provider."
            gap = view.gap(name, service.status if service else "absent", "ACTIVE", reason, remedy, tenant.id)
            yield replace(gap, depends_on=view.env.ecs_names(name)["cluster"])


@check("every service in the DR region runs as many tasks as its standby plan requires")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T07", "T53", "T54", "EcsDesiredVsPlanned", "REL11-BP05")
def desired_and_running(view: View) -> Iterator[Finding]:
    """Desired and running counts reach standby.tasks_per_service; surplus is fine where a database runs.

    A task without one answers 500, and ECS gives its deployment up. Source: DescribeServices, T07, T53, T54.
    """
    services = list(tenant_services(view))
    pilot_light = view.env.standby.mode == "pilot-light"
    without_database = pilot_light and any(s.desired or s.running for _, s in services) and not runs_database(view)
    for tenant, service in services:
        measured = f"desired {service.desired}, running {service.running}"
        if without_database and (service.desired or service.running):
            wanted = "0 until a database runs there (standby.mode is pilot-light)"
            reason = f"no database runs in {view.region}: its tasks answer 500, and ECS gives the deployment up (T54)"
            remedy = Remedy(
                "Scale it to 0: min_capacity = 0 of its aws_appautoscaling_target, then its desired count.",
                (*_unscale_commands(view, service), _update(view, service, desiredCount=0)),
            )
            yield view.gap(service.name, measured, wanted, reason, remedy, tenant.id)
        else:
            yield _count_finding(view, tenant, service, measured)
    if not services:
        planned = view.env.standby.tasks_per_service
        healing = "Apply the DR Terraform."
        yield view.gap("all services", "none", f"{planned} task(s) each", "no service exists", healing)


def _count_finding(view: View, tenant: Tenant, service: ecs.Service, measured: str) -> Finding:
    planned = view.env.standby_of(tenant.id)
    wanted = f"{planned} or more"
    if planned == 0 and _is_at_zero(service):
        plan = "a pilot light is planned" if view.env.standby.mode == "pilot-light" else "standby.tasks says"
        return view.none_expected(service.name, f"no task runs here, as {plan}")
    if min(service.desired, service.running) >= planned:
        return view.ok(service.name, measured, wanted, "the standby runs as planned", tenant.id)
    if service.desired == 0 and view.env.scheduled_off(view.now):
        return view.none_expected(service.name, "no task runs here: it is scaled to 0 by schedule")
    reason = "fewer tasks run than planned: the service would start late, or not at all"
    remedy = Remedy(
        f"Have {planned} task(s) run; then read its events for why tasks stop.",
        (_update(view, service, desiredCount=planned),),
    )
    return view.gap(service.name, measured, wanted, reason, remedy, tenant.id)


def _is_at_zero(service: ecs.Service) -> bool:
    return service.desired == 0 and service.running == 0


def _unscale_commands(view: View, service: ecs.Service) -> tuple[str, ...]:
    """The command that lets auto scaling leave it at 0, none where nothing is known to scale it."""
    targets = view.read_for_remedy(application_autoscaling.targets, Side.DR) or ()
    lifted = any(target.service == service.name and target.minimum for target in targets)
    return (register(view, service.name, MinCapacity=0),) if lifted else ()


def _update(view: View, service: ecs.Service, **changes: object) -> str:
    return view.command("ecs", "UpdateService", **view.env.ecs_names(service.name), **changes)


@check(
    "no deployment of a service in the DR region has failed",
    none=("all services", "no service exists: see ecs.service-exists"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("REL08-BP05", "NIST CP-10")
def deployment_sound(view: View) -> Iterator[Finding]:
    """The newest deployment's rollout state is not FAILED. One of CODE_DEPLOY or EXTERNAL is a task set: its stability.

    Source: ECS DescribeServices, deployment circuit breaker, TaskSet.
    """
    services = list(tenant_services(view))
    for tenant, service in services:
        rollout = states.ROLLOUT[service.rollout]
        if not rollout.known:
            cause = f"ECS reports no state of its newest deployment ({service.rollout or 'none is listed'})."
            yield view.unknown(service.name, "not FAILED", cause, tenant.id)
        elif not rollout.broken and _is_at_zero(service):
            yield view.none_expected(service.name, "no task runs here: its newest revision has started nothing")
        elif not rollout.broken:
            reason = "its newest revision started" if rollout.serves else "its newest revision is being started"
            yield view.ok(service.name, service.rollout, "not FAILED", reason, tenant.id)
        else:
            reason = "the newest revision could not be started here: a failover would start nothing, or an old revision"
            remedy = Remedy(
                "Read its events and fix the cause, then deploy again.",
                (_update(view, service, forceNewDeployment=True),),
            )
            yield view.gap(service.name, "FAILED", "not FAILED", reason, remedy, tenant.id)


@check(
    "every service of the DR region is attached to its own tenant's target group there",
    none=("all services", "no service exists: see ecs.service-exists"),
)
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("EcsServiceExists", "ElbV2TargetGroupsCanServeTraffic", "REL13-BP04")
def target_group_attached(view: View) -> Iterator[Finding]:
    """The service registers its tasks with its tenant's target group of this region. Source: DescribeServices."""
    services = [(tenant, service) for tenant, service in tenant_services(view) if not view.env.is_worker(tenant.id)]
    for tenant, service in services:
        wanted = view.env.named(view.env.names.target_group, tenant=tenant.id)
        groups = [
            arn.partition(":targetgroup/")[2].partition("/")[0]
            for arn in service.target_groups
            if f":{view.region}:" in arn
        ]
        if wanted in groups:
            yield view.ok(service.name, wanted, wanted, "its tasks will be registered for traffic", tenant.id)
        else:
            measured = ", ".join(groups) or "no target group of this region"
            reason = "its tasks would run, but no request would reach them"
            remedy = Remedy(
                f"aws_ecs_service '{service.name}': load_balancer.target_group_arn = that of '{wanted}'.",
                _attach(view, service, wanted),
            )
            yield view.gap(service.name, measured, wanted, reason, remedy, tenant.id)


@check(
    "services of the DR region that run two or more tasks spread them over at least two availability zones",
    none=("all services", "no service runs two tasks or more yet"),
)
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("REL10-BP01", "AsgAZCount")
def zone_spread(view: View) -> Iterator[Finding]:
    """Running tasks of a service stand in two zones or more; one task alone cannot. Source: ECS DescribeTasks."""
    zones: dict[str, list[str]] = {}
    for task in view.get(ecs.tasks):
        if task.status == "RUNNING" and task.zone:
            zones.setdefault(task.group.removeprefix("service:"), []).append(task.zone)
    spread = [(tenant, s, zones.get(s.name, [])) for tenant, s in tenant_services(view)]
    several = [(tenant, s, places) for tenant, s, places in spread if len(places) >= _ZONES]
    for tenant, service, places in several:
        measured = f"{len(places)} tasks in {', '.join(sorted(set(places)))}"
        if len(set(places)) >= _ZONES:
            yield view.ok(service.name, measured, "2 zones or more", "it survives the loss of one zone", tenant.id)
        else:
            reason = "the loss of one zone would take the tenant down during the failover"
            remedy = Remedy(
                "Have its tasks placed again, in subnets of two zones (network_configuration.subnets).",
                (_update(view, service, forceNewDeployment=True),),
            )
            yield view.gap(service.name, measured, "2 zones or more", reason, remedy, tenant.id)


@check(
    "services of the DR region run on the same Fargate platform version as in the primary region",
    none=("all services", "no service exists on both sides: see ecs.service-exists"),
)
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, stops=True)
@cite("EcsTaskDefFamilyParity", "ecs-fargate-latest-platform-version", "ecs_service_fargate_latest_platform_version")
def platform_version(view: View) -> Iterator[Finding]:
    """Versions are equal, or either side says LATEST. One before 1.4.0 mounts no file system.

    Source: ECS DescribeServices, Fargate platform versions; ECS guide, "Use Amazon EFS volumes with Amazon ECS".
    """
    pairs, known = service_pairs(view), view.read_for_remedy(ecs.task_definitions, Side.DR) or ()
    mounting = {row.arn for row in known if isinstance(row, ecs.TaskDefinition) and row.volumes}
    for tenant, here, there in pairs:
        versions = {here.platform_version or "LATEST", there.platform_version or "LATEST"}
        if len(versions) == 1 or "LATEST" in versions:
            measured = here.platform_version or "LATEST"
            yield view.ok(here.name, measured, there.platform_version or "LATEST", "the same platform", tenant.id)
        else:
            wanted = there.platform_version
            reason = "tasks would start on a platform version they were not tested on (EFS needs 1.4.0 or later)"
            remedy = Remedy(
                f"aws_ecs_service '{here.name}': platform_version = \"{there.platform_version}\".",
                (_update(view, here, platformVersion=there.platform_version, forceNewDeployment=True),),
            )
            stops = here.platform_version in _WITHOUT_EFS and here.task_definition in mounting
            yield view.gap(here.name, here.platform_version, wanted, reason, remedy, tenant.id, stops=stops)


def _attach(view: View, service: ecs.Service, wanted: str) -> tuple[str, ...]:
    """The command that registers its tasks with ``wanted``, none where that group or the container is not known."""
    groups = view.read_for_remedy(elbv2.target_groups, Side.DR) or ()
    arns = [group.arn for group in groups if group.name == wanted]
    definitions = view.read_for_remedy(ecs.task_definitions, Side.DR) or ()
    behind = [
        (container.name, port)
        for definition in definitions
        if isinstance(definition, ecs.TaskDefinition) and definition.arn == service.task_definition
        for container in definition.containers
        for port in container.ports
    ]
    if len(arns) != 1 or len(behind) != 1:
        return ()
    name, port = behind[0]
    balancers = [{"targetGroupArn": arns[0], "containerName": name, "containerPort": port}]
    return (_update(view, service, loadBalancers=balancers),)
