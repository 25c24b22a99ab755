"""The only access to DNS: one query to one server within a time limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind

DNS_PORT = 53
_TRIES = 2


@dataclass(frozen=True, slots=True)
class Server:
    """A DNS server: what people call it, and where it listens."""

    label: str
    address: str
    port: int = DNS_PORT


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


def ask(server: Server, name: str, kind: str, timeout_s: float, recursive: bool = False) -> DnsAnswer:
    """Ask ``server`` for ``name`` (type ``kind``) over UDP, then TCP where cut off.

    Raises DataUnavailable after two tries of ``timeout_s`` each: a packet gets lost, a busy server takes its time. A
    referral's NS records count as values: a parent answers for its child that way.
    """
    question = dns.message.make_query(name, kind)
    if not recursive:
        question.flags &= ~dns.flags.RD
    failure: Exception | None = None
    for _ in range(_TRIES):
        try:
            reply, _ = dns.query.udp_with_fallback(question, server.address, timeout_s, server.port)
        except (dns.exception.DNSException, OSError) as silent:
            failure = silent
            continue
        return _answer(server, name, kind, reply)
    reason = f"DNS server {server.label} did not answer for {name} {kind}: {failure or 'no answer'}."
    raise DataUnavailable(Unavailable(UnavailableKind.RESOLVER, reason))


def addresses(name: str, timeout_s: float, resolvers: Iterable[str] = ()) -> list[str]:
    """The IPv4 addresses of ``name`` by ``resolvers``, or by the system's. Raises DataUnavailable."""
    return _lookup(name, "A", timeout_s, resolvers)


def name_servers(zone: str, timeout_s: float, resolvers: Iterable[str] = ()) -> list[str]:
    """The names of a zone's servers by ``resolvers``, or by the system's. Raises DataUnavailable."""
    return [value.rstrip(".").lower() for value in _lookup(zone, "NS", timeout_s, resolvers)]


def server_at(place: str) -> Server:
    """A server written as ``address`` or ``address:port`` (an IPv6 address in brackets where a port follows)."""
    host, colon, port = place.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return Server(place, host.strip("[]"), int(port))
    return Server(place, place.strip("[]"))


def _lookup(name: str, kind: str, timeout_s: float, resolvers: Iterable[str]) -> list[str]:
    places = [server_at(place) for place in resolvers]
    for place in places:
        answer = ask(place, name, kind, timeout_s, recursive=True)
        if answer.values:
            return list(answer.values)
    if places:
        raise DataUnavailable(Unavailable(UnavailableKind.ERROR, f"No configured resolver knows {name} {kind}."))
    try:
        return sorted(row.to_text() for row in dns.resolver.resolve(name, kind, lifetime=timeout_s, search=False))
    except (dns.exception.DNSException, OSError) as silent:
        answered = isinstance(silent, (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer))
        reason = f"The system's resolver did not find {name} {kind}: {silent}"
        raise DataUnavailable(
            Unavailable(UnavailableKind.ERROR if answered else UnavailableKind.RESOLVER, reason)
        ) from silent


def _answer(server: Server, name: str, kind: str, reply: dns.message.Message) -> DnsAnswer:
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
