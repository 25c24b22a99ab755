"""Checks of Route 53's simulated answers for the traffic name in each outage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from dr_checks.core.model import GLOBAL, Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived import record_pins, routing
from dr_checks.derived.standing import AFTER_FAILOVER, failover_may_be_in_force
from dr_checks.dns.dns import identifier_of, origin_records, situation
from dr_estate.config.environment import Side
from dr_estate.model.references import balancer_region
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import ecs, elbv2
from dr_estate.readers.route53 import Record

_PINS = range(1, 20)  # ports on which no load balancer listens: how a failover holds an endpoint check down
_ABSENT = "there is no traffic record: see dns.pair-present"
_REMEDY = (
    "Give each traffic record an enabled health check of a platform page of its own region's load balancer "
    "(health_check_id) and evaluate_target_health = false, with {routing}."
)
_PAGE_INSTEAD = (
    "Set evaluate_target_health = false on the alias of each traffic record, and health_check_id to an HTTP check of a "
    "page that the load balancer itself answers (a fixed-response rule), or to a CALCULATED check over several pages."
)
_ROUTING = {
    "failover": "failover_routing_policy PRIMARY and SECONDARY",
    "weighted": "weighted_routing_policy 100 and 0",
}
_MOVES = {
    Side.PRIMARY: "Route 53 counts the primary as unhealthy, and visitors of every tenant get the DR region",
    Side.DR: "with the primary down too Route 53 takes all records for healthy, and sends every visitor to the primary",
}
Imagined = Callable[[Sequence[Record]], routing.Situation]


def _evaluated_records(view: View, side: Side) -> list[Record]:
    """The side's traffic records that inherit the health of its load balancer's target groups."""
    identifier = identifier_of(view, side)
    mine = (record for record in origin_records(view) if record.set_identifier == identifier)
    return [r for r in mine if r.evaluate_target_health and r.alias_zone_id != routing.CLOUDFRONT_ZONE]


@check("no tenant's empty target group can move the visitors of every tenant")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("T07", "T55", "DnsTargetResourceHealthCheckRule", "REL11-BP02")
def no_tenant_moves_all(view: View) -> Iterator[Finding]:
    """Neither region's record evaluates the health of a load balancer that several tenants share.

    "For an Application or Network Load Balancer to be considered healthy, every target group that contains targets must
    contain at least one healthy target. [...] A target group that has no registered targets is considered unhealthy."
    Source: Route 53 API_AliasTarget, EvaluateTargetHealth. A scaling schedule empties groups on purpose each night, and
    those of a pilot light are empty: with the primary down both records are unhealthy then, which counts as healthy.
    """
    wanted, subject = "not evaluated", view.env.traffic.origin_record
    view.need(origin_records(view), subject, _ABSENT)
    evaluated = {side: rows for side in (Side.PRIMARY, Side.DR) if (rows := _evaluated_records(view, side))}
    for side, rows in evaluated.items():
        yield from _schedule_findings(view, side, rows)
    if not evaluated:
        yield view.ok(subject, wanted, wanted, "a health check of the platform decides, and no tenant's service")


def _schedule_findings(view: View, side: Side, evaluated: Sequence[Record]) -> Iterator[Finding]:
    wanted, remedy = "not evaluated", _PAGE_INSTEAD
    empty, groups = _empty_groups(view, side), _shared_groups(view, side)
    # With one group behind the load balancer its health is the platform's: nobody else is moved by it.
    if len(groups) <= 1:
        yield view.ok(evaluated[0].name, f"{len(groups)} target group", "not shared", "nobody else is moved by it")
        return
    for group, tenant in groups.items():
        subject = f"{evaluated[0].name} evaluates {group}"
        if group not in empty:
            continue
        # What is empty now moves visitors now; what may become empty is one warning for all (below).
        if empty[group]:
            yield view.gap(subject, empty[group], wanted, _MOVES[side], remedy, tenant)
        else:
            yield view.unknown(subject, "a healthy target", "Its HealthyHostCount was not published.", tenant)
    others = len([group for group in groups if group not in empty])
    subject, measured = f"{evaluated[0].name} evaluates {others} more groups", "a healthy target each"
    if others and view.env.scaling_schedule is not None and side is Side.PRIMARY:
        reason = "the scaling schedule empties them each night, and moves every visitor to the DR region"
        yield view.gap(subject, f"{measured}, and a scaling schedule", wanted, reason, remedy)
    elif others:
        reason = "the first of them that is empty moves the visitors of every tenant"
        yield view.warn(subject, measured, wanted, reason, remedy)


def _shared_groups(view: View, side: Side) -> dict[str, str | None]:
    """The target groups behind the side's load balancer, by name, with their tenants."""
    balancer = view.get(elbv2.load_balancer, side)
    groups = view.get(elbv2.target_groups, side) if balancer else ()
    env = view.env.on(side)
    mine = [group.name for group in groups if balancer and balancer.arn in group.balancers]
    return {name: env.tenant_of(env.names.target_group, name) for name in sorted(mine)}


# An empty group and one without a healthy target count alike (T55).
def _empty_groups(view: View, side: Side) -> dict[str, str]:
    """Why the groups without a healthy target have none; "" for one of which nothing was measured."""
    names, env = {group.dimension: group.name for group in view.get(elbv2.target_groups, side)}, view.env.on(side)
    found = dict.fromkeys(names.values(), "")  # a group without any reading was not measured either
    readings = [(names.get(row.dimension("TargetGroup")), row.value) for row in view.get(elbv2.healthy_hosts, side)]
    found.update((name, "0 healthy targets") for name, value in readings if name and value is not None)
    for name in {name for name, value in readings if name and value}:
        del found[name]
    for service in view.get(ecs.services, side):
        tenant = env.tenant_of(env.names.service, service.name)
        # A service at 0 empties its group without any outage: by a scaling schedule, by a pilot light, or by hand.
        if tenant and not service.desired:
            found[env.named(env.names.target_group, tenant=tenant)] = "scaled to 0"
    return found


def _answers(view: View, imagined: Imagined, wanted: Side | None, when: str, reason: str) -> Iterator[Finding]:
    """One finding a record type: whether ``wanted``'s record alone would be answered (None: either side's)."""
    records = origin_records(view)
    known = {identifier_of(view, side): view.env.region(side) for side in (Side.PRIMARY, Side.DR)}
    expected = {view.env.region(wanted)} if wanted else set(known.values())
    wanted_regions = " or ".join(sorted(expected))
    for kind in sorted({record.type for record in records}):
        subject = f"{view.env.traffic.origin_record} {kind}, {when}"
        of_kind = [record for record in records if record.type == kind]
        # Each type apart: a resolver asks for A and AAAA separately, and each has records of its own.
        choice = routing.chosen_records(of_kind, imagined(of_kind))
        if choice is None:
            yield view.unknown(subject, wanted_regions, "Its routing policy cannot be simulated.")
            continue
        # Weighted records of one weight are answered in turn: each of them has to lead to the right region.
        regions = {_region(record, known) for record in choice}
        measured = " and ".join(sorted(regions))
        if regions <= expected:
            yield view.ok(subject, measured, wanted_regions, reason)
        else:
            remedy = _REMEDY.format(routing=_ROUTING[view.env.traffic.policy])
            after_failover = measured == view.env.regions.dr and failover_may_be_in_force(view)
            remedy = f"{AFTER_FAILOVER}{remedy}" if after_failover else remedy
            gap = view.gap(subject, measured, wanted_regions, f"visitors would be sent to {measured}, {when}", remedy)
            yield replace(gap, until_failback=after_failover)
    if not records:
        yield view.none_expected(view.env.traffic.origin_record, _ABSENT)


def _region(record: Record, known: Mapping[str, str]) -> str:
    """Return the region a record leads to; its set identifier counts only where its target's name holds no region."""
    # After a cut-over by weights or targets the set identifier keeps its region's name: the target decides.
    return balancer_region(routing.target_of(record)) or known.get(record.set_identifier or "", "elsewhere")


@check("with both regions healthy, Route 53 sends every visitor to the primary region")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T05", "T06", "DnsTargetResourceRoutingRule", "REL11-BP02")
def all_well(view: View) -> Iterator[Finding]:
    """The answer with both regions up is the primary's alone."""
    reason = "visitors reach the region that holds the newest data"
    yield from _answers(view, lambda _: situation(view), Side.PRIMARY, "with all well", reason)


@check("with the primary region unhealthy, Route 53 sends every visitor to the DR region")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite(
    "T01", "T03", "T05", "T08", "DnsHealthCheckWiring", "DnsTargetResourceHealthCheckRule", "REL11-BP02", "NIST CP-10"
)
def primary_down(view: View) -> Iterator[Finding]:
    """The answer with the primary region dark is the DR region's alone, without any change to a record (T01)."""
    reason = "traffic moves without a change to any record, so us-east-1 is not needed"
    yield from _answers(view, lambda _: situation(view, Side.PRIMARY), Side.DR, "with the primary down", reason)


@check("with the DR region unhealthy, Route 53 keeps every visitor in the primary region")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T05", "DnsHealthCheckWiring", "REL11-BP02")
def dr_down(view: View) -> Iterator[Finding]:
    """The answer with the DR region dark is the primary's alone."""
    reason = "an outage of the standby affects no visitor"
    yield from _answers(view, lambda _: situation(view, Side.DR), Side.PRIMARY, "with the DR region down", reason)


@check("with both regions unhealthy, Route 53 answers with the endpoints of the plan only")
@weigh(Severity.NORMAL, Area.DNS, GLOBAL)
@cite("T05", "REL11-BP02")
def both_down(view: View) -> Iterator[Finding]:
    """All unhealthy counts as all healthy: the answer must be one of the two regions, not a stray record (T05)."""
    reason = "all unhealthy counts as all healthy, and only the two regions have records"
    yield from _answers(view, lambda _: situation(view, Side.PRIMARY, Side.DR), None, "with both down", reason)


@check("inverting the primary's health check keeps every visitor in the DR region")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T03", "T06", "T07", "DnsHealthCheckWiring", "REL11-BP02")
def pin_holds(view: View) -> Iterator[Finding]:
    """The pin of T06 works: the primary's check inverted while its region is up moves the answer to the DR region."""
    identifier = identifier_of(view, Side.PRIMARY)

    def pinned_situation(records: Sequence[Record]) -> routing.Situation:
        now = situation(view)
        pins = {r.health_check_id for r in records if r.set_identifier == identifier} & set(now.checks)
        for check_id in pins:
            if check_id and not now.checks[check_id].inverted:
                now = now.with_inversion(check_id)
        return now

    reason = "the recovered primary cannot receive visitors with stale data"
    yield from _answers(view, pinned_situation, Side.DR, "with the primary pinned down", reason)


@check("visitors stay in the DR region when the primary region becomes healthy again")
@weigh(Severity.NORMAL, Area.VALIDATION, GLOBAL)
@cite("T05", "T06", "DnsTargetResourceRoutingRule", "REL11-BP02", "NIST CP-10")
def stays_away(view: View) -> Iterator[Finding]:
    """With both regions up the answer is the DR region's alone: by the records, or because the primary's is pinned.

    Where health alone moved the visitors (us-east-1 could not be reached), they would go back by themselves.
    """
    try:
        records, now = origin_records(view), situation(view)
    except DataUnavailable as unseen:
        yield _silent_plane_finding(view, unseen.unavailable)
        return
    pinned = {
        name: False
        for name, health_check in now.checks.items()
        # Nothing listens on these ports, so the check fails for certain; inverted or disabled it would report healthy
        # (T03).
        if health_check.port in _PINS and not health_check.inverted and not health_check.disabled
    }
    pinned_state = replace(now, seen={**now.seen, **pinned})
    known = {identifier_of(view, side): view.env.region(side) for side in (Side.PRIMARY, Side.DR)}
    for kind in sorted({record.type for record in records}):
        subject, wanted = f"{view.env.traffic.origin_record} {kind}, with all well", view.env.regions.dr
        choice = routing.chosen_records([record for record in records if record.type == kind], pinned_state)
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


def _silent_plane_finding(view: View, unavailable: Unavailable) -> Finding:
    """What can be said while Route 53's control plane is silent: whether the DR region's switch is held."""
    name, wanted = view.env.traffic.origin_record, view.env.regions.dr
    with suppress(DataUnavailable):
        switch = record_pins.switch_of(view.get(elbv2.listeners, Side.DR), view.env)
        if switch is not None and record_pins.is_held(switch):
            measured = f"{switch.label} in {wanted} holds the primary's record down"
            reason = f"that its health check follows cannot be seen now: {unavailable.why}"
            return view.warn(name, measured, wanted, reason, "Run it again when us-east-1 answers.")
    return view.unknown(name, wanted, unavailable)
