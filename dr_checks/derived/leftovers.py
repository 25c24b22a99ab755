"""Resources that a drill left behind, found by their names. Pure.

Leftovers run on and are billed (T47). Only the DR region and the traffic zone can hold any: a drill makes nothing in
the primary region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import is_canary, is_isolated
from dr_estate.model.stores import DATABASE, FILES
from dr_estate.readers import drill_resources, efs, rds, route53
from dr_estate.snapshot.snapshot import Snapshot

RECORD = "record"
ACCESS_POINT, MOUNT_TARGET, TASK = "access point", "mount target", "task"


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing of a drill. ``subject`` is its name, ``id`` what its service knows it by."""

    side: Side
    kind: str
    subject: str
    id: str


def leftovers(snapshot: Snapshot, env: Environment) -> tuple[Leftover, ...]:
    """Every leftover that is seen. Raises DataUnavailable where one of the places could not be looked at."""
    return (*_databases(snapshot, env), *_tasks(snapshot), *_files(snapshot), *_records(snapshot, env))


def _databases(snapshot: Snapshot, env: Environment) -> Iterator[Leftover]:
    name = env.database_on(Side.DR)
    for instance in snapshot.get(rds.instances, Side.DR):
        # By the name that a drill gives: tags can be taken off, and a list of our own would be lost with its writer.
        if is_isolated(instance.identifier, name):
            yield Leftover(Side.DR, DATABASE.id, instance.identifier, instance.resource_id)


def _files(snapshot: Snapshot) -> Iterator[Leftover]:
    for system in snapshot.get(efs.of_drills, Side.DR):
        yield Leftover(Side.DR, FILES.id, system.token, system.id)
    for point in snapshot.get(drill_resources.access_points, Side.DR):
        yield Leftover(Side.DR, ACCESS_POINT, f"{point.path} of {point.file_system_id}", point.id)
    for target in snapshot.get(drill_resources.mount_targets, Side.DR):
        yield Leftover(Side.DR, MOUNT_TARGET, f"{target.id} of {target.file_system_id}", target.id)


def _tasks(snapshot: Snapshot) -> Iterator[Leftover]:
    for task in snapshot.get(drill_resources.tasks, Side.DR):
        # ECS lists stopped tasks for an hour or more; they cost nothing.
        if task.status != drill_resources.STOPPED:
            yield Leftover(Side.DR, TASK, f"{task.incident} {task.arn.rpartition('/')[2]}", task.arn)


def _records(snapshot: Snapshot, env: Environment) -> Iterator[Leftover]:
    for record in snapshot.get(route53.records, Side.GLOBAL):
        name = record.name.rstrip(".")
        if is_canary(name, env):
            which = f"{record.type} {record.set_identifier}" if record.set_identifier else record.type
            yield Leftover(Side.GLOBAL, RECORD, f"{name} {which}", name)
