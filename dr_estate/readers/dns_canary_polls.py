"""DNS reads for a run: whether changes are INSYNC, and the servers' answers for a canary and for weights.

Only a run knows these changes and names: it passes them to its read client (``ReadContext.followed``). Any other
observation follows nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dr_estate.model.unavailable import Unavailable
from dr_estate.network import dns_query
from dr_estate.network.dns_query import DnsAnswer, Server
from dr_estate.readers import dns_answers, route53
from dr_estate.readers import dns_answers as answers
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.reading.reader import GLOBAL, ReadContext, part

CHANGE_READS = frozenset({"route53:GetChange"})
IN_SYNC, LOST = "INSYNC", "NoSuchChange"


@dataclass(frozen=True, slots=True)
class DnsChange:
    """A change by its id. ``status`` is PENDING, INSYNC, or NoSuchChange where Route 53 does not know it (T02)."""

    id: str
    status: str


@dataclass(frozen=True, slots=True)
class Poll:
    """What the zone's own servers answered for a name's address: the count of each code with its values.

    ``ttls_s`` are the TTLs received, in seconds. ``silent`` counts questions without an answer. ``asked`` are the
    servers.
    """

    name: str
    counts: tuple[tuple[str, tuple[str, ...], int], ...]
    ttls_s: tuple[int, ...]
    silent: int
    asked: tuple[str, ...]

    @property
    def answers(self) -> int:
        """How many questions were answered."""
        return sum(number for _, _, number in self.counts)


@part(*GLOBAL, reads=CHANGE_READS, visits=True)
def changes(context: ReadContext) -> tuple[DnsChange | Unavailable, ...]:
    """How far each followed change is: INSYNC once all of Route 53's servers have it (API_GetChange, T02)."""

    def read(change: str) -> DnsChange:
        response = context.find("route53", "get_change", (LOST,), Id=change)
        return DnsChange(change, response["ChangeInfo"]["Status"] if response else LOST)

    return tuple(context.maybe(read, context.followed.changes))


@part(*GLOBAL, reads=CHANGE_READS | route53.RECORD_READS, visits=True)
def polls(context: ReadContext) -> tuple[Poll, ...]:
    """Every followed name, asked of the zone's servers in turn: failback.dns_samples times where it has a record.

    A name without a record is asked once of each server. Asked after the changes were looked at: what is INSYNC was
    so before the first question.
    """
    names = context.followed.names
    if not names:
        return ()
    # For its moment alone: the questions come after it.
    context.part(changes)
    there = {record.name for record in context.part(route53.records)}
    servers = answers.own_servers(context)
    most = context.env.failback.dns_samples
    return tuple(_poll(context, servers, name, most if name in there else len(servers)) for name in names)


def _poll(context: ReadContext, servers: list[Server], name: str, times: int) -> Poll:
    targets = [servers[number % len(servers)] for number in range(times)]
    replies = context.maybe(lambda server: dns_query.ask(server, name, "A", answers.patience(context)), targets)
    heard = [answer for answer in replies if isinstance(answer, DnsAnswer)]
    counts = Counter((_code(answer), answer.values or answer.chain) for answer in heard)
    return Poll(
        name,
        tuple((code, values, number) for (code, values), number in sorted(counts.items())),
        tuple(sorted({answer.ttl_s for answer in heard if answer.ttl_s is not None})),
        len(replies) - len(heard),
        tuple(sorted({answer.asked for answer in heard})),
    )


def _code(answer: DnsAnswer) -> str:
    # something between here and the zone's server answered in its place
    return answer.code if answer.authoritative else f"{answer.code} (not authoritative)"


# Distribution of a name's answers between weighted records, sampled at the zone's servers.
#
# Asked only while a pair is split between its two records: otherwise no question is put.

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
