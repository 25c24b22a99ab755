"""Checks of the DNS records that a failover relies on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import BOTH, GLOBAL, Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived import record_pins, routing
from dr_checks.derived.standing import AFTER_FAILOVER, failover_may_be_in_force
from dr_estate.config.environment import Side
from dr_estate.model.references import balancer_region
from dr_estate.readers import elbv2, route53, route53_health_checks
from dr_estate.readers.route53 import Record
from dr_estate.snapshot.tenants import host_of


def origin_records(view: View) -> list[Record]:
    """The records of the traffic name that answer with an address."""
    name = view.env.traffic.origin_record
    return [r for r in view.get(route53.records, Side.GLOBAL) if r.name == name and r.type in routing.ADDRESS_TYPES]


def identifier_of(view: View, side: Side) -> str:
    """The set identifier of the record that leads to ``side``."""
    traffic = view.env.traffic
    return traffic.primary_set_identifier if side is Side.PRIMARY else traffic.secondary_set_identifier


def situation(view: View, *down: Side) -> routing.Situation:
    """The health checks as they are, with ``down``'s regions dark; a switch in the DR region stands as it does now."""
    known = {found.id: found for found in view.get(route53_health_checks.checks, Side.GLOBAL)}
    watching = [check.id for check in known.values() if record_pins.watches_switch(check, view.env)]
    switch = record_pins.switch_of(view.get(elbv2.listeners, Side.DR), view.env) if watching else None
    # A switch stands in the DR region: when that is dark, nothing holds the primary's record down.
    holds = switch is not None and record_pins.is_held(switch) and Side.DR not in down
    return routing.Situation(
        frozenset(view.env.region(side) for side in down), known, dict.fromkeys(watching, not holds)
    )


@check("both traffic records exist, and no other record has their name")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("T01", "T12", "DnsHealthCheckWiring", "REL11-BP02", "NIST CP-7", "SOC2 A1.2")
def pair_present(view: View) -> Iterator[Finding]:
    """Each address type of the origin name holds exactly the two set identifiers. Source: ListResourceRecordSets."""
    name = view.env.traffic.origin_record
    view.need(view.get(route53.zone), name, "the hosted zone does not exist: see route53.zone-accessible")
    wanted = {identifier_of(view, Side.PRIMARY), identifier_of(view, Side.DR)}
    found = origin_records(view)
    # Without any record the finding is about the one that has to be made: A, which each load balancer can answer.
    for kind in sorted({record.type for record in found}) or ["A"]:
        # By type: a pair of A beside a single AAAA moves only the visitors of IPv4.
        there = {record.set_identifier or "no identifier" for record in found if record.type == kind}
        subject, identifiers = f"{name} {kind}", " and ".join(sorted(wanted))
        if there == wanted:
            yield view.ok(subject, identifiers, identifiers, "the cut-over point is complete")
        else:
            reason = "a missing record cannot be used, and creating it during an outage needs us-east-1"
            if there > wanted:
                reason = "an extra record takes part in every answer, and points outside the plan"
            remedy = (
                f"In {view.env.traffic.zone}, keep one aws_route53_record for each set_identifier of {identifiers}."
            )
            yield view.gap(subject, ", ".join(sorted(there)) or "no record", identifiers, reason, remedy)


@check("the traffic records already have their final routing policy")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("T12", "DnsTargetResourceRecordSetConfigurationRule", "REL11-BP02")
def final_policy(view: View) -> Iterator[Finding]:
    """Turning a simple record into another policy deletes and recreates it: names vanish meanwhile (T12)."""
    policy = view.env.traffic.policy
    for record in origin_records(view):
        subject = f"{record.name} {record.type} {record.set_identifier or ''}".strip()
        role = {identifier_of(view, Side.PRIMARY): "PRIMARY", identifier_of(view, Side.DR): "SECONDARY"}
        wanted = f"failover {role.get(record.set_identifier or '', '')}".strip() if policy == "failover" else policy
        measured = f"failover {record.failover}" if record.policy == "failover" else record.policy
        if measured == wanted:
            yield view.ok(subject, measured, wanted, "a failover does not have to convert it")
        else:
            reason = "Route 53 converts a record by deleting it: for a while the name does not exist"
            remedy = f"Convert it at a quiet time, in one change batch: aws_route53_record {policy}_routing_policy."
            yield view.gap(subject, measured, wanted, reason, remedy)
    if not origin_records(view):
        yield view.none_expected(view.env.traffic.origin_record, "there is no traffic record: see dns.pair-present")


@check("the traffic records are weighted, so that a failback can shift traffic in stages")
@weigh(Severity.NORMAL, Area.DNS, GLOBAL)
@cite("T05", "T12", "REL11-BP02", "NIST CP-10")
def can_be_staged(view: View) -> Iterator[Finding]:
    """A weighted pair fails back in stages; a run never converts a pair of another policy (T12).

    With health checks it fails over by itself like a failover pair: weight 0 is served when no heavier record is
    healthy (T05). Where the environment file demands stages (failback.staged), a pair that cannot be split is a gap.
    """
    for kind in sorted({record.type for record in origin_records(view)}):
        subject = f"{view.env.traffic.origin_record} {kind}"
        policies = sorted({record.policy for record in origin_records(view) if record.type == kind})
        if policies == ["weighted"]:
            yield view.ok(subject, "weighted", "weighted", "traffic can be shifted back in stages")
            continue
        # A warning by default: a pair of policy failover goes back at once, which a team may want.
        judged = view.gap if view.env.failback.staged else view.warn
        yield judged(
            subject,
            " and ".join(policies),
            "weighted",
            "a failback would move every visitor at once, to a region without recent traffic",
            "At a quiet time make both weighted_routing_policy (100 and 0), with their health checks: they fail over "
            'by health all the same (T05). Then set traffic.policy = "weighted".',
        )
    if not origin_records(view):
        yield view.none_expected(view.env.traffic.origin_record, "there is no traffic record: see dns.pair-present")


@check("each traffic record points to the load balancer of its own region")
@weigh(Severity.BLOCKER, Area.DNS, BOTH)
@cite("T07", "T12", "DnsTargetResourceRoutingRule", "REL11-BP02", "NIST CP-7")
def own_load_balancer(view: View) -> Iterator[Finding]:
    """The side's record names the DNS name of the side's load balancer as it is today. Source: DescribeLoadBalancers.

    A load balancer that was rebuilt has another DNS name: its old record then leads nowhere.
    """
    identifier = identifier_of(view, view.side)
    records = view.need(
        [r for r in origin_records(view) if r.set_identifier == identifier],
        identifier,
        "there is no such record: see dns.pair-present",
    )
    balancer = view.get(elbv2.load_balancer)
    for record in records:
        subject, target = f"{record.name} {record.type} {identifier}", routing.target_of(record)
        wanted = route53.plain(balancer.dns_name) if balancer else "the load balancer of the region"
        if balancer and target == wanted:
            yield view.ok(subject, target, wanted, f"visitors sent to {view.region} reach its own load balancer")
        else:
            expected = wanted if balancer else f"{wanted}, which does not exist"
            # A failover turns the pair where its policy is failover: undone by hand, visitors would return too early.
            # By the name's region, not by the balancer: that of a dark primary region cannot be read.
            region = balancer_region(target)
            turned = region in {view.env.regions.primary, view.env.regions.dr} - {view.region}
            after_failover = turned and failover_may_be_in_force(view)
            leads = f"a load balancer of {region}" if turned else "a load balancer that does not exist"
            remedy = f"Set alias name of aws_route53_record {identifier} to aws_lb.dns_name of {view.region}."
            remedy = f"{AFTER_FAILOVER}{remedy}" if after_failover else remedy
            reason = f"visitors sent to {view.region} would reach {leads}"
            gap = view.gap(subject, target or "nothing", expected, reason, remedy)
            yield replace(gap, until_failback=after_failover)


@check("no DNS name on the way to the origin has a TTL longer than the cut-over allows")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T11", "DnsTtl", "DnsTargetResourceRecordSetConfigurationRule", "REL11-BP02")
def short_ttl(view: View) -> Iterator[Finding]:
    """TTLs of the origin records, and of CNAMEs of tenants, reach record_ttl_s at most; an alias takes its target's.

    Proofs of ownership and other people's names below the tenants' domain lead no visitor to a tenant, nor does a
    wildcard beside which each tenant has a record. Source: T11, ARC DnsTargetResourceRecordSetConfigurationRule.
    """
    limit = view.env.thresholds.record_ttl_s
    origin, domain = view.env.traffic.origin_record, f".{view.env.traffic.tenant_domain}"
    leading = [r for r in view.get(route53.records) if r.type in routing.ADDRESS_TYPES]
    hosts = {host_of(tenant, view.env) for tenant in view.tenants}
    # A wildcard answers only for names that have no record of their own (Route 53 guide).
    ours = {origin, *hosts} | ({f"*{domain}"} if hosts - {r.name for r in leading} else set())
    on_the_way = [r for r in leading if r.name in ours]
    long_lived = [r for r in on_the_way if r.ttl_s is not None and r.ttl_s > limit]
    for record in long_lived:
        subject = f"{record.name} {record.type} {record.set_identifier or ''}".strip()
        reason = f"resolvers keep sending its visitors to the lost region for up to {record.ttl_s} s"
        remedy = f"Set ttl = {limit} on its aws_route53_record, or make it an alias record."
        yield view.gap(subject, f"{record.ttl_s} s", f"{limit} s or less", reason, remedy)
    if on_the_way and not long_lived:
        measured = f"{len(on_the_way)} record(s), none above {limit} s"
        yield view.ok("all records", measured, f"{limit} s or less", "an alias takes the TTL of its target, 60 s")
    if not on_the_way:
        yield view.none_expected(origin, "there is no such record: see dns.pair-present")


@check(
    "no record relies on CloudFront to report its own health",
    none=("aliases to CloudFront", "none of them takes part in failover or weighted routing"),
)
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T08", "DnsTargetResourceHealthCheckRule", "DnsHealthCheckWiring")
def cloudfront_alias(view: View) -> Iterator[Finding]:
    """A routed alias to a distribution needs a health check of its own: its target is never evaluated (T08)."""
    routed = [
        r for r in view.get(route53.records) if r.alias_zone_id == routing.CLOUDFRONT_ZONE and r.policy != "simple"
    ]
    for record in routed:
        subject = f"{record.name} {record.type} {record.set_identifier}"
        # EvaluateTargetHealth cannot be true for a distribution (API_AliasTarget, T08).
        if record.health_check_id:
            yield view.ok(subject, record.health_check_id, "a health check", "its own health check decides")
        else:
            reason = "Route 53 cannot evaluate a distribution: this record always counts as healthy"
            remedy = "Set health_check_id on its aws_route53_record, or route at the origin name instead."
            yield view.gap(subject, "no health check", "a health check", reason, remedy)
