"""Examples of the checks of the file system and its replication."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.config.settings import ReplicationSettings as Expected
from dr_estate.readers import efs
from dr_estate.reading.cloudwatch_metrics import Reading
from dr_estate.reading.reader import Reader
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

NAME = "sit-efs"
HOME, AWAY = SIT.regions.primary, SIT.regions.dr
SOURCE = efs.FileSystem(
    "fs-1",
    "arn:fs-1",
    NAME,
    "available",
    6144,
    "elastic",
    0.0,
    "generalPurpose",
    True,
    f"arn:aws:kms:{HOME}:1:key/a",
    "ENABLED",
    "",
)
COPY = replace(SOURCE, id="fs-2", key=f"arn:aws:kms:{AWAY}:1:key/b", overwrite_protection="REPLICATING")
ROW = efs.FileReplication("fs-1", HOME, "fs-2", AWAY, "ENABLED", "", NOW - timedelta(minutes=12))
BACKWARDS = efs.FileReplication("fs-2", AWAY, "fs-1", HOME, "ENABLED", "", NOW)
DIMENSIONS = (("FileSystemId", "fs-1"), ("DestinationFileSystemId", "fs-2"))
SYNC = Reading("TimeSinceLastSync", DIMENSIONS, 700.0, NOW - timedelta(minutes=1), 900.0)
SILENT = Reading("TimeSinceLastSync", DIMENSIONS, None, None, 0.0)
COPIES_ONLY = SIT.model_copy(
    update={"replication": Expected(expectation=SIT.replication.expectation, files=("backup-copy",))}
)
Rows = dict[tuple[Reader[Any], Side], Any]


def estate(**changed: Any) -> Rows:
    """A healthy file system in both regions, but for the parts named (``<part>_<side>``)."""
    values: dict[str, Any] = {
        "file_systems_primary": (SOURCE,),
        "file_systems_dr": (COPY,),
        "replications_primary": (ROW,),
        "replications_dr": (ROW,),
        "sync_metrics_primary": (SYNC,),
        "sync_metrics_dr": (SILENT,),
        **changed,
    }
    return {(getattr(efs, key.rpartition("_")[0]), Side(key.rpartition("_")[2])): row for key, row in values.items()}


def _case(check: str, expected: Status, named: bool = True, **changed: Any) -> Example:
    subjects = frozenset({NAME} if named and expected is not Status.UNKNOWN else ())
    return Example(f"efs.{check}", expected, world(estate(**changed)), subjects)


EXAMPLES = [
    _case("file-system-exists", Status.PASS),
    _case("file-system-exists", Status.PASS, file_systems_dr=(replace(COPY, state="updating"),)),
    _case("file-system-exists", Status.FAIL, file_systems_dr=()),
    _case("file-system-exists", Status.UNKNOWN, file_systems_dr=(replace(COPY, state="a-new-word"),)),
    _case("file-system-exists", Status.FAIL, file_systems_dr=(replace(COPY, state="error"),)),
    _case("file-system-exists", Status.UNKNOWN, file_systems_dr=DENIED),
    _case("replication-state", Status.PASS),
    _case("replication-state", Status.PASS, replications_primary=DENIED),
    _case("replication-state", Status.FAIL, replications_dr=()),
    _case("replication-state", Status.FAIL, replications_dr=(BACKWARDS,)),
    _case("replication-state", Status.UNKNOWN, replications_dr=(replace(ROW, status="A_NEW_WORD"),)),
    _case("replication-state", Status.FAIL, replications_dr=(replace(ROW, destination_id="fs-other"),)),
    _case("replication-state", Status.FAIL, replications_dr=(replace(ROW, status="ERROR", message="failed"),)),
    _case("replication-state", Status.FAIL, replications_dr=(replace(ROW, status="PAUSED"),)),
    _case("replication-state", Status.UNKNOWN, replications_dr=DENIED),
    Example("efs.replication-state", Status.NOT_APPLICABLE, world(estate()), env=COPIES_ONLY),
    _case("last-replicated", Status.PASS),
    _case("last-replicated", Status.PASS, replications_dr=(replace(ROW, synced_at=NOW - timedelta(minutes=60)),)),
    _case("last-replicated", Status.FAIL, replications_dr=(replace(ROW, synced_at=NOW - timedelta(minutes=61)),)),
    _case("last-replicated", Status.UNKNOWN, replications_dr=(replace(ROW, synced_at=None),)),
    _case("last-replicated", Status.NOT_APPLICABLE, replications_dr=()),
    _case("last-replicated", Status.UNKNOWN, replications_dr=DENIED),
    _case("sync-metric", Status.PASS),
    _case("sync-metric", Status.PASS, sync_metrics_dr=(SYNC,), sync_metrics_primary=DENIED),
    _case("sync-metric", Status.FAIL, sync_metrics_primary=(replace(SYNC, value=3601.0),)),
    _case("sync-metric", Status.UNKNOWN, sync_metrics_primary=(SILENT,)),
    _case("sync-metric", Status.UNKNOWN, sync_metrics_primary=()),
    _case("sync-metric", Status.UNKNOWN, sync_metrics_primary=(replace(SYNC, at=NOW - timedelta(minutes=16)),)),
    _case("sync-metric", Status.UNKNOWN, sync_metrics_primary=DENIED),
    _case("overwrite-protection", Status.PASS),
    _case(
        "overwrite-protection",
        Status.PASS,
        replications_dr=(),
        file_systems_dr=(replace(COPY, overwrite_protection="ENABLED"),),
    ),
    _case(
        "overwrite-protection", Status.FAIL, file_systems_primary=(replace(SOURCE, overwrite_protection="DISABLED"),)
    ),
    _case("overwrite-protection", Status.FAIL, file_systems_dr=(replace(COPY, overwrite_protection="DISABLED"),)),
    _case("overwrite-protection", Status.PASS, file_systems_dr=()),
    _case("overwrite-protection", Status.UNKNOWN, file_systems_primary=DENIED),
]
