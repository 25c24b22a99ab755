"""RDS read replicas and their ReplicaLag; in the primary region only during a failback."""

from __future__ import annotations

from dr_estate.readers import rds
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

DIMENSION = "DBInstanceIdentifier"
# Long enough to find the last value before a metric stopped: its age shows that replication broke (T23).
_WINDOW_MINUTES = 180


@part(*REGIONAL, reads=METRIC_READS)
def lags(context: ReadContext) -> tuple[Reading, ...]:
    """ReplicaLag of every read replica of this region, in seconds; -1 means that replication does not run.

    No call where there is no replica. Source: RDS User Guide, Monitoring read replication.
    """
    names = [instance.identifier for instance in context.part(rds.instances) if instance.source]
    wanted = [MetricQuery("AWS/RDS", "ReplicaLag", ((DIMENSION, name),), "Average", _WINDOW_MINUTES) for name in names]
    return read_metrics(context, wanted)
