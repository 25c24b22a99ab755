"""Checks of S3 replication metrics: lag and failed operations."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Lag, Severity, View, check, cite, if_replicated, lag_source, weigh
from dr_checks.objects.s3 import each_pair, rule_of
from dr_estate.config.environment import Side
from dr_estate.model.durations import duration
from dr_estate.model.stores import OBJECTS
from dr_estate.readers import s3
from dr_estate.reading.cloudwatch_metrics import Reading


def _newest(view: View, metric: str, source: str, copy: str) -> Reading | None:
    """The newest reading of ``metric`` among the rules of this pair: a rule that was replaced publishes no more."""
    readings = view.get(s3.lag_metrics, Side.DR)
    pair = (source, copy)
    ours = [r for r in readings if r.name == metric and _pair(r) == pair and r.at is not None]
    # Metrics carry the rule's id: a rule that was replaced leaves a series that ends, and its last value is no lag of
    # today.
    return min(ours, key=lambda reading: reading.age_s(view.now) or 0.0, default=None)


def _pair(reading: Reading) -> tuple[str, str]:
    return reading.dimension("SourceBucket"), reading.dimension("DestinationBucket")


@check("every bucket copy lags its source by no more than the agreed time, by a fresh metric")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite("T23", "T30", "S3RtcMetricsFresh", "REL09-BP01", "REL13-BP01", "NIST CP-9", "ISO22301 8.4", "SOC2 A1.2")
def latency(view: View) -> Iterator[Finding]:
    """ReplicationLatency within thresholds.s3_latency_s; old or missing is UNKNOWN. Source: S3 Replication metrics."""
    wanted = f"{duration(view.env.thresholds.s3_latency_s)} or less"
    for name, copy in filter(all, s3.pairs(view.env)):  # of one without a copy s3.copy-exists speaks
        reading = _newest(view, "ReplicationLatency", name, copy)
        pending = _newest(view, "BytesPendingReplication", name, copy)
        reason = view.doubt(reading)
        if reading is None or reading.value is None or reason:
            yield view.unknown(name, wanted, reason or "The metric is not published.")
            continue
        measured = duration(reading.value) + (
            f", {pending.value:.0f} bytes pending" if pending and pending.value else ""
        )
        if reading.value <= view.env.thresholds.s3_latency_s:
            yield view.ok(name, measured, wanted, "all older objects are in the copy")
        else:
            reason = "a failover now would lose the objects that are not yet replicated"
            remedy = (
                f"Look for failed operations and a throttled or denied replication role of {name}; S3 catches up by "
                "itself once the cause is fixed."
            )
            yield view.gap(name, measured, wanted, reason, remedy)


@check("no object of any bucket failed to replicate recently")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T30", "S3FailedReplicationCount", "REL09-BP03", "NIST CP-9", "SOC2 A1.2")
def failed_operations(view: View) -> Iterator[Finding]:
    """OperationsFailedReplication adds up to 0 over thresholds.failed_job_hours: what failed stays failed (T30).

    S3 publishes it only when there are any; so its absence is good news only from a rule whose metrics are on.
    """
    failures = view.get(s3.failure_metrics, Side.PRIMARY)
    hours = view.env.thresholds.failed_job_hours

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        rule = rule_of(original, copy)
        mine = [reading for reading in failures if _pair(reading) == (original.name, copy.name)]
        failed, flaw = sum(reading.total for reading in mine), next((r.flaw for r in mine if r.flaw), "")
        measured, wanted = f"{failed:.0f} in {hours} h", f"0 in {hours} h"
        if failed:
            yield view.gap(
                original.name,
                measured,
                wanted,
                "S3 does not retry: these objects stay missing from the DR region until they are replicated by hand",
                f"Fix the cause (role, key, object lock), then S3 Batch Replication: aws s3control create-job for "
                f"{original.name}, filtered by ReplicationStatus FAILED.",
            )
        elif rule is None:
            yield view.none_expected(original.name, "no rule: see s3.replication-rule")
        elif flaw:
            yield view.unknown(original.name, wanted, f"CloudWatch could not count the failures: {flaw}.")
        # alone.
        elif rule.metrics:
            yield view.ok(original.name, measured, wanted, "every object was replicated")
        else:
            yield view.unknown(original.name, wanted, "The rule publishes no metrics: failures would go unnoticed.")

    yield from each_pair(view, wanted=f"0 in {hours} h", judge=judge)


@lag_source(OBJECTS)
def objects(view: View) -> Iterator[Lag]:
    """How far each bucket's copy trails, by the metric that S3 publishes in the DR region.

    A metric that stopped says it of the moment of its newest value: since then it is its age more at most.
    """
    if not view.env.replicates:
        return
    for name, copy in s3.pairs(view.env):
        reading = _newest(view, "ReplicationLatency", name, copy)
        reason = view.doubt(reading)
        seconds = reading.value if reading and not reason else None
        # A metric that is missing or old gives no number, only the reason: the lag is unknown then (T23).
        basis = reason or "S3 replication, ReplicationLatency"
        yield Lag(OBJECTS.id, name, None, Side.DR, seconds, basis, at_most_s=_at_most_s(view, reading))


def _at_most_s(view: View, reading: Reading | None) -> float | None:
    """How far a copy trails at most, by a value that may be old by now; None where there is none."""
    age_s = reading.age_s(view.now) if reading and not reading.flaw else None
    return None if reading is None or reading.value is None or age_s is None else reading.value + age_s
