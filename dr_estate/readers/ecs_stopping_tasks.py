"""Tasks that are stopping: no service counts them, and they may still write."""

from __future__ import annotations

from collections.abc import Sequence

from dr_estate.readers import ecs
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

_TASKS_A_CALL = 100
_STOPPED = "STOPPED"


@part(*REGIONAL, reads=ecs.TASK_READS)
def tasks(context: ReadContext) -> tuple[ecs.Task, ...]:
    """The cluster's tasks whose desired status is STOPPED and whose last status is not, a hundred a call.

    A task behind a load balancer is DEACTIVATING while its requests drain, then STOPPING until its processes ended or
    were killed; runningCount counts neither. Asked for only where a service wants no task. Source: ECS developer guide,
    task lifecycle.
    """
    if all(service.desired for service in context.part(ecs.services)):
        return ()
    name = context.env.named(context.env.names.cluster)
    listed = context.pages("ecs", "list_tasks", "taskArns", cluster=name, desiredStatus=_STOPPED)

    def describe(batch: Sequence[str]) -> Sequence[ecs.Task]:
        rows = [row for row in ecs.described_tasks(context, batch) if row.get("lastStatus") != _STOPPED]
        return context.rows(rows, ecs.task_of, "group", ecs.GROUP_OF + context.env.names.service)

    return tuple(context.batches(describe, listed, _TASKS_A_CALL))
