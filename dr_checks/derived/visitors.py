"""What visitors get: which region the public answers lead to, and which tenants the primary region serves. Pure.

Pages go before target health, and that before the number of tasks. What was not probed is unknown, and no sign of
health: healthy targets alone do not make a tenant served. A page that gives no answer counts as failing only where the
same load balancer answered a stranger: else nothing of it can be reached from here (T71).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from dr_checks.derived.routing import region_of
from dr_checks.derived.schedule import scheduled_off
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.network.http_probe import Visit
from dr_estate.readers import dns_answers, ecs, elbv2, http_sites
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot

T = TypeVar("T")
_NAMED = 5
_SIDES = (Side.PRIMARY, Side.DR)


class ServiceState(StrEnum):
    """How many tenants the primary region serves: all, all but a few, few or none, or not known of all."""

    SERVES = "serves"
    SOME_FAIL = "some fail"
    MOST_FAIL = "most fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PrimaryService:
    """The tenants' service of the primary region; ``failing`` says how many fail and names them, "" where none does."""

    state: ServiceState = ServiceState.UNKNOWN
    failing: str = ""


NOT_SEEN = PrimaryService()


def sides_answered(snapshot: Snapshot, env: Environment) -> frozenset[Side]:
    """The sides to which the traffic name leads: by its name servers, else by TestDNSAnswer; empty where not known."""
    doors = {side: _addresses(snapshot, side) for side in _SIDES}
    regions = {env.region(side): side for side in _SIDES}
    for reader in (dns_answers.authorities, dns_answers.tested):
        rows = _part(snapshot, reader, Side.GLOBAL, ())
        found = [row for row in rows if isinstance(row, DnsAnswer) and row.name == env.traffic.origin_record]
        values = {value for answer in found for value in answer.values}
        sides = {side for side, addresses in doors.items() if addresses & values}
        sides |= {regions[region] for value in values if (region := region_of(value)) in regions}
        if sides:
            return frozenset(sides)
    return frozenset()


def _addresses(snapshot: Snapshot, side: Side) -> frozenset[str]:
    """The addresses of the side's load balancer; empty where they are not known."""
    found: tuple[str, ...] = _part(snapshot, dns_answers.door, side, ())
    return frozenset(found)


def primary_service(snapshot: Snapshot, env: Environment) -> PrimaryService:
    """Which tenants of the primary region are served; those that the schedule has scaled to 0 are left out.

    Most fail where more than thresholds.impaired_percent of the tenants do.
    """
    asleep = scheduled_off(env, snapshot.taken_at)
    services = {
        tenant: service
        for service in _part(snapshot, ecs.services, Side.PRIMARY, ())
        if (tenant := env.tenant_of(env.names.service, service.name)) and (service.desired or not asleep)
    }
    if not services:
        return NOT_SEEN
    pages, targets = _pages(snapshot, env), _healthy_targets(snapshot, env)
    faults = {tenant: _fault(tenant, service, pages, targets) for tenant, service in services.items()}
    failing = [f"{tenant} ({fault})" for tenant, fault in sorted(faults.items()) if fault]
    more = f" and {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
    text = f"{len(failing)} of {len(services)} tenants ({', '.join(failing[:_NAMED])}{more})" if failing else ""
    if 100 * len(failing) > env.thresholds.impaired_percent * len(services):
        return PrimaryService(ServiceState.MOST_FAIL, text)
    if failing:
        return PrimaryService(ServiceState.SOME_FAIL, text)
    unseen = any(fault is None for fault in faults.values())
    return PrimaryService(ServiceState.UNKNOWN if unseen else ServiceState.SERVES)


def _fault(tenant: str, service: ecs.Service, pages: Mapping[str, str], targets: Mapping[str, float]) -> str | None:
    """Why a tenant is not served, "" where its page is as it should be, None where neither was seen."""
    page = pages.get(tenant.replace("-", ""))
    if page != "" and not service.desired:
        return "scaled to 0"
    if page is not None:
        return page
    if not service.running:
        return "no task runs"
    return "no healthy target" if targets.get(tenant) == 0 else None


def _pages(snapshot: Snapshot, env: Environment) -> dict[str, str]:
    """What is wrong with each tenant's page, by its label, "" where nothing is; only of those that were seen.

    The answer that a stranger's host gets too proves nothing of the tenant (docs/why.md, tenants' sites).
    """
    done = _part(snapshot, http_sites.visits, Side.PRIMARY, None)
    if done is None:
        return {}
    visits = {visit.host: visit for visit in done.tenants if isinstance(visit, Visit)}
    silent = {row.kind for row in done.tenants if isinstance(row, Unavailable)} == {UnavailableKind.UNREACHABLE}
    return dict(_judged(snapshot, env, visits, done.stranger, silent))


def _judged(
    snapshot: Snapshot, env: Environment, visits: Mapping[str, Visit], stranger: Visit, silent: bool
) -> Iterator[tuple[str, str]]:
    for service in _part(snapshot, ecs.services, Side.PRIMARY, ()):
        label = (env.tenant_of(env.names.service, service.name) or "").replace("-", "")
        visit = visits.get(f"{label}.{env.traffic.tenant_domain}")
        if visit is None and silent:
            yield label, "no answer"
        elif visit is not None and visit.status not in env.traffic.expected_probe_statuses:
            yield label, f"answers {visit.status}"
        elif visit is not None and visit.digest != stranger.digest:
            yield label, ""


def _healthy_targets(snapshot: Snapshot, env: Environment) -> dict[str, float]:
    """How many healthy targets each tenant's group has; only of metrics that are fresh and whole (T23, T62)."""
    tenants = {
        group.dimension: env.tenant_of(env.names.target_group, group.name)
        for group in _part(snapshot, elbv2.target_groups, Side.PRIMARY, ())
    }
    limit_s, found = env.thresholds.metric_age_minutes * 60, {}
    for reading in _part(snapshot, elbv2.healthy_hosts, Side.PRIMARY, ()):
        tenant, age_s = tenants.get(reading.dimension("TargetGroup")), reading.age_s(snapshot.taken_at)
        if tenant and reading.value is not None and age_s is not None and age_s <= limit_s and not reading.flaw:
            found[tenant] = reading.value
    return found


def _part(snapshot: Snapshot, reader: Reader[T], side: Side, default: T) -> T:
    """The rows of a part that were understood; ``default`` where it was not seen."""
    try:
        return snapshot.get_readable(reader, side)
    except DataUnavailable:
        return default
