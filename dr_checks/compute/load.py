"""Check that what the DR region would start carries the load that the primary region carries today (T36)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.compute.autoscaling import register
from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import tenant_definitions, tenant_services
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import application_autoscaling, ecs

_CPU_UNITS_A_VCPU, _MIB_A_GIB = 1024, 1024


@check("the tasks that a failover starts carry the load that each tenant has in the primary region today")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T36", "EcsDesiredVsPlanned", "REL07-BP01", "REL13-BP02", "SOC2 A1.1")
def carried(view: View) -> Iterator[Finding]:
    """vCPU and memory of today's running tasks, against capacity.tasks_per_service and the DR region's own maximum.

    More than the maximum is a gap; more than is started at first, and within it, a WARN: auto scaling follows later.
    """
    there, maximum = {t.id: s for t, s in tenant_services(view, Side.PRIMARY)}, _maximum(view)
    sizes = {side: tenant_definitions(view, side) for side in (Side.PRIMARY, Side.DR)}
    judged = False
    for tenant, service in tenant_services(view):
        busy, here, home = there.get(tenant.id), sizes[Side.DR][tenant.id], sizes[Side.PRIMARY].get(tenant.id)
        # During a deployment old and new tasks run side by side: what is above the desired count is no load.
        running = min(busy.running, busy.desired) if busy else 0
        if not running or home is None:
            continue
        judged = True
        if isinstance(home, Unavailable) or isinstance(here, Unavailable):
            dark = home if isinstance(home, Unavailable) else here
            yield view.unknown(service.name, "today's load", dark if isinstance(dark, Unavailable) else "", tenant.id)
            continue
        # A failover raises the desired count and never lowers it.
        started = max(view.env.tasks_of(tenant.id), service.desired)
        yield _load_finding(
            view, service.name, tenant.id, (running, home), (started, here), maximum.get(service.name, 0)
        )
    if not judged:
        yield view.none_expected("all services", "no tenant runs in the primary region now")


def _maximum(view: View) -> dict[str, int]:
    return {target.service: target.maximum for target in view.get(application_autoscaling.targets, Side.DR)}


def _load_finding(
    view: View,
    name: str,
    tenant: str,
    today: tuple[int, ecs.TaskDefinition],
    started: tuple[int, ecs.TaskDefinition],
    maximum: int,
) -> Finding:
    (running, home), (first, here) = today, started
    measured, wanted = f"{_size(first, here)} at first, {max(first, maximum)} tasks at most", _size(running, home)
    if _carries(first, here, running, home):
        return view.ok(name, measured, wanted, "today's load is carried from the first minute", tenant)
    if _carries(maximum, here, running, home):
        reason = "visitors wait until auto scaling has added what the load of today takes"
        remedy = f"capacity.tasks_per_service = {running} in {view.env.name}.toml, or fewer and a slow first hour."
        return view.warn(name, measured, wanted, reason, remedy, tenant)
    reason = "after a failover it never has what it runs on today"
    sentence = (
        f"aws_appautoscaling_target of '{name}' in {view.region}: max_capacity = {running} or more, of equal size."
    )
    # A bound costs nothing until the load is there; smaller tasks are raised, not multiplied.
    raised = maximum and _carries(running, here, running, home)
    commands = (register(view, name, MaxCapacity=running),) if raised else ()
    return view.gap(name, measured, wanted, reason, Remedy(sentence, commands), tenant)


def _carries(tasks: int, mine: ecs.TaskDefinition, running: int, theirs: ecs.TaskDefinition) -> bool:
    # Both are needed: WordPress runs out of memory with CPU to spare, and the reverse.
    return tasks * mine.cpu >= running * theirs.cpu and tasks * mine.memory >= running * theirs.memory


def _size(tasks: int, definition: ecs.TaskDefinition) -> str:
    vcpu, gib = tasks * definition.cpu / _CPU_UNITS_A_VCPU, tasks * definition.memory / _MIB_A_GIB
    return f"{tasks} tasks ({vcpu:g} vCPU, {gib:g} GiB)"
