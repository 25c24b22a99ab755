"""Schedules that start ECS tasks: those of EventBridge Scheduler, and rules of the default bus. Pure but for the reads.

Source: ECS Developer Guide, Scheduled tasks: the target is a cluster, and EcsParameters name the task definition.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from dr_estate.model.estate_map import Counterpart, Relation, TaskSchedule, Thing, Workload
from dr_estate.scan.account import RegionSide, Row
from dr_estate.scan.workloads import family_of

_OFF = "DISABLED"


def schedules_of(side: RegionSide, account: str, clusters: Collection[str] | None = None) -> tuple[TaskSchedule, ...]:
    """The region's schedules whose tasks run in one of ``clusters``, or in any."""
    found = (_schedule(row, side.region, account) for row in side.schedules or ())
    return tuple(row for row in found if clusters is None or row.cluster in clusters)


def _schedule(row: Row, region: str, account: str) -> TaskSchedule:
    is_rule = ":rule/" in row["Arn"]
    kind = "EventBridge rule" if is_rule else "Scheduler schedule"
    found = f"{'events ListRules' if is_rule else 'scheduler GetSchedule'}: its target is an ECS cluster"
    state = "off" if row.get("State") == _OFF else "on"
    zone = row.get("ScheduleExpressionTimezone") or "UTC"
    times = row.get("ScheduleExpression") or row.get("EventPattern") or ""
    target = row["Target"]
    return TaskSchedule(
        Thing(kind, row["Arn"], row["Name"], region, account, found, state),
        times if zone == "UTC" else f"{times} {zone}",
        target["Arn"].rpartition("/")[2],
        family_of((target.get("EcsParameters") or {}).get("TaskDefinitionArn", "")),
        target.get("Input") or "",
    )


def schedules_with_counterparts(
    schedules: Sequence[TaskSchedule],
    others: Sequence[TaskSchedule],
    workloads: Sequence[Workload],
    workloads_there: Sequence[Workload],
    *,
    unread: bool,
) -> tuple[TaskSchedule, ...]:
    """The schedules with their counterparts among ``others``: by the family, else by the times, once each.

    A family stands for the one of the service's counterpart, and a cluster for the one in which counterparts run.
    ``unread``: the others could not be listed.
    """
    there = {row.service.id: row for row in workloads_there}
    pairs = [(row, there[row.counterpart.thing.id]) for row in workloads if row.counterpart]
    families, clusters = {(a.family, b.family) for a, b in pairs}, {(a.cluster, b.cluster) for a, b in pairs}

    def stands(relation: Relation, mine: TaskSchedule, other: TaskSchedule) -> bool:
        if relation is Relation.SAME_FAMILY:
            return mine.family == other.family or (mine.family, other.family) in families
        return mine.times == other.times and (mine.cluster, other.cluster) in clusters

    free, found = list(others), dict[int, Counterpart]()
    # By families first: what another pair of families takes is free for nobody by its times.
    for relation in (Relation.SAME_FAMILY, Relation.SAME_TIMES):
        for number, mine in enumerate(schedules):
            matches = [other for other in free if number not in found and stands(relation, mine, other)]
            if matches:
                match = max(matches, key=lambda other, mine=mine: _likeness(mine, other))  # type: ignore[misc]
                free.remove(match)
                found[number] = Counterpart(match.thing, relation)
    return tuple(replace(row, counterpart=found.get(number), unread=unread) for number, row in enumerate(schedules))


def _likeness(mine: TaskSchedule, other: TaskSchedule) -> tuple[bool, bool, bool]:
    """How alike two schedules are that start one family: its tasks may be started with several words."""
    return mine.words == other.words, mine.times == other.times, mine.thing.name == other.thing.name
