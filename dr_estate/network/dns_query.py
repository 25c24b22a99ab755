"""The only access to DNS: one query to one server within a time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from dr_estate.model.silent_servers import SilentServers
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind

DNS_PORT = 53
_NOT_FOUND = "The system's resolver did not find"
_STILL_SILENT = "it was silent just now, and is asked again within some minutes"


@dataclass(frozen=True, slots=True)
class Server:
    """A DNS server: what people call it, and where it listens."""

    label: str
    address: str
    port: int = DNS_PORT


@dataclass(frozen=True, slots=True)
class DnsPatience:
    """How long one try may take (seconds of this machine), and who need not be waited for again.

    ``now_s`` is the world's monotonic clock.
    """

    limit_s: float
    silent: SilentServers
    now_s: Callable[[], float]


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What ``asked`` said of ``name``: ``values`` of the type, the ``chain`` of CNAMEs to them, and the lowest TTL."""

    asked: str
    name: str
    type: str
    code: str
    values: tuple[str, ...]
    chain: tuple[str, ...]
    ttl_s: int | None
    authoritative: bool


def ask(server: Server, name: str, kind: str, patience: DnsPatience, recursive: bool = False) -> DnsAnswer:
    """Ask ``server`` for ``name`` (type ``kind``) over UDP, then TCP where cut off.

    Raises DataUnavailable after two tries, at once where it was silent just now. A referral's NS records count as
    values: a parent answers for its child that way.
    """
    question = dns.message.make_query(name, kind)
    if not recursive:
        # The server's own word is wanted, and not what it finds out from others.
        question.flags &= ~dns.flags.RD
    # a resolver may be silent of one name because that name's own servers are
    key = (server.address, server.port, (name, kind) if recursive else ())
    asked_s = patience.now_s()
    failure: Exception = TimeoutError(_STILL_SILENT)
    for part in patience.silent.tries(key, asked_s):
        try:
            reply, _ = dns.query.udp_with_fallback(question, server.address, part * patience.limit_s, server.port)
        except (dns.exception.DNSException, OSError) as silent:
            failure = silent
            continue
        patience.silent.note_answer(key, patience.now_s())
        wanted = dns.rdatatype.from_text(kind)
        found = [rrset for rrset in reply.answer if rrset.rdtype == wanted]
        if not found and wanted == dns.rdatatype.NS:
            found = [rrset for rrset in reply.authority if rrset.rdtype == wanted]
        chain = [row.target.to_text() for r in reply.answer if r.rdtype == dns.rdatatype.CNAME for row in r]
        return DnsAnswer(
            asked=server.label,
            name=name,
            type=kind,
            code=dns.rcode.to_text(reply.rcode()),
            values=tuple(sorted(row.to_text().lower() for rrset in found for row in rrset)),
            chain=tuple(target.rstrip(".").lower() for target in chain),
            ttl_s=min((rrset.ttl for rrset in (*reply.answer, *found)), default=None),
            authoritative=bool(reply.flags & dns.flags.AA),
        )
    if isinstance(failure, dns.exception.Timeout):  # what refuses costs no time
        patience.silent.silent(key, asked_s, patience.now_s())
    reason = f"DNS server {server.label} did not answer for {name} {kind}: {failure}."
    raise DataUnavailable(Unavailable(UnavailableKind.RESOLVER, reason))


def ask_in_turn(servers: Sequence[Server], name: str, kind: str, patience: DnsPatience) -> DnsAnswer:
    """Ask ``servers`` one after another until one answers, as a resolver does. Raises what the first one raised."""
    try:
        return ask(servers[0], name, kind, patience)
    except DataUnavailable:
        for server in servers[1:]:
            with suppress(DataUnavailable):
                return ask(server, name, kind, patience)
        raise


def addresses(name: str, patience: DnsPatience, resolvers: Iterable[str] = (), kind: str = "A") -> list[str]:
    """The IPv4 addresses of ``name`` by ``resolvers``, or by the system's. Raises DataUnavailable."""
    return _lookup(name, kind, patience, resolvers)


def name_servers(zone: str, patience: DnsPatience, resolvers: Iterable[str] = ()) -> list[str]:
    """The names of a zone's servers by ``resolvers``, or by the system's. Raises DataUnavailable."""
    return [value.rstrip(".").lower() for value in _lookup(zone, "NS", patience, resolvers)]


def server_at(place: str) -> Server:
    """A server written as ``address`` or ``address:port`` (an IPv6 address in brackets where a port follows)."""
    host, colon, port = place.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return Server(place, host.strip("[]"), int(port))
    return Server(place, place.strip("[]"))


def _lookup(name: str, kind: str, patience: DnsPatience, resolvers: Iterable[str]) -> list[str]:
    places = [server_at(place) for place in resolvers]
    if not places:
        return _by_the_system(name, kind, patience)
    found = _replies(places, name, kind, patience)
    known = next((answer.values for answer in found if isinstance(answer, DnsAnswer) and answer.values), ())
    if known:
        return list(known)
    silent = next((answer for answer in found if isinstance(answer, Unavailable)), None)
    if silent is not None:  # it may know what the others do not
        raise DataUnavailable(silent)
    raise DataUnavailable(Unavailable(UnavailableKind.ERROR, f"No configured resolver knows {name} {kind}."))


def _replies(servers: Sequence[Server], name: str, kind: str, patience: DnsPatience) -> list[DnsAnswer | Unavailable]:
    """What each resolver says; asked at once, so that those that are silent cost one time-out."""

    def careful(server: Server) -> DnsAnswer | Unavailable:
        try:
            return ask(server, name, kind, patience, recursive=True)
        except DataUnavailable as error:
            return error.unavailable

    if len(servers) == 1:
        return [careful(servers[0])]
    with ThreadPoolExecutor(len(servers), thread_name_prefix="resolver") as pool:
        return list(pool.map(careful, servers))


def _by_the_system(name: str, kind: str, patience: DnsPatience) -> list[str]:
    key, asked_s = (name, kind), patience.now_s()
    tries = patience.silent.tries(key, asked_s)
    if not tries:
        raise DataUnavailable(Unavailable(UnavailableKind.RESOLVER, f"{_NOT_FOUND} {name} {kind}: {_STILL_SILENT}."))
    limit_s = tries[0] * patience.limit_s
    try:
        # The name as it is: the machine's search domains would make another one of it.
        rows = dns.resolver.resolve(name, kind, lifetime=limit_s, search=False)
    except (dns.exception.DNSException, OSError) as silent:
        if isinstance(silent, dns.exception.Timeout):
            patience.silent.silent(key, asked_s, patience.now_s())
        else:
            patience.silent.note_answer(key, patience.now_s())
        answered = isinstance(silent, (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer))
        kind_of = UnavailableKind.ERROR if answered else UnavailableKind.RESOLVER
        raise DataUnavailable(Unavailable(kind_of, f"{_NOT_FOUND} {name} {kind}: {silent}")) from silent
    patience.silent.note_answer(key, patience.now_s())
    return sorted(row.to_text() for row in rows)
