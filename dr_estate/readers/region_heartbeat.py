"""Minutes in which the primary region published a metric, to detect a past outage.

RDS sends the metrics of every instance to CloudWatch each minute, busy or not, and those minutes are kept for 15 days
("Monitoring Amazon RDS metrics with Amazon CloudWatch"). A load balancer's are no pulse: it publishes only while
requests flow ("CloudWatch metrics for your Application Load Balancer").
"""

from __future__ import annotations

from datetime import datetime

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import rds
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, read_series
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

# CloudWatch may show a minute of RDS so much later: the newest ones missing are no gap.
LATE_MINUTES = 3
_METRIC, _DIMENSION = "CPUUtilization", "DBInstanceIdentifier"
# One instance alive is a region alive: more are asked only so that one that is stopped does not count as an outage.
_MOST = 20


@part(Side.PRIMARY, reads=METRIC_READS)
def minutes(context: ReadContext) -> tuple[datetime, ...]:
    """Each minute (UTC, its start) of the window in which an instance of the region published, the oldest first.

    The window is failback.stable_minutes and as much as CloudWatch may be late. The environment's database is asked
    for by its name besides, for an instance that was renamed published under the old one. Raises DataUnavailable
    where the region has no instance.
    """
    there = [identifier.identifier for identifier in context.part(rds.instances)]
    if not there:
        reason = (
            f"{context.region} has no database instance, and no other resource there publishes a metric each minute."
        )
        raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason))
    name = context.env.named(context.env.names.database)
    window = context.env.failback.stable_minutes + LATE_MINUTES + 1
    chosen = sorted(
        {name, *sorted(there, key=lambda identifier: (not identifier.startswith(name), identifier))[:_MOST]}
    )
    wanted = [MetricQuery("AWS/RDS", _METRIC, ((_DIMENSION, identifier),), "Average", window) for identifier in chosen]
    return tuple(sorted({moment for series in read_series(context, wanted) for moment, _ in series.points}))
