"""DNS reads for a run: whether changes are INSYNC, and the servers' answers for a canary.

Only a run knows these changes and names: it passes them to its read client (``ReadContext.followed``). Any other
observation follows nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from dr_estate.model.unavailable import Unavailable
from dr_estate.network import dns_query
from dr_estate.network.dns_query import DnsAnswer, Server
from dr_estate.readers import dns_answers as answers
from dr_estate.readers import route53
from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import ReadContext

CHANGE_READS = frozenset({"route53:GetChange"})
IN_SYNC, LOST = "INSYNC", "NoSuchChange"
_KIND = "A"


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
    replies = context.maybe(lambda server: dns_query.ask(server, name, _KIND, answers.patience(context)), targets)
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
