"""What the tenants' sites of a region answered, and by which path they were visited. Pure.

At the region's load balancer; where that is not reachable from here, through the distribution, which asks the load
balancer to which the traffic name leads. So its answer is about a region only while all visitors are led there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from dr_estate.config.environment import Environment, Side
from dr_estate.model.references import balancer_region
from dr_estate.model.unavailable import OUT_OF_REACH, DataUnavailable, Unavailable
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.network.http_probe import Visit
from dr_estate.readers import dns_answers, http_sites
from dr_estate.readers.http_sites import VisitRound
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot

T = TypeVar("T")
EDGE = "CloudFront"
# A site with basic authentication answers 401 to everybody without its password: it serves.
_UNAUTHORISED = 401
_SIDES = (Side.PRIMARY, Side.DR)


def answering_sides(
    snapshot: Snapshot, env: Environment, also: tuple[Reader[tuple[DnsAnswer | Unavailable, ...]], ...] = ()
) -> frozenset[Side]:
    """Return the sides to which the traffic name leads; empty where not known.

    By its name servers, else by TestDNSAnswer, else by the first part of ``also`` that shows them.
    """
    # The addresses of the side's load balancer; empty where they are not known.
    doors = {side: frozenset(part_or(snapshot, dns_answers.door, side, ())) for side in _SIDES}
    regions = {env.region(side): side for side in _SIDES}
    # In this order: what name servers answer, then what Route 53 says it would answer, for where port 53 is closed
    # (T70).
    for reader in (dns_answers.authorities, dns_answers.tested, *also):
        rows = part_or(snapshot, reader, Side.GLOBAL, ())
        found = [row for row in rows if isinstance(row, DnsAnswer) and row.name == env.traffic.origin_record]
        values = {value for answer in found for value in answer.values}
        # By addresses, for an alias answers with those; a CNAME shows the region in its name.
        sides = {side for side, addresses in doors.items() if addresses & values}
        sides |= {regions[region] for value in values if (region := balancer_region(value)) in regions}
        if sides:
            return frozenset(sides)
    return frozenset()


def part_or(snapshot: Snapshot, reader: Reader[T], side: Side, default: T) -> T:
    """The rows of a part that were understood; ``default`` where it was not seen."""
    try:
        return snapshot.get_readable(reader, side)
    except DataUnavailable:
        return default


def visits_of(snapshot: Snapshot, env: Environment, side: Side) -> VisitRound | None:
    """The round of visits to the side's sites, None where it has no load balancer.

    Raises DataUnavailable where they were visited by neither way.
    """
    try:
        return snapshot.get_readable(http_sites.visits, side)
    except DataUnavailable as error:
        seen = edge_visits(snapshot, env, side) if error.unavailable.kind in OUT_OF_REACH else None
        if seen is None:
            raise
        return seen


def edge_visits(snapshot: Snapshot, env: Environment, side: Side) -> VisitRound | None:
    """Return the visits through the distribution; None where they show nothing about ``side``, or none was made.

    An answer from CloudFront's cache shows nothing about any region.
    """
    # While both regions answer, nobody knows which of them a page through the distribution came from.
    if answering_sides(snapshot, env, (dns_answers.led,)) != {side}:
        return None
    seen = part_or(snapshot, http_sites.edge_visits, Side.GLOBAL, None)
    if seen is None:
        return None
    visits = tuple(row for row in seen.tenants if not (isinstance(row, Visit) and row.cached))
    return VisitRound(seen.stranger, visits, edge=True)


def by_host(done: VisitRound) -> Mapping[str, Visit]:
    """The answers of a round, by their host."""
    return {visit.host: visit for visit in done.tenants if isinstance(visit, Visit)}


def way(done: VisitRound) -> str:
    """How the round went, to stand behind what was measured."""
    return f" through {EDGE}" if done.edge else ""


def is_strangers(answer: Visit, done: VisitRound, env: Environment) -> bool:
    """Whether a stranger's host gets the same answer, though the tenant's rule names a host."""
    return answer.digest == done.stranger.digest and answer.host not in env.sites_of_any_host


def is_own(answer: Visit, done: VisitRound, env: Environment) -> bool:
    """Whether an answer is one of the expected, and the tenant's own: not what a stranger's host gets."""
    shown = answer.names_host or answer.status == _UNAUTHORISED or not env.application.names_host
    return answer.status in env.traffic.expected_probe_statuses and shown and not is_strangers(answer, done, env)
