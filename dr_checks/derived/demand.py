"""Additional tasks and vCPU that a failover of every tenant needs in the DR region. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dr_checks.core.model import Finding, View
from dr_checks.core.remedy import Remedy
from dr_checks.derived.pairing import services_by_name, tenant_definitions
from dr_estate.config.environment import Side
from dr_estate.model.recovery_document import CPU_UNITS
from dr_estate.model.unavailable import Unavailable, UnavailableKind, available
from dr_estate.readers import ecs

_CPU_UNITS_A_VCPU = 1024
# Tasks of a tenant's definition that a run starts besides: those that write the markers, or move restored files.
_ONE_OFF_TASKS = 2


@dataclass(frozen=True, slots=True)
class CapacityDemand:
    """Tasks and vCPU that run in the DR region's cluster, and those that a failover of every tenant would add.

    ``tasks_of_run`` are those that the run itself starts for a while, and its own where AWS runs it.
    """

    tenants: int
    services: int
    tasks_running: int
    tasks_more: int
    vcpu_running: float
    vcpu_more: float
    tasks_of_run: int
    vcpu_of_run: float


def demand(view: View) -> CapacityDemand:
    """The demand of a failover. A tenant without a service here counts in full. Raises DataUnavailable."""
    services = services_by_name(view, Side.DR)
    cpu_of = {d.arn: d.cpu for d in view.get(ecs.task_definitions, Side.DR) if isinstance(d, ecs.TaskDefinition)}
    running = {name: min(s.running, s.desired) for name, s in services.items()}  # a deployment runs both
    used = sum(count * cpu_of.get(services[name].task_definition, 0) for name, count in running.items())
    sizes, tasks, units = _sizes(view), 0, 0
    for tenant in view.tenants:
        name = view.env.named(view.env.names.service, tenant=tenant.id)
        # What runs already counts as used: counted here as well, warm standby would need its own tasks twice.
        more = max(0, view.env.capacity.tasks_per_service - running.get(name, 0))
        tasks += more
        units += more * sizes[tenant.id]
    own = int(view.env.automation.enabled)
    of_run = _ONE_OFF_TASKS * max(sizes.values(), default=0) + own * CPU_UNITS
    return CapacityDemand(
        tenants=len(view.tenants),
        services=len(services),
        tasks_running=sum(running.values()),
        tasks_more=tasks,
        vcpu_running=used / _CPU_UNITS_A_VCPU,
        vcpu_more=units / _CPU_UNITS_A_VCPU,
        tasks_of_run=_ONE_OFF_TASKS + own,
        vcpu_of_run=of_run / _CPU_UNITS_A_VCPU,
    )


def _sizes(view: View) -> dict[str, int]:
    """CPU units of one task by tenant: of the DR definition, else of the primary's."""
    here = tenant_definitions(view)
    sizes = {tenant: d.cpu for tenant, d in here.items() if isinstance(d, ecs.TaskDefinition)}
    lacking = [tenant.id for tenant in view.tenants if tenant.id not in sizes]
    there = tenant_definitions(view, Side.PRIMARY) if lacking else {}
    for tenant in lacking:
        nowhere = Unavailable(UnavailableKind.ERROR, f"No task definition of {tenant} is known in any region.")
        sizes[tenant] = available(there.get(tenant, nowhere)).cpu
    return sizes


def headroom_finding(view: View, subject: str, used: float, more: float, limit: float, remedy: str | Remedy) -> Finding:
    """PASS where ``used`` + ``more`` with the headroom fits ``limit``, WARN where only the headroom does not (T33)."""
    spare = more * view.env.capacity.headroom_percent / 100
    measured = f"{used:g} of {limit:g} used, {more:g} more needed"
    # Need decides, not parity: equal quotas help nobody where both are too small (T33).
    if used + more > limit:
        reason = f"the failover would stop at {max(0.0, limit - used):g} of {more:g}"
        return view.gap(subject, measured, f"{used + more:g} or more", reason, remedy)
    if used + more + spare > limit:
        reason = f"it fits, but without {view.env.capacity.headroom_percent} % of headroom"
        return view.warn(subject, measured, f"{used + more + spare:g} or more", reason, remedy)
    return view.ok(subject, measured, f"{used + more + spare:g} or more", "the failover fits, with headroom")
