"""One EFS replication configuration, as both regions know it; last sync follows the clock (AWS: efs-replication; T27).

``backend.__dict__["replications"]`` of both regions maps a source file system's id to its
:class:`ReplicationConfiguration`. A disaster may set ``frozen_at`` (last sync stands still), ``lag_s`` or ``trouble``
(ERROR, PAUSED ...) there. :func:`last_sync` is what CloudWatch's TimeSinceLastSync is made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.efs.models import EFSBackend, FileSystem, efs_backends

from sandbox.core import truth
from sandbox.core.patching import state
from sandbox.core.state import is_sick, now, replicated_until
from sandbox.core.timing import lag_s, to_the_second
from sandbox.moto_ext.data.store_sizes import files_gib

GIB = 1024**3
# Within the 15 minutes that EFS is designed for (EFS guide, replication).
LAG_S = 600


@dataclass
class ReplicationConfiguration:
    """One replication configuration: from one file system to one in another region.

    ``ends`` is when it is gone once it was deleted, ``arrived`` are the files that the destination then keeps. It is
    ``stuck`` where its source's region is too sick to do its half (assumed: AWS describes no such case).
    """

    source_id: str
    source_arn: str
    destination_id: str
    destination_region: str
    owner: str
    created: datetime
    enabled_from: datetime
    role: str | None = None
    lag_s: float = LAG_S
    frozen_at: datetime | None = None
    trouble: str = ""
    ends: datetime | None = None
    arrived: tuple[Any, ...] = ()
    stuck: bool = False

    @property
    def source_region(self) -> str:
        """The region that is written to."""
        return self.source_arn.split(":")[3]

    @property
    def trails_s(self) -> float:
        """How far the destination trails: ``lag_s``, which a test may shorten while no disaster changed it."""
        way = f"{self.source_region}:{self.destination_region}"
        # A disaster's own lag goes before that of a test or of the table.
        return lag_s("files_lag_s", LAG_S, "efs.sync", way) if self.lag_s == LAG_S else self.lag_s

    @property
    def status(self) -> str:
        """ENABLING, ENABLED, DELETING once it was deleted, or the trouble a disaster made."""
        # DELETING until both regions have done their half.
        if self.ends is not None or self.stuck:
            return "DELETING"
        return self.trouble or ("ENABLED" if now() >= self.enabled_from else "ENABLING")

    @property
    def last_sync(self) -> datetime | None:
        """Everything written in the source before this moment is at the destination; None before the first sync."""
        if self.status == "ENABLING":
            return None
        reached = replicated_until(self.source_region, self.trails_s)
        return to_the_second(min(reached, self.frozen_at) if self.frozen_at else reached)

    def describe(self) -> dict[str, Any]:
        """As DescribeReplicationConfigurations answers."""
        return {
            "SourceFileSystemId": self.source_id,
            "SourceFileSystemRegion": self.source_region,
            "SourceFileSystemArn": self.source_arn,
            "OriginalSourceFileSystemArn": self.source_arn,
            "SourceFileSystemOwnerId": self.owner,
            "CreationTime": self.created,
            "Destinations": [
                {
                    "Status": self.status,
                    "FileSystemId": self.destination_id,
                    "Region": self.destination_region,
                    "LastReplicatedTimestamp": self.last_sync,
                    "OwnerId": self.owner,
                    "RoleArn": self.role,
                }
            ],
        }


def replications(backend: EFSBackend) -> dict[str, ReplicationConfiguration]:
    """Configurations this region knows, by source file system. One that was deleted goes when its time is over."""
    known: dict[str, ReplicationConfiguration] = state(backend, "replications")
    for source_id, replication in list(known.items()):
        # The half of the sick region is done as soon as it answers again.
        if replication.stuck and not is_sick(replication.source_region, "efs"):
            replication.ends, replication.stuck = now(), False
        if replication.ends is not None and now() >= replication.ends:
            del known[source_id]
            _open_destination(backend, replication)
    return known


def _open_destination(backend: EFSBackend, replication: ReplicationConfiguration) -> None:
    """Let the destination, where it is in this region, be writable, with the files that had arrived."""
    # The source only forgets the replication: its files are its own.
    if backend.region_name != replication.destination_region:
        return
    state(backend, "files").setdefault(replication.destination_id, [])[:] = replication.arrived
    target = backend.file_systems_by_id.get(replication.destination_id)
    if target is not None:
        # ENABLED again once the replication is gone, by the guide; truth.json may say otherwise.
        target.__dict__["_overwrite_protection"] = truth.answer("efs.protection-after-replication-ends")


def protection_of(file_system: FileSystem) -> str:
    """The replication overwrite protection of a file system: ENABLED, DISABLED, or REPLICATING."""
    region, account = file_system.file_system_arn.split(":")[3:5]
    # Looked at first: a replication whose time is over opens its destination by that.
    replications(efs_backends[account][region])
    return str(file_system.__dict__.get("_overwrite_protection", "ENABLED"))


def gib_of(file_system: FileSystem) -> float:
    """What a file system holds, in GiB: what its operations take their time by."""
    # moto's file systems are empty: then the size that was set for all.
    return float(file_system.size_in_bytes["Value"]) / GIB or files_gib()


def last_sync(account: str, region: str, file_system_id: str) -> datetime | None:
    """When the file system (source or destination), seen from ``region``, was last in sync; None if it never was."""
    for replication in replications(efs_backends[account][region]).values():
        if file_system_id in (replication.source_id, replication.destination_id):
            return replication.last_sync
    return None


def of_file_system(backend: EFSBackend, file_system_id: str) -> Iterator[ReplicationConfiguration]:
    """The configurations a file system is part of, as this region knows."""
    for replication in replications(backend).values():
        if file_system_id in (replication.source_id, replication.destination_id):
            yield replication
