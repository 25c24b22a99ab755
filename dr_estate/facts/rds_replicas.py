"""RDS read replicas in the DR region: how far they trail, by CloudWatch's ReplicaLag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dr_estate.environments import Side
from dr_estate.facts import part, rds
from dr_estate.looking import Look

LAG_READS = frozenset({"cloudwatch:GetMetricData"})

_METRICS_A_CALL = 500
_LOOKBACK = timedelta(hours=3)
_PERIOD_S = 60


@dataclass(frozen=True, slots=True)
class ReplicaLag:
    """The newest datapoint of a replica's ReplicaLag, in seconds; None where the last hours hold none (T23).

    -1 means that replication does not run.
    """

    replica: str
    seconds: float | None
    measured_at: datetime | None


@part(Side.DR, reads=LAG_READS)
def lags(look: Look) -> tuple[ReplicaLag, ...]:
    """The lag of every read replica of this region, five hundred a call; no call where there is no replica."""
    names = [instance.identifier for instance in look.part(rds.instances) if instance.source]
    return tuple(look.batches(lambda batch: _measure(look, batch), names, _METRICS_A_CALL))


def _measure(look: Look, names: Sequence[str]) -> list[ReplicaLag]:
    results = look.pages(
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults",
        MetricDataQueries=[_query(number, name) for number, name in enumerate(names)],
        StartTime=look.now - _LOOKBACK,
        EndTime=look.now + timedelta(seconds=_PERIOD_S),
        ScanBy="TimestampDescending",
    )
    newest: dict[str, tuple[datetime, float]] = {}
    for row in results:
        for when, value in zip(row["Timestamps"], row["Values"], strict=True):
            newest[row["Id"]] = max(newest.get(row["Id"], (when, value)), (when, value))
    return [_lag(name, newest.get(f"m{number}")) for number, name in enumerate(names)]


def _lag(name: str, point: tuple[datetime, float] | None) -> ReplicaLag:
    return ReplicaLag(name, point[1], point[0]) if point else ReplicaLag(name, None, None)


def _query(number: int, name: str) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/RDS",
        "MetricName": "ReplicaLag",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": name}],
    }
    return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": _PERIOD_S, "Stat": "Average"}}
