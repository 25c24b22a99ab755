"""The tenants' sites, requested through each region's own load balancer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.unseen import Blindness, CannotSee, Unseen
from dr_estate.network import dns_query
from dr_estate.network.http_probe import Handshake, Visit, handshake, visit
from dr_estate.readers import ecs, elbv2, route53
from dr_estate.readers.dns_answers import is_aws
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import Look

# what its parts build on: the records, the load balancers and the services
SITE_READS = route53.RECORD_READS | elbv2.BALANCER_READS | ecs.SERVICE_READS

_HTTP, _HTTPS = 80, 443
_STRANGER = "nobody.invalid"


@dataclass(frozen=True, slots=True)
class Front:
    """Where a region's sites answer: an address and the ports of HTTP and HTTPS."""

    address: str
    http: int
    https: int


@dataclass(frozen=True, slots=True)
class Round:
    """One round of visits: what a stranger's host is answered, and what each tenant's is."""

    stranger: Visit
    tenants: tuple[Visit | Unseen, ...]


@part(*REGIONAL, reads=SITE_READS)
def front(look: Look) -> Front | None:
    """The load balancer's address as a visitor finds it; None where there is none.

    Where the region's API is dark its name is taken from the traffic record: the sites are a witness of their own. An
    endpoint that is not AWS's own says where it serves each region's sites, or they cannot be visited.
    """
    if is_aws(look):
        name = _door_name(look)
        if not name:
            return None
        limit_s = look.env.observation.connect_timeout_s
        return Front(dns_query.addresses(name, limit_s, look.env.traffic.resolvers)[0], _HTTP, _HTTPS)
    zone = look.part(route53.zone, Side.GLOBAL)
    for place in zone.sites_at.split() if zone else ():
        region, _, where = place.partition("=")
        if region == look.region:
            address, plain, secure = where.split(":")
            return Front(address, int(plain), int(secure))
    why = "The endpoint is not AWS's own, and names no address for its sites."
    raise CannotSee(Unseen(Blindness.UNSUPPORTED, why))


def _door_name(look: Look) -> str:
    """The DNS name of the region's load balancer, of its API or of the traffic record; "" where there is none."""
    try:
        balancer = look.part(elbv2.load_balancer)
    except CannotSee:
        traffic = look.env.traffic
        primary = look.side is Side.PRIMARY
        wanted = traffic.primary_set_identifier if primary else traffic.secondary_set_identifier
        records = look.part(route53.records, Side.GLOBAL)
        targets = [r.alias_target or r.values[0] for r in records if r.set_identifier == wanted]
        return targets[0] if targets else ""
    return balancer.dns_name if balancer else ""


@part(*REGIONAL, reads=SITE_READS)
def visits(look: Look) -> Round | None:
    """Each tenant's probe path over HTTP, as CloudFront asks for it; None where there is no load balancer.

    The stranger goes first: where it gets no connection, nobody is asked after it.
    """
    where = look.part(front)
    if where is None:
        return None
    go = _visiting(look, where)
    return Round(go(_STRANGER), tuple(look.maybe(go, _hosts(look))))


@part(*REGIONAL, reads=SITE_READS)
def handshakes(look: Look) -> tuple[Handshake | Unseen, ...]:
    """TLS for the hosts that come straight to the load balancer, and for one of those behind the distribution."""
    where = look.part(front)
    if where is None:
        return ()
    direct = sorted({host for hosts in look.env.traffic.customer_hosts.values() for host in hosts})

    def shake(host: str) -> Handshake:
        limit_s = look.env.observation.connect_timeout_s
        return handshake(where.address, where.https, host, limit_s, is_aws(look), look.region)

    return tuple(look.maybe(shake, [*_hosts(look)[:1], *direct]))


def _visiting(look: Look, where: Front) -> Callable[[str], Visit]:
    path, limit_s = look.env.traffic.probe_path, look.env.observation.read_timeout_s
    return lambda host: visit(where.address, where.http, host, path, limit_s, look.region)


def _hosts(look: Look) -> list[str]:
    """The tenants' hosts: of the services of the primary region, or of this one where that is dark."""
    try:
        services = look.part(ecs.services, Side.PRIMARY)
    except CannotSee:
        services = look.part(ecs.services)
    tenants = (look.env.tenant_of(look.env.names.service, service.name) for service in services)
    labels = {tenant.replace("-", "") for tenant in tenants if tenant}
    return sorted(f"{label}.{look.env.traffic.tenant_domain}" for label in labels)
