"""Examples of the checks on real DNS answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import dns_answers
from dr_estate.reading.reader import Reader
from tests.dr_checks.edges import (
    DISTRIBUTION,
    DOMAIN,
    DR_BALANCER,
    HOSTS,
    ORIGIN,
    PRIMARY,
    SECONDARY,
    SERVERS,
    ZONE,
    balancer,
    record,
    status,
    traffic,
)
from tests.dr_checks.worlds import DENIED, Example, world

HERE, THERE = ("192.0.2.11", "192.0.2.12"), ("198.51.100.21", "198.51.100.22")
SOA = DnsAnswer(SERVERS[0], ZONE, "SOA", "NOERROR", ("soa",), (), 900, True)
NS = DnsAnswer(SERVERS[0], ZONE, "NS", "NOERROR", tuple(f"{server}." for server in SERVERS), (), 172800, True)
AT_HOME = DnsAnswer(SERVERS[0], ORIGIN, "A", "NOERROR", HERE[:1], (), 60, True)
AWAY = replace(AT_HOME, values=THERE[:1])
ELSEWHERE = replace(AT_HOME, values=("203.0.113.9",))
NO_SIX = replace(AT_HOME, type="AAAA", values=())
GONE = replace(AT_HOME, code="NXDOMAIN", values=())
TENANTS = tuple(DnsAnswer(SERVERS[0], host.name, "A", "NOERROR", ("203.0.113.1",), (), 60, True) for host in HOSTS)
RESOLVED = replace(AT_HOME, asked="resolver", authoritative=False)
SHOP = replace(RESOLVED, name="www.shop.example", chain=(ORIGIN,))
PINNED: dict[str, Any] = {"statuses": (status("hc-1", 0.0), status("hc-2", 1.0))}


def given(check: str, expected: Status, subject: str = "", **changed: Any) -> Example:
    """An example with these answers; whatever is not given is as the records say."""
    there: dict[tuple[Reader[Any], Side], Any] = {
        (dns_answers.authorities, Side.GLOBAL): changed.pop("authorities", (SOA, NS, AT_HOME)),
        (dns_answers.delegation, Side.GLOBAL): changed.pop("delegation", NS),
        (dns_answers.hosts, Side.GLOBAL): changed.pop("hosts", TENANTS),
        (dns_answers.resolved, Side.GLOBAL): changed.pop("resolved", ()),
        (dns_answers.door, Side.PRIMARY): changed.pop("primary_door", HERE),
        (dns_answers.door, Side.DR): changed.pop("dr_door", THERE),
    }
    named = frozenset({subject} if subject else ())
    return Example(f"answers.{check}", expected, world({**traffic(**changed), **there}), named)


EXAMPLES = [
    given("servers-answer", Status.PASS),
    given("servers-answer", Status.FAIL, SERVERS[0], authorities=(replace(SOA, code="REFUSED", values=()), NS)),
    given("servers-answer", Status.FAIL, SERVERS[0], authorities=(replace(SOA, authoritative=False), NS)),
    given("servers-answer", Status.UNKNOWN, authorities=(SOA, DENIED)),
    given("servers-answer", Status.UNKNOWN, authorities=DENIED),
    given("delegated", Status.PASS),
    given("delegated", Status.NOT_APPLICABLE, zone=None),
    given("delegated", Status.FAIL, ZONE, delegation=replace(NS, values=("ns1.elsewhere.example.",))),
    given("delegated", Status.FAIL, ZONE, delegation=replace(NS, code="NXDOMAIN", values=())),
    given("delegated", Status.UNKNOWN, delegation=DENIED),
    given("as-recorded", Status.PASS),
    given("as-recorded", Status.PASS, authorities=(SOA, AWAY), **PINNED),
    given("as-recorded", Status.PASS, authorities=(SOA, AT_HOME, NO_SIX)),
    given("as-recorded", Status.PASS, authorities=(replace(SOA, name=ORIGIN), replace(NS, name=ORIGIN), AT_HOME)),
    given(
        "as-recorded",
        Status.FAIL,
        authorities=(SOA, AT_HOME, NO_SIX),
        dr_balancer=replace(balancer(DR_BALANCER), address_type="dualstack"),
    ),
    given("as-recorded", Status.FAIL, authorities=(SOA, AT_HOME, NO_SIX), dr_balancer=DENIED),
    given("as-recorded", Status.FAIL, authorities=(SOA, AT_HOME, replace(NO_SIX, code="NXDOMAIN"))),
    given("as-recorded", Status.NOT_APPLICABLE, authorities=(SOA,), records=()),
    given("as-recorded", Status.FAIL, f"{ORIGIN} at {SERVERS[0]}", authorities=(SOA, AWAY)),
    given("as-recorded", Status.FAIL, authorities=(SOA, GONE)),
    given("as-recorded", Status.FAIL, authorities=(SOA, AT_HOME), **PINNED),
    given("as-recorded", Status.UNKNOWN, authorities=(SOA, ELSEWHERE)),
    given("as-recorded", Status.UNKNOWN, authorities=(SOA, AT_HOME, DENIED)),
    given("as-recorded", Status.UNKNOWN, dr_door=DENIED),
    given("hosts-answer", Status.PASS),
    given("hosts-answer", Status.NOT_APPLICABLE, records=(PRIMARY, SECONDARY), hosts=()),
    given("hosts-answer", Status.PASS, "the others", hosts=TENANTS[:1]),
    given("hosts-answer", Status.FAIL, HOSTS[1].name, hosts=(TENANTS[0], replace(TENANTS[1], values=()))),
    given("hosts-answer", Status.UNKNOWN, hosts=(TENANTS[0], DENIED)),
    given("hosts-answer", Status.UNKNOWN, hosts=(DENIED,)),
    given("hosts-answer", Status.UNKNOWN, hosts=DENIED),
    given("resolvers-agree", Status.NOT_APPLICABLE),
    given("resolvers-agree", Status.PASS, resolved=(RESOLVED, SHOP)),
    given("resolvers-agree", Status.PASS, resolved=(replace(ELSEWHERE, chain=(DOMAIN,)),)),
    given("resolvers-agree", Status.FAIL, resolved=(replace(AWAY, asked="resolver"),)),
    given("resolvers-agree", Status.FAIL, resolved=(GONE,)),
    given("resolvers-agree", Status.FAIL, resolved=(replace(SHOP, chain=(), values=("203.0.113.9",)),)),
    given("resolvers-agree", Status.UNKNOWN, resolved=(DENIED,)),
    given("resolvers-agree", Status.UNKNOWN, resolved=DENIED),
    given(
        "resolvers-agree",
        Status.PASS,
        resolved=(RESOLVED,),
        distributions=(DISTRIBUTION, replace(DISTRIBUTION, id="E2")),
    ),
    given("as-recorded", Status.UNKNOWN, records=(record(ORIGIN, set_identifier="x", other_policy="Region"),)),
]
