"""File systems that a recovery restored, what opens them, and the task that puts their content into its place.

Nothing beyond the list of file systems is asked for where none was restored.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import is_replaced, is_restored, mover_family
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import drill_resources, ecs, efs
from dr_estate.reading.reader import ReadContext, part

MARK = "dr_files"


@dataclass(frozen=True, slots=True)
class RestoredTarget:
    """A mount target of restored files."""

    id: str
    file_system_id: str
    subnet: str
    state: str


@dataclass(frozen=True, slots=True)
class FolderListing:
    """What the task found in the restored file system of that token: entries of each wanted folder, 0 for none.

    ``message`` is the last line of its log where that holds no listing.
    """

    task: str
    token: str
    folders: tuple[tuple[str, int], ...] = ()
    message: str = ""


@part(Side.DR, reads=efs.FILE_SYSTEM_READS)
def systems(context: ReadContext) -> tuple[efs.FileSystem, ...]:
    """What a recovery restored, by the creation token, and what it replaced, by its name."""
    name = context.env.named(context.env.names.file_system)
    listed = context.pages("efs", "describe_file_systems", "FileSystems")
    ours = [
        row
        for row in listed
        # By the token, which nobody can change; the name of what was replaced is a tag that this tool gave.
        if is_restored(row.get("CreationToken", ""), name) or is_replaced(row.get("Name", ""), name)
    ]
    return context.rows(ours, efs.file_system_of, "FileSystemId")


def _restored_systems(context: ReadContext) -> list[efs.FileSystem]:
    name = context.env.named(context.env.names.file_system)
    return [system for system in context.part(systems) if is_restored(system.token, name)]


@part(Side.DR, reads=efs.ACCESS_POINT_READS)
def access_points(context: ReadContext) -> tuple[efs.AccessPoint, ...]:
    """The access points of what was restored."""
    rows = efs.rows_of(context, "describe_access_points", "AccessPoints", _restored_systems(context))
    return context.rows(rows, efs.access_point_of, "AccessPointId")


@part(Side.DR, reads=drill_resources.MOUNT_READS)
def mount_targets(context: ReadContext) -> tuple[RestoredTarget, ...]:
    """The mount targets of what was restored."""
    rows = efs.rows_of(context, "describe_mount_targets", "MountTargets", _restored_systems(context))
    return context.rows(
        rows,
        lambda row: RestoredTarget(row["MountTargetId"], row["FileSystemId"], row["SubnetId"], row["LifeCycleState"]),
        "MountTargetId",
    )


@part(Side.DR, reads=ecs.DEFINITION_READS)
def definitions(context: ReadContext) -> tuple[ecs.TaskDefinition, ...]:
    """The newest revision of the mover's family, where anything was restored."""
    if not _restored_systems(context):
        return ()
    family = mover_family(context.env)
    found = context.find("ecs", "describe_task_definition", ("ClientException",), taskDefinition=family)
    if found is None:
        return ()
    return (context.understand(lambda: ecs.definition_of(found["taskDefinition"]), family),)


@part(Side.DR, reads=ecs.TASK_READS)
def tasks(context: ReadContext) -> tuple[drill_resources.Probe, ...]:
    """The mover's tasks, those that stopped in the last hour too; ``incident`` is the token they were started for."""
    if not context.part(definitions):
        return ()
    cluster = context.env.named(context.env.names.cluster)
    listed = [
        arn
        # ListTasks takes one status a call, and RUNNING is its default (ECS API, ListTasks).
        for wanted in ("RUNNING", drill_resources.STOPPED)
        for arn in context.pages(
            "ecs", "list_tasks", "taskArns", cluster=cluster, family=mover_family(context.env), desiredStatus=wanted
        )
    ]
    rows = ecs.described_tasks(context, cluster, listed)
    return context.rows(rows, lambda row: drill_resources.probe_of(context, row), "taskArn")


@part(Side.DR, reads=drill_resources.LOG_READS)
def listings(context: ReadContext) -> tuple[FolderListing | Unavailable, ...]:
    """What the log of each ended mover says, one call a task."""
    ended = [t for t in context.part(tasks) if t.status == drill_resources.STOPPED and t.exit_code is not None]
    known = {definition.arn: definition for definition in context.part(definitions)}
    return drill_resources.reports_of(
        context, ended, known, listing_in, lambda arn, last: FolderListing(arn, "", message=last)
    )


def listing_in(task: str, line: str) -> FolderListing | None:
    """The listing that a line of a log is, None for any other line."""
    row = drill_resources.row_in(line, MARK) or {}
    folders = row.get("folders")
    if not isinstance(folders, dict):
        return None
    counts = sorted((str(path), drill_resources.count_of(number)) for path, number in folders.items())
    return FolderListing(task, str(row[MARK]), tuple(counts))
