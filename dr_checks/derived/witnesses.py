"""Witnesses of whether the primary region's traffic flows, beside its API: what each saw, and from where. Pure.

A silent API is one witness. A second one counts where it does not share the first one's way: Route 53's checkers, name
servers and CloudFront look from outside both regions, copies are watched by the DR region, and an error page was
fetched. A load balancer that does not answer from here is silent by the same network as the API, so it counts for
nothing alone. No control plane is needed for any but the health check, whose metric exists in us-east-1 only (T01).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dr_checks.derived.site_visits import EDGE, part_or
from dr_estate.config.environment import Environment, Side
from dr_estate.model.durations import duration
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.network.http_probe import Visit
from dr_estate.readers import dns_answers, efs, http_sites, rds
from dr_estate.readers.http_sites import VisitRound
from dr_estate.snapshot.snapshot import Snapshot

# Copies that were due and did not come, before a store counts as one that receives nothing.
_MISSED = 3
_DATABASE_COPIED_EVERY = timedelta(minutes=5)  # RDS User Guide, "Restoring a DB instance to a specified time"
_FILES_COPIED_EVERY = timedelta(minutes=15)  # EFS User Guide, "Replicating file systems": most within 15 minutes
_SERVER_FAULT = 500
_NO_ANSWER = (UnavailableKind.NOT_REACHABLE, UnavailableKind.UNREACHABLE)


class TrafficHealth(StrEnum):
    """State of a region's traffic, observed from outside both regions."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Witness(StrEnum):
    """Who says whether the primary region's traffic flows."""

    HEALTH_CHECK = "health check"
    NAME_SERVERS = "name servers"
    SITES = "sites"
    EDGE = "distribution"
    COPIES = "copies"


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a witness saw. ``independent``: it did not go the way on which the API's silence was met."""

    witness: Witness
    health: TrafficHealth
    says: str
    independent: bool = True


def testimonies(snapshot: Snapshot, env: Environment, checks: TrafficHealth) -> tuple[Testimony, ...]:
    """Every witness that saw something; ``checks`` is what the primary's health checks report."""
    found = (
        _health_check(checks),
        _name_servers(snapshot, env),
        _sites(snapshot, env),
        _edge(snapshot, env),
        _copies(snapshot, env),
    )
    return tuple(testimony for testimony in found if testimony is not None)


def agreed_health(found: tuple[Testimony, ...]) -> TrafficHealth:
    """What independent witnesses say together; unknown where there is none, or where they contradict each other."""
    reports = {testimony.health for testimony in found if testimony.independent}
    # Two that contradict each other prove that one is wrong, not which: no failover begins on that.
    return reports.pop() if len(reports) == 1 else TrafficHealth.UNKNOWN


def led_to_dr(snapshot: Snapshot, env: Environment) -> bool:
    """Whether every name server that was asked leads visitors to the DR region's load balancers."""
    led = [_dr_answers(seen) for seen, own in snapshot.of_entrances(env) if own.traffic.origin_record]
    return all(answers == {True} for answers in led)


def _dr_answers(snapshot: Snapshot) -> set[bool]:
    """Whether each name server's answer holds an address of the DR region's load balancer; empty where not known."""
    answers: tuple[DnsAnswer | Unavailable, ...] = part_or(snapshot, dns_answers.led, Side.GLOBAL, ())
    door: tuple[str, ...] = part_or(snapshot, dns_answers.door, Side.DR, ())
    seen = [set(answer.values) for answer in answers if isinstance(answer, DnsAnswer) and answer.values]
    return {bool(values & set(door)) for values in seen} if door else set()


def _health_check(checks: TrafficHealth) -> Testimony | None:
    verbs = {TrafficHealth.HEALTHY: "succeeds", TrafficHealth.UNHEALTHY: "fails"}
    if checks not in verbs:
        return None
    return Testimony(Witness.HEALTH_CHECK, checks, f"its traffic health check {verbs[checks]}")


def _name_servers(snapshot: Snapshot, env: Environment) -> Testimony | None:
    """An answer with the primary's address is no sign of health: of two unhealthy ones Route 53 gives it too (T05)."""
    if not led_to_dr(snapshot, env):
        return None
    says = f"name servers answer {' and '.join(env.traffic_records)} with the load balancer of {env.region(Side.DR)}"
    return Testimony(Witness.NAME_SERVERS, TrafficHealth.UNHEALTHY, says)


def _sites(snapshot: Snapshot, env: Environment) -> Testimony | None:
    try:
        rounds = [own.get(http_sites.visits, Side.PRIMARY) for own, _ in snapshot.of_entrances(env)]
    except DataUnavailable as error:
        reason = error.unavailable  # of the visits themselves: an address that could not be found is no silence
        if reason.kind not in _NO_ANSWER or reason.part != http_sites.visits.name:
            return None
        says = "its load balancer does not answer from here"
        return Testimony(Witness.SITES, TrafficHealth.UNHEALTHY, says, independent=False)
    shown = [row for row in rounds if row is not None]
    seen = VisitRound(shown[0].stranger, tuple(page for row in shown for page in row.tenants)) if shown else None
    return _pages(Witness.SITES, seen, env, "there")


def _edge(snapshot: Snapshot, env: Environment) -> Testimony | None:
    """What visitors get through the distribution, which looks from outside both regions, while none is led to the DR.

    It is the same load balancer that a visit from here may not reach (T71).
    """
    if _dr_answers(snapshot) != {False}:
        return None
    return _pages(Witness.EDGE, part_or(snapshot, http_sites.edge_visits, Side.GLOBAL, None), env, f"through {EDGE}")


def _pages(witness: Witness, seen: VisitRound | None, env: Environment, where: str) -> Testimony | None:
    """What the sites show: more than half answer well; or none does, and the look had time for more than half."""
    rows = seen.tenants if seen else ()
    # A page from CloudFront's cache was made earlier: it says nothing of the region now.
    statuses = [row.status for row in rows if isinstance(row, Visit) and not row.cached]
    good = sum(status in env.traffic.expected_probe_statuses for status in statuses)
    kinds = Counter(row.kind for row in rows if isinstance(row, Unavailable))
    late = kinds[UnavailableKind.DEADLINE]
    visited = len(statuses) + kinds[UnavailableKind.UNREACHABLE]
    if 2 * good > visited + late:
        return Testimony(witness, TrafficHealth.HEALTHY, f"{good} of {visited + late} tenants' sites answer {where}")
    if statuses and visited > late and all(status >= _SERVER_FAULT for status in statuses):
        says = f"each of the {len(statuses)} tenants' sites answers {where} with an error of the server"
        return Testimony(witness, TrafficHealth.UNHEALTHY, says)
    return None


def _copies(snapshot: Snapshot, env: Environment) -> Testimony | None:
    """Copies in the DR region that all stand still: one alone may be a replication that broke by itself."""
    stores = [store for store in (_database_copy(snapshot, env), _file_copy(snapshot, env)) if store]
    ages = [snapshot.taken_at - moment for moment, _ in stores]
    late = [age > _MISSED * every for age, (_, every) in zip(ages, stores, strict=True)]
    # Two stores replicate by two services: both still at once speaks of the region, one of its own trouble.
    if len(stores) > 1 and all(late):
        still = duration(min(ages).total_seconds())
        says = f"database and files in {env.region(Side.DR)} have received nothing for {still}"
        return Testimony(Witness.COPIES, TrafficHealth.UNHEALTHY, says)
    return None


def _database_copy(snapshot: Snapshot, env: Environment) -> tuple[datetime, timedelta] | None:
    """The newest moment to which the primary's database can be restored in the DR region."""
    name, source = env.database_on(Side.PRIMARY), env.region(Side.PRIMARY)
    backups = snapshot.get_if_seen(rds.automated_backups, Side.DR) or ()
    latest = [b.latest for b in backups if (b.identifier, b.source_region) == (name, source) and b.latest]
    return (max(latest), _DATABASE_COPIED_EVERY) if latest else None


def _file_copy(snapshot: Snapshot, env: Environment) -> tuple[datetime, timedelta] | None:
    """The last complete sync of the files out of the primary region."""
    rows = snapshot.get_if_seen(efs.replications, Side.DR) or ()
    synced = [row.synced_at for row in rows if row.source_region == env.region(Side.PRIMARY) and row.synced_at]
    return (max(synced), _FILES_COPIED_EVERY) if synced else None


def _lines(found: tuple[Testimony, ...], independent: bool) -> Iterator[str]:
    return (t.says for t in found if t.health is TrafficHealth.UNHEALTHY and t.independent is independent)


def sentence(found: tuple[Testimony, ...]) -> str:
    """Why the primary region counts as lost: its silent API, and the witnesses that bear it out, by what they saw."""
    beside = "; ".join(_lines(found, independent=False))
    text = (
        f"the primary region's API is silent, and independently of that: {'; '.join(_lines(found, independent=True))}"
    )
    return f"{text} (and {beside})." if beside else f"{text}."
