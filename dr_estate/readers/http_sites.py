"""The tenants' sites, requested through each region's own load balancer, and through the distribution as visitors do.

A load balancer that lets in CloudFront alone (its prefix list, a header of the origin) cannot be reached from an office
(T71): then only the way of the visitors shows anything. It ends in the region to which the traffic name leads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import OUT_OF_REACH, DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network import dns_query
from dr_estate.network.http_probe import Handshake, NoAnswerInTime, Visit, handshake, visit, visitor_context
from dr_estate.readers import cloudfront, ecs, elbv2, route53, sts_identity
from dr_estate.readers.dns_answers import TEST_READS, is_aws, patience
from dr_estate.reading.reader import GLOBAL, REGIONAL, ReadContext, part

# Turns of many sites: one that hangs keeps no other from its own, and what was answered is there by the deadline.

R = TypeVar("R")
FIRST_TURN_S = 2.0
"""Seconds that each of many sites has at first: a page that is well comes in less."""
_FIRST_TURNS = 0.5
"""Part of the time left that first turns may take together: sites that are all slow need the rest for their second."""
_RESERVE_S, _RESERVE = 2.0, 0.1
"""Seconds before the deadline in which no site is visited any more, and the most they may be of all of it."""


@dataclass(frozen=True)
class Turns(Generic[R]):
    """Visits of one part: ``go`` visits a host of ``region`` within a number of seconds, or raises NoAnswerInTime.

    Who gave no answer in less than ``whole_s``, because the look's own time was short, is not known: DEADLINE.
    """

    context: ReadContext
    go: Callable[[str, float], R]
    region: str

    @property
    def whole_s(self) -> float:
        """Seconds for one visit in all: to be let in, and for the answer."""
        limits = self.context.env.observation
        return limits.connect_timeout_s + limits.read_timeout_s

    def visit(self, host: str) -> R:
        """Visit ``host`` within the whole time limit. Raises DataUnavailable."""
        return self._visit(host, self.whole_s, 0.0)

    def visit_all(self, hosts: Sequence[str]) -> list[R | Unavailable]:
        """Visit every host, and return what each answered, in order.

        Of more than there are places, each has a short turn first. Who did not answer in it, or had none, is visited
        after all others with the whole limit: the last ones first, for they are those that had none.
        """
        if len(hosts) <= self.context.env.observation.workers:
            return self.context.maybe(self.visit, hosts)
        rest_s = self._left_s * (1 - _FIRST_TURNS)
        first = self.context.maybe(lambda host: self._visit(host, FIRST_TURN_S, rest_s), hosts)
        answers = dict(zip(hosts, first, strict=True))
        late = [
            host
            for host, answer in answers.items()
            if isinstance(answer, Unavailable) and answer.kind is UnavailableKind.DEADLINE
        ][::-1]
        answers |= zip(late, self.context.maybe(self.visit, late), strict=True)
        return [answers[host] for host in hosts]

    @property
    def _left_s(self) -> float:
        """Seconds in which sites may still be visited; below 0 where the time is over."""
        reserve_s = min(_RESERVE_S, _RESERVE * self.context.env.observation.deadline_s)
        return self.context.client.remaining_seconds - reserve_s

    def _visit(self, host: str, most_s: float, rest_s: float) -> R:
        """Visit ``host`` for ``most_s`` at most, and leave ``rest_s`` of the look's time."""
        limit_s = min(most_s, self._left_s - rest_s)
        reason = f"{host} had not the {self.whole_s:g} s to answer before the deadline, and gave no answer in less."
        late = DataUnavailable(Unavailable(UnavailableKind.DEADLINE, reason, self.region))
        if limit_s <= 0:
            raise late
        try:
            return self.go(host, limit_s)
        except NoAnswerInTime as silent:
            # Silence in less than the whole time does not show that nobody answers.
            if limit_s < self.whole_s:
                raise late from silent
            raise


# what its parts build on: the records, the load balancers and the services
SITE_READS = route53.RECORD_READS | elbv2.BALANCER_READS | elbv2.RULE_READS | ecs.SERVICE_READS | sts_identity.READS

# through the distribution: where it is, and where visitors' names lead where no resolver answers (T70)
EDGE_READS = SITE_READS | cloudfront.DISTRIBUTION_READS | TEST_READS

_HTTP, _HTTPS = 80, 443
# RFC 2606 reserves .invalid: no estate has such a host, so only the listener's default action answers it.
_STRANGER = "nobody.invalid"
_NO_TENANT = "not-a-tenant"  # a tenant's label in DNS has no hyphen
# Ten: each may take CloudFront's time limit, and ten alike need no eleventh.
_FIRST = 10
# From 500 on the origin's fault; 4xx is an answer of a site that works.
_SERVER_FAULT = 500
_HEADER_DEMANDED = "the load balancer takes requests for it only with a header that CloudFront adds."


@dataclass(frozen=True, slots=True)
class SiteAddress:
    """Where a region's sites answer: an address and the ports of HTTP and HTTPS."""

    address: str
    http: int
    https: int


@dataclass(frozen=True, slots=True)
class VisitRound:
    """One round of visits: what a stranger's host is answered, and what each tenant's is.

    ``edge``: through the distribution, and not at a region's load balancer.
    """

    stranger: Visit
    tenants: tuple[Visit | Unavailable, ...]
    edge: bool = False


@part(*REGIONAL, reads=SITE_READS, visits=True, of_entrance=True)
def front(context: ReadContext) -> SiteAddress | None:
    """The load balancer's address as a visitor finds it; None where there is none.

    Where the region's API is dark its name is taken from the traffic record: the sites are a witness of their own. An
    endpoint that is not AWS's own says where it serves each region's sites, or they cannot be visited.
    """
    if not context.env.traffic.origin_record:
        return None  # nobody visits an internal load balancer
    # An endpoint that is not AWS's has no public DNS names: they would lead to the live estate.
    if is_aws(context):
        name = _door_name(context)
        if not name:
            return None
        found = dns_query.addresses(name, patience(context), context.env.traffic.resolvers)
        return SiteAddress(found[0], _HTTP, _HTTPS)
    return _world_address(context, context.region)


def _world_address(context: ReadContext, name: str) -> SiteAddress:
    """Where a world that is not AWS's own serves a region's sites, or its distribution. Raises DataUnavailable."""
    for place in sts_identity.any_region_caller(context).sites_at.split():
        region, _, where = place.partition("=")
        if region == name:
            address, plain, secure = where.split(":")
            return SiteAddress(address, int(plain), int(secure))
    reason = "The endpoint is not AWS's own, and names no address for its sites."
    raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason))


def _door_name(context: ReadContext) -> str:
    """The DNS name of the region's load balancer, of its API or of the traffic record; "" where there is none."""
    try:
        balancer = context.part(elbv2.load_balancer)
    except DataUnavailable:
        traffic = context.env.traffic
        primary = context.side is Side.PRIMARY
        wanted = traffic.primary_set_identifier if primary else traffic.secondary_set_identifier
        records = context.part(route53.records, Side.GLOBAL)
        targets = [
            r.alias_target or r.values[0]
            for r in records
            if (r.name, r.set_identifier) == (traffic.origin_record, wanted)
        ]
        return targets[0] if targets else ""
    return balancer.dns_name if balancer else ""


@part(*REGIONAL, reads=SITE_READS, visits=True, of_entrance=True)
def visits(context: ReadContext) -> VisitRound | None:
    """Each tenant's probe path over HTTP, as CloudFront asks for it; None where there is no load balancer.

    Over HTTPS where the load balancer sends all HTTP there, or has no listener of HTTP.
    The stranger goes first: where it gets no connection, nobody is asked after it. Who is routed only with a header
    that CloudFront adds, is not asked either: it may be a secret, and is sent from nowhere else.
    """
    where = context.part(front)
    if where is None:
        return None
    turns, hosts = _visiting(context, where), _hosts(context)
    dark = Unavailable(UnavailableKind.NOT_REACHABLE, _HEADER_DEMANDED, context.region)
    # Not asked, and not failed: the header's value is a secret of CloudFront and this load balancer.
    closed = dict.fromkeys(_by_header(context, hosts), dark)
    if hosts and len(closed) == len(hosts):
        raise DataUnavailable(dark)
    stranger = turns.visit(_STRANGER)
    answers = turns.visit_all([host for host in hosts if host not in closed])
    return VisitRound(stranger, (*answers, *closed.values()))


def _by_header(context: ReadContext, hosts: list[str]) -> list[str]:
    """The hosts that the listener routes only with a header; none where the rules were not read."""
    port = _HTTPS if _is_https_only(context) else _HTTP
    try:
        arns = {listener.arn for listener in context.part(elbv2.listeners) if listener.port == port}
        rules = [rule for rule in context.part(elbv2.rules) if rule.listener in arns]
    except DataUnavailable:
        return []
    asking = {pattern.lower() for rule in rules if rule.demands for pattern in rule.hosts}
    free = {pattern.lower() for rule in rules if not rule.demands for pattern in rule.hosts}
    host_of = {site: site.partition("/")[0] for site in hosts}
    return [
        site for site, host in host_of.items() if _matches_pattern(asking, host) and not _matches_pattern(free, host)
    ]


def _is_https_only(context: ReadContext) -> bool:
    """Whether HTTP leads to HTTPS alone; by the other region's listeners where this one's were not read."""
    for side in (context.side, *REGIONAL):
        with suppress(DataUnavailable):
            kinds = {listener.port: listener.default.kind for listener in context.part(elbv2.listeners, side)}
            return _HTTPS in kinds and kinds.get(_HTTP, "redirect") == "redirect"
    return False


def _matches_pattern(patterns: set[str], host: str) -> bool:
    return host in patterns or any(fnmatchcase(host, pattern) for pattern in patterns if "*" in pattern)


@part(*REGIONAL, reads=SITE_READS, visits=True, of_entrance=True)
def handshakes(context: ReadContext) -> tuple[Handshake | Unavailable, ...]:
    """TLS for the hosts that come straight to the load balancer, and for one of those behind the distribution."""
    where = context.part(front)
    if where is None:
        return ()
    direct = sorted({host for hosts in context.env.traffic.customer_hosts.values() for host in hosts})

    def shake(host: str, limit_s: float) -> Handshake:
        limits_s = (context.env.observation.connect_timeout_s, limit_s)
        return handshake(where.address, where.https, host, limits_s, is_aws(context), context.region)

    # One of those behind the distribution: they share its certificate at the load balancer.
    first = [site.partition("/")[0] for site in _hosts(context)[:1]]
    return tuple(Turns(context, shake, context.region).visit_all([*first, *direct]))


@part(*GLOBAL, reads=EDGE_READS, visits=True)
def edge_visits(context: ReadContext) -> VisitRound | None:
    """Tenants' probe paths over HTTPS through the distribution, as visitors ask for them; None where there is none.

    Every tenant where a load balancer cannot be reached from here, the first one otherwise. Where the first ten get
    nothing but errors of the server, the others are not asked: each would wait for CloudFront's own time limits.
    """
    hosts = _hosts(context)
    where = _edge_address(context, hosts[0]) if hosts else None
    if where is None:
        return None
    tls = visitor_context(is_aws(context))
    path = context.env.probe_path

    def go(site: str, limit_s: float) -> Visit:
        host, own = _host_and_path(site, path)
        return replace(visit(where.address, where.https, host, own, limit_s, tls=tls), host=site)

    turns = Turns(context, go, region="")  # what CloudFront answers late is no region's silence
    stranger = turns.visit(f"{_NO_TENANT}.{context.env.traffic.tenant_domain}")
    answers = turns.visit_all(hosts[:1])  # before a region whose sites hang has used the time of the look
    if any(_is_out_of_reach(context, side) for side in REGIONAL):
        answers += turns.visit_all(hosts[1:_FIRST])
        if any(isinstance(answer, Visit) and answer.status < _SERVER_FAULT for answer in answers):
            answers += turns.visit_all(hosts[_FIRST:])
    return VisitRound(stranger, tuple(answers), edge=True)


def _is_out_of_reach(context: ReadContext, side: Side) -> bool:
    try:
        context.part(visits, side)
    except DataUnavailable as error:
        return error.unavailable.kind in OUT_OF_REACH
    return False


def _edge_address(context: ReadContext, host: str) -> SiteAddress | None:
    """An address of the distribution; None where there is no distribution.

    By its own name, or by a tenant's where its control plane does not answer. Where no resolver can be asked, Route 53
    says what it answers for the tenant's name (API_TestDNSAnswer).
    """
    name = host
    with suppress(DataUnavailable):
        distribution = cloudfront.serving(context.part(cloudfront.distributions), context.env.traffic)
        if distribution is None:
            return None
        name = distribution.domain
    if not is_aws(context):
        return _world_address(context, "cloudfront")
    try:
        found = dns_query.addresses(name, patience(context), context.env.traffic.resolvers)
    except DataUnavailable as error:
        if error.unavailable.kind is not UnavailableKind.RESOLVER or (zone := context.part(route53.zone)) is None:
            raise
        question = {"HostedZoneId": zone.id, "RecordName": host, "RecordType": "A"}
        found = context.call("route53", "test_dns_answer", **question)["RecordData"]
        if not found:
            raise
    return SiteAddress(found[0], _HTTP, _HTTPS)


def _visiting(context: ReadContext, where: SiteAddress) -> Turns[Visit]:
    path, region = context.env.probe_path, context.region
    # No certificate is for a stranger's host: ``handshakes`` judges them.
    port, tls = (where.https, visitor_context(public=False)) if _is_https_only(context) else (where.http, None)

    def go(site: str, limit_s: float) -> Visit:
        host, own = _host_and_path(site, path)
        return replace(visit(where.address, port, host, own, limit_s, region, tls), host=site)

    return Turns(context, go, region)


def _host_and_path(site: str, usual: str) -> tuple[str, str]:
    """The host and the path of a site, the ``usual`` path where it has a host alone."""
    host, slash, own = site.partition("/")
    return host, f"{slash}{own}" or usual


def _hosts(context: ReadContext) -> list[str]:
    """The tenants' sites: of the services of the primary region, or of this (else the DR) one where that is dark."""
    side = Side.PRIMARY
    try:
        services = context.part(ecs.services, side)
    except DataUnavailable:
        side = Side.DR if context.side is Side.GLOBAL else context.side
        services = context.part(ecs.services, side)
    env = context.env.on(side)
    tenants = (env.tenant_of(env.names.service, service.name) for service in services)
    return sorted(
        {env.site_of(tenant) for tenant in tenants if tenant and env.is_behind(tenant) and not env.is_worker(tenant)}
    )
