"""Resources of a trial: access points of restored files, its tasks, and their results.

Nothing here is asked for while nothing of a drill stands in the DR region: a look at a quiet estate makes no call more.
A run of a trial alone knows that it starts tasks though nothing else is made (``ReadContext.followed``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from dr_estate.config.environment import Side
from dr_estate.model.kept_values import harmless
from dr_estate.model.recovery_names import is_drill, is_isolated
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.model.visible import document
from dr_estate.readers import ecs, efs, rds
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import ReadContext, part

R = TypeVar("R")
MOUNT_READS = frozenset({"efs:DescribeMountTargets"})
LOG_READS = frozenset({"logs:GetLogEvents"})
MARK = "dr_probe"
STOPPED = "STOPPED"
STARTING = "dr-start-test"
_LAST_LINES = 50


@dataclass(frozen=True, slots=True)
class RestoredMount:
    """A mount target of restored files."""

    id: str
    file_system_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A task that a drill started. ``exit_code`` is None where its container never ran, or runs still.

    ``reason`` is what ECS says of its end, ``container`` the name of the container whose code and log count. ``group``
    is STARTING for a task that only had to start.
    """

    arn: Annotated[str, At("taskArn", demanded=True)]
    incident: Annotated[str, At("startedBy")]
    task_definition: Annotated[str, At("taskDefinitionArn", demanded=True)]
    status: Annotated[str, At("lastStatus", demanded=True)]
    wanted: Annotated[str, At("desiredStatus")]
    container: str
    exit_code: int | None
    reason: str
    started_at: Annotated[datetime | None, At("startedAt")]
    stopped_at: Annotated[datetime | None, At("stoppedAt")]
    group: Annotated[str, At("group")] = ""


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a task found of one tenant. ``tables`` is 0 where the schema is absent; ``newest`` is the last post's time.

    ``heard`` is False where its log holds no such line; ``said`` is the last line then, without any secret. ``host`` is
    the one that it asked, ``server`` what that calls itself (MySQL: server_uuid).
    """

    task: str
    heard: bool
    incident: str = ""
    tenant: str = ""
    schema: str = ""
    tables: int = 0
    rows: int = 0
    newest: str = ""
    said: str = ""
    host: str = ""
    server: str = ""


@part(Side.DR, reads=efs.ACCESS_POINT_READS)
def access_points(context: ReadContext) -> tuple[efs.AccessPoint, ...]:
    """The access points of what drills restored."""
    rows = efs.rows_of(context, "describe_access_points", "AccessPoints", context.part(efs.of_drills))
    return context.rows(rows, efs.access_point_of, "AccessPointId")


@part(Side.DR, reads=MOUNT_READS)
def mount_targets(context: ReadContext) -> tuple[RestoredMount, ...]:
    """The mount targets of what drills restored; a trial makes none, and yet they would keep the files from going."""
    rows = efs.rows_of(context, "describe_mount_targets", "MountTargets", context.part(efs.of_drills))
    return context.rows(
        rows,
        lambda row: RestoredMount(row["MountTargetId"], row["FileSystemId"], row["LifeCycleState"]),
        "MountTargetId",
    )


@part(Side.DR, reads=ecs.TASK_READS)
def tasks(context: ReadContext) -> tuple[Probe, ...]:
    """The clusters' tasks that a drill started, those that stopped in the last hour too, while its database stands.

    ECS lists by who started a task, but only of one name a call: all are listed, or those of the run's own trial.
    Source: API_ListTasks.
    """
    base, trial = context.env.named(context.env.names.database), context.followed.trial
    database = any(is_isolated(instance.identifier, base) for instance in context.part(rds.instances))
    if not (database or trial):
        return ()
    by = {} if database else {"startedBy": trial}
    found = ecs.of_each_cluster(context, lambda cluster: ecs.stopped_too(context, cluster, **by))
    rows = [row for row in found if is_drill(row.get("startedBy", ""))]
    return context.rows(rows, lambda row: probe_of(context, row), "taskArn")


def probe_of(context: ReadContext, row: dict[str, Any]) -> Probe:
    """The task as DescribeTasks returns it; who started it is the drill, or what else it is known by."""
    ours = context.env.names.container
    containers: list[dict[str, Any]] = row.get("containers") or []
    main: dict[str, Any] = next(
        (container for container in containers if container.get("name") == ours), containers[0] if containers else {}
    )
    reasons = [str(text) for text in (main.get("reason"), row.get("stoppedReason")) if text]
    return read(
        Probe,
        row,
        container=main.get("name", ours),
        exit_code=main.get("exitCode"),
        reason=": ".join(dict.fromkeys(reasons)),
    )


@part(Side.DR, reads=LOG_READS)
def answers(context: ReadContext) -> tuple[ProbeAnswer | Unavailable, ...]:
    """What the log of each stopped task says, one call a task. Source: ECS developer guide, awslogs (stream names)."""
    ended = [task for task in context.part(tasks) if task.status == STOPPED and task.exit_code is not None]
    if not ended:
        return ()
    definitions = ecs.definitions_by_arn(context)
    return reports_of(
        context, ended, definitions, answer_in, lambda arn, last: ProbeAnswer(arn, heard=False, said=last)
    )


def reports_of(
    context: ReadContext,
    tasks: Sequence[Probe],
    definitions: Mapping[str, ecs.TaskDefinition],
    report_in: Callable[[str, str], R | None],
    silence: Callable[[str, str], R],
) -> tuple[R | Unavailable, ...]:
    """What the last line of each task's log that is a report says; of a log without one ``silence``, by its last line.

    ``report_in`` and ``silence`` are given the task's ARN and a line, the latter shortened and without any secret.
    """

    def report(task: Probe) -> R:
        lines = log_lines(context, task, definitions.get(task.task_definition))
        last = harmless("", lines[-1])[:300] if lines else ""
        return next(
            (found for line in reversed(lines) if (found := report_in(task.arn, line))), silence(task.arn, last)
        )

    return tuple(context.maybe(report, tasks))


def log_lines(context: ReadContext, task: Probe, definition: ecs.TaskDefinition | None) -> list[str]:
    """The last lines of the task's log. Raises DataUnavailable where it is not where its definition has it."""
    logged = (
        next((container for container in definition.containers if container.name == task.container), None)
        if definition
        else None
    )
    if logged is None or not logged.log_group or logged.log_region != context.region:
        reason = f"The log of {task.arn} is not in CloudWatch Logs of {context.region}, as its task definition has it."
        raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason))
    stream = f"{logged.log_prefix}/{task.container}/{task.arn.rpartition('/')[2]}"
    where = {"logGroupName": logged.log_group, "logStreamName": stream}
    # Without startFromHead the newest lines come (API_GetLogEvents).
    events = context.find("logs", "get_log_events", ("ResourceNotFoundException",), **where, limit=_LAST_LINES)
    return [str(event.get("message", "")) for event in (events or {}).get("events", ())]


def row_in(line: str, mark: str) -> dict[str, Any] | None:
    """The row that a line of a task's log is where it holds ``mark``, None for any other line."""
    try:
        row = document(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and mark in row else None


def answer_in(task: str, line: str) -> ProbeAnswer | None:
    """The answer that a line of a log is, None for any other line."""
    row = row_in(line, MARK)
    if row is None:
        return None
    return ProbeAnswer(
        task,
        heard=True,
        incident=str(row[MARK]),
        tenant=str(row.get("tenant") or ""),
        schema=str(row.get("schema") or ""),
        tables=count_of(row.get("tables")),
        rows=count_of(row.get("rows")),
        newest=str(row.get("newest") or ""),
        host=str(row.get("host") or ""),
        server=str(row.get("server") or ""),
    )


def count_of(value: Any, otherwise: int = 0) -> int:
    """A number of a task's row; ``otherwise`` where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
