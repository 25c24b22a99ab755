"""Checks of the primary region's services: they run, are scaled to 0 by schedule, or run in another region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import PRIMARY_ONLY, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import services_by_name
from dr_checks.derived.standing import failover_may_be_in_force
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs


@check("every tenant's service in the primary region runs its tasks, unless the schedule has scaled it to 0")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, PRIMARY_ONLY)
@cite("EcsDesiredVsPlanned", "REL11-BP01", "NIST CP-10")
def services_running(view: View) -> Iterator[Finding]:
    """Judge the services of the primary region: a scheduled 0 is no outage; without any, look in other regions."""
    services, off = services_by_name(view, Side.PRIMARY), view.env.scheduled_off(view.now)
    if not services:
        yield from _third_region_gaps(view)
        return
    for tenant in view.tenants:
        name = view.env.named(view.env.names.service, tenant=tenant.id)
        yield _health(view, name, services.get(name), tenant.id, off)


def _health(view: View, name: str, service: ecs.Service | None, tenant: str, off: bool) -> Finding:
    ids = view.env.ecs_names(name)
    remedy = Remedy(
        "Read its events; consider a failover only if the whole region is impaired.",
        (view.command("ecs", "DescribeServices", cluster=ids["cluster"], services=[ids["service"]]),),
    )
    if service is None:
        return view.gap(name, "absent", "running", "the tenant has no service in the primary region", remedy, tenant)
    measured = f"desired {service.desired}, running {service.running}"
    if service.desired == 0:
        if off:
            return view.ok(name, measured, "0 until the schedule ends", "scaled to 0 by schedule", tenant)
        reason = f"scaled to 0 outside the schedule: {view.region} does not serve the tenant"
        gap = view.gap(name, measured, "1 or more", reason, remedy, tenant)
        # A fence leaves it so, and the failback starts it again.
        return replace(gap, until_failback=failover_may_be_in_force(view))
    if service.running == 0:
        return view.gap(name, measured, f"{service.desired}", "no task runs: the tenant is down", remedy, tenant)
    if service.running < service.desired:
        reason = "the tenant runs on fewer tasks than desired"
        return view.warn(name, measured, f"{service.desired}", reason, remedy, tenant)
    return view.ok(name, measured, f"{service.desired}", "the tenant's tasks run", tenant)


def _third_region_gaps(view: View) -> Iterator[Finding]:
    name = ", ".join(view.env.clusters)
    found = [place for place in view.get(ecs.other_regions) if isinstance(place, Unavailable) or place.services]
    for place in found:
        if isinstance(place, Unavailable):
            yield view.unknown(name, "the platform's services", place)
            continue
        yield view.gap(
            name,
            f"found in {place.region}: {place.services} services, {place.tasks} tasks",
            f"services in {view.region}",
            f"{view.region} answers but has none of the platform's services, while {place.region} has: "
            "this alone is not an outage",
            f"If the platform was moved or failed over, it runs there; otherwise correct regions.primary in "
            f"{view.env.name}.toml.",
        )
    if not found:
        reason = f"{view.region} answers, but the platform is not in it"
        remedy = "Check the account and regions of the environment file first; then treat it as a loss of the platform."
        yield view.gap(name, "no services in any configured region", f"services in {view.region}", reason, remedy)
