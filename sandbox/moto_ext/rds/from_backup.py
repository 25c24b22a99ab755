"""AWS Backup's recovery points of databases are RDS snapshots, and RDS restores them too.

Source: RDS API, RestoreDBInstanceFromDBSnapshot. The emulator's RDS knows none of them: ``rds_restore`` asks here.
"""

from __future__ import annotations

from typing import Any

from moto.backup.models import backup_backends
from moto.rds.models import DBInstance, RDSBackend, rds_backends

from sandbox.core.patching import refused
from sandbox.moto_ext.backup.model import BackupPoint, points
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.rds.rds import create_copy, require_key

PREFIX = "awsbackup:"
_OURS = ("db_subnet_group_name", "dbi_resource_id")


def point_behind(backend: RDSBackend, snapshot_id: str) -> BackupPoint | None:
    """The recovery point that is the snapshot ``awsbackup:...``; None for a snapshot of RDS's own.

    Raises DBSnapshotNotFound where there is no such point, InvalidDBSnapshotState where it is not complete.
    """
    name = snapshot_id.partition(":snapshot:")[2] or snapshot_id
    if not name.startswith(PREFIX):
        return None
    known = points(backup_backends[backend.account_id][backend.region_name])
    found = next((point for arn, point in known.items() if arn.endswith(f":snapshot:{name}")), None)
    if found is None:
        raise refused("DBSnapshotNotFound", f"DBSnapshot {name} not found.")
    if not found.done:
        raise refused("InvalidDBSnapshotState", f"The snapshot {name} is being created.")
    return found


def from_point(backend: RDSBackend, point: BackupPoint, params: dict[str, Any]) -> DBInstance:
    """Create an instance from the point, encrypted with its vault's key, which must work (T19)."""
    key = require_key(backend, True, point.vault.encryption_key_arn)
    facts = {name: value for name, value in point.resource.facts.items() if name not in _OURS}
    retained = {name: value for name, value in params.items() if name != "db_snapshot_identifier"}
    db_instance = create_copy(backend, facts | {"kms_key_id": key}, retained, "rds.restore-from-snapshot")
    source = rds_backends[backend.account_id][stored_data.region_of(point.resource.arn)]
    stored_data.put_rows(
        db_instance,
        stored_data.until(stored_data.row_log(source, point.resource.facts["dbi_resource_id"]), point.created),
    )
    return db_instance
