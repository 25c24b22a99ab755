"""Stop times of the primary region's tasks: no writes after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

_TASKS_A_CALL = 100


@dataclass(frozen=True, slots=True)
class TaskStop:
    """When a group's last task stopped; ``group`` is ``service:NAME`` or ``family:NAME``."""

    group: str
    at: datetime


@part(Side.PRIMARY, reads=ecs.TASK_READS)
def stops(context: ReadContext) -> tuple[TaskStop, ...]:
    """The newest stop of each group, a hundred tasks a call. Asked for only where a service wants no task.

    Stopped tasks are described for at least one hour. Source: API_DescribeTasks.
    """
    if all(service.desired for service in context.part(ecs.services)):
        return ()
    name = context.env.named(context.env.names.cluster)
    listed = context.pages("ecs", "list_tasks", "taskArns", cluster=name, desiredStatus="STOPPED")

    def describe(batch: Sequence[str]) -> list[TaskStop]:
        rows = ecs.described_tasks(context, batch)
        return [TaskStop(row.get("group", ""), row["stoppedAt"]) for row in rows if row.get("stoppedAt")]

    newest: dict[str, TaskStop] = {}
    for stop in context.batches(describe, listed, _TASKS_A_CALL):
        known = newest.get(stop.group)
        if known is None or known.at < stop.at:
            newest[stop.group] = stop
    return tuple(newest[group] for group in sorted(newest))
