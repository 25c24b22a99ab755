"""Check of the registries of AWS Cloud Map in which ECS registers the tasks of the DR region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import tenant_services
from dr_estate.config.environment import Side
from dr_estate.model.references import arn_region
from dr_estate.readers import servicediscovery
from dr_estate.readers.ecs import Service
from dr_estate.readers.servicediscovery import DiscoveryService
from dr_estate.snapshot.tenants import Tenant

_ACCOUNT = 4


@check("every registry of service discovery that a service of the DR region names is there")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("EcsServiceExists", "REL13-BP04", "NIST CP-7")
def registries_exist(view: View) -> Iterator[Finding]:
    """Each Cloud Map service of serviceRegistries is one of this region: else ECS stops each task that it starts.

    Cloud Map lets nobody delete a service that has instances; a standby of no tasks has none. A registry of another
    account is not seen. One whose answers are kept for longer than those of the primary's of its name is warned of.
    Source: ECS DescribeServices, API_ServiceRegistry, Cloud Map ListServices, DeleteService.
    """
    unread, naming = list[Tenant](), list[tuple[Tenant, Service]]()
    for tenant, service in tenant_services(view):
        if service.registries is None:
            unread.append(tenant)
        elif service.registries:
            naming.append((tenant, service))
    for tenant in unread:
        cause = "This evidence does not hold in which registries tasks are registered."
        yield view.unknown(tenant.id, f"in {view.region}", cause, tenant.id)
    known = {row.arn: row for row in view.get(servicediscovery.registries)} if naming else {}
    # Read without a claim: a dark primary region must not hide whether the registries of this one are there.
    there = (view.read_for_remedy(servicediscovery.registries, Side.PRIMARY) or ()) if naming else ()
    ttls = {row.name: row.ttl_s for row in there}
    for tenant, service in naming:
        yield _registry_finding(view, tenant, service, known, ttls)
    if not naming and not unread:
        yield view.none_expected("all services", "no service registers its tasks in a registry")


def _registry_finding(
    view: View, tenant: Tenant, service: Service, known: Mapping[str, DiscoveryService], ttls: Mapping[str, int]
) -> Finding:
    wanted, named = f"in {view.region}", service.registries or ()
    if "" in named:
        return view.unknown(service.name, wanted, "ECS does not say which registry it is.", tenant.id)
    lost = [
        arn
        for arn in named
        if arn_region(arn) != view.region or not (arn in known or arn.split(":")[_ACCOUNT] != view.env.account)
    ]
    if lost:
        measured = ", ".join(_registry_text(view, arn) for arn in lost)
        reason = "its tasks stop as they start: the Service Discovery instance could not be registered"
        left = [{"registryArn": arn} for arn in named if arn not in lost]
        off = {**view.env.ecs_names(service.name), "serviceRegistries": left}
        sentence = (
            f"aws_ecs_service '{service.name}' in {view.region}: service_registries of an "
            "aws_service_discovery_service there. Where nothing asks for its tasks by that name, take it off:"
        )
        remedy = Remedy(sentence, (view.command("ecs", "UpdateService", **off),))
        return view.gap(service.name, measured, wanted, reason, remedy, tenant.id)
    if unseen := [arn for arn in named if arn not in known]:
        cause = f"{', '.join(unseen)} is of another account, whose registries are not seen."
        return view.unknown(service.name, wanted, cause, tenant.id)
    for row in (known[arn] for arn in named):
        if row.ttl_s > ttls.get(row.name, row.ttl_s):
            measured, wanted = f"{row.name}: answers are kept {row.ttl_s} s", f"{ttls[row.name]} s, as the primary's"
            reason = "who asked for a task that is gone is sent to it for so long"
            sentence = f"aws_service_discovery_service '{row.name}' in {view.region}: ttl = {ttls[row.name]}."
            return view.warn(service.name, measured, wanted, reason, sentence, tenant.id)
    return view.ok(service.name, ", ".join(map(_name, named)), wanted, "its tasks are registered there", tenant.id)


def _registry_text(view: View, arn: str) -> str:
    region = arn_region(arn)
    return f"no {_name(arn)}" if region == view.region else f"{_name(arn)} of {region}"


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
