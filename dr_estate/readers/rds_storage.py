"""Free storage of the primary database."""

from __future__ import annotations

from dr_estate.config.environment import Side
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

_WINDOW_MINUTES = 60


@part(Side.PRIMARY, reads=METRIC_READS)
def free_space(context: ReadContext) -> tuple[Reading, ...]:
    """FreeStorageSpace (bytes, the least of each minute) of the environment's database. Source: RDS User Guide."""
    name = context.env.named(context.env.names.database)
    if not name:
        return ()
    dimensions = (("DBInstanceIdentifier", name),)
    return read_metrics(context, [MetricQuery("AWS/RDS", "FreeStorageSpace", dimensions, "Minimum", _WINDOW_MINUTES)])
