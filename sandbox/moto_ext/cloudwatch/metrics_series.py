"""A metric's datapoints in a window: what was put by hand, else what the live world publishes, by period and statistic.

Sources: API_GetMetricData, API_GetMetricStatistics (periods, ScanBy, timestamps at the start of a period).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricAggregatedDatum, MetricDatum

from sandbox.core.patching import refused
from sandbox.core.state import ill, now
from sandbox.core.timing import duration_s, is_real, lag_s
from sandbox.moto_ext.cloudwatch import metrics_compute, metrics_data
from sandbox.moto_ext.cloudwatch.metrics import Dimensions, MetricSource, Publisher

MINUTE_S, DAY_S = 60.0, 86_400.0
LAG = ("AWS/RDS", "ReplicaLag")
DAILY = (("AWS/S3", "BucketSizeBytes"), ("AWS/S3", "NumberOfObjects"))
# At quick pace the current minute is reported already: no test waits for it to end.
AT_ONCE = ("AWS/ApplicationELB", "AWS/NetworkELB", "AWS/Route53")
# Each value is computed from the live world: a query of weeks gets its last 4,320 values alone.
REMEMBERED = timedelta(days=3)
PUBLISHERS: dict[str, Publisher] = {
    "AWS/ApplicationELB": metrics_compute.load_balancers,
    "AWS/DynamoDB": metrics_data.tables,
    "AWS/ECS": metrics_compute.services,
    "AWS/NATGateway": metrics_compute.gateways,
    "AWS/EFS": metrics_data.files,
    "AWS/NetworkELB": metrics_compute.network_balancers,
    "AWS/RDS": metrics_data.databases,
    "AWS/Route53": metrics_data.health_checks,
    "AWS/S3": metrics_data.buckets,
    "AWS/Usage": metrics_compute.usage,
    "ECS/ContainerInsights": metrics_compute.services,
}
Key = tuple[str, str, Dimensions]
Sample = tuple[datetime, float]
_BASIC: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": lambda values: float(len(values)),
}


def published_metrics(account: str, region: str, namespace: str) -> Iterator[MetricSource]:
    """The metrics of a namespace that the live world publishes in a region."""
    publisher = PUBLISHERS.get(namespace)
    if publisher is not None:
        yield from (source for source in publisher(account, region) if source.namespace == namespace)


def key_of(metric: dict[str, Any]) -> Key:
    """The key of a metric as a query names it."""
    dimensions = tuple(sorted((dimension["Name"], dimension["Value"]) for dimension in metric.get("Dimensions") or ()))
    return metric["Namespace"], metric["MetricName"], dimensions


class Library:
    """The metrics of one region, for the queries of one request."""

    def __init__(self, backend: CloudWatchBackend, namespaces: Iterable[str]) -> None:
        self._put: dict[Key, list[Any]] = {}
        wanted = set(namespaces)
        stale = ill(backend.region_name, "stale", "cloudwatch")
        self._late = timedelta(seconds=max((outage.seconds for outage in stale), default=0.0))
        for datum in backend.metric_data:
            if datum.namespace in wanted:
                dimensions = tuple(
                    sorted((str(dimension.name), str(dimension.value)) for dimension in datum.dimensions)
                )
                self._put.setdefault((datum.namespace, datum.name, dimensions), []).append(datum)
        self._live = {
            source.key: source
            for namespace in wanted
            for source in published_metrics(backend.account_id, backend.region_name, namespace)
        }

    def points(
        self, key: Key, window: tuple[datetime, datetime], period_s: float, stat: str, unit: str | None = None
    ) -> list[Sample]:
        """(start of period, value) in ascending order, one for each period in which something was published.

        With ``unit``, of what was published in that unit alone.
        """
        start, end = (_aware(moment) for moment in window)
        # A longer period than the metric's own is answered in the metric's own; CloudWatch would aggregate it.
        period_s = min(period_s, _every_s(key)) if key in self._live else period_s
        origin = _floor(start, period_s)
        buckets: dict[datetime, list[Any]] = {}
        for moment, value in self._samples(key, start, end, unit):
            place = origin + timedelta(seconds=((moment - origin).total_seconds() // period_s) * period_s)
            buckets.setdefault(place, []).append(value)
        return [(place, _statistic(stat, buckets[place])) for place in sorted(buckets)]

    def unit(self, key: Key) -> str:
        """The metric's unit."""
        if key in self._put:
            return str(self._put[key][-1].unit or "None")
        return self._live[key].unit if key in self._live else "None"

    def _samples(self, key: Key, start: datetime, end: datetime, unit: str | None) -> Iterator[tuple[datetime, Any]]:
        if key in self._put:
            for datum in self._put[key]:
                moment = _aware(datum.timestamp)
                if start <= moment < end and unit in (None, datum.unit or "None"):
                    yield moment, datum
            return
        live = self._live.get(key)
        if live is None or unit not in (None, live.unit):
            return
        every_s = _every_s(key)
        step, first = timedelta(seconds=every_s), _floor(start, every_s)
        # The last minute that has ended: a datapoint is published after its minute.
        newest = _floor(now() - self._late - timedelta(seconds=_late_s(key)), every_s) - step
        # Route 53 and load balancers are read right after a change: the minute that runs counts already.
        if key[0] in AT_ONCE and not is_real() and not self._late:
            newest += step
        moment = max(first, newest - REMEMBERED * (every_s / MINUTE_S))
        while moment < end and moment <= newest:
            value = live.value(moment)
            if value is not None and moment >= first:
                yield moment, value
            moment += step


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _every_s(key: Key) -> float:
    """How often a metric is published: each minute, a bucket's size each day, a replica's lag as a test asked."""
    if key[:2] in DAILY:
        return DAY_S
    return lag_s("lag_published_s", MINUTE_S) if key[:2] == LAG else MINUTE_S


def _late_s(key: Key) -> float:
    """How long after its minute a datapoint can be read."""
    if not is_real():
        return 0.0
    row = "cloudwatch.publish-health-checks" if key[0] == "AWS/Route53" else "cloudwatch.publish"
    return duration_s(row, key[0])


def _floor(moment: datetime, seconds: float) -> datetime:
    stamp = math.floor(moment.timestamp() / seconds) * seconds
    return datetime.fromtimestamp(stamp, UTC)


def _statistic(stat: str, samples: Sequence[Any]) -> float:
    if any(isinstance(sample, MetricAggregatedDatum) for sample in samples):
        # Statistic sets and single values together; percentiles of sets are not known (API_PutMetricData)
        count = sum(sample.sample_count if isinstance(sample, MetricAggregatedDatum) else 1 for sample in samples)
        total = sum(sample.sum if isinstance(sample, MetricAggregatedDatum) else sample.value for sample in samples)
        lowest = min(sample.min if isinstance(sample, MetricAggregatedDatum) else sample.value for sample in samples)
        highest = max(sample.max if isinstance(sample, MetricAggregatedDatum) else sample.value for sample in samples)
        known = {"Average": total / count, "Sum": total, "Minimum": lowest, "Maximum": highest, "SampleCount": count}
        if stat not in known:
            raise refused("InvalidParameterValue", f"The value {stat} needs single values, not statistic sets.")
        return float(known[stat])
    values = [sample.value if isinstance(sample, MetricDatum) else float(sample) for sample in samples]
    if stat in _BASIC:
        return float(_BASIC[stat](values))
    if not (stat[:1] in ("p", "P") and stat[1:].replace(".", "", 1).isdigit() and float(stat[1:]) <= 100):  # noqa: PLR2004 - percent
        raise refused("InvalidParameterValue", f"The value {stat} for parameter Stat is not supported.")
    ordered = sorted(values)
    rank = max(1, math.ceil(float(stat[1:]) / 100 * len(ordered)))
    return float(ordered[rank - 1])
