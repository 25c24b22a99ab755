"""What visitors get of a region: which tenants it serves, and since when a check on the primary's records fails. Pure.

Pages go before target health, and that before the number of tasks. What was not probed is unknown, and no sign of
health: healthy targets alone do not make a tenant served. A page that gives no answer counts as failing only where the
same load balancer answered a stranger: else nothing of it can be reached from here (T71), and the pages are those that
the distribution brings, while all visitors are led to the primary region.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dr_checks.derived.routing import side_of
from dr_checks.derived.site_visits import by_host, is_strangers, part_or, visits_of, way
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network.http_probe import Visit
from dr_estate.readers import ecs, elbv2, elbv2_targets, route53, route53_health_checks
from dr_estate.readers.http_sites import VisitRound
from dr_estate.snapshot.snapshot import Snapshot

# The first screen has room for some names; all of them are findings of sites.
_NAMED = 5
# A site with basic authentication answers 401 to everybody without its password: it serves.
_ERROR, _UNAUTHORISED = 400, 401


class ServiceState(StrEnum):
    """How many tenants a region serves: all, all but a few, few or none, or not known of all."""

    SERVES = "serves"
    SOME_FAIL = "some fail"
    MOST_FAIL = "most fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RegionService:
    """The tenants' service of a region; ``failing`` says how many fail and names them, "" where none does.

    ``served`` of its ``tenants`` are not known to fail.
    """

    state: ServiceState = ServiceState.UNKNOWN
    failing: str = ""
    served: int = 0
    tenants: int = 0


NOT_SEEN = RegionService()


def region_service(snapshot: Snapshot, env: Environment, side: Side = Side.PRIMARY) -> RegionService:
    """Which tenants the region serves; those that the schedule has scaled to 0 in the primary are left out.

    Most fail where more than thresholds.impaired_percent of the tenants do.
    """
    asleep, env = side is Side.PRIMARY and env.scheduled_off(snapshot.taken_at), env.on(side)
    services = {
        tenant: service
        for service in part_or(snapshot, ecs.services, side, ())
        if (tenant := env.tenant_of(env.names.service, service.name)) and (service.desired or not asleep)
    }
    if not services:
        return NOT_SEEN
    # The answer that a stranger's host gets too proves nothing of the tenant.
    pages = dict[str, str]()
    for seen, own in snapshot.of_entrances(env):
        with suppress(DataUnavailable):
            if done := visits_of(seen, own, side):
                pages |= _tenant_faults(seen, own.on(side), side, done)
    targets = _healthy_targets(snapshot, env, side)
    # Of a tenant whom no visitor is led to, its healthy targets are all that there is to see.
    inside = healthy_inside(snapshot, env, side)
    pages |= {tenant: "" for tenant in services if inside.get(tenant)}
    faults = {tenant: _fault(tenant, service, pages, targets) for tenant, service in services.items()}
    failing = [f"{tenant} ({fault})" for tenant, fault in sorted(faults.items()) if fault]
    more = f" and {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
    text = f"{len(failing)} of {len(services)} tenants ({', '.join(failing[:_NAMED])}{more})" if failing else ""
    counts = len(services) - len(failing), len(services)
    # Whole numbers: a share as a float could fall on either side of its limit.
    if 100 * len(failing) > env.thresholds.impaired_percent * len(services):
        return RegionService(ServiceState.MOST_FAIL, text, *counts)
    if failing:
        return RegionService(ServiceState.SOME_FAIL, text, *counts)
    # Only after the failures: some tenants that fail for certain say more than one that was not seen.
    unseen = any(fault is None for fault in faults.values())
    return RegionService(ServiceState.UNKNOWN if unseen else ServiceState.SERVES, "", *counts)


def answering_tenants(snapshot: Snapshot, env: Environment, side: Side) -> tuple[int, int] | None:
    """How many tenants' sites the region answers without an error, of how many; None where that was not seen.

    One that asks for a password is no error. A tenant whom no visitor is led to counts by its targets.
    """
    try:
        seen = [row for row in (visits_of(part, own, side) for part, own in snapshot.of_entrances(env)) if row]
    except DataUnavailable:
        return None
    tenants = [page for row in seen for page in row.tenants]
    pages = [page for page in tenants if isinstance(page, Visit)]
    good = sum(page.status < _ERROR or page.status == _UNAUTHORISED for page in pages)
    inside = healthy_inside(snapshot, env, side)
    return (good + sum(inside.values()), len(tenants) + len(inside)) if tenants else None


def healthy_inside(snapshot: Snapshot, env: Environment, side: Side) -> dict[str, bool]:
    """Whether each tenant behind an internal load balancer has a healthy target, by CloudWatch or the balancer's word.

    One of which neither says anything is left out. Of a worker, behind none, it is whether a task runs.
    """
    env = env.on(side)
    rows = [(env.tenant_of(env.names.service, row.name), row) for row in part_or(snapshot, ecs.services, side, ())]
    running = {tenant: float(row.running) for tenant, row in rows if tenant and env.is_worker(tenant)}
    inside = [tenant for tenant, _ in rows if tenant and not env.is_visited(tenant)]
    if not inside:
        return {}
    tenants, counted = _tenants_by_group(snapshot, env, side), _healthy_targets(snapshot, env, side)
    answers = {tenants.get(row.group): row.healthy for row in part_or(snapshot, elbv2_targets.health, side, ())}
    counts = {tenant: running.get(tenant, counted.get(tenant, answers.get(tenant))) for tenant in inside}
    return {tenant: count > 0 for tenant, count in counts.items() if count is not None}


def _tenants_by_group(snapshot: Snapshot, env: Environment, side: Side) -> dict[str, str | None]:
    groups = part_or(snapshot, elbv2.target_groups, side, ())
    return {group.dimension: env.tenant_of(env.names.target_group, group.name) for group in groups}


def first_failure(snapshot: Snapshot, env: Environment) -> datetime | None:
    """The first failed minute of a check on the primary's records that fails still; None where none is seen to."""
    try:
        records = snapshot.get(route53.records, Side.GLOBAL)
        checks = snapshot.get(route53_health_checks.checks, Side.GLOBAL)
        failures = snapshot.get(route53_health_checks.failures, Side.GLOBAL)
    except DataUnavailable:
        return None
    own = {record.health_check_id for record in records if side_of(record, env) is Side.PRIMARY}
    # An inverted or disabled check says nothing of the endpoint: the pin of a failover inverts none, a person may.
    plain = {check.id for check in checks if check.id in own and not (check.inverted or check.disabled)}
    return min((failure.since for failure in failures if failure.check_id in plain), default=None)


def _fault(tenant: str, service: ecs.Service, pages: Mapping[str, str], targets: Mapping[str, float]) -> str | None:
    """Why a tenant is not served, "" where its page is as it should be, None where neither was seen."""
    page = pages.get(tenant)
    # A good page proves more than a desired count: whatever answers, it is served.
    if page != "" and not service.desired:
        return "scaled to 0"
    if page is not None:
        return page
    if not service.running:
        return "no task runs"
    # A healthy target is no served page (the health check asks for another path), so without a page it stays open.
    return "no healthy target" if targets.get(tenant) == 0 else None


def _tenant_faults(snapshot: Snapshot, env: Environment, side: Side, done: VisitRound) -> Iterator[tuple[str, str]]:
    visits = by_host(done)
    kinds = Counter(row.kind for row in done.tenants if isinstance(row, Unavailable))
    late, unreachable = kinds[UnavailableKind.DEADLINE], kinds[UnavailableKind.UNREACHABLE]
    silent = unreachable > late and unreachable + late == kinds.total()  # most had their whole time, and none refused
    for service in part_or(snapshot, ecs.services, side, ()):
        tenant = env.tenant_of(env.names.service, service.name) or ""
        visit = visits.get(env.site_of(tenant))
        if not env.is_behind(tenant) or env.is_worker(tenant):
            continue
        if visit is None and silent:
            yield tenant, "no answer"
        elif visit is not None and visit.status not in env.traffic.expected_probe_statuses:
            yield tenant, f"answers {visit.status}{way(done)}"
        elif visit is not None and not is_strangers(visit, done, env):
            yield tenant, ""


def _healthy_targets(snapshot: Snapshot, env: Environment, side: Side) -> dict[str, float]:
    """How many healthy targets each tenant's group has; only of metrics that are fresh and whole (T23, T62)."""
    tenants = _tenants_by_group(snapshot, env, side)
    limit_s, found = env.thresholds.metric_age_minutes * 60, {}
    for reading in (
        row for seen, _ in snapshot.of_entrances(env) for row in part_or(seen, elbv2.healthy_hosts, side, ())
    ):
        tenant, age_s = tenants.get(reading.dimension("TargetGroup")), reading.age_s(snapshot.taken_at)
        if tenant and reading.value is not None and age_s is not None and age_s <= limit_s and not reading.flaw:
            found[tenant] = reading.value
    return found
