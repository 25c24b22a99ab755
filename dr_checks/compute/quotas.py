"""Checks of quotas: a failover of every tenant fits into them, and how long it takes (T33, T35)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_checks.core.remedy import Remedy
from dr_checks.derived.database_copies import database_name, primary_database
from dr_checks.derived.demand import CapacityDemand, demand, headroom_finding
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import elbv2, service_quotas

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


@check(
    "the DR region can launch every task of a failover within its Fargate quota and the recovery time objective",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    rules=("FargateVcpuHeadroom", "AsgQuotas", "REL01-BP03", "REL01-BP06", "REL13-BP01", "NIST CP-2(2)", "SOC2 A1.1"),
    traps=("T33", "T35"),
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


@check(
    "the DR region's quota of network interfaces has room for every task of a failover",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("VpcQuotas", "REL01-BP03", "REL01-BP06", "SOC2 A1.1"),
    traps=("T33",),
)
def network_interfaces(view: View) -> Iterator[Finding]:
    """Each Fargate task takes one, the run's own too. Source: EC2 DescribeNetworkInterfaces, Service Quotas, T33."""
    standing, wanted = view.get(service_quotas.network_interfaces), demand(view)
    yield _quota_finding(view, service_quotas.NETWORK_INTERFACES, standing, wanted.tasks_more + wanted.tasks_of_run)


@check(
    "the DR region's load balancer quotas have room for every tenant",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("ElbV2TargetGroupsCanServeTraffic", "REL01-BP03", "REL01-BP06", "SOC2 A1.1"),
    traps=("T33",),
)
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


@check(
    "the DR region's quotas have room for every tenant's service and certificate",
    severity=Severity.NORMAL,
    area=Area.INFRASTRUCTURE,
    rules=("REL01-BP03", "REL01-BP06", "SOC2 A1.1"),
    traps=("T33",),
)
def services_and_certificates(view: View) -> Iterator[Finding]:
    """Services in the cluster, and certificates in the region, up to the primary's. Source: Service Quotas, T33."""
    wanted = demand(view)
    yield _quota_finding(view, service_quotas.SERVICES, wanted.services, max(0, wanted.tenants - wanted.services))
    mine, theirs = view.get(service_quotas.certificates), view.get(service_quotas.certificates, Side.PRIMARY)
    yield _quota_finding(view, service_quotas.CERTIFICATES, mine, max(0, theirs - mine))


@check(
    "the DR region's database quotas have room for another database of the primary's size",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("RdsQuotas", "REL01-BP03", "REL01-BP06", "SOC2 A1.1"),
    traps=("T33",),
)
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
