"""Real DNS answers of the zone's servers, its parent and the configured resolvers.

Live AWS is asked at the zone's delegation set. An endpoint that is not AWS's own has a name server of its own, or none
that can be asked: then these parts are unseen, and nothing is asked of the internet about a world that is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network import dns_query
from dr_estate.network.dns_query import DnsAnswer, DnsPatience, Server
from dr_estate.readers import elbv2, route53, sts_identity
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.reading.reader import GLOBAL, ReadContext, part

RECORD_READS = route53.RECORD_READS
LED_READS = sts_identity.READS
TEST_READS = frozenset({"route53:TestDNSAnswer"})
INTERFACE_READS = frozenset({"ec2:DescribeNetworkInterfaces"})
TESTED_BY = "Route 53 (TestDNSAnswer)"
RESOLVED_BY = "the resolver of this machine"

_MOST_ALIKE = 200
_ADDRESS_TYPES = ("A", "AAAA", "CNAME")
_AWS = (".amazonaws.com", ".amazonaws.com.cn")


@part(*GLOBAL, reads=RECORD_READS, visits=True, of_entrance=True)
def authorities(context: ReadContext) -> tuple[DnsAnswer | Unavailable, ...]:
    """Each name server of the zone, asked for the zone's SOA and NS and for the traffic name."""
    name = context.env.traffic.origin_record
    if not name:
        return ()  # no record leads to this load balancer
    kinds = sorted({r.type for r in context.part(route53.records) if r.name == name and r.type in _ADDRESS_TYPES})
    zone = context.env.traffic.zone
    # A name with a CNAME is asked for its address, as visitors ask.
    questions = [(zone, "SOA"), (zone, "NS"), *((name, "A" if kind == "CNAME" else kind) for kind in kinds)]
    servers = own_servers(context)
    return tuple(context.maybe(_put(context), [(server, *question) for server in servers for question in questions]))


@part(*GLOBAL, reads=LED_READS, visits=True, of_entrance=True)
def led(context: ReadContext) -> tuple[DnsAnswer | Unavailable, ...]:
    """Where the traffic name leads a visitor now, found as a visitor finds it: no control plane is asked (T01).

    The zone's name servers are named by its delegation, each is asked; where none can be reached, the system's resolver
    answers in their place, at most a record's TTL later.
    """
    traffic = context.env.traffic
    name = traffic.origin_record
    if not name:
        return ()  # no record leads to this load balancer
    if not is_aws(context):
        servers = [_world_name_server(context)]
    else:
        found = context.maybe(
            lambda server: server_of(context, server),
            dns_query.name_servers(traffic.zone, patience(context), traffic.resolvers),
        )
        servers = [server for server in found if isinstance(server, Server)]
    answers = tuple(context.maybe(_put(context), [(server, name, "A") for server in servers]))
    if is_aws(context) and not any(isinstance(answer, DnsAnswer) for answer in answers):
        values = tuple(dns_query.addresses(name, patience(context), traffic.resolvers))
        return (*answers, DnsAnswer(RESOLVED_BY, name, "A", "NOERROR", values, (), None, authoritative=False))
    return answers


@part(*GLOBAL, reads=RECORD_READS, visits=True)
def hosts(context: ReadContext) -> tuple[DnsAnswer | Unavailable, ...]:
    """Tenants' names of the zone, each asked of one of its name servers, and where that is silent of the next.

    Names whose records lead to the same place are answered alike: of these an even spread of 200 at most is asked, so
    that looking does not grow with the tenants; a name that leads elsewhere is always asked.
    """
    if all(isinstance(answer, Unavailable) for answer in context.part(authorities)):
        raise DataUnavailable(Unavailable(UnavailableKind.RESOLVER, "No name server of the zone could be queried."))
    names = asked_hosts(context.part(route53.records), context.env)
    servers = own_servers(context)
    firsts = {name: number % len(servers) for number, name in enumerate(names)}

    def answer(name: str) -> DnsAnswer:
        first = firsts[name]
        return dns_query.ask_in_turn([*servers[first:], *servers[:first]], name, "A", patience(context))

    return tuple(context.maybe(answer, names))


def asked_hosts(records: Iterable[Record], env: Environment) -> list[str]:
    """The tenants' names that ``hosts`` asks for, in the order of its answers."""
    domain, traffic = f".{env.traffic.tenant_domain}", env.traffic
    return _spread(
        {
            r.name: r.alias_target or r.values[:1]
            for r in records
            if r.type in _ADDRESS_TYPES
            and r.name.endswith(domain)
            and r.name not in {traffic.origin_record, f"*{domain}"}
        }
    )


@part(*GLOBAL, reads=RECORD_READS, visits=True)
def delegation(context: ReadContext) -> DnsAnswer:
    """What the parent zone says of the zone's name servers."""
    zone = context.env.traffic.zone
    if not is_aws(context):
        return dns_query.ask(own_servers(context)[0], zone, "NS", patience(context))
    parent = zone.partition(".")[2]
    names = dns_query.name_servers(parent, patience(context), context.env.traffic.resolvers)
    address = dns_query.addresses(names[0], patience(context), context.env.traffic.resolvers)[0]
    return dns_query.ask(Server(names[0], address), zone, "NS", patience(context))


@part(Side.PRIMARY, Side.DR, reads=elbv2.BALANCER_READS | LED_READS | INTERFACE_READS, visits=True, of_entrance=True)
def door(context: ReadContext) -> tuple[str, ...]:
    """Return the current addresses of the region's load balancer, of IPv6 too where it is dualstack; empty without it.

    AWS changes them at will. Where no name server can be asked, the addresses of its network interfaces are returned:
    EC2 lists them without DNS (T70).
    """
    balancer = context.part(elbv2.load_balancer)
    if balancer is None:
        return ()
    name, limits, resolvers = balancer.dns_name, patience(context), context.env.traffic.resolvers
    kinds = ("A", "AAAA") if balancer.address_type.startswith("dualstack") else ("A",)
    try:
        if not is_aws(context):
            server = _world_name_server(context)
            return tuple(v for kind in kinds for v in dns_query.ask(server, name, kind, limits).values)
        return tuple(v for kind in kinds for v in dns_query.addresses(name, limits, resolvers, kind))
    except DataUnavailable as error:
        found = _interface_addresses(context, balancer) if error.unavailable.kind is UnavailableKind.RESOLVER else ()
        if not found:
            raise
        return found


def _interface_addresses(context: ReadContext, balancer: elbv2.LoadBalancer) -> tuple[str, ...]:
    """The addresses of the interfaces that ELB keeps for the load balancer; public ones where it has them."""
    filters = [{"Name": "description", "Values": [f"ELB {balancer.dimension}"]}]
    rows = context.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=filters)
    return tuple(sorted(row.get("Association", {}).get("PublicIp") or row["PrivateIpAddress"] for row in rows))


@part(*GLOBAL, reads=RECORD_READS, visits=True, of_entrance=True)
def resolved(context: ReadContext) -> tuple[DnsAnswer | Unavailable, ...]:
    """What the configured resolvers say of the traffic name and the customers' hosts; empty where there is none.

    Of a world that is not AWS's own no resolver but its own name server knows anything, so that one is asked.
    """
    traffic = context.env.traffic
    customers = sorted({host for listed in traffic.customer_hosts.values() for host in listed})
    servers = [dns_query.server_at(place) for place in traffic.resolvers] if is_aws(context) else own_servers(context)
    names = [name for name in (traffic.origin_record, *customers) if name]
    questions = [(server, name, "A") for server in servers for name in names]
    return tuple(context.maybe(_put(context, recursive=True), questions))


@part(*GLOBAL, reads=RECORD_READS | TEST_READS, visits=True, of_entrance=True)
def tested(context: ReadContext) -> tuple[DnsAnswer | Unavailable, ...]:
    """Return what Route 53 states as its answers for the traffic name and the customers' hosts (API_TestDNSAnswer).

    It is an API call, so it works where no DNS server can be reached from here.
    """
    there = context.part(route53.zone)
    if there is None:
        return ()
    traffic = [(there.id, r) for r in context.part(route53.records) if r.name == context.env.traffic.origin_record]
    ids = {listed.name: listed.id for listed in context.part(route53.zones) if not listed.private}
    for customer in context.part(route53.customer_hosts) if context.env.traffic.customer_hosts else ():
        if isinstance(customer, CustomerHost) and customer.zone in ids:
            traffic += [(ids[customer.zone], r) for r in customer.records]
    questions = sorted({(zone, r.name, r.type) for zone, r in traffic if r.type in _ADDRESS_TYPES})

    def test(question: tuple[str, str, str]) -> DnsAnswer:
        zone, name, kind = question
        response = context.call("route53", "test_dns_answer", HostedZoneId=zone, RecordName=name, RecordType=kind)
        values = tuple(sorted(str(value).lower() for value in response["RecordData"]))
        return DnsAnswer(TESTED_BY, name, kind, response["ResponseCode"], values, (), None, authoritative=True)

    return tuple(context.maybe(test, questions))


def _spread(targets: Mapping[str, object]) -> list[str]:
    """Every name that leads where few do, and an even spread of those that lead where most do."""
    usual = Counter(targets.values()).most_common(1)
    common = sorted(name for name, target in targets.items() if usual and target == usual[0][0])
    step = max(1, -(-len(common) // _MOST_ALIKE))
    return sorted({*common[::step], *(targets.keys() - set(common))})


def _put(context: ReadContext, recursive: bool = False) -> Callable[[tuple[Server, str, str]], DnsAnswer]:
    """A function that asks one (server, name, type)."""
    return lambda question: dns_query.ask(*question, patience=patience(context), recursive=recursive)


def own_servers(context: ReadContext) -> list[Server]:
    """The servers that answer for this world's zone. Raises DataUnavailable where it has none that can be asked."""
    zone = context.part(route53.zone, Side.GLOBAL)
    if zone is None or not zone.name_servers:
        raise DataUnavailable(
            Unavailable(UnavailableKind.ERROR, f"Zone {context.env.traffic.zone} shows no name servers to ask.")
        )
    if not is_aws(context):
        return [_world_name_server(context)]
    found = context.maybe(lambda name: server_of(context, name), zone.name_servers)
    servers = [server for server in found if isinstance(server, Server)]
    if not servers:
        raise DataUnavailable(next(unavailable for unavailable in found if isinstance(unavailable, Unavailable)))
    return servers


def _world_name_server(context: ReadContext) -> Server:
    """The name server of a world that is not AWS's own. Raises DataUnavailable where it has none."""
    place = sts_identity.any_region_caller(context).served_at
    if not place:
        reason = "The endpoint is not AWS's own, and names no DNS server for its zones."
        raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason))
    return dns_query.server_at(place)


def server_of(context: ReadContext, name: str) -> Server:
    """The server of that name, by the resolvers. Raises DataUnavailable."""
    return Server(name, dns_query.addresses(name, patience(context), context.env.traffic.resolvers)[0])


def is_aws(context: ReadContext) -> bool:
    """Whether Route 53 is reached at AWS's own address, and not at an endpoint of somebody's making."""
    host = urlsplit(context.client.caller("route53", context.env.region(Side.GLOBAL)).meta.endpoint_url).hostname or ""
    return host.endswith(_AWS)


def patience(context: ReadContext) -> DnsPatience:
    """How long one question may take in the time of the world, and what is known of servers that are silent."""
    limits, client = context.env.observation, context.client
    credentials = client.credentials
    limit_s = credentials.clock.patience_s(min(limits.connect_timeout_s, max(client.remaining_seconds, 0.1)))
    return DnsPatience(limit_s, credentials.silent_servers, credentials.clock.monotonic)
