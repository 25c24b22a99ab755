"""Tasks that stop or stopped: since when the primary region's write no more, and why a service's did not start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.reading.reader import REGIONAL, ReadContext, part

_TASKS_A_CALL = 100
_OWN = ("TaskFailedToStart", "EssentialContainerExited")


@dataclass(frozen=True, slots=True)
class TaskStop:
    """When a group's last task stopped; ``group`` is ``service:NAME`` or ``family:NAME``."""

    group: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FailedTask:
    """The newest task of a group that did not start, or ended by itself; ``reason`` is what ECS says of it."""

    group: str
    at: datetime
    reason: str


@part(Side.PRIMARY, reads=ecs.TASK_READS)
def stops(context: ReadContext) -> tuple[TaskStop, ...]:
    """The newest stop of each group, a hundred tasks a call. Asked for only where a service wants no task.

    Stopped tasks are described for at least one hour. Source: API_DescribeTasks.
    """
    if all(service.desired for service in context.part(ecs.services)):
        return ()

    def stops_in(cluster: str) -> list[TaskStop]:
        rows = ecs.described_tasks(context, cluster, ecs.task_arns(context, cluster, desiredStatus="STOPPED"))
        return [TaskStop(row.get("group", ""), row["stoppedAt"]) for row in rows if row.get("stoppedAt")]

    newest: dict[str, TaskStop] = {}
    for stop in ecs.of_each_cluster(context, stops_in):
        known = newest.get(stop.group)
        if known is None or known.at < stop.at:
            newest[stop.group] = stop
    return tuple(newest[group] for group in sorted(newest))


@part(*REGIONAL, reads=ecs.TASK_READS)
def failures(context: ReadContext) -> tuple[FailedTask, ...]:
    """The newest failed task of each group, of a hundred that stopped: two calls a cluster, however many failed.

    Asked for only where a service runs fewer tasks than it wants. Source: API_Task (stopCode, stoppedReason).
    """
    if all(service.running >= service.desired for service in context.part(ecs.services)):
        return ()
    rows = [
        row for row in ecs.of_each_cluster(context, partial(_stopped_tasks, context)) if row.get("stopCode") in _OWN
    ]
    # In order of time: the last of a group stays.
    newest = {row.get("group", ""): row for row in sorted(rows, key=_stop_time)}
    return tuple(FailedTask(group, _stop_time(row), _reason(row)) for group, row in sorted(newest.items()))


def _stopped_tasks(context: ReadContext, cluster: str) -> list[dict[str, Any]]:
    which = {"cluster": cluster, "desiredStatus": "STOPPED", "maxResults": _TASKS_A_CALL}
    found = context.find("ecs", "list_tasks", ecs.absent_clusters(context), **which)
    return ecs.described_tasks(context, cluster, found["taskArns"] if found else [])


def _stop_time(row: dict[str, Any]) -> datetime:
    at: datetime = row.get("stoppedAt") or row.get("stoppingAt") or row["createdAt"]
    return at


def _reason(row: dict[str, Any]) -> str:
    """What ECS says of the task, and of the container that ended."""
    texts = (row.get("stoppedReason"), *(container.get("reason") for container in row.get("containers", ())))
    return " ".join(dict.fromkeys(str(text).strip() for text in texts if text))


# Tasks that are stopping: no service counts them, and they may still write.

_STOPPED = "STOPPED"


@part(*REGIONAL, reads=ecs.TASK_READS)
def tasks(context: ReadContext) -> tuple[ecs.Task, ...]:
    """The clusters' tasks whose desired status is STOPPED and whose last status is not, a hundred a call.

    A task behind a load balancer is DEACTIVATING while its requests drain, then STOPPING until its processes ended or
    were killed; runningCount counts neither. Asked for only where a service wants no task. Source: ECS developer guide,
    task lifecycle.
    """
    if all(service.desired for service in context.part(ecs.services)):
        return ()

    def stopping(cluster: str) -> list[dict[str, Any]]:
        listed = ecs.task_arns(context, cluster, desiredStatus=_STOPPED)
        return [row for row in ecs.described_tasks(context, cluster, listed) if row.get("lastStatus") != _STOPPED]

    rows = ecs.of_each_cluster(context, stopping)
    return context.rows(rows, ecs.task_of, "group", ecs.GROUP_OF + context.env.names.service)
