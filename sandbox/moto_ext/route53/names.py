"""How Route 53 chooses an answer: pure, over the records as ListResourceRecordSets gives them.

Sources: Developer Guide, "How Route 53 chooses records when health checking is configured" and "Values specific for
weighted records" (T03, T05, T07, T08). Reused by TestDNSAnswer, by the sandbox's metrics and by its DNS server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.core import truth

Record = dict[str, Any]
# Given a total, a number from 0 up to below it: random in a name server, fixed in a test.
Pick = Callable[[int], int]

# Up to eight healthy records (Route 53 guide, multivalue answer routing).
MULTIVALUE_ANSWERS = 8
_DEPTH = 8


@dataclass(frozen=True)
class Health:
    """What is healthy: ``check`` by health check id, ``target`` by the AliasTarget of an AWS resource."""

    check: Callable[[str], bool]
    target: Callable[[Record], bool]


@dataclass(frozen=True)
class ResolvedAnswer:
    """``code`` is NOERROR or NXDOMAIN. ``rows`` are (name, type, TTL in s, value); ``alias`` the AWS resource met last.

    ``chosen`` are the record sets that led there, in order.
    """

    code: str
    rows: tuple[tuple[str, str, int, str], ...] = ()
    alias: Record | None = None
    chosen: tuple[Record, ...] = ()


@dataclass
class ZoneRecords:
    """Records by name and type, for many questions to one zone."""

    records: Sequence[Record]
    _sets: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Index the records, and the empty names above them."""
        for record in self.records:
            name = plain(record["Name"])
            self._sets.setdefault((name, record["Type"]), []).append(record)
            # A name above an existing one exists too, without records: NOERROR, not NXDOMAIN (RFC 8020).
            while name and name not in self._names:
                self._names.add(name)
                name = name.partition(".")[2]

    def exists(self, name: str) -> bool:
        """Whether the name, or one below it, has a record."""
        return name in self._names

    def sets(self, name: str, kind: str) -> list[Record]:
        """The record sets of a name and type."""
        return self._sets.get((name, kind), [])

    def is_delegated(self, name: str) -> bool:
        """Whether an NS record below the zone's own name leads questions about the name to other servers."""
        apex = next((plain(record["Name"]) for record in self.records if record["Type"] == "SOA"), None)
        while apex is not None and name.endswith(f".{apex}"):
            # Below a delegation this zone answers for nothing.
            if self.sets(name, "NS"):
                return True
            name = name.partition(".")[2]
        return False

    def owner(self, name: str) -> str | None:
        """The name that answers for ``name``: itself or the closest wildcard; None where there is none (RFC 4592)."""
        if self.exists(name):
            return name
        rest = name
        while "." in rest:
            rest = rest.partition(".")[2]
            if self.exists(f"*.{rest}"):
                return f"*.{rest}"
            # An existing name stops the search: wildcards above it do not cover it (RFC 4592).
            if self.exists(rest):
                return None
        return None


def plain(name: str) -> str:
    r"""A name in lower case, without its last dot, ``\052`` as ``*``."""
    return name.rstrip(".").lower().replace("\\052", "*")


def answer(records: ZoneRecords | Iterable[Record], health: Health, name: str, kind: str, pick: Pick) -> ResolvedAnswer:
    """What the zone's name servers answer to one question.

    An alias to another AWS resource ends in ``alias``: its addresses are for the caller to know. CNAMEs and aliases
    inside the zone are followed.
    """
    zone = records if isinstance(records, ZoneRecords) else ZoneRecords(list(records))
    return _ask(zone, health, plain(name), kind, pick, _DEPTH)


def _ask(zone: ZoneRecords, health: Health, name: str, kind: str, pick: Pick, depth: int) -> ResolvedAnswer:
    if zone.is_delegated(name):
        return ResolvedAnswer("NOERROR")
    owner = zone.owner(name)
    if owner is None:
        return ResolvedAnswer("NXDOMAIN")
    if sets := zone.sets(owner, kind):
        chosen = _drawn_records(sets, zone, health, pick)
        return _joint_answer([_answer_of(zone, health, name, kind, record, pick, depth) for record in chosen])
    aliases = zone.sets(owner, "CNAME") if kind != "CNAME" else []
    if not aliases:
        return ResolvedAnswer("NOERROR")
    record = _drawn_records(aliases, zone, health, pick)[0]
    dns_answer = _answer_of(zone, health, name, "CNAME", record, pick, depth)
    if not dns_answer.rows or not depth:
        return dns_answer
    target = plain(dns_answer.rows[-1][3])
    if zone.owner(target) is None:
        return dns_answer
    return _joint_answer([dns_answer, _ask(zone, health, target, kind, pick, depth - 1)])


def _answer_of(
    zone: ZoneRecords, health: Health, name: str, kind: str, record: Record, pick: Pick, depth: int
) -> ResolvedAnswer:
    alias = record.get("AliasTarget")
    if alias is None:
        ttl = int(record.get("TTL") or 0)
        rows = tuple((name, kind, ttl, value["Value"]) for value in record.get("ResourceRecords", ()))
        return ResolvedAnswer("NOERROR", rows, None, (record,))
    target = plain(alias["DNSName"])
    # An alias to a resource of AWS: its name is in no zone of ours.
    if not depth or not zone.exists(target):
        return ResolvedAnswer("NOERROR", (), alias, (record,))
    inner = _ask(zone, health, target, kind, pick, depth - 1)
    rows = tuple((name, kind, ttl, value) for _, _, ttl, value in inner.rows)
    return ResolvedAnswer(inner.code, rows, inner.alias, (record, *inner.chosen))


def _joint_answer(answers: Sequence[ResolvedAnswer]) -> ResolvedAnswer:
    rows = tuple(row for dns_answer in answers for row in dns_answer.rows)
    alias = next((dns_answer.alias for dns_answer in reversed(answers) if dns_answer.alias), None)
    return ResolvedAnswer(
        "NOERROR", rows, alias, tuple(record for dns_answer in answers for record in dns_answer.chosen)
    )


def _drawn_records(sets: Sequence[Record], zone: ZoneRecords, health: Health, pick: Pick) -> list[Record]:
    if any(record.get("MultiValueAnswer") for record in sets):
        # None healthy: all are answered (Route 53 guide).
        good = [record for record in sets if is_healthy(record, zone, health)] or list(sets)
        return good[:MULTIVALUE_ANSWERS]
    weights = weights_of(sets, zone, health)
    drawn = pick(sum(weight for _, weight in weights))
    for record, weight in weights:
        drawn -= weight
        if drawn < 0:
            return [record]
    return [weights[-1][0]]


def weights_of(sets: Sequence[Record], zone: ZoneRecords, health: Health) -> list[tuple[Record, int]]:
    """The record sets of one name and type that may be answered, with the parts each of them gets."""
    good = [record for record in sets if is_healthy(record, zone, health)]
    if any("Weight" in record for record in sets):
        # Weight 0 answers when nothing with a weight is healthy; all unhealthy counts as all healthy (T05)
        for candidates in (good, sets):
            heavy = [(record, int(record["Weight"])) for record in candidates if int(record.get("Weight") or 0)]
            if heavy:
                return heavy
            if candidates:
                answering = candidates if truth.answer("route53.all-weights-zero-answers-all") else candidates[:1]
                return [(record, 1) for record in answering]
        return []
    if any("Failover" in record for record in sets):
        primary = [record for record in sets if record.get("Failover") == "PRIMARY"]
        # neither healthy: the primary is answered
        ranked = [r for r in good if r in primary] or good or primary or list(sets)
        return [(ranked[0], 1)]
    # latency and geographic choices need a resolver's place: the first healthy one stands for them
    return [((good or list(sets))[0], 1)]


def is_healthy(record: Record, zone: ZoneRecords, health: Health, depth: int = _DEPTH) -> bool:
    """Whether Route 53 counts a record set as healthy: its check and, where asked for, its alias target."""
    check = record.get("HealthCheckId")
    # Check and target must both be healthy where a record has both.
    if check and not health.check(check):
        return False
    alias = record.get("AliasTarget")
    if not alias or not alias.get("EvaluateTargetHealth"):
        return True
    target = plain(alias["DNSName"])
    inside = zone.sets(target, record["Type"])
    if not inside:
        return health.target(alias)
    # An alias to records of its own zone is healthy as long as one of them is.
    return depth > 0 and any(is_healthy(rrset, zone, health, depth - 1) for rrset in inside)


def shares(zone: ZoneRecords, health: Health, name: str, kind: str) -> Iterator[tuple[Record, float]]:
    """What part of the questions for a name each of its record sets answers."""
    owner = zone.owner(plain(name))
    weights = weights_of(zone.sets(owner, kind), zone, health) if owner and zone.sets(owner, kind) else []
    total = sum(weight for _, weight in weights)
    for record, weight in weights:
        yield record, weight / total
