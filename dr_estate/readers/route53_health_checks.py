"""Route 53 health checks of the traffic zone: settings and reported state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.readers import route53
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics, read_series
from dr_estate.reading.reader import GLOBAL, ReadContext, part

CHECK_READS = frozenset({"route53:ListHealthChecks"})
STATUS_METRIC, STATUS_DIMENSION = "HealthCheckStatus", "HealthCheckId"
_FAILING_MINUTES = 1440  # 60 checks of a day's minutes are a page of 100,800 values
# GetMetricData answers 100,800 values in a page: 60 checks of 1,440 minutes are one call.
_MOST_FAILING = 60


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One health check. ``interval_s`` is in seconds, ``failure_threshold`` in probes; "" and 0 where not used.

    ``version`` counts its updates; AWS refuses an update made upon another version than the current one.
    """

    id: str
    type: str
    host: str
    address: str
    port: int
    path: str
    search: str
    interval_s: int
    failure_threshold: int
    inverted: bool
    disabled: bool
    sni: bool
    regions: tuple[str, ...]
    children: tuple[str, ...]
    children_needed: int
    alarm_region: str
    alarm_name: str
    without_data: str
    version: int = 1


@part(*GLOBAL, reads=CHECK_READS)
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
    config = row["HealthCheckConfig"]
    alarm = config.get("AlarmIdentifier", {})
    return HealthCheck(
        id=row["Id"],
        type=config["Type"],
        host=route53.plain(config.get("FullyQualifiedDomainName", "")),
        address=config.get("IPAddress", ""),
        port=config.get("Port", 0),
        path=config.get("ResourcePath", ""),
        search=config.get("SearchString", ""),
        interval_s=config.get("RequestInterval", 0),
        failure_threshold=config.get("FailureThreshold", 0),
        inverted=bool(config.get("Inverted")),
        disabled=bool(config.get("Disabled")),
        sni=bool(config.get("EnableSNI")),
        regions=tuple(sorted(config.get("Regions", []))),
        children=tuple(config.get("ChildHealthChecks", [])),
        children_needed=config.get("HealthThreshold", 0),
        alarm_region=alarm.get("Region", ""),
        alarm_name=alarm.get("Name", ""),
        without_data=config.get("InsufficientDataHealthStatus", ""),
        version=row.get("HealthCheckVersion", 1),
    )
