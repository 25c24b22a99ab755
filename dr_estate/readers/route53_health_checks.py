"""Route 53 health checks of the traffic zone: settings and reported state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from dr_estate.readers import route53
from dr_estate.reading.answers import At, read
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics, read_series
from dr_estate.reading.reader import GLOBAL, ReadContext, part

STATUS_METRIC, STATUS_DIMENSION = "HealthCheckStatus", "HealthCheckId"
_FAILING_MINUTES = 1440  # 60 checks of a day's minutes are a page of 100,800 values
# GetMetricData answers 100,800 values in a page: 60 checks of 1,440 minutes are one call.
_MOST_FAILING = 60


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One health check. ``interval_s`` is in seconds, ``failure_threshold`` in probes; "" and 0 where not used.

    ``version`` counts its updates; AWS refuses an update made upon another version than the current one.
    """

    id: Annotated[str, At("Id", demanded=True)]
    type: Annotated[str, At("HealthCheckConfig.Type", demanded=True)]
    host: str
    address: Annotated[str, At("HealthCheckConfig.IPAddress")]
    port: Annotated[int, At("HealthCheckConfig.Port")]
    path: Annotated[str, At("HealthCheckConfig.ResourcePath")]
    search: Annotated[str, At("HealthCheckConfig.SearchString")]
    interval_s: Annotated[int, At("HealthCheckConfig.RequestInterval")]
    failure_threshold: Annotated[int, At("HealthCheckConfig.FailureThreshold")]
    inverted: Annotated[bool, At("HealthCheckConfig.Inverted")]
    disabled: Annotated[bool, At("HealthCheckConfig.Disabled")]
    sni: Annotated[bool, At("HealthCheckConfig.EnableSNI")]
    regions: Annotated[tuple[str, ...], At("HealthCheckConfig.Regions", ordered=True)]
    children: Annotated[tuple[str, ...], At("HealthCheckConfig.ChildHealthChecks")]
    children_needed: Annotated[int, At("HealthCheckConfig.HealthThreshold")]
    alarm_region: Annotated[str, At("HealthCheckConfig.AlarmIdentifier.Region")]
    alarm_name: Annotated[str, At("HealthCheckConfig.AlarmIdentifier.Name")]
    without_data: Annotated[str, At("HealthCheckConfig.InsufficientDataHealthStatus")]
    version: Annotated[int, At("HealthCheckVersion", absent=1)] = 1


@part(*GLOBAL, reads=frozenset({"route53:ListHealthChecks"}))
def checks(context: ReadContext) -> tuple[HealthCheck, ...]:
    """Every health check of the account, a hundred a page."""
    return context.rows(context.pages("route53", "list_health_checks", "HealthChecks"), _check, "Id")


@part(*GLOBAL, reads=METRIC_READS)
def statuses(context: ReadContext) -> tuple[Reading, ...]:
    """HealthCheckStatus (1 healthy, 0 not) of each check on a record of the traffic zone, 500 a call.

    Metrics, for GetHealthCheckStatus is no production interface and knows no calculated checks (its API page); they
    exist in us-east-1 only.
    """
    known = {check.id: check for check in context.part(checks)}
    named = {record.health_check_id for record in context.part(route53.records) if record.health_check_id}
    # A calculated check follows its children, so their state is needed to say what it would do.
    wanted = sorted(named | {child for check in named & known.keys() for child in known[check].children})
    minutes = context.env.thresholds.metric_age_minutes
    return read_metrics(
        context,
        [
            # Minimum: one unhealthy report makes the whole minute one.
            MetricQuery("AWS/Route53", STATUS_METRIC, ((STATUS_DIMENSION, check),), "Minimum", minutes)
            for check in wanted
        ],
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A health check that fails now. ``since`` is the first minute of a day's in which it did without a healthy one."""

    check_id: str
    since: datetime


@part(*GLOBAL, reads=METRIC_READS)
def failures(context: ReadContext) -> tuple[Failure, ...]:
    """Since when each failing check fails; of many the first by id. One call, and none where all are healthy."""
    failing = [reading for reading in context.part(statuses) if reading.value == 0][:_MOST_FAILING]
    wanted = [
        MetricQuery("AWS/Route53", STATUS_METRIC, reading.dimensions, "Minimum", _FAILING_MINUTES)
        for reading in failing
    ]
    return tuple(
        Failure(reading.dimension(STATUS_DIMENSION), since)
        for reading, series in zip(failing, read_series(context, wanted), strict=True)
        if (since := failing_since(series.points)) is not None
    )


def failing_since(points: Sequence[tuple[datetime, float]]) -> datetime | None:
    """The start of the run of zeros that the points end with."""
    since = None
    for moment, value in reversed(points):
        if value != 0:
            break
        since = moment
    return since


def _check(row: dict[str, Any]) -> HealthCheck:
    return read(HealthCheck, row, host=route53.plain(row["HealthCheckConfig"].get("FullyQualifiedDomainName", "")))
