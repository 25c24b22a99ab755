"""Examples of the checks of replication metrics: fresh and small, large, old, and not published at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import s3
from dr_estate.reading.cloudwatch_metrics import Reading
from tests.dr_checks.examples.s3 import FIRST, PAIRS, buckets, ruled
from tests.dr_checks.worlds import DENIED, NOW, Example, world


def _reading(name: str, source: str, copy: str, value: float | None, minutes_old: float = 1) -> Reading:
    dimensions = (("SourceBucket", source), ("DestinationBucket", copy), ("RuleId", "to-dr"))
    at = None if value is None else NOW - timedelta(minutes=minutes_old)
    return Reading(name, dimensions, value, at, value or 0.0)


LATENCIES = tuple(_reading("ReplicationLatency", source, copy, 4.0) for source, copy in PAIRS)
FAILURES = tuple(_reading("OperationsFailedReplication", source, copy, None) for source, copy in PAIRS)
REPLACED = replace(
    _reading("ReplicationLatency", *PAIRS[0], 90000.0, 50),
    dimensions=(("SourceBucket", PAIRS[0][0]), ("DestinationBucket", PAIRS[0][1]), ("RuleId", "old-rule")),
)


def _case(check: str, expected: Status, latency: Any = None, failed: Any = None, **changed: Any) -> Example:
    lags = (latency, *LATENCIES[1:]) if isinstance(latency, Reading) else latency
    values = {
        **buckets(**changed),
        (s3.lag_metrics, Side.DR): LATENCIES if lags is None else lags,
        (s3.failure_metrics, Side.PRIMARY): FAILURES if failed is None else failed,
    }
    dark = expected is Status.UNKNOWN and DENIED in (latency, failed)
    return Example(f"s3-lag.{check}", expected, world(values), frozenset() if dark else frozenset({FIRST}))


EXAMPLES = [
    _case("latency", Status.PASS),
    _case("latency", Status.PASS, _reading("ReplicationLatency", *PAIRS[0], 900.0)),
    _case("latency", Status.PASS, (*LATENCIES, REPLACED)),
    _case("latency", Status.FAIL, _reading("ReplicationLatency", *PAIRS[0], 901.0)),
    _case("latency", Status.UNKNOWN, _reading("ReplicationLatency", *PAIRS[0], 4.0, minutes_old=16)),
    _case("latency", Status.UNKNOWN, _reading("ReplicationLatency", *PAIRS[0], None)),
    _case("latency", Status.UNKNOWN, LATENCIES[1:]),
    _case("latency", Status.UNKNOWN, DENIED),
    _case("failed-operations", Status.PASS),
    _case("failed-operations", Status.FAIL, failed=(_reading("OperationsFailedReplication", *PAIRS[0], 3.0, 600),)),
    _case("failed-operations", Status.UNKNOWN, original=ruled(metrics=False)),
    replace(_case("failed-operations", Status.PASS, original=ruled(enabled=False)), subjects=frozenset()),
    _case("failed-operations", Status.UNKNOWN, failed=DENIED),
]
