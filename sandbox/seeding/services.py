"""ECS: cluster, and a log group, task definition, service and scaling target for each tenant, in both regions.

Everything a task definition names lives in its own region: registry, database, secrets, files and logs (T18, T21).

Service quotas: raised in both regions to what a failover of all tenants demands (T33).
"""

from __future__ import annotations

import math
from typing import Any

from sandbox.seeding.site import Estate, SeedTenant, Site, as_list, host_of, tag_map

# A pair that Fargate offers (ECS guide, task CPU and memory): half a vCPU with 1, 2, 3 or 4 GB.
CPU, MEMORY_MIB = 512, 1024
CPU_UNITS_A_VCPU = 1024
LISTENERS = 2
# A deployment runs up to twice its tasks for a while; half more than the failover needs lets it begin.
SPARE = 1.5


def build(estate: Estate) -> None:
    """Make the clusters and everything that runs in them."""
    env = estate.environment
    for site in estate.sites:
        tasks = env.capacity.tasks_per_service if site.is_primary else env.standby.tasks_per_service
        cluster = env.named(site.environment.names.cluster)
        site.client("ecs").create_cluster(
            clusterName=cluster,
            settings=[{"name": "containerInsights", "value": "enabled"}],
            capacityProviders=["FARGATE"],
            tags=as_list(tag_map(env, cluster), "key", "value"),
        )
        for tenant in estate.tenants:
            site.client("logs").create_log_group(
                logGroupName=env.named(env.names.log_group, tenant=tenant.name), tags=tag_map(env, tenant=tenant)
            )
            definition = _task_definition(estate, site, tenant)
            _service(site, tenant, cluster, definition, tasks)
            _scaling(site, tenant, cluster, tasks)


def _task_definition(estate: Estate, site: Site, tenant: SeedTenant) -> str:
    env = site.environment
    family = env.named(env.names.task_family, tenant=tenant.name)
    response = site.client("ecs").register_task_definition(
        family=family,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu=str(CPU),
        memory=str(MEMORY_MIB),
        executionRoleArn=estate.roles["execution"],
        taskRoleArn=estate.roles["task"],
        runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        containerDefinitions=[_container(site, tenant)],
        volumes=[_volume(site, tenant)],
        tags=as_list(tag_map(env, family, tenant), "key", "value"),
    )
    return str(response["taskDefinition"]["taskDefinitionArn"])


def _container(site: Site, tenant: SeedTenant) -> dict[str, Any]:
    env, secret = site.environment, site.secrets[tenant.name]
    plain = {
        "WORDPRESS_DB_HOST": f"{site.database_host}:{site.engine.port}",
        "WORDPRESS_DB_NAME": env.named(env.names.tenant_schema, tenant=tenant.name),
        "WORDPRESS_HOME": f"https://{host_of(env, tenant)}",
        "TENANT": tenant.label,
        "ENVIRONMENT": env.name,
    }
    return {
        "name": env.names.container,
        "image": site.image,
        "essential": True,
        "portMappings": [{"containerPort": env.names.container_port, "protocol": "tcp"}],
        "environment": as_list(plain, "name", "value"),
        "secrets": [
            # The ARN with the JSON key: two colons for stage and version that are left out (ECS guide, secrets).
            {"name": "WORDPRESS_DB_USER", "valueFrom": f"{secret}:username::"},
            {"name": "WORDPRESS_DB_PASSWORD", "valueFrom": f"{secret}:password::"},
        ],
        "mountPoints": [{"sourceVolume": "content", "containerPath": "/var/www/html/wp-content"}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": env.named(env.names.log_group, tenant=tenant.name),
                "awslogs-region": site.region,
                "awslogs-stream-prefix": env.names.container,
            },
        },
    }


def _volume(site: Site, tenant: SeedTenant) -> dict[str, Any]:
    return {
        "name": "content",
        "efsVolumeConfiguration": {
            "fileSystemId": site.file_system,
            "transitEncryption": "ENABLED",
            "authorizationConfig": {"accessPointId": site.access_points[tenant.name], "iam": "ENABLED"},
        },
    }


def _service(site: Site, tenant: SeedTenant, cluster: str, definition: str, tasks: int) -> None:
    env = site.environment
    name = env.named(env.names.service, tenant=tenant.name)
    site.client("ecs").create_service(
        cluster=cluster,
        serviceName=name,
        taskDefinition=definition,
        desiredCount=tasks,
        launchType="FARGATE",
        # Named: LATEST is what a region has at the time of a start.
        platformVersion="1.4.0",
        schedulingStrategy="REPLICA",
        # ECS counts no failed load balancer check for so long (API_CreateService): WordPress starts slowly.
        healthCheckGracePeriodSeconds=60,
        # Without it a broken deployment is tried for ever; with it the rollout becomes FAILED (T53, T54).
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": site.private_subnets,
                "securityGroups": [site.groups["tasks"]],
                "assignPublicIp": "DISABLED",
            }
        },
        loadBalancers=[
            {
                "targetGroupArn": site.target_groups[tenant.name],
                "containerName": env.names.container,
                "containerPort": env.names.container_port,
            }
        ],
        propagateTags="SERVICE",
        tags=as_list(tag_map(env, name, tenant), "key", "value"),
    )


def _scaling(site: Site, tenant: SeedTenant, cluster: str, tasks: int) -> None:
    """Let the service scale with its load between today's tasks and twice the failover size (T36)."""
    env, scaling = site.environment, site.client("application-autoscaling")
    what = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{cluster}/{env.named(env.names.service, tenant=tenant.name)}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(MinCapacity=tasks, MaxCapacity=2 * env.capacity.tasks_per_service, **what)
    scaling.put_scaling_policy(
        PolicyName="processor",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
        **what,
    )


def build_quotas(estate: Estate) -> None:
    """Request each quota that its default value would not satisfy. Needs doing before services start tasks."""
    for site in estate.sites:
        quotas = site.client("service-quotas")
        for (service, code), needed in demand(estate).items():
            value = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
            if value < needed:
                quotas.request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=float(needed))


def demand(estate: Estate) -> dict[tuple[str, str], int]:
    """Return by service and quota code what a region needs: every tenant at failover size, the headroom, and a half."""
    capacity, tenants = estate.environment.capacity, len(estate.tenants)
    customers = sum(len(hosts) for hosts in estate.environment.traffic.customer_hosts.values())
    tasks = tenants * capacity.tasks_per_service
    needs = {
        ("fargate", "L-3032A538"): tasks * CPU / CPU_UNITS_A_VCPU,
        ("ecs", "L-9EF96962"): tenants,
        # Each Fargate task has a network interface of its own (awsvpc).
        ("vpc", "L-DF5E4CA3"): tasks,
        # The names and defaults of the codes stand in moto_ext/quotas/quota_table.py.
        ("elasticloadbalancing", "L-7EED9B64"): tenants * LISTENERS,
        ("elasticloadbalancing", "L-7E6692B2"): tasks,
        ("elasticloadbalancing", "L-B22855CB"): tenants,
        ("elasticloadbalancing", "L-822D1B1B"): tenants,
        ("acm", "L-FB94F0B0"): customers + 3,
    }
    factor = SPARE + capacity.headroom_percent / 100
    return {quota: math.ceil(needed * factor) for quota, needed in needs.items()}
