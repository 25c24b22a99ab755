"""EFS: the shared file system, its access points, its replication to the other region, and its policies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import is_isolated
from dr_estate.model.unavailable import Unavailable
from dr_estate.reading.answers import At, read
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.reader import REGIONAL, ReadContext, part

FILE_SYSTEM_READS = frozenset({"efs:DescribeFileSystems"})
ACCESS_POINT_READS = frozenset({"efs:DescribeAccessPoints"})
# Long enough to find the last value before a metric stopped: its age shows that a replication is broken (T23).
_METRIC_WINDOW_MINUTES = 180


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system. ``zone`` is set for One Zone storage, ``provisioned_mibps`` for provisioned throughput.

    ``token`` is the name that its creator gave it (CreationToken), "" where EFS does not report it.
    """

    id: Annotated[str, At("FileSystemId", demanded=True)]
    arn: Annotated[str, At("FileSystemArn")]
    name: Annotated[str, At("Name")]
    state: Annotated[str, At("LifeCycleState", demanded=True)]
    size_bytes: Annotated[int, At("SizeInBytes.Value")]
    throughput: Annotated[str, At("ThroughputMode", absent="bursting")]
    provisioned_mibps: float
    performance: Annotated[str, At("PerformanceMode")]
    encrypted: Annotated[bool, At("Encrypted")]
    key: Annotated[str, At("KmsKeyId")]
    overwrite_protection: Annotated[str, At("FileSystemProtection.ReplicationOverwriteProtection")]
    zone: Annotated[str, At("AvailabilityZoneName")]
    token: Annotated[str, At("CreationToken")] = ""


@dataclass(frozen=True, slots=True)
class FileReplication:
    """One replication. ``synced_at`` is when the last complete sync ended; None before the first."""

    source_id: str
    source_region: str
    destination_id: Annotated[str, At("FileSystemId", demanded=True)]
    destination_region: Annotated[str, At("Region", demanded=True)]
    status: Annotated[str, At("Status", demanded=True)]
    message: Annotated[str, At("StatusMessage")]
    synced_at: Annotated[datetime | None, At("LastReplicatedTimestamp")]


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point: the directory it opens and the POSIX user it acts as; ids are -1 where none is enforced."""

    id: Annotated[str, At("AccessPointId", demanded=True)]
    file_system_id: Annotated[str, At("FileSystemId", demanded=True)]
    name: str
    path: Annotated[str, At("RootDirectory.Path", absent="/")]
    # Without a POSIX user the client's own ids count; 0 would be root's.
    uid: Annotated[int, At("PosixUser.Uid", absent=-1)]
    gid: Annotated[int, At("PosixUser.Gid", absent=-1)]
    state: Annotated[str, At("LifeCycleState", demanded=True)]


@part(*REGIONAL, reads=FILE_SYSTEM_READS)
def file_systems(context: ReadContext) -> tuple[FileSystem, ...]:
    """The environment's file system in this region, by its Name tag.

    A replica that EFS made by itself carries no name: where none has it, those a replication writes into are meant,
    and once that is deleted the one of the map.
    """
    name = context.env.named(context.env.names.file_system)
    listed = context.pages("efs", "describe_file_systems", "FileSystems")
    # A drill's restored copy may bear the estate's name: its creation token distinguishes them.
    known = [row for row in listed if not is_isolated(row.get("CreationToken", ""), name)]
    named = [row for row in known if row.get("Name") == name]
    if not named:
        into = {r.destination_id for r in context.part(replications) if r.destination_region == context.region}
        into = into or context.env.mapped_files(context.region)
        named = [row for row in known if row.get("FileSystemId") in into]
    return context.rows(named, file_system_of, "FileSystemId")


@part(Side.DR, reads=FILE_SYSTEM_READS)
def of_drills(context: ReadContext) -> tuple[FileSystem, ...]:
    """What a drill restored and has not taken away: by the creation token, which it has from its first moment on."""
    name = context.env.named(context.env.names.file_system)
    listed = context.pages("efs", "describe_file_systems", "FileSystems")
    restored = [row for row in listed if is_isolated(row.get("CreationToken", ""), name)]
    return context.rows(restored, file_system_of, "FileSystemId")


@part(*REGIONAL, reads=frozenset({"efs:DescribeReplicationConfigurations"}))
def replications(context: ReadContext) -> tuple[FileReplication, ...]:
    """Replications between the estate's two regions; both regions list one, so a dark primary does not hide it."""
    listed = context.pages("efs", "describe_replication_configurations", "Replications")
    ours = {context.env.region(Side.PRIMARY), context.env.region(Side.DR)}

    def of(row: dict[str, Any]) -> tuple[FileReplication, ...]:
        # Either direction: after a failover the DR region may be the source.
        into = [t for t in row.get("Destinations", []) if {row.get("SourceFileSystemRegion"), t.get("Region")} == ours]
        return context.rows(into, lambda target: _replication(row, target), "FileSystemId")

    return tuple(found for row in listed for found in of(row))


@part(*REGIONAL, reads=METRIC_READS)
def sync_metrics(context: ReadContext) -> tuple[Reading, ...]:
    """TimeSinceLastSync of each replication, in seconds. Source: EFS User Guide, CloudWatch metrics."""
    pairs = [(row.source_id, row.destination_id) for row in context.part(replications)]
    dimensions = [(("FileSystemId", source), ("DestinationFileSystemId", copy)) for source, copy in pairs]
    name, minutes = "TimeSinceLastSync", _METRIC_WINDOW_MINUTES
    return read_metrics(context, [MetricQuery("AWS/EFS", name, on, "Maximum", minutes) for on in dimensions])


@part(*REGIONAL, reads=ACCESS_POINT_READS)
def access_points(context: ReadContext) -> tuple[AccessPoint, ...]:
    """Every access point of the file system, by pages."""
    rows = rows_of(context, "describe_access_points", "AccessPoints", context.part(file_systems))
    return context.rows(rows, access_point_of, "Name", context.env.names.access_point)


def rows_of(context: ReadContext, operation: str, key: str, systems: Iterable[FileSystem]) -> list[dict[str, Any]]:
    """What EFS lists of each file system: one call for each, by pages."""
    return [row for system in systems for row in context.pages("efs", operation, key, FileSystemId=system.id)]


def file_system_of(row: dict[str, Any]) -> FileSystem:
    """The file system as DescribeFileSystems returns it."""
    return read(FileSystem, row, provisioned_mibps=float(row.get("ProvisionedThroughputInMibps") or 0))


def _replication(row: dict[str, Any], target: dict[str, Any]) -> FileReplication:
    source = {"source_id": row["SourceFileSystemId"], "source_region": row["SourceFileSystemRegion"]}
    return read(FileReplication, target, **source)


def access_point_of(row: dict[str, Any]) -> AccessPoint:
    """The access point as DescribeAccessPoints returns it."""
    return read(AccessPoint, row, name=row.get("Name") or row["AccessPointId"])  # the Name tag, which not all have


# EFS file system policies of both regions.

# The statement that freezes a file system bears this id, and when: an id takes letters and digits alone.
FROZEN_SID, STAMP = "FrozenForFailback", "%Y%m%dT%H%M%SZ"
_FROZEN = re.compile(rf'"{FROZEN_SID}(\d{{8}}T\d{{6}}Z)"')
POLICY_READS = frozenset({"efs:DescribeFileSystemPolicy"})


@dataclass(frozen=True, slots=True)
class FileSystemPolicy:
    """The policy of a file system; each statement has the same form in every region.

    ``present`` is False where there is no policy: EFS then admits every client that reaches a mount target. ``text`` is
    the unchanged policy.
    """

    file_system: str
    present: bool
    allows: tuple[str, ...]
    denies: tuple[str, ...]
    text: str = ""

    @property
    def freeze_time(self) -> datetime | None:
        """When a failback froze the file system, as the id of its statement says; None where none did."""
        found = _FROZEN.search(self.text)
        return datetime.strptime(found.group(1), STAMP).replace(tzinfo=UTC) if found else None


@part(*REGIONAL, reads=POLICY_READS)
def policies(context: ReadContext) -> tuple[FileSystemPolicy | Unavailable, ...]:
    """The policy of the environment's file system: one call."""
    named = {point.id: f"{{access point {point.name}}}" for point in context.part(access_points)}
    systems = context.part(file_systems)
    return tuple(context.maybe(lambda system: _policy(context, system, named), systems))


def _policy(context: ReadContext, system: FileSystem, named: dict[str, str]) -> FileSystemPolicy:
    found = context.find("efs", "describe_file_system_policy", ("PolicyNotFound",), FileSystemId=system.id)
    if found is None:
        return FileSystemPolicy(system.id, present=False, allows=(), denies=())
    text = raw = str(found["Policy"])
    for own, word in ({system.id: "{file system}", context.region: "{region}"} | named).items():
        text = text.replace(own, word)
    rows = json.loads(text).get("Statement", [])
    statements = {"Allow": set[str](), "Deny": set[str]()}
    for row in rows if isinstance(rows, list) else [rows]:
        # A statement without its id and effect, its lists in order: two that mean the same read the same
        meant = {key: _sorted_lists(value) for key, value in row.items() if key not in ("Sid", "Effect")}
        statements[row["Effect"]].add(json.dumps(meant, sort_keys=True))
    return FileSystemPolicy(system.id, True, tuple(sorted(statements["Allow"])), tuple(sorted(statements["Deny"])), raw)


def _sorted_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted_lists(inner) for key, inner in value.items()}
    if isinstance(value, list):
        ordered = sorted(value, key=str)
        return ordered[0] if len(ordered) == 1 else ordered
    return value
