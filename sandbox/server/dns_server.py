"""The world's name server: authoritative for its public zones on loopback, UDP and TCP, weights and health included.

Answers are chosen at the moment of the question, as Route 53 does. Names of load balancers and distributions have the
same two addresses here as in TestDNSAnswer; a name of no zone of the world is REFUSED. An outage of service ``dns``
makes it silent, or (``error``) lets it answer SERVFAIL.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import socketserver
import struct
import threading
from collections.abc import Iterable
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from moto.cloudfront.models import cloudfront_backends
from moto.route53.models import FakeZone, route53_backends

from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.moto_ext.route53.health import HealthChecker
from sandbox.moto_ext.route53.names import Record, ResolvedAnswer, ZoneRecords, answer, plain
from sandbox.moto_ext.route53.records import served_records
from sandbox.moto_ext.route53.route53 import addresses_behind

SERVICE, STALE = "dns", "stale"
HEADER = "X-World-Name-Server"
LOOPBACK = "127.0.0.1"
# An alias to a load balancer has the resource's own TTL, 60 seconds (Route 53 guide, TTL of alias records).
RESOURCE_TTL_S = 60
# RFC 1035: a datagram without EDNS is at most 512 octets.
PLAIN_UDP = 512
# The system gives a free UDP port; that TCP has the same one free is chance.
BIND_TRIES = 20
# Who ends with the process need not look often whether it is to end: a world has seven servers, and asked or not
# each that looks costs.
FOREVER_S = 3600.0
# A chain of CNAMEs that comes back to its begin must end.
HOPS = 8
# Then the lock is given away: a flood of questions must not keep all other calls waiting.
AT_ONCE = 30
Row = tuple[str, str, int, str]


class DnsResponder:
    """Answers questions about the world of one account, and about nothing else."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._zones: dict[str, tuple[list[Record], ZoneRecords]] = {}

    def reply(self, wire: bytes, limit: int) -> bytes | None:
        """Return the answer to a DNS message, cut off (TC) above ``limit`` bytes; None for what is no question."""
        try:
            question = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        # An answer, or no question at all: to reply to it could make two servers answer each other for ever.
        if question.flags & dns.flags.QR or len(question.question) != 1:
            return None
        reply = dns.message.make_response(question)
        manner = _manner()
        if manner not in (None, STALE):
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply.to_wire() if manner == "error" else None
        query = question.question[0]
        with WORLD_LOCK:
            self._fill(reply, plain(query.name.to_text()), dns.rdatatype.to_text(query.rdtype))
        # 1232 octets pass every network unfragmented (DNS flag day 2020).
        size = max(limit, min(question.payload, 1232)) if question.edns >= 0 else limit
        try:
            return reply.to_wire(max_size=size)
        except dns.exception.TooBig:
            short = dns.message.make_response(question)
            short.flags |= dns.flags.TC | dns.flags.AA
            return short.to_wire()

    def _fill(self, reply: dns.message.Message, name: str, kind: str) -> None:
        rows, code, zone = self._rows(name, kind, HOPS)
        reply.set_rcode(dns.rcode.from_text(code))
        # Not authoritative for it: without the flag AA, as a name server of Route 53 answers for foreign zones.
        if code == "REFUSED":
            return
        reply.flags |= dns.flags.AA
        _add(reply.answer, rows)
        # No data and NXDOMAIN bring the SOA: its minimum is how long a resolver remembers that (RFC 2308).
        if not rows and zone is not None:
            soa = answer(
                self._zone_index(zone), HealthChecker(self.account).health(), plain(zone.name), "SOA", lambda _: 0
            )
            _add(reply.authority, soa.rows)

    def _rows(self, name: str, kind: str, hops: int) -> tuple[list[Row], str, FakeZone | None]:
        """The answer's rows, its code, and the zone that gave it; a CNAME into another of our zones is followed."""
        zone, checkers = self._zone_of(name), HealthChecker(self.account)
        # The name of a load balancer itself lies in a zone of AWS: this server plays that one too.
        if zone is None:
            known = self._is_resource(name, checkers)
            return (_addresses(self.account, name, name, kind), "NOERROR", None) if known else ([], "REFUSED", None)
        dns_answer: ResolvedAnswer = answer(self._zone_index(zone), checkers.health(), name, kind, secrets.randbelow)
        rows = list(dns_answer.rows)
        if dns_answer.alias and self._is_resource(plain(dns_answer.alias["DNSName"]), checkers):
            rows += _addresses(self.account, rows[-1][3] if rows else name, dns_answer.alias["DNSName"], kind)
        if rows and rows[-1][1] == "CNAME" != kind and hops:
            rows += self._rows(plain(rows[-1][3]), kind, hops - 1)[0]
        return rows, dns_answer.code, zone

    def _zone_of(self, name: str) -> FakeZone | None:
        public = (zone for zone in route53_backends[self.account]["aws"].zones.values() if not zone.private_zone)
        holding = [zone for zone in public if f".{name}".endswith(f".{plain(zone.name)}")]
        # of two zones of one name the parent delegates to one: the fuller
        return max(holding, key=lambda zone: (len(zone.name), len(zone.rrsets)), default=None)

    def _zone_index(self, zone: FakeZone) -> ZoneRecords:
        records = served_records(zone)
        cached = self._zones.get(zone.resource_id)
        # A stale server goes on with the records that it had: only a zone it never saw is read.
        if cached is None or (cached[0] is not records and _manner() != STALE):
            cached = self._zones[zone.resource_id] = (records, ZoneRecords(records))
        return cached[1]

    def _is_resource(self, name: str, checkers: HealthChecker) -> bool:
        if checkers.load_balancer(name) is not None:
            return True
        distributions = cloudfront_backends[self.account]["aws"].distributions.values()
        return any(plain(distribution.domain_name) == name for distribution in distributions)


def _manner() -> str | None:
    """How the name server fails now, None where it does not."""
    return next((outage.how for outage in STATE.outages if outage.service == SERVICE), None)


def _addresses(account: str, owner: str, resource: str, kind: str) -> list[Row]:
    return [(plain(owner), kind, RESOURCE_TTL_S, address) for address in addresses_behind(account, resource, kind)]


def _add(section: list[dns.rrset.RRset], rows: Iterable[Row]) -> None:
    sets: dict[tuple[str, str], tuple[int, list[str]]] = {}
    for name, kind, ttl_s, value in rows:
        sets.setdefault((name, kind), (ttl_s, []))[1].append(value)
    for (name, kind), (ttl_s, values) in sets.items():
        # Route 53 takes a target without its last dot for a whole name.
        rrset = dns.rrset.from_text_list(f"{name}.", ttl_s, "IN", kind, values, origin=dns.name.root, relativize=False)
        section.append(rrset)


class _Datagrams(socketserver.BaseRequestHandler):
    server: _Udp

    def handle(self) -> None:
        data, here = self.request
        asking, left = self.client_address, AT_ONCE
        with WORLD_LOCK:
            while data is not None:
                reply = self.server.names.reply(data, PLAIN_UDP)
                if reply is not None:
                    here.sendto(reply, asking)
                left -= 1
                data, asking = _next_datagram(here, self.server.max_packet_size) if left else (None, asking)


def _next_datagram(here: socket.socket, size: int) -> tuple[bytes | None, Any]:
    """What came while the one before waited for the world, and who asked; None where nobody did."""
    try:
        return here.recvfrom(size, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None, None


class _Stream(socketserver.StreamRequestHandler):
    server: _Tcp
    timeout = 10

    def handle(self) -> None:
        with contextlib.suppress(OSError, struct.error):
            (length,) = struct.unpack("!H", self.rfile.read(2))
            reply = self.server.names.reply(self.rfile.read(length), 0xFFFF)
            if reply is not None:
                self.wfile.write(struct.pack("!H", len(reply)) + reply)


class _Udp(socketserver.UDPServer):
    """Answers one by one: an answer takes less than a thread does, and waits for the world's lock all the same."""

    names: DnsResponder


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    names: DnsResponder


def serve(account: str) -> tuple[str, int]:
    """Serve the world's names on loopback for the life of this process. Returns (address, port) of both UDP and TCP.

    Raises SandboxError where no port is free for both.
    """
    servers: list[Any] = list(_bound_servers())
    names = DnsResponder(account)
    for server in servers:
        server.names = names
        threading.Thread(target=server.serve_forever, args=(FOREVER_S,), daemon=True).start()
    return LOOPBACK, int(servers[0].server_address[1])


def _bound_servers() -> tuple[_Udp, _Tcp]:
    """A port that is free for both; the system gives one for UDP, and TCP may find it taken."""
    refused: OSError | None = None
    for _ in range(BIND_TRIES):
        udp = _Udp((LOOPBACK, 0), _Datagrams)
        try:
            return udp, _Tcp((LOOPBACK, udp.server_address[1]), _Stream)
        except OSError as taken:
            udp.server_close()
            refused = taken
    raise SandboxError(f"No port of {LOOPBACK} is free for a name server: {refused}")
