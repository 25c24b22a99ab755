"""Requests and server errors of each region's load balancer per minute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import elbv2
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, read_series
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

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
    Load Balancer").
    """
    balancer = context.part(elbv2.load_balancer)
    if balancer is None:
        return ()
    window, dimensions = (
        BASELINE_MINUTES + ceil(context.env.failback.bake_minutes),
        (("LoadBalancer", balancer.dimension),),
    )
    names = (_REQUESTS, _REFUSED, _FAILED)
    series = read_series(
        context, [MetricQuery("AWS/ApplicationELB", name, dimensions, "Sum", window) for name in names]
    )
    if flaw := next((metric.flaw for metric in series if metric.flaw), ""):
        raise DataUnavailable(
            Unavailable(UnavailableKind.ERROR, f"CloudWatch could not count the requests: {flaw}.", context.region)
        )
    chosen, refused, failed = (dict(metric.points) for metric in series)
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
