"""EFS: the shared file system, its access points, and its replication to the other region."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.drill_names import is_isolated
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

FILE_SYSTEM_READS = frozenset({"efs:DescribeFileSystems"})
REPLICATION_READS = frozenset({"efs:DescribeReplicationConfigurations"})
ACCESS_POINT_READS = frozenset({"efs:DescribeAccessPoints"})
# Long enough to find the last value before a metric stopped: its age shows that a replication is broken (T23).
_METRIC_WINDOW_MINUTES = 180


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system. ``zone`` is set for One Zone storage, ``provisioned_mibps`` for provisioned throughput.

    ``token`` is the name that its creator gave it (CreationToken), "" where EFS does not report it.
    """

    id: str
    arn: str
    name: str
    state: str
    size_bytes: int
    throughput: str
    provisioned_mibps: float
    performance: str
    encrypted: bool
    key: str
    overwrite_protection: str
    zone: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class FileReplication:
    """One replication. ``synced_at`` is when the last complete sync ended; None before the first."""

    source_id: str
    source_region: str
    destination_id: str
    destination_region: str
    status: str
    message: str
    synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point: the directory it opens and the POSIX user it acts as; ids are -1 where none is enforced."""

    id: str
    file_system_id: str
    name: str
    path: str
    uid: int
    gid: int
    state: str


@part(*REGIONAL, reads=FILE_SYSTEM_READS)
def file_systems(context: ReadContext) -> tuple[FileSystem, ...]:
    """The environment's file system in this region, by its Name tag.

    A replica that EFS made by itself carries no name: where none has it, those a replication writes into are meant.
    """
    name = context.env.named(context.env.names.file_system)
    listed = context.pages("efs", "describe_file_systems", "FileSystems")
    # A drill's restored copy may bear the estate's name: its creation token distinguishes them.
    known = [row for row in listed if not is_isolated(row.get("CreationToken", ""), name)]
    named = [row for row in known if row.get("Name") == name]
    if not named:
        into = {r.destination_id for r in context.part(replications) if r.destination_region == context.region}
        named = [row for row in known if row.get("FileSystemId") in into]
    return context.rows(named, file_system_of, "FileSystemId")


@part(Side.DR, reads=FILE_SYSTEM_READS)
def of_drills(context: ReadContext) -> tuple[FileSystem, ...]:
    """What a drill restored and has not taken away: by the creation token, which it has from its first moment on."""
    name = context.env.named(context.env.names.file_system)
    listed = context.pages("efs", "describe_file_systems", "FileSystems")
    restored = [row for row in listed if is_isolated(row.get("CreationToken", ""), name)]
    return context.rows(restored, file_system_of, "FileSystemId")


@part(*REGIONAL, reads=REPLICATION_READS)
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
    wanted = [
        MetricQuery(
            "AWS/EFS",
            "TimeSinceLastSync",
            (("FileSystemId", row.source_id), ("DestinationFileSystemId", row.destination_id)),
            "Maximum",
            _METRIC_WINDOW_MINUTES,
        )
        for row in context.part(replications)
    ]
    return read_metrics(context, wanted) if wanted else ()


@part(*REGIONAL, reads=ACCESS_POINT_READS)
def access_points(context: ReadContext) -> tuple[AccessPoint, ...]:
    """Every access point of the file system, by pages."""
    ids = [system.id for system in context.part(file_systems)]
    rows = [
        row for fs in ids for row in context.pages("efs", "describe_access_points", "AccessPoints", FileSystemId=fs)
    ]
    return context.rows(rows, access_point_of, "Name", context.env.names.access_point)


def file_system_of(row: dict[str, Any]) -> FileSystem:
    """The file system as DescribeFileSystems returns it."""
    return FileSystem(
        id=row["FileSystemId"],
        arn=row.get("FileSystemArn", ""),
        name=row.get("Name", ""),
        state=row["LifeCycleState"],
        size_bytes=row.get("SizeInBytes", {}).get("Value", 0),
        throughput=row.get("ThroughputMode", "bursting"),
        provisioned_mibps=float(row.get("ProvisionedThroughputInMibps") or 0),
        performance=row.get("PerformanceMode", ""),
        encrypted=bool(row.get("Encrypted")),
        key=row.get("KmsKeyId", ""),
        overwrite_protection=row.get("FileSystemProtection", {}).get("ReplicationOverwriteProtection", ""),
        zone=row.get("AvailabilityZoneName", ""),
        token=row.get("CreationToken", ""),
    )


def _replication(row: dict[str, Any], target: dict[str, Any]) -> FileReplication:
    return FileReplication(
        source_id=row["SourceFileSystemId"],
        source_region=row["SourceFileSystemRegion"],
        destination_id=target["FileSystemId"],
        destination_region=target["Region"],
        status=target["Status"],
        message=target.get("StatusMessage", ""),
        synced_at=target.get("LastReplicatedTimestamp"),
    )


def access_point_of(row: dict[str, Any]) -> AccessPoint:
    """The access point as DescribeAccessPoints returns it."""
    user = row.get("PosixUser") or {}
    return AccessPoint(
        id=row["AccessPointId"],
        file_system_id=row["FileSystemId"],
        name=row.get("Name", ""),
        path=row.get("RootDirectory", {}).get("Path", "/"),
        # Without a POSIX user the client's own ids count; 0 would be root's.
        uid=user.get("Uid", -1),
        gid=user.get("Gid", -1),
        state=row["LifeCycleState"],
    )
