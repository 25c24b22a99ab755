"""Pairs of records for the two regions, and their targets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr_checks.derived.routing import ADDRESS_TYPES, cannot_lead, target_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.references import balancer_region
from dr_estate.readers.route53 import Record

POLICIES = ("failover", "weighted")
_LEADS = ("ttl_s", "values", "health_check_id", "alias_target", "alias_zone_id", "evaluate_target_health", "dualstack")


@dataclass(frozen=True, slots=True)
class RecordPair:
    """The two records of one name and type, by the side each leads to today."""

    primary: Record
    dr: Record

    @property
    def label(self) -> str:
        """Such as ``origin.example.com A``."""
        return f"{self.primary.name} {self.primary.type}"


def side_of(record: Record, env: Environment) -> Side | None:
    """Return the side a record leads to: by its target's region, else by its set identifier."""
    by_region = {env.region(side): side for side in (Side.PRIMARY, Side.DR)}
    traffic = env.traffic
    by_name = {traffic.primary_set_identifier: Side.PRIMARY, traffic.secondary_set_identifier: Side.DR}
    region = balancer_region(target_of(record))
    # The target goes before the name: after a turn each record keeps its set identifier and leads to the other side.
    return by_region.get(region) if region else by_name.get(record.set_identifier or "")


def pairs_of(records: Iterable[Record], name: str, env: Environment) -> Iterator[RecordPair | str]:
    """Each address type's pair of ``name``; a sentence for one that cannot be turned as it stands."""
    mine = [record for record in records if record.name == name and record.type in ADDRESS_TYPES]
    for kind in sorted({record.type for record in mine}):
        yield _pair_of([record for record in mine if record.type == kind], env)


def _pair_of(records: Sequence[Record], env: Environment) -> RecordPair | str:
    name = f"{records[0].name} {records[0].type}"
    policies = {record.policy for record in records}
    if len(policies) > 1 or not policies <= set(POLICIES):
        reason = ", ".join(sorted(policies))
        return f"{name} is of policy {reason}: a change would convert it, and the name would vanish meanwhile (T12)."
    led = {side_of(record, env): record for record in records}
    if len(records) != len(POLICIES) or led.keys() != {Side.PRIMARY, Side.DR}:
        return f"{name} has not one record for each region: it is not changed."
    # Turned round, the record without a check would become the PRIMARY one, and Route 53 refuses the whole batch.
    if unchecked := [record for record in records if cannot_lead(record)]:
        reason = f"its record {unchecked[0].set_identifier} has no health check, and Route 53 requires one"
        return f"{name} moves by health alone: {reason}."
    return RecordPair(led[Side.PRIMARY], led[Side.DR])


def leader(pair: RecordPair) -> Side | None:
    """The side that answers while all is well; None where the weights share it."""
    if pair.primary.policy == "failover":
        return Side.PRIMARY if pair.primary.failover == "PRIMARY" else Side.DR
    heavy = [side for side, record in ((Side.PRIMARY, pair.primary), (Side.DR, pair.dr)) if record.weight]
    return heavy[0] if len(heavy) == 1 else None


def leads_to(record_sets: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The targets that ``record_sets`` answer with while all is well, without dots and ``dualstack.``."""
    first = (record for record in record_sets if record.get("Failover") == "PRIMARY" or record.get("Weight"))
    return tuple(target for record in first for target in _targets(record))


def _targets(record: Mapping[str, Any]) -> Iterator[str]:
    if alias := record.get("AliasTarget"):
        yield str(alias["DNSName"]).removesuffix(".").removeprefix("dualstack.")
    yield from (str(value["Value"]).removesuffix(".") for value in record.get("ResourceRecords", ()))
