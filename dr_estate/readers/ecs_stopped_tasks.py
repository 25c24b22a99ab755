"""Stop times of the primary region's tasks: no writes after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.reading.part import part
from dr_estate.reading.reader import Look

_TASKS_A_CALL = 100


@dataclass(frozen=True, slots=True)
class Stop:
    """When a group's last task stopped; ``group`` is ``service:NAME`` or ``family:NAME``."""

    group: str
    at: datetime


@part(Side.PRIMARY, reads=ecs.TASK_READS)
def stops(look: Look) -> tuple[Stop, ...]:
    """The newest stop of each group, a hundred tasks a call. Asked for only where a service wants no task.

    Stopped tasks are described for at least one hour. Source: API_DescribeTasks.
    """
    if all(service.desired for service in look.part(ecs.services)):
        return ()
    name = look.env.named(look.env.names.cluster)
    listed = look.pages("ecs", "list_tasks", "taskArns", cluster=name, desiredStatus="STOPPED")

    def describe(batch: Sequence[str]) -> list[Stop]:
        rows = ecs.described_tasks(look, batch)
        return [Stop(row.get("group", ""), row["stoppedAt"]) for row in rows if row.get("stoppedAt")]

    newest: dict[str, Stop] = {}
    for stop in look.batches(describe, listed, _TASKS_A_CALL):
        known = newest.get(stop.group)
        if known is None or known.at < stop.at:
            newest[stop.group] = stop
    return tuple(newest[group] for group in sorted(newest))
