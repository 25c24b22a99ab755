"""The tenants' sites, requested through each region's own load balancer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network import dns_query
from dr_estate.network.http_probe import Handshake, Visit, handshake, visit
from dr_estate.readers import ecs, elbv2, route53
from dr_estate.readers.dns_answers import is_aws
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

# what its parts build on: the records, the load balancers and the services
SITE_READS = route53.RECORD_READS | elbv2.BALANCER_READS | ecs.SERVICE_READS

_HTTP, _HTTPS = 80, 443
_STRANGER = "nobody.invalid"


@dataclass(frozen=True, slots=True)
class SiteAddress:
    """Where a region's sites answer: an address and the ports of HTTP and HTTPS."""

    address: str
    http: int
    https: int


@dataclass(frozen=True, slots=True)
class VisitRound:
    """One round of visits: what a stranger's host is answered, and what each tenant's is."""

    stranger: Visit
    tenants: tuple[Visit | Unavailable, ...]


@part(*REGIONAL, reads=SITE_READS)
def front(context: ReadContext) -> SiteAddress | None:
    """The load balancer's address as a visitor finds it; None where there is none.

    Where the region's API is dark its name is taken from the traffic record: the sites are a witness of their own. An
    endpoint that is not AWS's own says where it serves each region's sites, or they cannot be visited.
    """
    if is_aws(context):
        name = _door_name(context)
        if not name:
            return None
        limit_s = context.env.observation.connect_timeout_s
        return SiteAddress(dns_query.addresses(name, limit_s, context.env.traffic.resolvers)[0], _HTTP, _HTTPS)
    zone = context.part(route53.zone, Side.GLOBAL)
    for place in zone.sites_at.split() if zone else ():
        region, _, where = place.partition("=")
        if region == context.region:
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
        targets = [r.alias_target or r.values[0] for r in records if r.set_identifier == wanted]
        return targets[0] if targets else ""
    return balancer.dns_name if balancer else ""


@part(*REGIONAL, reads=SITE_READS)
def visits(context: ReadContext) -> VisitRound | None:
    """Each tenant's probe path over HTTP, as CloudFront asks for it; None where there is no load balancer.

    The stranger goes first: where it gets no connection, nobody is asked after it.
    """
    where = context.part(front)
    if where is None:
        return None
    go = _visiting(context, where)
    return VisitRound(go(_STRANGER), tuple(context.maybe(go, _hosts(context))))


@part(*REGIONAL, reads=SITE_READS)
def handshakes(context: ReadContext) -> tuple[Handshake | Unavailable, ...]:
    """TLS for the hosts that come straight to the load balancer, and for one of those behind the distribution."""
    where = context.part(front)
    if where is None:
        return ()
    direct = sorted({host for hosts in context.env.traffic.customer_hosts.values() for host in hosts})

    def shake(host: str) -> Handshake:
        limit_s = context.env.observation.connect_timeout_s
        return handshake(where.address, where.https, host, limit_s, is_aws(context), context.region)

    return tuple(context.maybe(shake, [*_hosts(context)[:1], *direct]))


def _visiting(context: ReadContext, where: SiteAddress) -> Callable[[str], Visit]:
    path, limit_s = context.env.traffic.probe_path, context.env.observation.read_timeout_s
    return lambda host: visit(where.address, where.http, host, path, limit_s, context.region)


def _hosts(context: ReadContext) -> list[str]:
    """The tenants' hosts: of the services of the primary region, or of this one where that is dark."""
    try:
        services = context.part(ecs.services, Side.PRIMARY)
    except DataUnavailable:
        services = context.part(ecs.services)
    tenants = (context.env.tenant_of(context.env.names.service, service.name) for service in services)
    labels = {tenant.replace("-", "") for tenant in tenants if tenant}
    return sorted(f"{label}.{context.env.traffic.tenant_domain}" for label in labels)
