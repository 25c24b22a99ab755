"""Distribution of a name's answers between weighted records, sampled at the zone's servers.

Asked only while a pair is split between its two records: otherwise no question is put.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dr_estate.model.unseen import Unseen
from dr_estate.network import dns_query
from dr_estate.network.dns_query import Answer, Server
from dr_estate.readers import dns_answers, route53
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import Look

_PAIR, _ADDRESS_TYPES = 2, ("A", "AAAA", "CNAME")


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each answer was given for a name and type: its values, then its chain of CNAMEs.

    ``silent`` questions had no answer.
    """

    name: str
    type: str
    counts: tuple[tuple[tuple[str, ...], int], ...]
    silent: int


@part(*GLOBAL, reads=route53.RECORD_READS)
def tallies(look: Look) -> tuple[Tally, ...]:
    """failback.dns_samples questions for each split pair, over its zone's servers in turn.

    The pairs are the traffic name's and those of customers' hosts that this account's zones hold.
    """
    zone = look.env.traffic.zone
    names = [(zone, name, kind) for name, kind in _split(_traffic(look))]
    customers = look.part(route53.customer_hosts) if look.env.traffic.customer_hosts else ()
    for customer in customers:
        if isinstance(customer, CustomerHost) and customer.zone:
            names += [(customer.zone, name, kind) for name, kind in _split(customer.records)]
    return tuple(_tally(look, _servers(look, where), name, kind) for where, name, kind in names)


def _traffic(look: Look) -> Iterator[Record]:
    return (r for r in look.part(route53.records) if r.name == look.env.traffic.origin_record)


def _split(records: Iterable[Record]) -> list[tuple[str, str]]:
    """The names and types of which two weighted records or more get a part of the answers."""
    weighing = Counter((r.name, r.type) for r in records if r.type in _ADDRESS_TYPES and r.weight)
    return sorted(key for key, number in weighing.items() if number >= _PAIR)


def _servers(look: Look, zone: str) -> list[Server]:
    if zone == look.env.traffic.zone or not dns_answers.is_aws(look):
        return dns_answers.own_servers(look)
    names = dns_query.name_servers(zone, dns_answers.limit_s(look), look.env.traffic.resolvers)
    return [dns_answers.located(look, name) for name in names]


def _tally(look: Look, servers: list[Server], name: str, kind: str) -> Tally:
    limit_s, wanted = dns_answers.limit_s(look), "A" if kind == "CNAME" else kind
    targets = [servers[number % len(servers)] for number in range(look.env.failback.dns_samples)]
    answers = look.maybe(lambda server: dns_query.ask(server, name, wanted, limit_s), targets)
    counts = Counter((*answer.values, *answer.chain) for answer in answers if isinstance(answer, Answer))
    return Tally(name, kind, tuple(sorted(counts.items())), sum(isinstance(answer, Unseen) for answer in answers))
