"""Simulation of Route 53's choice between the records of a name in a given situation. Pure.

Rules from "How Amazon Route 53 chooses records when health checking is configured": a record that nothing checks is
healthy; weight 0 is used when every other weight is unhealthy; where all are unhealthy, all count as healthy (T05).
Below it: pairs of records for the two regions, and their targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.references import balancer_region
from dr_estate.readers.route53 import Record
from dr_estate.readers.route53_health_checks import HealthCheck

# The hosted zone of every distribution: an alias to it evaluates no target health (T08).
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
ADDRESS_TYPES = ("A", "AAAA", "CNAME")


@dataclass(frozen=True)
class Situation:
    """What is imagined: the regions that are down, over the health checks as they are (or as they would be).

    ``seen`` are verdicts of health checks that need not be imagined, by id: Route 53's own, inverting included.
    """

    down: frozenset[str]
    checks: Mapping[str, HealthCheck]
    seen: Mapping[str, bool] = field(default_factory=dict)

    def with_inversion(self, check_id: str) -> Situation:
        """The same situation with one health check inverted: how a primary is pinned down (T06)."""
        turned = replace(self.checks[check_id], inverted=not self.checks[check_id].inverted)
        return replace(self, checks={**self.checks, check_id: turned})


def target_of(record: Record) -> str:
    """What a record leads to: its alias target, or its first value."""
    return record.alias_target or (record.values[0].lower().removesuffix(".") if record.values else "")


def cannot_lead(record: Record) -> bool:
    """Whether Route 53 would refuse ``record`` as the PRIMARY one of a failover pair: no alias, and nothing checks it.

    Source: InvalidChangeBatch, "A non-alias primary ResourceRecordSet must have an associated health check"
    (external-dns issue 2362).
    """
    return record.policy == "failover" and record.alias_target is None and not record.health_check_id


def chosen_records(records: Sequence[Record], situation: Situation) -> tuple[Record, ...] | None:
    """The records of one name and type that Route 53 may answer with; None for a policy that is not simulated.

    Several are returned where weights share the answers, none where there are no records.
    """
    policies = {record.policy for record in records}
    if len(policies) > 1 or not policies <= {"failover", "weighted", "simple"}:
        return None
    # Where all are unhealthy, all count as healthy (T05): no name goes without an answer.
    fit = [record for record in records if is_healthy(record, situation)] or list(records)
    if policies == {"failover"}:
        return tuple([r for r in fit if r.failover == "PRIMARY"] or fit)
    return tuple(_heaviest(records, fit)) if policies == {"weighted"} else tuple(records)


def _heaviest(records: Sequence[Record], fit: Sequence[Record]) -> list[Record]:
    """Those of ``fit`` that draw answers: weight 0 only when no heavier record is fit."""
    weighing = [record for record in records if record.weight]
    return [record for record in weighing if record in fit] or list(fit)


def is_healthy(record: Record, situation: Situation) -> bool:
    """Whether Route 53 would count ``record`` healthy: its health check and, for an alias, its target must be well.

    Nothing can make an alias to CloudFront unhealthy but a health check (T08).
    """
    region = balancer_region(target_of(record))
    if record.health_check_id and not _passes(record.health_check_id, region, situation):
        return False
    evaluated = record.evaluate_target_health and record.alias_zone_id != CLOUDFRONT_ZONE
    return not (evaluated and region in situation.down)


def _passes(check_id: str, region: str | None, situation: Situation) -> bool:
    """Whether a check would pass. ``region`` is the record's, and that of an endpoint whose name holds none.

    A disabled check counts as healthy, and inverting reverses even that (T03). A check that no longer exists counts as
    healthy: AWS promises nothing for it.
    """
    check = situation.checks.get(check_id)
    if check is None or check_id in situation.seen:
        return situation.seen.get(check_id, True)
    # Before the type: whatever it would look at, a disabled check counts as healthy (T03).
    if check.disabled:
        well = True
    elif check.type == "CALCULATED":
        children = [_passes(child, region, situation) for child in check.children if child != check_id]
        well = sum(children) >= check.children_needed
    elif check.type == "CLOUDWATCH_METRIC" and check.alarm_region in situation.down:
        well = check.without_data != "Unhealthy"
    elif check.type == "RECOVERY_CONTROL":
        well = True
    else:
        well = (balancer_region(check.host) or region) not in situation.down
    return well != check.inverted


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
