"""Route 53 health checks: what they probe, and what the checkers say of those that steer the traffic zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dr_estate.facts import GLOBAL, part, route53
from dr_estate.looking import Look

CHECK_READS = frozenset({"route53:ListHealthChecks"})
STATUS_READS = frozenset({"cloudwatch:GetMetricData"})

_METRICS_A_CALL = 500
_PERIOD_S = 60


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One health check. ``interval_s`` is in seconds, ``failure_threshold`` in probes; "" and 0 where not used."""

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


@dataclass(frozen=True, slots=True)
class Status:
    """A check's newest HealthCheckStatus datapoint (UTC); ``healthy`` is None where there is none."""

    id: str
    healthy: bool | None
    at: datetime | None


@part(*GLOBAL, reads=CHECK_READS)
def checks(look: Look) -> tuple[HealthCheck, ...]:
    """Every health check of the account, a hundred a page."""
    return tuple(_check(row) for row in look.pages("route53", "list_health_checks", "HealthChecks"))


@part(*GLOBAL, reads=STATUS_READS)
def statuses(look: Look) -> tuple[Status, ...]:
    """The newest status of each check on a record of the traffic zone, 500 a call.

    Metrics, for GetHealthCheckStatus is no production interface and knows no calculated checks (its API page); they
    exist in us-east-1 only.
    """
    known = {check.id: check for check in look.part(checks)}
    named = {record.health_check_id for record in look.part(route53.records) if record.health_check_id}
    wanted = sorted(named | {child for check in named & known.keys() for child in known[check].children})
    since = look.now - timedelta(minutes=look.env.thresholds.metric_age_minutes)

    def read(batch: Sequence[str]) -> list[Status]:
        queries = [_query(number, check) for number, check in enumerate(batch)]
        results = look.pages(
            "cloudwatch",
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=queries,
            StartTime=since,
            EndTime=look.now + timedelta(seconds=_PERIOD_S),
        )
        return _newest(batch, results)

    return tuple(look.batches(read, wanted, _METRICS_A_CALL))


def _query(number: int, check: str) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/Route53",
        "MetricName": "HealthCheckStatus",
        "Dimensions": [{"Name": "HealthCheckId", "Value": check}],
    }
    return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": _PERIOD_S, "Stat": "Minimum"}}


def _newest(batch: Sequence[str], results: Sequence[dict[str, Any]]) -> list[Status]:
    newest: dict[str, tuple[datetime, float]] = {}
    for row in results:
        for at, value in zip(row.get("Timestamps", []), row.get("Values", []), strict=True):
            if row["Id"] not in newest or at > newest[row["Id"]][0]:
                newest[row["Id"]] = (at, value)
    found: list[Status] = []
    for number, check in enumerate(batch):
        at, value = newest.get(f"m{number}", (None, 0.0))
        found.append(Status(check, None if at is None else value >= 1, at))
    return found


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
    )
