"""Is the compute of the DR region there, alike, and runnable? ECS services and task definitions."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.model import Area, Finding, Severity, View
from dr_checks.registry import check
from dr_estate.facts import ecs


@check(
    "every tenant has an active ECS service in the DR region",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    rules=("EcsServiceExists", "REL13-BP02", "NIST CP-7", "SOC2 A1.2"),
)
def service_exists(view: View) -> Iterator[Finding]:
    """Each tenant's service, by name, is ACTIVE in the DR cluster. Source: ECS DescribeServices."""
    there = {service.name: service for service in view.get(ecs.services)}
    for tenant in view.tenants:
        name = view.env.named(view.env.names.service, tenant=tenant.id)
        service = there.get(name)
        if service and service.status == "ACTIVE":
            yield view.ok(name, service.status, "ACTIVE", "the service exists and is active", tenant.id)
        else:
            yield view.gap(
                name,
                service.status if service else "absent",
                "ACTIVE",
                f"without this service the tenant cannot be started in {view.region}",
                f"Create it in {view.region}: apply aws_ecs_service '{name}' with the DR provider.",
                tenant.id,
            )


@check(
    "every service in the DR region runs as many tasks as its standby plan asks for",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("EcsDesiredVsPlanned", "REL11-BP05"),
    traps=("T07",),
)
def desired_and_running(view: View) -> Iterator[Finding]:
    """Desired and running counts reach standby.tasks_per_service; surplus is fine. Source: DescribeServices, T07."""
    planned = view.env.standby.tasks_per_service
    services = {service.name: service for service in view.get(ecs.services)}
    for tenant in view.tenants:
        service = services.get(view.env.named(view.env.names.service, tenant=tenant.id))
        if service is None:
            continue  # ecs.service-exists says so
        measured = f"desired {service.desired}, running {service.running}"
        if min(service.desired, service.running) >= planned:
            yield view.ok(service.name, measured, f"{planned} or more", "the standby runs as planned", tenant.id)
        else:
            yield view.gap(
                service.name,
                measured,
                f"{planned} or more",
                "the standby is colder than planned: it would start late, or not at all",
                f"aws ecs update-service --region {view.region} --cluster {view.env.named(view.env.names.cluster)} "
                f"--service {service.name} --desired-count {planned}; then read its events for why tasks stop.",
                tenant.id,
            )
    if not services:
        yield view.gap(
            "all services", "none", f"{planned} task(s) each", "no service exists", "Apply the DR Terraform."
        )
