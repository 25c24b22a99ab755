"""Checks of real DNS answers, in addition to the API's records and Route 53's choice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from dr_checks.core.model import GLOBAL, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived import routing
from dr_checks.dns.dns import origin_records, situation
from dr_estate.config.environment import Side
from dr_estate.model.references import balancer_region
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import cloudfront, dns_answers, elbv2, route53, route53_health_checks
from dr_estate.snapshot import tenants


def load_balancer_addresses(view: View) -> dict[str, frozenset[str]]:
    """The addresses of each region's load balancer. Raises DataUnavailable."""
    found: dict[str, frozenset[str]] = {}
    for side in (Side.PRIMARY, Side.DR):
        there = view.get(dns_answers.door, side)
        found[view.env.region(side)] = frozenset(there)
    return found


def answering_region(addresses: Iterable[str], known: Mapping[str, frozenset[str]]) -> str | None:
    """The region whose load balancer has one of ``addresses``; None where none has."""
    given = set(addresses)
    return next((region for region, there in known.items() if there & given), None)


def expected_regions(view: View) -> frozenset[str] | None:
    """The regions Route 53 should answer with at this moment; None where its policy cannot be played out."""
    records = origin_records(view)
    read = view.get(route53_health_checks.statuses)
    # What the checkers report decides, not what the API of the region says: Route 53 answers by these statuses.
    seen = {r.dimension(route53_health_checks.STATUS_DIMENSION): r.value == 1 for r in read if r.value is not None}
    now = replace(situation(view), seen=seen)
    regions: set[str] = set()
    for kind in {record.type for record in records}:
        choice = routing.chosen_records([r for r in records if r.type == kind], now)
        if choice is None:
            return None
        regions |= {balancer_region(routing.target_of(record)) or "elsewhere" for record in choice}
    return frozenset(regions)


@check("every name server of the hosted zone answers queries for it")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T01", "REL11-BP02", "NIST CP-8")
def servers_answer(view: View) -> Iterator[Finding]:
    """Each server of the delegation set gives an authoritative SOA. One that cannot be reached is unknown."""
    zone = view.env.traffic.zone
    for answer in view.get(dns_answers.authorities):
        if isinstance(answer, Unavailable):
            yield view.unknown("a name server", f"an answer for {zone}", answer)
        elif answer.type == "SOA":
            measured = f"{answer.code}, {'authoritative' if answer.authoritative else 'not authoritative'}"
            # An answer without authority comes from a cache or a forwarder: it says nothing of the server.
            if answer.code == "NOERROR" and answer.authoritative and answer.values:
                yield view.ok(answer.asked, measured, "NOERROR, authoritative", "it serves this zone")
            else:
                reason = "resolvers that query this server get no answer, so some visitors do not arrive"
                remedy = f"Compare the delegation set of {zone} with its NS records; do not recreate either in a hurry."
                yield view.gap(answer.asked, measured, "NOERROR, authoritative", reason, remedy)


@check("the parent zone delegates to this zone's own name servers")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("DnsTargetResourceHostedZoneConfigurationRule", "REL11-BP02")
def delegated(view: View) -> Iterator[Finding]:
    """NS of the zone at its parent equals the delegation set: else a change here is seen by nobody."""
    zone = view.need(
        view.get(route53.zone), view.env.traffic.zone, "the hosted zone does not exist: see route53.zone-accessible"
    )
    answer = view.get(dns_answers.delegation)
    there, wanted = {route53.plain(value) for value in answer.values}, ", ".join(zone.name_servers)
    measured = ", ".join(sorted(there)) or answer.code
    if there == set(zone.name_servers):
        yield view.ok(zone.name, measured, wanted, "resolvers query the zone that is changed here")
    else:
        reason = "resolvers query other servers than this zone's: a failover here would move no visitor"
        remedy = f"Have the owner of {zone.name.partition('.')[2]} set its NS record for {zone.name} to: {wanted}."
        yield view.gap(zone.name, measured, wanted, reason, remedy)


@check("the name servers' answers for the traffic name match its records")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T05", "T06", "DnsTargetResourceRoutingRule", "REL11-BP02")
def as_recorded(view: View) -> Iterator[Finding]:
    """Each server's addresses are those of the region that the records and health checks choose at this moment."""
    name, expected = view.env.traffic.origin_record, expected_regions(view)
    there = view.get(dns_answers.authorities)
    heard = (answer for answer in there if isinstance(answer, DnsAnswer) and answer.name == name)
    # At the apex of the zone the answers for its SOA and NS have the name of its traffic, too.
    answers = [answer for answer in heard if answer.type in routing.ADDRESS_TYPES]
    wanted = " or ".join(sorted(expected or ())) or "the region its records choose"
    for answer in answers:
        yield _answer_finding(view, answer, expected, wanted)
    for unavailable in there:
        if isinstance(unavailable, Unavailable):
            yield view.unknown(name, wanted, unavailable)
    if not there or not origin_records(view):
        yield view.none_expected(name, "there is no traffic record: see dns.pair-present")


def _answer_finding(view: View, answer: DnsAnswer, expected: frozenset[str] | None, wanted: str) -> Finding:
    subject, measured = f"{answer.name} at {answer.asked}", ", ".join(answer.values) or answer.code
    if answer.type == "AAAA" and answer.code == "NOERROR" and not answer.values and not _has_six(view):
        reason = "the load balancers have no IPv6 address, so an alias to them has none: visitors take the IPv4 one"
        return view.ok(subject, "no IPv6 address", "none, as the load balancers", reason)
    # NOERROR without values is an answer too: the name exists, and visitors get nothing.
    if not answer.values:
        reason = "visitors get no address at all"
        healing = Remedy("Fix the record. What Route 53 would answer:", _answer_of(view, answer.name, answer.type))
        return view.gap(subject, measured, wanted, reason, healing)
    region = answering_region(answer.values, load_balancer_addresses(view))
    if expected is None or region is None:
        # A load balancer's addresses change when it scales, so an unknown one is no proof of another region.
        cause = f"{measured} matches no load balancer's addresses; AWS changes these at any time."
        return view.unknown(subject, wanted, cause)
    if region in expected:
        return view.ok(subject, f"{measured} ({region})", wanted, "the answer and the records agree")
    reason = f"visitors arrive in {region}, while the records choose {wanted}"
    remedy = "Wait for the last change to be INSYNC (aws route53 get-change), then compare the record's target."
    return view.gap(subject, f"{measured} ({region})", wanted, reason, remedy)


def _answer_of(view: View, name: str, kind: str) -> tuple[str, ...]:
    """The command that asks the traffic zone for a record; none where the zone is another, or was not seen."""
    zone = view.snapshot.parts.get((route53.zone.name, Side.GLOBAL))
    if zone is None or not isinstance(zone.value, route53.HostedZone) or not f".{name}".endswith(f".{zone.value.name}"):
        return ()
    question = {"HostedZoneId": zone.value.id, "RecordName": name, "RecordType": kind}
    return (view.command("route53", "TestDNSAnswer", **question),)


def _has_six(view: View) -> bool:
    """Whether a region's load balancer has IPv6 addresses; one that cannot be seen may have them."""
    for side in (Side.PRIMARY, Side.DR):
        try:
            balancer = view.get(elbv2.load_balancer, side)
        except DataUnavailable:
            return True
        if balancer and balancer.address_type != "ipv4":
            return True
    return False


@check("every tenant's host name resolves to an address")
@weigh(Severity.CRITICAL, Area.TENANTS, GLOBAL)
@cite("REL11-BP02", "NIST CP-8")
def hosts_answer(view: View) -> Iterator[Finding]:
    """A name server gives an address for each name that was asked: all, or of many alike an even spread."""
    known = {answer.name: answer for answer in view.get(dns_answers.hosts) if isinstance(answer, DnsAnswer)}
    recorded = {record.name for record in view.get(route53.records)}
    unseen = _unseen_hosts(view, recorded - known.keys())
    for tenant in view.tenants:
        host = tenants.host_of(tenant, view.env)
        answer = known.get(host)
        # Not asked about: of many alike only some are; the summary below counts them.
        if host not in recorded or (answer is None and host not in unseen):
            continue  # tenants.hosts-lead-to-distribution says where it leads
        if answer is None:
            yield view.unknown(host, "an address", unseen[host], tenant.id)
        elif answer.values:
            yield view.ok(host, ", ".join(answer.values), "an address", "visitors reach CloudFront", tenant.id)
        else:
            remedy = Remedy("Fix its alias target. What Route 53 would answer:", _answer_of(view, host, "A"))
            yield view.gap(host, answer.code, "an address", "visitors get no address at all", remedy, tenant.id)
    ours = recorded & {tenants.host_of(tenant, view.env) for tenant in view.tenants}
    if ours - known.keys() - unseen.keys():
        if known.keys() & ours or not unseen:
            measured = f"{len(known.keys() & ours)} of {len(ours)} queried"
            yield view.ok("the others", measured, "an even spread", "their records have the target of the queried ones")
        else:
            yield view.unknown("the others", "an even spread", next(iter(unseen.values())))
    if not ours:
        yield view.none_expected("tenants' hosts", "no tenant has a record of its own")


def _unseen_hosts(view: View, unanswered: Collection[str]) -> Mapping[str, Unavailable]:
    """Why no answer to a name was seen; in evidence whose questions are not known, the first reason for all of them."""
    answers, names = view.get(dns_answers.hosts), dns_answers.asked_hosts(view.get(route53.records), view.env)
    if len(answers) == len(names):
        return {name: answer for name, answer in zip(names, answers, strict=True) if isinstance(answer, Unavailable)}
    first = next((answer for answer in answers if isinstance(answer, Unavailable)), None)
    return dict.fromkeys(unanswered, first) if first else {}


@check("the configured resolvers return the region that serves")
@weigh(Severity.NORMAL, Area.DNS, GLOBAL)
@cite("T11", "REL11-BP02", "NIST CP-8")
def resolvers_agree(view: View) -> Iterator[Finding]:
    """Each resolver's answer passes the traffic name or the distribution, or holds the serving region's address."""
    there = view.need(view.get(dns_answers.resolved), "resolvers", "traffic.resolvers is empty, so none was queried")
    alias = view.env.traffic.distribution_alias
    edge = {d.domain for d in view.get(cloudfront.distributions) if alias in d.aliases}
    moving, expected = {view.env.traffic.origin_record, *edge}, expected_regions(view) or frozenset()
    for answer in there:
        if isinstance(answer, Unavailable):
            yield view.unknown("a resolver", "the serving region", answer)
            continue
        subject = f"{answer.name} at {answer.asked}"
        measured = ", ".join((*answer.chain, *answer.values)) or answer.code
        if answer.values and (
            moving & set(answer.chain) or answering_region(answer.values, load_balancer_addresses(view)) in expected
        ):
            yield view.ok(subject, measured, "the serving region", "visitors behind it follow a failover")
        else:
            reason = "visitors behind this resolver are sent elsewhere, or by an answer cached too long"
            remedy = (
                f"Wait one TTL and check again; then make {answer.name} a CNAME to {view.env.traffic.origin_record}."
            )
            yield view.gap(subject, measured, "the serving region", reason, remedy)
