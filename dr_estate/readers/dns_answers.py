"""Real DNS answers of the zone's servers, its parent and the configured resolvers.

Live AWS is asked at the zone's delegation set. An endpoint that is not AWS's own has a name server of its own, or none
that can be asked: then these parts are unseen, and nothing is asked of the internet about a world that is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from dr_estate.config.environment import Side
from dr_estate.model.unseen import Blindness, CannotSee, Unseen
from dr_estate.network import dns_query
from dr_estate.network.dns_query import Answer, Server
from dr_estate.readers import elbv2, route53
from dr_estate.readers.route53 import CustomerHost
from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import Look

RECORD_READS = route53.RECORD_READS
TEST_READS = frozenset({"route53:TestDNSAnswer"})
TESTED_BY = "Route 53 (TestDNSAnswer)"

_MOST_ALIKE = 200
_ADDRESS_TYPES = ("A", "AAAA", "CNAME")
_AWS = (".amazonaws.com", ".amazonaws.com.cn")


@part(*GLOBAL, reads=RECORD_READS)
def authorities(look: Look) -> tuple[Answer | Unseen, ...]:
    """Each name server of the zone, asked for the zone's SOA and NS and for the traffic name."""
    name = look.env.traffic.origin_record
    kinds = sorted({r.type for r in look.part(route53.records) if r.name == name and r.type in _ADDRESS_TYPES})
    zone = look.env.traffic.zone
    questions = [(zone, "SOA"), (zone, "NS"), *((name, "A" if kind == "CNAME" else kind) for kind in kinds)]
    servers = own_servers(look)
    return tuple(look.maybe(_put(look), [(server, *question) for server in servers for question in questions]))


@part(*GLOBAL, reads=RECORD_READS)
def hosts(look: Look) -> tuple[Answer | Unseen, ...]:
    """Tenants' names of the zone, each asked of one of its name servers in turn.

    Names whose records lead to the same place are answered alike: of these an even spread of 200 at most is asked, so
    that looking does not grow with the tenants; a name that leads elsewhere is always asked.
    """
    if all(isinstance(answer, Unseen) for answer in look.part(authorities)):
        raise CannotSee(Unseen(Blindness.RESOLVER, "No name server of the zone could be queried."))
    domain, traffic = f".{look.env.traffic.tenant_domain}", look.env.traffic
    own = {
        r.name: r.alias_target or r.values[:1]
        for r in look.part(route53.records)
        if r.type in _ADDRESS_TYPES and r.name.endswith(domain) and r.name not in {traffic.origin_record, f"*{domain}"}
    }
    names = _spread(own)
    servers = own_servers(look)
    questions = [(servers[number % len(servers)], name, "A") for number, name in enumerate(names)]
    return tuple(look.maybe(_put(look), questions))


@part(*GLOBAL, reads=RECORD_READS)
def delegation(look: Look) -> Answer:
    """What the parent zone says of the zone's name servers."""
    zone = look.env.traffic.zone
    if not is_aws(look):
        return dns_query.ask(own_servers(look)[0], zone, "NS", limit_s(look))
    parent = zone.partition(".")[2]
    names = dns_query.name_servers(parent, limit_s(look), look.env.traffic.resolvers)
    address = dns_query.addresses(names[0], limit_s(look), look.env.traffic.resolvers)[0]
    return dns_query.ask(Server(names[0], address), zone, "NS", limit_s(look))


@part(Side.PRIMARY, Side.DR, reads=elbv2.BALANCER_READS | RECORD_READS)
def door(look: Look) -> tuple[str, ...]:
    """The IPv4 addresses of the region's load balancer today; empty where there is none. AWS changes them at will."""
    balancer = look.part(elbv2.load_balancer)
    if balancer is None:
        return ()
    if not is_aws(look):
        return dns_query.ask(own_servers(look)[0], balancer.dns_name, "A", limit_s(look)).values
    return tuple(dns_query.addresses(balancer.dns_name, limit_s(look), look.env.traffic.resolvers))


@part(*GLOBAL, reads=RECORD_READS)
def resolved(look: Look) -> tuple[Answer | Unseen, ...]:
    """What the configured resolvers say of the traffic name and the customers' hosts; empty where there is none.

    Of a world that is not AWS's own no resolver but its own name server knows anything, so that one is asked.
    """
    traffic = look.env.traffic
    customers = sorted({host for listed in traffic.customer_hosts.values() for host in listed})
    servers = [dns_query.server_at(place) for place in traffic.resolvers] if is_aws(look) else own_servers(look)
    questions = [(server, name, "A") for server in servers for name in (traffic.origin_record, *customers)]
    return tuple(look.maybe(_put(look, recursive=True), questions))


@part(*GLOBAL, reads=RECORD_READS | TEST_READS)
def tested(look: Look) -> tuple[Answer | Unseen, ...]:
    """What Route 53 says that it answers for the traffic name and the customers' hosts (API_TestDNSAnswer).

    It is an API call, so it tells where no DNS server can be reached from here.
    """
    there = look.part(route53.zone)
    if there is None:
        return ()
    traffic = [(there.id, r) for r in look.part(route53.records) if r.name == look.env.traffic.origin_record]
    ids = {listed.name: listed.id for listed in look.part(route53.zones) if not listed.private}
    for customer in look.part(route53.customer_hosts) if look.env.traffic.customer_hosts else ():
        if isinstance(customer, CustomerHost) and customer.zone in ids:
            traffic += [(ids[customer.zone], r) for r in customer.records]
    questions = sorted({(zone, r.name, r.type) for zone, r in traffic if r.type in _ADDRESS_TYPES})

    def test(question: tuple[str, str, str]) -> Answer:
        zone, name, kind = question
        response = look.call("route53", "test_dns_answer", HostedZoneId=zone, RecordName=name, RecordType=kind)
        values = tuple(sorted(str(value).lower() for value in response["RecordData"]))
        return Answer(TESTED_BY, name, kind, response["ResponseCode"], values, (), None, authoritative=True)

    return tuple(look.maybe(test, questions))


def _spread(targets: Mapping[str, object]) -> list[str]:
    """Every name that leads where few do, and an even spread of those that lead where most do."""
    usual = Counter(targets.values()).most_common(1)
    common = sorted(name for name, target in targets.items() if usual and target == usual[0][0])
    step = max(1, -(-len(common) // _MOST_ALIKE))
    return sorted({*common[::step], *(targets.keys() - set(common))})


def _put(look: Look, recursive: bool = False) -> Callable[[tuple[Server, str, str]], Answer]:
    """A function that asks one (server, name, type)."""
    return lambda question: dns_query.ask(*question, timeout_s=limit_s(look), recursive=recursive)


def own_servers(look: Look) -> list[Server]:
    """The servers that answer for this world's zone. Raises CannotSee where it has none that can be asked."""
    zone = look.part(route53.zone, Side.GLOBAL)
    if zone is None or not zone.name_servers:
        raise CannotSee(Unseen(Blindness.ERROR, f"Zone {look.env.traffic.zone} shows no name servers to ask."))
    if not is_aws(look):
        if not zone.served_at:
            why = "The endpoint is not AWS's own, and names no DNS server for its zones."
            raise CannotSee(Unseen(Blindness.UNSUPPORTED, why))
        return [dns_query.server_at(zone.served_at)]
    found = look.maybe(lambda name: located(look, name), zone.name_servers)
    servers = [server for server in found if isinstance(server, Server)]
    if not servers:
        raise CannotSee(next(dark for dark in found if isinstance(dark, Unseen)))
    return servers


def located(look: Look, name: str) -> Server:
    """The server of that name, by the resolvers. Raises CannotSee."""
    return Server(name, dns_query.addresses(name, limit_s(look), look.env.traffic.resolvers)[0])


def is_aws(look: Look) -> bool:
    """Whether Route 53 is reached at AWS's own address, and not at an endpoint of somebody's making."""
    host = urlsplit(look.eyes.client("route53", look.env.region(Side.GLOBAL)).meta.endpoint_url).hostname or ""
    return host.endswith(_AWS)


def limit_s(look: Look) -> float:
    """How long one question may take, in seconds."""
    return float(min(look.env.observation.connect_timeout_s, max(look.eyes.seconds_left, 0.1)))
