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

from moto.efs.models import EFSBackend, efs_backends

from sandbox.core.patching import state
from sandbox.core.state import now, replicated_until
from sandbox.core.timing import lag_s, to_the_second

LAG_S = 600


@dataclass
class ReplicationConfiguration:
    """One replication configuration: from one file system to one in another region."""

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

    @property
    def source_region(self) -> str:
        """The region that is written to."""
        return self.source_arn.split(":")[3]

    @property
    def trails_s(self) -> float:
        """How far the destination trails: ``lag_s``, which a test may shorten while no disaster changed it."""
        return lag_s("files_lag_s", LAG_S) if self.lag_s == LAG_S else self.lag_s

    @property
    def status(self) -> str:
        """ENABLING, ENABLED, or the trouble a disaster made."""
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
    """Configurations this region knows, by source file system."""
    return state(backend, "replications")


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
