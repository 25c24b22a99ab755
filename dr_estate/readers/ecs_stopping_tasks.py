"""Tasks that are stopping: no service counts them, and they may still write."""

from __future__ import annotations

from collections.abc import Sequence

from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.reading.part import part
from dr_estate.reading.reader import Look

_TASKS_A_CALL = 100
_STOPPED = "STOPPED"


@part(Side.PRIMARY, reads=ecs.TASK_READS)
def tasks(look: Look) -> tuple[ecs.Task, ...]:
    """The cluster's tasks whose desired status is STOPPED and whose last status is not, a hundred a call.

    A task behind a load balancer is DEACTIVATING while its requests drain, then STOPPING until its processes ended or
    were killed; runningCount counts neither. Asked for only where a service wants no task. Source: ECS developer guide,
    task lifecycle.
    """
    if all(service.desired for service in look.part(ecs.services)):
        return ()
    name = look.env.named(look.env.names.cluster)
    listed = look.pages("ecs", "list_tasks", "taskArns", cluster=name, desiredStatus=_STOPPED)

    def describe(batch: Sequence[str]) -> Sequence[ecs.Task]:
        rows = [row for row in ecs.described_tasks(look, batch) if row.get("lastStatus") != _STOPPED]
        return look.rows(rows, ecs.task_of, "group", ecs.GROUP_OF + look.env.names.service)

    return tuple(look.batches(describe, listed, _TASKS_A_CALL))
