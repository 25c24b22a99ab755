"""Simulation of Route 53's choice between the records of a name in a given situation. Pure.

Rules from "How Amazon Route 53 chooses records when health checking is configured": a record that nothing checks is
healthy; weight 0 is used when every other weight is unhealthy; where all are unhealthy, all count as healthy (T05).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
