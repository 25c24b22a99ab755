"""How the zone's own servers share out a name between weighted records: many questions, counted by answer.

Asked only while a pair is split between its two records: otherwise no question is put.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dr_estate import asking
from dr_estate.asking import Answer, Server
from dr_estate.facts import GLOBAL, answers, part, route53
from dr_estate.looking import Look
from dr_estate.unseen import Unseen

_PAIR, _ADDRESS_TYPES = 2, ("A", "AAAA", "CNAME")


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each answer (its values, sorted) was given for a name and type; ``silent`` questions had none."""

    name: str
    type: str
    counts: tuple[tuple[tuple[str, ...], int], ...]
    silent: int


@part(*GLOBAL, reads=route53.RECORD_READS)
def tallies(look: Look) -> tuple[Tally, ...]:
    """failback.dns_samples questions for the traffic name, over the zone's servers in turn, while its pair is split."""
    name = look.env.traffic.origin_record
    kinds = sorted(_split(r for r in look.part(route53.records) if r.name == name))
    if not kinds:
        return ()
    servers = answers.own_servers(look)
    return tuple(_tally(look, servers, name, "A" if kind == "CNAME" else kind) for kind in kinds)


def _split(records: Iterator[route53.Record]) -> set[str]:
    """The types of which two weighted records or more get a part of the answers."""
    weighing = Counter(r.type for r in records if r.type in _ADDRESS_TYPES and r.weight)
    return {kind for kind, number in weighing.items() if number >= _PAIR}


def _tally(look: Look, servers: list[Server], name: str, kind: str) -> Tally:
    limit_s = answers.limit_s(look)
    asked = [servers[number % len(servers)] for number in range(look.env.failback.dns_samples)]
    told = look.maybe(lambda server: asking.ask(server, name, kind, limit_s), asked)
    counts = Counter(answer.values for answer in told if isinstance(answer, Answer))
    return Tally(name, kind, tuple(sorted(counts.items())), sum(isinstance(answer, Unseen) for answer in told))
