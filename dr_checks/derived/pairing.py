"""A tenant's service and task definition in one region, shared by several checks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dr_checks.core.model import View
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import source_of
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, elbv2, vpc
from dr_estate.snapshot.tenants import Tenant


def vpc_name(view: View) -> str:
    """What the side's VPC is called: by the settings, else by its id, where it was read."""
    found = None if view.env.names.vpc else view.read_for_remedy(vpc.vpc)
    return found.id if found else view.env.named(view.env.names.vpc) or "the VPC of the load balancer"


def load_balancers(view: View, side: Side) -> list[elbv2.LoadBalancer | None]:
    """The side's load balancer of each entrance, the settings' own first. Raises DataUnavailable."""
    # The first is the view's own: what is not understood of it becomes a finding of the check.
    others = [seen for seen, _ in view.snapshot.of_entrances(view.env)][1:]
    return [view.get(elbv2.load_balancer, side), *(seen.get(elbv2.load_balancer, side) for seen in others)]


def services_by_name(view: View, side: Side) -> dict[str, ecs.Service]:
    """The side's services by name. Raises DataUnavailable."""
    return {service.name: service for service in view.get(ecs.services, side)}


def clusters(view: View) -> tuple[ecs.Cluster, ...]:
    """The clusters of the view's side. Raises DataUnavailable."""
    # Evidence from before there were several holds no others: then nothing asks for them.
    others = view.get(ecs.other_clusters) if len(view.env.clusters) > 1 else ()
    return view.get(ecs.cluster), *others


def service_name(view: View, tenant: Tenant, side: Side) -> str:
    """What the tenant's service is called on ``side``: the map may name the regions' differently."""
    env = view.env.on(side)
    return env.named(env.names.service, tenant=tenant.id)


def tenant_services(view: View, side: Side = Side.DR) -> Iterator[tuple[Tenant, ecs.Service]]:
    """Each tenant that has a service on ``side``, with it; tenants without are said by ecs.service-exists."""
    there = services_by_name(view, side)
    for tenant in view.tenants:
        service = there.get(service_name(view, tenant, side))
        if service:
            yield tenant, service


def service_pairs(view: View) -> list[tuple[Tenant, ecs.Service, ecs.Service]]:
    """Each tenant with a service in both regions: the DR region's, then the primary's. Raises DataUnavailable."""
    primary = {tenant.id: service for tenant, service in tenant_services(view, Side.PRIMARY)}
    return [(tenant, mine, primary[tenant.id]) for tenant, mine in tenant_services(view) if tenant.id in primary]


def network_command(view: View, service: ecs.Service, subnets: Iterable[str], groups: Iterable[str]) -> tuple[str, ...]:
    """The command that moves a service to these subnets and groups; none where its public address is not known.

    UpdateService replaces the network as a whole: what is left out is lost.
    """
    if not service.public_ip:
        return ()
    network = {"subnets": list(subnets), "securityGroups": list(groups), "assignPublicIp": service.public_ip}
    changes = {**view.env.ecs_names(service.name), "networkConfiguration": {"awsvpcConfiguration": network}}
    return (view.command("ecs", "UpdateService", **changes),)


def may_read(definition: ecs.TaskDefinition | Unavailable | None, secret: str, field: str) -> bool:
    """Whether a container of the tenant is started with the field, or with the whole secret; where unseen it may be."""
    if definition is None or isinstance(definition, Unavailable):
        return definition is not None
    sources = [source_of(value) for container in definition.containers for _, value in container.sources]
    return any(row.is_secret and row.name == secret and row.key in ("", field) for row in sources)


def reads_other_fields_alone(view: View, secret: str, fields: Iterable[str]) -> bool:
    """Whether containers of the view's side read single fields of the secret, and none of these."""
    found = view.read_for_remedy(ecs.task_definitions) or (None,)
    known = [row for row in found if isinstance(row, ecs.TaskDefinition)]
    sources = [source_of(value) for row in known for container in row.containers for _, value in container.sources]
    reads = any(row.is_secret and row.name == secret for row in sources)
    return reads and len(known) == len(found) and not any(may_read(row, secret, f) for row in known for f in fields)


def psql_definition(view: View) -> ecs.TaskDefinition | None:
    """The definition of the DR region by which PostgreSQL is asked; None without one. Raises DataUnavailable."""
    # Evidence of an estate that names none may not hold the part.
    return next(iter(view.get(ecs.psql_definitions, Side.DR)), None) if view.env.names.psql_task else None


def tenant_definitions(view: View, side: Side = Side.DR) -> dict[str, ecs.TaskDefinition | Unavailable]:
    """The task definition that each tenant's service on ``side`` uses, by tenant id. Raises DataUnavailable."""
    read = view.get(ecs.task_definitions, side)
    known = {found.arn: found for found in read if isinstance(found, ecs.TaskDefinition)}
    unavailable = next((found for found in read if isinstance(found, Unavailable)), None)
    # A definition that was not read is unseen, never absent: why it was not read goes along.
    lost = unavailable or Unavailable(UnavailableKind.ERROR, "The task definition was not among those read.")
    return {tenant.id: known.get(service.task_definition, lost) for tenant, service in tenant_services(view, side)}
