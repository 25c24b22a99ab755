"""Healthy targets as the load balancer reports them, while CloudWatch has no count yet; requests by the minute.

A count is published about two minutes late, and not at all during a CloudWatch outage. DescribeTargetHealth takes one
call per group and shares ELB's small request bucket with ECS, which registers targets meanwhile. So only groups with
running tasks and without a count of the last minutes are queried; if they are more than ``MOST_ASKED``, none is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs, elbv2
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, read_series
from dr_estate.reading.reader import REGIONAL, ReadContext, part

# CloudWatch publishes once a minute and two minutes late: five hold more than one count.
FRESH = timedelta(minutes=5)
MOST_ASKED = 100
_HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class GroupHealth:
    """The number of targets of a group that pass their health check now; ``group`` is named as CloudWatch's dimension.

    ``reason`` is why the first failing target fails, as the load balancer reports it.
    """

    group: str
    healthy: int
    reason: str = ""


@part(*REGIONAL, reads=frozenset({"elbv2:DescribeTargetHealth"}))
def health(context: ReadContext) -> tuple[GroupHealth, ...]:
    """Return the health of running services' groups without a recent CloudWatch count; empty if they are too many."""
    counted = {
        reading.dimension(elbv2.GROUP)
        for readings in context.of_entrances(elbv2.healthy_hosts)
        for reading in readings
        if reading.at is not None and reading.at >= context.now - FRESH
    }
    attached = {arn for service in context.part(ecs.services) if service.running for arn in service.target_groups}
    silent = sorted(arn for arn in attached if dimension_of(arn) not in counted)
    if len(silent) > MOST_ASKED:
        # Too many: the calls would come out of the bucket that ECS needs to register the very targets.
        return ()
    return tuple(context.each(lambda arn: _health(context, arn), silent))


def dimension_of(arn: str) -> str:
    """A target group as CloudWatch's dimension names it: ``targetgroup/NAME/ID``."""
    return arn.rpartition(":")[2]


def _health(context: ReadContext, arn: str) -> GroupHealth:
    rows = context.pages("elbv2", "describe_target_health", "TargetHealthDescriptions", TargetGroupArn=arn)
    answers: list[dict[str, str]] = [row.get("TargetHealth", {}) for row in rows]
    # The first that is not healthy, whatever its state: initial and draining have a reason, too.
    failing: dict[str, str] = next((answer for answer in answers if answer.get("State") != _HEALTHY), {})
    reason = ": ".join(failing[key] for key in ("Reason", "Description") if failing.get(key))
    return GroupHealth(dimension_of(arn), len([a for a in answers if a.get("State") == _HEALTHY]), reason)


# Requests and server errors of each region's load balancer per minute.

BASELINE_MINUTES = 60
_REQUESTS, _REFUSED, _FAILED = "RequestCount", "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count"


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute (its start, UTC): requests, and how many of them ended in a server error."""

    at: datetime
    requests: int
    errors: int


@part(*REGIONAL, reads=METRIC_READS, of_entrance=True)
def minutes(context: ReadContext) -> tuple[Minute, ...]:
    """The minutes of the last hour, and of a bake, in which anything was asked of the load balancer.

    RequestCount leaves out requests that were rejected before a target was chosen; those that the load balancer
    answered with a 5xx itself are added. A count of zero is not published ("CloudWatch metrics for your Application
    Load Balancer"). Of a network load balancer they are new flows, without errors: it sees no answers.
    """
    balancer = context.part(elbv2.load_balancer)
    if balancer is None:
        return ()
    window, dimensions = (
        BASELINE_MINUTES + ceil(context.env.failback.bake_minutes),
        (("LoadBalancer", balancer.dimension),),
    )
    names = ("NewFlowCount",) if balancer.type == elbv2.NETWORK else (_REQUESTS, _REFUSED, _FAILED)
    series = read_series(context, [MetricQuery(balancer.namespace, name, dimensions, "Sum", window) for name in names])
    if flaw := next((metric.flaw for metric in series if metric.flaw), ""):
        raise DataUnavailable(
            Unavailable(UnavailableKind.ERROR, f"CloudWatch could not count the requests: {flaw}.", context.region)
        )
    # A network load balancer has the first alone.
    chosen, refused, failed = (*(dict(metric.points) for metric in series), {}, {})[:3]
    return tuple(
        Minute(
            moment,
            round(chosen.get(moment, 0) + refused.get(moment, 0)),
            round(refused.get(moment, 0) + failed.get(moment, 0)),
        )
        for moment in sorted({*chosen, *refused, *failed})
    )


def error_percent(counts: Iterable[Minute]) -> float | None:
    """Server errors per hundred requests; None where there was no request."""
    rows = list(counts)
    requests = sum(row.requests for row in rows)
    return 100.0 * sum(row.errors for row in rows) / requests if requests else None
