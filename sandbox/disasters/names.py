"""Tenants' names that lead nowhere, stay behind, or are known in one region only."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster, services
from sandbox.disasters.dns_records import tenant_record
from sandbox.disasters.dns_zone import swap
from sandbox.disasters.elbv2 import balancer_of
from sandbox.world.world import World


@disaster(
    "tenant-bypasses-the-edge",
    "One tenant's name points straight at the primary's load balancer: no HTTPS, no failover",
    trips=("tenants.hosts-lead-to-distribution",),
)
def bypasses(world: World) -> None:
    """Point the last tenant's alias at the primary's load balancer."""
    before, balancer = tenant_record(world), balancer_of(world, Side.PRIMARY)
    target = {
        "HostedZoneId": balancer["CanonicalHostedZoneId"],
        "DNSName": f"{balancer['DNSName']}.",
        "EvaluateTargetHealth": False,
    }
    swap(world, [before], [before | {"AliasTarget": target}])


@disaster(
    "tenant-name-leads-nowhere",
    "One tenant's name points at a distribution that is no more",
    trips=("answers.hosts-answer", "tenants.hosts-lead-to-distribution"),
)
def leads_nowhere(world: World) -> None:
    """Point the last tenant's alias at another distribution."""
    before = tenant_record(world)
    # Of the shape of a distribution's name; none has it here.
    target = before["AliasTarget"] | {"DNSName": "d0gone0gone0g.cloudfront.net."}
    swap(world, [before], [before | {"AliasTarget": target}])


@disaster(
    "customer-stays-behind",
    "A customer's own host name points at the primary's load balancer",
    trips=("tenants.customer-hosts-follow",),
)
def stays_behind(world: World) -> None:
    """Point the first customer's host at the primary's load balancer. Raises SandboxError where there is none."""
    host = _customer_host(world)
    zones = world.call(Side.GLOBAL, "route53", "list_hosted_zones")["HostedZones"]
    zone = next((z["Id"] for z in zones if f"{host}.".endswith(f".{z['Name']}")), None)
    if zone is None:
        raise SandboxError(f"The zone of {host} is not in this world.")
    resource_record_sets = world.call(Side.GLOBAL, "route53", "list_resource_record_sets", HostedZoneId=zone)[
        "ResourceRecordSets"
    ]
    before = next(dict(record) for record in resource_record_sets if record["Name"] == f"{host}.")
    value = [{"Value": f"{balancer_of(world, Side.PRIMARY)['DNSName']}."}]
    # A CNAME, as a customer writes it who knows the load balancer's name.
    after = {"Name": before["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": value}
    swap(world, [before], [after], zone)


def _customer_host(world: World) -> str:
    hosts = [host for listed in world.environment.traffic.customer_hosts.values() for host in listed]
    if not hosts:
        raise SandboxError("No customer of this environment has a host name of its own: try -e prod.")
    return min(hosts)


@disaster(
    "customer-without-tenant",
    "A tenant with a host name of its own was removed, and the environment file still speaks of it",
    trips=("tenants.customers-known",),
)
def without_tenant(world: World) -> None:
    """Delete the service of the first customer's tenant in both regions."""
    host = _customer_host(world)
    label = next(name for name, hosts in world.environment.traffic.customer_hosts.items() if host in hosts)
    tenant = next((name for name in world.tenants if name.replace("-", "") == label), None)
    if tenant is None:
        raise SandboxError(
            f"This world has no tenant {label}: start one with more (`dr_cli.py sandbox up --fresh --tenants 12`)."
        )
    for side in (Side.PRIMARY, Side.DR):
        services.delete(world, side, tenant)


def _copy_of_service(world: World, side: Side, name: str) -> None:
    """Create a service called ``name`` after the last tenant's."""
    names, env = world.environment.names, world.environment
    cluster = env.named(names.cluster)
    model = env.named(names.service, tenant=world.tenants[-1])
    response: dict[str, Any] = world.call(side, "ecs", "describe_services", cluster=cluster, services=[model])
    # No discovery registry, no tags: what ECS needs to start it.
    copied_keys = ("taskDefinition", "launchType", "networkConfiguration", "loadBalancers")
    like = {key: response["services"][0][key] for key in copied_keys if response["services"][0].get(key)}
    world.undo(side, "ecs", "delete_service", cluster=cluster, service=name, force=True)
    world.call(side, "ecs", "create_service", cluster=cluster, serviceName=name, desiredCount=1, **like)


@disaster(
    "tenant-left-over", "The DR region still runs a tenant that the primary let go", trips=("tenants.none-left-over",)
)
def left_over(world: World) -> None:
    """Create a service in the DR region alone."""
    _copy_of_service(world, Side.DR, world.environment.named(world.environment.names.service, tenant="departed"))


@disaster(
    "tenant-twice",
    "A tenant was made a second time in the new spelling of its name: both are one site",
    trips=("tenants.unique-hosts",),
    consequences=(  # the second spelling has nothing of its own but services
        "definitions.own-tenant",
        "ecs.desired-and-running",
        "ecs.target-group-attached",
        "efs-access.point-exists",
        "efs-access.volumes-local",
        "elbv2-routing.host-rules",
        "elbv2-routing.target-groups",
        "rpo.met",
        "secrets.secret-exists",
        "sites.every-site-answers",
        "variables.schema",
    ),
)
def twice(world: World) -> None:
    """Create, in both regions, a service of the older tenant spelt without its hyphen."""
    # Hosts drop hyphens: both spellings have one host.
    older = next((tenant for tenant in world.tenants if "-" in tenant), None)
    if older is None:
        raise SandboxError("No tenant of this world has a hyphen in its name.")
    name = world.environment.named(world.environment.names.service, tenant=older.replace("-", ""))
    for side in (Side.PRIMARY, Side.DR):
        _copy_of_service(world, side, name)
