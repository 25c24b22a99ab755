"""Checks of Route 53's simulated answers for the traffic name in each outage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import GLOBAL, check
from dr_checks.derived import routing
from dr_checks.dns.dns import identifier_of, origin_records, situation
from dr_estate.config.environment import Side
from dr_estate.readers.route53 import Record

_PINS = range(1, 20)  # ports on which no load balancer listens: how a failover holds an endpoint check down
_ABSENT = "there is no traffic record: see dns.pair-present"
_REMEDY = (
    "Give each traffic record an enabled health check of its own region's load balancer (health_check_id) and "
    "evaluate_target_health = true, with {routing}."
)
_ROUTING = {
    "failover": "failover_routing_policy PRIMARY and SECONDARY",
    "weighted": "weighted_routing_policy 100 and 0",
}
Imagined = Callable[[Sequence[Record]], routing.Situation]


def _answers(view: View, imagined: Imagined, wanted: Side | None, when: str, reason: str) -> Iterator[Finding]:
    """One finding a record type: whether ``wanted``'s record alone would be answered (None: either side's)."""
    records = origin_records(view)
    known = {identifier_of(view, side): view.env.region(side) for side in (Side.PRIMARY, Side.DR)}
    expected = {view.env.region(wanted)} if wanted else set(known.values())
    wanted_regions = " or ".join(sorted(expected))
    for kind in sorted({record.type for record in records}):
        subject = f"{view.env.traffic.origin_record} {kind}, {when}"
        of_kind = [record for record in records if record.type == kind]
        choice = routing.chosen(of_kind, imagined(of_kind))
        if choice is None:
            yield view.unknown(subject, wanted_regions, "Its routing policy cannot be simulated.")
            continue
        regions = {_region(record, known) for record in choice}
        measured = " and ".join(sorted(regions))
        if regions <= expected:
            yield view.ok(subject, measured, wanted_regions, reason)
        else:
            remedy = _REMEDY.format(routing=_ROUTING[view.env.traffic.policy])
            yield view.gap(subject, measured, wanted_regions, f"visitors would be sent to {measured}, {when}", remedy)
    if not records:
        yield view.none_expected(view.env.traffic.origin_record, _ABSENT)


def _region(record: Record, known: Mapping[str, str]) -> str:
    """Where a record really leads; its set identifier is believed only where its target's name does not tell."""
    return routing.region_of(routing.target_of(record)) or known.get(record.set_identifier or "", "elsewhere")


@check(
    "with both regions healthy, Route 53 sends every visitor to the primary region",
    severity=Severity.CRITICAL,
    area=Area.DNS,
    sides=GLOBAL,
    rules=("DnsTargetResourceRoutingRule", "REL11-BP02"),
    traps=("T05", "T06"),
)
def all_well(view: View) -> Iterator[Finding]:
    """The answer with both regions up is the primary's alone."""
    reason = "visitors reach the region that holds the newest data"
    yield from _answers(view, lambda _: situation(view), Side.PRIMARY, "with all well", reason)


@check(
    "with the primary region unhealthy, Route 53 sends every visitor to the DR region",
    severity=Severity.BLOCKER,
    area=Area.DNS,
    sides=GLOBAL,
    rules=("DnsHealthCheckWiring", "DnsTargetResourceHealthCheckRule", "REL11-BP02", "NIST CP-10"),
    traps=("T01", "T03", "T05", "T08"),
)
def primary_down(view: View) -> Iterator[Finding]:
    """The answer with the primary region dark is the DR region's alone, without any change to a record (T01)."""
    reason = "traffic moves without a change to any record, so us-east-1 is not needed"
    yield from _answers(view, lambda _: situation(view, Side.PRIMARY), Side.DR, "with the primary down", reason)


@check(
    "with the DR region unhealthy, Route 53 keeps every visitor in the primary region",
    severity=Severity.CRITICAL,
    area=Area.DNS,
    sides=GLOBAL,
    rules=("DnsHealthCheckWiring", "REL11-BP02"),
    traps=("T05",),
)
def dr_down(view: View) -> Iterator[Finding]:
    """The answer with the DR region dark is the primary's alone."""
    reason = "an outage of the standby affects no visitor"
    yield from _answers(view, lambda _: situation(view, Side.DR), Side.PRIMARY, "with the DR region down", reason)


@check(
    "with both regions unhealthy, Route 53 answers with the endpoints of the plan only",
    severity=Severity.NORMAL,
    area=Area.DNS,
    sides=GLOBAL,
    rules=("REL11-BP02",),
    traps=("T05",),
)
def both_down(view: View) -> Iterator[Finding]:
    """All unhealthy counts as all healthy: the answer must be one of the two regions, not a stray record (T05)."""
    reason = "all unhealthy counts as all healthy, and only the two regions have records"
    yield from _answers(view, lambda _: situation(view, Side.PRIMARY, Side.DR), None, "with both down", reason)


@check(
    "inverting the primary's health check keeps every visitor in the DR region",
    severity=Severity.CRITICAL,
    area=Area.DNS,
    sides=GLOBAL,
    rules=("DnsHealthCheckWiring", "REL11-BP02"),
    traps=("T03", "T06", "T07"),
)
def pin_holds(view: View) -> Iterator[Finding]:
    """The pin of T06 works: the primary's check inverted while its region is up moves the answer to the DR region."""
    identifier = identifier_of(view, Side.PRIMARY)

    def pinned(records: Sequence[Record]) -> routing.Situation:
        now = situation(view)
        pins = {r.health_check_id for r in records if r.set_identifier == identifier} & set(now.checks)
        for check_id in pins:
            if check_id and not now.checks[check_id].inverted:
                now = now.with_inverted(check_id)
        return now

    reason = "the recovered primary cannot receive visitors with stale data"
    yield from _answers(view, pinned, Side.DR, "with the primary pinned down", reason)


@check(
    "visitors stay in the DR region when the primary region becomes healthy again",
    severity=Severity.NORMAL,
    area=Area.VALIDATION,
    sides=GLOBAL,
    rules=("DnsTargetResourceRoutingRule", "REL11-BP02", "NIST CP-10"),
    traps=("T05", "T06"),
)
def stays_away(view: View) -> Iterator[Finding]:
    """With both regions up the answer is the DR region's alone: by the records, or because the primary's is pinned.

    Where health alone moved the visitors (us-east-1 could not be reached), they would go back by themselves.
    """
    records, now = origin_records(view), situation(view)
    pinned = {
        name: False
        for name, health_check in now.checks.items()
        if health_check.port in _PINS and not health_check.inverted and not health_check.disabled
    }
    pinned_state = replace(now, seen=pinned)
    known = {identifier_of(view, side): view.env.region(side) for side in (Side.PRIMARY, Side.DR)}
    for kind in sorted({record.type for record in records}):
        subject, wanted = f"{view.env.traffic.origin_record} {kind}, with all well", view.env.regions.dr
        choice = routing.chosen([record for record in records if record.type == kind], pinned_state)
        if choice is None:
            yield view.unknown(subject, wanted, "Its routing policy cannot be simulated.")
        elif {_region(record, known) for record in choice} == {wanted}:
            yield view.ok(subject, wanted, wanted, "a recovered primary receives no visitor with stale data")
        else:
            measured = " and ".join(sorted({_region(record, known) for record in choice}))
            reason = "only health moved the visitors: they return by themselves, to a stale database"
            remedy = (
                "`dr_cli.py failover --execute --replan`, with the same incident: it sets the records and forces the "
            )
            yield view.gap(subject, measured, wanted, reason, remedy + "primary's health check to fail.")
    if not records:
        yield view.none_expected(view.env.traffic.origin_record, _ABSENT)
