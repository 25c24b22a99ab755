"""Tasks by which a run writes markers, looks for them and removes them, and what they print.

Only a run knows the families of these tasks (``ReadContext.followed``): any other observation asks for none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import drill_resources, ecs
from dr_estate.reading.reader import REGIONAL, ReadContext, part

MARK, STARTED_BY = "dr_marker", "dr-marker-"


@dataclass(frozen=True, slots=True)
class MarkerReport:
    """The last line that a marker's task printed; ``message`` is its log's last line where that is none of it.

    ``number`` is how often the marker was written. ``refused``: the server refused to write it once more, ``gap_ms``
    after it was written last, -1 where it was not. ``gtids`` are what the source had executed then (PostgreSQL: its
    position in the log), "" where it counts none. ``found``: the marker, and all of the source's transactions, are on
    the server that was asked. ``holds`` is the marker in a tenant's folder, which an earlier plan of the same failback
    may have written. ``server`` is what the server that was reached calls itself (MySQL: server_uuid).
    """

    task: str
    marker: str = ""
    number: int = 0
    begun: bool = False
    refused: bool = False
    gap_ms: int = -1
    gtids: str = ""
    found: bool = False
    executed: bool = False
    message: str = ""
    holds: str = ""
    server: str = ""


@part(*REGIONAL, reads=ecs.TASK_READS)
def tasks(context: ReadContext) -> tuple[drill_resources.Probe, ...]:
    """The markers' tasks, those that stopped in the last hour too; ``incident`` is what they were started by."""
    if not context.followed.families:
        return ()

    def tasks_in(cluster: str) -> list[dict[str, Any]]:
        listed = [
            arn
            for family in context.followed.families
            for wanted in ("RUNNING", drill_resources.STOPPED)
            for arn in ecs.task_arns(context, cluster, family=family, desiredStatus=wanted)
        ]
        return ecs.described_tasks(context, cluster, listed)

    # By what started them: tasks of a tenant's own definition are also its service's.
    found = ecs.of_each_cluster(context, tasks_in)
    ours = [row for row in found if row.get("startedBy", "").startswith(STARTED_BY)]
    return context.rows(ours, lambda row: drill_resources.probe_of(context, row), "taskArn")


@part(*REGIONAL, reads=drill_resources.LOG_READS)
def reports(context: ReadContext) -> tuple[MarkerReport | Unavailable, ...]:
    """What the log of each task says that ran or runs, one call a task."""
    # A task without an exit code never ran: it has no log stream to read.
    started = [task for task in context.part(tasks) if task.status == "RUNNING" or task.exit_code is not None]
    if not started:
        return ()
    definitions = ecs.definitions_by_arn(context)
    return drill_resources.reports_of(
        context, started, definitions, report_in, lambda arn, last: MarkerReport(arn, message=last)
    )


def report_in(task: str, line: str) -> MarkerReport | None:
    """The report that a line of a log is, None for any other line."""
    row = drill_resources.row_in(line, MARK)
    if row is None:
        return None
    return MarkerReport(
        task,
        marker=str(row[MARK]),
        number=drill_resources.count_of(row.get("n")),
        begun=row.get("begun") is True,
        refused=row.get("refused") is True,
        gap_ms=drill_resources.count_of(row.get("gap_ms"), -1),
        gtids=str(row.get("gtids") or ""),
        found=row.get("found") is True,
        executed=row.get("executed") is True,
        holds=str(row.get("holds") or ""),
        server=str(row.get("server") or ""),
    )
