"""Minutes in which the primary region published a metric, to detect a past outage.

RDS sends the metrics of every instance to CloudWatch each minute, busy or not, and those minutes are kept for 15 days
("Monitoring Amazon RDS metrics with Amazon CloudWatch"); so does VPC those of each NAT gateway ("Monitor NAT gateways
with Amazon CloudWatch"), which are asked where the region has no database. A load balancer's are no pulse: it publishes
only while requests flow ("CloudWatch metrics for your Application Load Balancer").
"""

from __future__ import annotations

from datetime import datetime

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import rds, vpc
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, read_series
from dr_estate.reading.reader import ReadContext, part

# CloudWatch may show a minute of RDS so much later: the newest ones missing are no gap.
LATE_MINUTES = 3
# One of them alive is a region alive: more are asked only so that one that is stopped does not count as an outage.
_MOST = 20


@part(Side.PRIMARY, reads=METRIC_READS)
def minutes(context: ReadContext) -> tuple[datetime, ...]:
    """Each minute (UTC, its start) of the window in which one of them published, the oldest first.

    The window is failback.stable_minutes and as much as CloudWatch may be late. Raises DataUnavailable where the region
    has neither a database instance nor a NAT gateway.
    """
    window = context.env.failback.stable_minutes + LATE_MINUTES + 1
    namespace, metric, dimension, chosen = _databases(context) or _gateways(context)
    wanted = [MetricQuery(namespace, metric, ((dimension, id_),), "Average", window) for id_ in chosen]
    return tuple(sorted({moment for series in read_series(context, wanted) for moment, _ in series.points}))


def _databases(context: ReadContext) -> tuple[str, str, str, list[str]] | None:
    there = [database.identifier for database in context.part(rds.instances)]
    if not there:
        return None
    # The environment's database is asked for by its name besides: one that was renamed published under the old one.
    name = context.env.named(context.env.names.database)
    first = sorted(there, key=lambda identifier: (not identifier.startswith(name), identifier))[:_MOST]
    return "AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", sorted({name, *first} - {""})


def _gateways(context: ReadContext) -> tuple[str, str, str, list[str]]:
    there = sorted(gateway.id for gateway in context.part(vpc.nat_gateways) if gateway.state == "available")
    if not there:
        reason = (
            f"{context.region} has neither a database instance nor a NAT gateway, and nothing else there publishes a"
            " metric each minute: failback.stable_minutes = 0 asks for no time."
        )
        raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason))
    return "AWS/NATGateway", "ActiveConnectionCount", "NatGatewayId", there[:_MOST]
