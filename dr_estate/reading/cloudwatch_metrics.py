"""CloudWatch metrics in batches of 500 a call: newest value and window of each.

A metric that nobody publishes has no newest value. That is never zero: replication that broke stops publishing (T23).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from dr_estate.reading.reader import ReadContext

METRIC_READS = frozenset({"cloudwatch:GetMetricData"})
# The most that one call takes (API_GetMetricData).
_QUERIES_A_CALL = 500
_MINUTE_S = 60
_COMPLETE = "Complete"


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A metric to read: ``dimensions`` are (name, value) pairs, ``period_s`` a multiple of 60."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    window_minutes: int
    period_s: int = _MINUTE_S


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric in its window: where nothing was published, ``value`` and ``at`` are None.

    ``flaw`` is why CloudWatch could not answer in full, "" where it did: with it, nothing published proves nothing.
    """

    name: str
    dimensions: tuple[tuple[str, str], ...]
    value: float | None
    at: datetime | None
    total: float
    flaw: str = ""

    def dimension(self, name: str) -> str:
        """The value of the dimension ``name``, or "" where it has none."""
        return dict(self.dimensions).get(name, "")

    def age_s(self, now: datetime) -> float | None:
        """Seconds since the newest value, or None where there is none."""
        return None if self.at is None else max(0.0, (now - self.at).total_seconds())


@dataclass(frozen=True, slots=True)
class Series:
    """A metric's datapoints, the oldest first: (start of the period, value). A period without one was not published.

    ``flaw`` is why CloudWatch could not answer in full, "" where it did.
    """

    name: str
    dimensions: tuple[tuple[str, str], ...]
    points: tuple[tuple[datetime, float], ...]
    flaw: str = ""


def read_metrics(context: ReadContext, wanted: Sequence[MetricQuery]) -> tuple[Reading, ...]:
    """Read all ``wanted`` in as few calls as CloudWatch allows, in their order. Raises DataUnavailable."""
    return tuple(context.batches(lambda batch: _read(context, batch), wanted, _QUERIES_A_CALL))


def read_series(context: ReadContext, wanted: Sequence[MetricQuery]) -> tuple[Series, ...]:
    """Read every datapoint of all ``wanted`` in their windows, in as few calls as CloudWatch allows. Raises
    DataUnavailable.

    A call returns 100,800 datapoints at most, the rest on further pages (API_GetMetricData).
    """

    def read(batch: Sequence[MetricQuery]) -> list[Series]:
        points, flaws = _points(context, batch)
        return [
            Series(m.name, m.dimensions, tuple(_inside(m, points.get(n, []), context.now)), flaws.get(n, ""))
            for n, m in enumerate(batch)
        ]

    return tuple(context.batches(read, wanted, _QUERIES_A_CALL))


def _read(context: ReadContext, batch: Sequence[MetricQuery]) -> list[Reading]:
    points, flaws = _points(context, batch)
    return [
        replace(_reading(metric, points.get(number, []), context.now), flaw=flaws.get(number, ""))
        for number, metric in enumerate(batch)
    ]


def _points(
    context: ReadContext, batch: Sequence[MetricQuery]
) -> tuple[dict[int, list[tuple[datetime, float]]], dict[int, str]]:
    """The datapoints of each metric of the batch, by its number there, and what keeps them from being all (T62)."""
    # A call has one StartTime for all of its metrics: `_inside` cuts each one's own window out.
    longest = max(metric.window_minutes for metric in batch)
    rows = context.pages(
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults,Messages",
        MetricDataQueries=[_query(number, metric) for number, metric in enumerate(batch)],
        StartTime=context.now - timedelta(minutes=longest),
        # EndTime is exclusive (API_GetMetricData): the minute that runs now is wanted as well.
        EndTime=context.now + timedelta(minutes=1),
        ScanBy="TimestampDescending",
    )
    points: dict[int, list[tuple[datetime, float]]] = {}
    flaws: dict[int, str] = {}
    results = [row for row in rows if "Id" in row]  # one metric's may be spread over several pages
    for number, found, flaw in context.rows(results, _datapoints, "Label"):
        points.setdefault(number, []).extend(found)
        flaws[number] = flaw  # PartialData until the last
    if of_all := _texts(row for row in rows if "Id" not in row):  # no value may be one that was left out
        flaws |= {number: of_all for number in range(len(batch)) if not points.get(number) and not flaws.get(number)}
    return points, flaws


def _texts(messages: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{message.get('Code')}: {message.get('Value')}" for message in messages)


def _datapoints(row: dict[str, Any]) -> tuple[int, list[tuple[datetime, float]], str]:
    """A row's metric, by its number in the batch, its values, and what is wrong with them, "" where nothing is."""
    status = row.get("StatusCode", _COMPLETE)
    texts = _texts(row.get("Messages") or ())
    pairs = zip(row.get("Timestamps", []), row.get("Values", []), strict=True)
    # What is no number is neither above nor below any limit: it would pass each of them.
    points = [(at, value) for at, value in pairs if isfinite(value)]
    return int(row["Id"][1:]), points, "" if status == _COMPLETE else f"{status} {texts}".strip()


def _query(number: int, metric: MetricQuery) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {
        # An Id begins with a lower-case letter (API_MetricDataQuery).
        "Id": f"m{number}",
        "MetricStat": {"Metric": named, "Period": metric.period_s, "Stat": metric.statistic},
        "ReturnData": True,
    }


def _reading(metric: MetricQuery, points: list[tuple[datetime, float]], now: datetime) -> Reading:
    inside = _inside(metric, points, now)
    at, value = inside[-1] if inside else (None, None)
    total = float(sum(value for _, value in inside))
    return Reading(metric.name, metric.dimensions, value, at, total)


def _inside(metric: MetricQuery, points: list[tuple[datetime, float]], now: datetime) -> list[tuple[datetime, float]]:
    """The points of the metric's own window, the oldest first."""
    # A datapoint bears the start of its period: one period more reaches back to the window's edge.
    since = now - timedelta(minutes=metric.window_minutes, seconds=metric.period_s)
    return sorted(point for point in points if point[0] >= since)
