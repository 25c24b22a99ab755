"""Distribution of a name's answers between weighted records, sampled at the zone's servers.

Asked only while a pair is split between its two records: otherwise no question is put.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dr_estate.model.unavailable import Unavailable
from dr_estate.network import dns_query
from dr_estate.network.dns_query import DnsAnswer, Server
from dr_estate.readers import dns_answers, route53
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import ReadContext

_PAIR, _ADDRESS_TYPES = 2, ("A", "AAAA", "CNAME")


@dataclass(frozen=True, slots=True)
class AnswerTally:
    """How often each answer was given for a name and type: its values, then its chain of CNAMEs.

    ``silent`` questions had no answer.
    """

    name: str
    type: str
    counts: tuple[tuple[tuple[str, ...], int], ...]
    silent: int


@part(*GLOBAL, reads=route53.RECORD_READS, visits=True, of_entrance=True)
def tallies(context: ReadContext) -> tuple[AnswerTally, ...]:
    """failback.dns_samples questions for each split pair, over its zone's servers in turn.

    The pairs are the traffic name's and those of customers' hosts that this account's zones hold.
    """
    zone = context.env.traffic.zone
    traffic = (r for r in context.part(route53.records) if r.name == context.env.traffic.origin_record)
    names = [(zone, name, kind) for name, kind in _split(traffic)]
    customers = context.part(route53.customer_hosts) if context.env.traffic.customer_hosts else ()
    for customer in customers:
        if isinstance(customer, CustomerHost) and customer.zone:
            names += [(customer.zone, name, kind) for name, kind in _split(customer.records)]
    return tuple(_tally(context, _servers(context, where), name, kind) for where, name, kind in names)


def _split(records: Iterable[Record]) -> list[tuple[str, str]]:
    """The names and types of which two weighted records or more get a part of the answers."""
    weighing = Counter((r.name, r.type) for r in records if r.type in _ADDRESS_TYPES and r.weight)
    return sorted(key for key, number in weighing.items() if number >= _PAIR)


def _servers(context: ReadContext, zone: str) -> list[Server]:
    if zone == context.env.traffic.zone or not dns_answers.is_aws(context):
        return dns_answers.own_servers(context)
    names = dns_query.name_servers(zone, dns_answers.patience(context), context.env.traffic.resolvers)
    return [dns_answers.server_of(context, name) for name in names]


def _tally(context: ReadContext, servers: list[Server], name: str, kind: str) -> AnswerTally:
    wanted = "A" if kind == "CNAME" else kind
    targets = [servers[number % len(servers)] for number in range(context.env.failback.dns_samples)]
    answers = context.maybe(lambda server: dns_query.ask(server, name, wanted, dns_answers.patience(context)), targets)
    counts = Counter((*answer.values, *answer.chain) for answer in answers if isinstance(answer, DnsAnswer))
    return AnswerTally(
        name, kind, tuple(sorted(counts.items())), sum(isinstance(answer, Unavailable) for answer in answers)
    )
