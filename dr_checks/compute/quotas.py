"""Checks of quotas: a failover of every tenant fits into them, and how long it takes (T33, T35)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import database_name, primary_database
from dr_checks.derived.pairing import services_by_name, tenant_definitions
from dr_estate.config.environment import Side
from dr_estate.model.recovery_document import CPU_UNITS
from dr_estate.model.unavailable import Unavailable, UnavailableKind, available
from dr_estate.readers import ecs, elbv2, service_quotas

# Additional tasks and vCPU that a failover of every tenant needs in the DR region. Pure.

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
        more = max(0, view.env.tasks_of(tenant.id) - running.get(name, 0))
        tasks += more
        units += more * sizes[tenant.id]
    own = int(view.env.automation.enabled)
    of_run = _ONE_OFF_TASKS * _one_off_units(view, sizes, services) + own * CPU_UNITS
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


def _one_off_units(view: View, sizes: Mapping[str, int], services: Mapping[str, ecs.Service]) -> int:
    """CPU units of one of the run's one-off tasks: it is of the definition of the first tenant with a service."""
    names = {tenant.id: view.env.named(view.env.names.service, tenant=tenant.id) for tenant in view.tenants}
    return next((sizes[tenant] for tenant, name in names.items() if name in services), max(sizes.values(), default=0))


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


_S_A_MINUTE = 60


def _quota_finding(view: View, code: str, used: float, more: float) -> Finding:
    """Return the finding on one quota: ``used`` as counted here, or more where AWS's own usage metric shows more."""
    quota = next(quota for quota in view.get(service_quotas.quotas) if quota.code == code)
    if isinstance(quota.limit, Unavailable):
        return view.unknown(quota.name, "room for the failover", quota.limit)
    # AWS's usage metric also counts what is not the platform's; our count sees what started since the metric.
    counted = max(used, quota.used or 0)
    return headroom_finding(view, quota.name, counted, more, quota.limit, _increase(view, quota, counted + more))


def _increase(view: View, quota: service_quotas.ServiceQuota, needed: float) -> Remedy:
    """A request for what is needed with the headroom: AWS decides on it."""
    wanted = ceil(needed * (100 + view.env.capacity.headroom_percent) / 100)
    request = {"ServiceCode": quota.service, "QuotaCode": quota.code, "DesiredValue": wanted}
    command = view.command("service-quotas", "RequestServiceQuotaIncrease", **request)
    return Remedy("Request more: it takes hours or days, and AWS decides.", (command,))


@check("the DR region can launch every task of a failover within its Fargate quota and the recovery time objective")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite(
    "T33",
    "T35",
    "FargateVcpuHeadroom",
    "AsgQuotas",
    "REL01-BP03",
    "REL01-BP06",
    "REL13-BP01",
    "NIST CP-2(2)",
    "SOC2 A1.1",
)
def fargate_vcpu(view: View) -> Iterator[Finding]:
    """vCPU in use, those still to start, and those of the run's own tasks fit the On-Demand quota, and launch in time.

    Source: T33, T35.
    """
    wanted: CapacityDemand = demand(view)
    yield _quota_finding(view, service_quotas.FARGATE_VCPU, wanted.vcpu_running, wanted.vcpu_more + wanted.vcpu_of_run)
    yield _launch_finding(view, wanted.tasks_more)


def _launch_finding(view: View, more: int) -> Finding:
    """Fargate launches capacity.launch_burst tasks at once, then launch_per_s: a floor that no tool lowers (T35)."""
    limits, rto_s = view.env.capacity, view.env.objectives.rto_minutes * _S_A_MINUTE
    # The burst costs no time; the rate is one for the whole account in the region, other clusters included (T35).
    seconds = max(0, more - limits.launch_burst) / limits.launch_per_s
    measured, wanted = f"{more} tasks in {seconds:.0f} s or more", f"{rto_s} s or less"
    reason = f"{limits.launch_burst} launch at once, then {limits.launch_per_s} a second in all of {view.region}"
    if seconds <= rto_s:
        return view.ok("launching every tenant", measured, wanted, reason)
    remedy = "Keep more tasks warm (standby.tasks_per_service), or ask AWS for a higher Fargate launch rate."
    return view.gap("launching every tenant", measured, wanted, reason, remedy)


@check("the DR region's quota of network interfaces has room for every task of a failover")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T33", "VpcQuotas", "REL01-BP03", "REL01-BP06", "SOC2 A1.1")
def network_interfaces(view: View) -> Iterator[Finding]:
    """Each Fargate task takes one, the run's own too. Source: EC2 DescribeNetworkInterfaces, Service Quotas, T33."""
    standing, wanted = view.get(service_quotas.network_interfaces), demand(view)
    yield _quota_finding(view, service_quotas.NETWORK_INTERFACES, standing, wanted.tasks_more + wanted.tasks_of_run)


@check("the DR region's load balancer quotas have room for every tenant")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T33", "ElbV2TargetGroupsCanServeTraffic", "REL01-BP03", "REL01-BP06", "SOC2 A1.1")
def load_balancer(view: View) -> Iterator[Finding]:
    """Rules, target groups and targets: as many as the primary region has. Source: Service Quotas, T33."""
    mine, theirs = _balancer_counts(view), _balancer_counts(view, Side.PRIMARY)
    which = f" of {view.env.named(view.env.names.load_balancer)}" if view.env.entrance else ""
    for code, used in mine.items():
        finding = _quota_finding(view, code, used, max(0, theirs[code] - used))
        yield replace(finding, subject=f"{finding.subject}{which}")
    wanted = demand(view)
    finding = _quota_finding(view, service_quotas.TARGETS, wanted.tasks_running, wanted.tasks_more)
    yield replace(finding, subject=f"{finding.subject}{which}")


def _balancer_counts(view: View, side: Side = Side.DR) -> dict[str, int]:
    balancer, groups = view.get(elbv2.load_balancer, side), view.get(elbv2.target_groups, side)
    behind = [group for group in groups if balancer and balancer.arn in group.balancers]
    rules = view.get(elbv2.rules, side)
    return {
        service_quotas.RULES: len(rules),
        service_quotas.TARGET_GROUPS: len(groups),
        service_quotas.TARGET_GROUPS_A_BALANCER: len(behind),
    }


@check("the DR region's quotas have room for every tenant's service and certificate")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T33", "REL01-BP03", "REL01-BP06", "SOC2 A1.1")
def services_and_certificates(view: View) -> Iterator[Finding]:
    """Services in the cluster, and certificates in the region, up to the primary's. Source: Service Quotas, T33."""
    wanted = demand(view)
    yield _quota_finding(view, service_quotas.SERVICES, wanted.services, max(0, wanted.tenants - wanted.services))
    mine, theirs = view.get(service_quotas.certificates), view.get(service_quotas.certificates, Side.PRIMARY)
    yield _quota_finding(view, service_quotas.CERTIFICATES, mine, max(0, theirs - mine))


@check("the DR region's database quotas have room for another database of the primary's size")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T33", "RdsQuotas", "REL01-BP03", "REL01-BP06", "SOC2 A1.1")
def database(view: View) -> Iterator[Finding]:
    """A restore makes a new instance and needs its storage. Source: RDS DescribeAccountAttributes, T33."""
    source = primary_database(view)
    # A restore is a new instance beside whatever stands there: AWS restores into none that exists.
    more = {"DBInstances": 1} | ({"AllocatedStorage": source.storage_gib} if source else {})
    if source is None:
        yield view.none_expected(database_name(view), "no primary database whose storage is needed: see rds.retention")
    for quota in view.get(service_quotas.database_quotas):
        if quota.name in more:
            remedy = f"Request more in Service Quotas (rds, {quota.name}) in {view.region}: it takes hours or days."
            yield headroom_finding(view, quota.name, quota.used, more[quota.name], quota.limit, remedy)
