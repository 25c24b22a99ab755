"""RDS restores and snapshot copies across regions (API_RestoreDBInstanceToPointInTime, API_CopyDBSnapshot; T19)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from moto.backup.models import backup_backends
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend, rds_backends

from sandbox.core.patching import refused, wrap
from sandbox.core.state import replicated_until
from sandbox.core.timing import begin, is_real, to_the_second
from sandbox.moto_ext.backup.model import BackupPoint, points
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.rds.backups import ReplicatedBackup, replications, retained_backups
from sandbox.moto_ext.rds.rds import begin_creating, create_copy, facts_of, gib_of, log_upload_s, plain, require_key

# AWS Backup's recovery points of databases are RDS snapshots, and RDS restores them too, by an id with this prefix.
PREFIX = "awsbackup:"
_OURS = ("db_subnet_group_name", "dbi_resource_id")

TO_A_MOMENT, FROM_SNAPSHOT = "rds.restore-to-point-in-time", "rds.restore-from-snapshot"
RESTORE_ONLY = (
    "source_db_instance_identifier",
    "source_db_instance_automated_backups_arn",
    "source_dbi_resource_id",
    "target_db_instance_identifier",
    "restore_time",
    "use_latest_restorable_time",
    "tag_specifications",
)


def restore_from(backend: RDSBackend, copy: ReplicatedBackup, params: dict[str, Any]) -> DBInstance:
    """Create an instance from replicated automated backups, encrypted with the key of the copies.

    Raises InvalidRestoreFault when ``restore_time`` is outside the copies' window.
    """
    moment = params.get("restore_time")
    # Of this region: when the source is dark it ends where the last log arrived (T24).
    window = copy.describe()["RestoreWindow"]
    if window is None:
        raise refused("PointInTimeRestoreNotEnabled", "The replicated backup has no restorable time yet.")
    if moment is not None:
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if not window["EarliestTime"] <= moment <= window["LatestTime"]:
            raise refused("InvalidRestoreFault", f"The specified time {moment} is outside the restore window.")
    elif not params.get("use_latest_restorable_time"):
        raise refused("InvalidParameterCombination", "Name a RestoreTime or ask for the latest restorable time.")
    values = {key: value for key, value in params.items() if key not in RESTORE_ONLY}
    values["db_instance_identifier"] = params["target_db_instance_identifier"]
    # The key of the copies, not of the source: it must still work on the day (T19).
    key = require_key(backend, bool(copy.kms_key_id), copy.kms_key_id)
    db_instance = create_copy(backend, copy.facts | {"kms_key_id": key}, values, TO_A_MOMENT)
    source = rds_backends[backend.account_id][copy.source_region]
    stored_data.put_rows(
        db_instance, stored_data.until(stored_data.row_log(source, copy.resource_id), moment or window["LatestTime"])
    )
    return db_instance


@wrap(RDSBackend, "restore_db_instance_to_point_in_time")
def _to_point_in_time(
    _original: Any, self: RDSBackend, source_db_identifier: str, target_db_identifier: str, overrides: Any
) -> DBInstance:
    params = plain(overrides)
    if arn := params.get("source_db_instance_automated_backups_arn"):
        # An instance that is gone is restored by the ARN of its backups alone.
        copy = {**retained_backups(self), **replications(self)}.get(arn)
        if copy is None:
            raise refused("DBInstanceAutomatedBackupNotFound", f"Automated backup {arn} not found in this region.")
        return restore_from(self, copy, params)
    instance = self.describe_db_instances(source_db_identifier)[0]
    # A restore cannot be smaller than its source (API_RestoreDBInstanceToPointInTime).
    if (params.get("allocated_storage") or instance.allocated_storage) < instance.allocated_storage:
        raise refused("InvalidParameterValue", "Allocated storage size can't be less than the source instance size.")
    if not instance.backup_retention_period:
        raise refused(
            "PointInTimeRestoreNotEnabled", f"Point-in-time restore is not enabled for {source_db_identifier}."
        )
    values = {key: value for key, value in params.items() if key not in RESTORE_ONLY}
    facts = facts_of(instance) | {"kms_key_id": instance.kms_key_id, "db_instance_identifier": target_db_identifier}
    db_instance = create_copy(self, facts, values, TO_A_MOMENT)
    latest = to_the_second(replicated_until(self.region_name, log_upload_s()))
    stored_data.put_rows(
        db_instance, stored_data.until(stored_data.rows_of(instance), params.get("restore_time") or latest)
    )
    return db_instance


@wrap(RDSBackend, "create_db_snapshot")
def _snapshot(original: Any, self: RDSBackend, *args: Any, **kwargs: Any) -> DBSnapshot:
    snapshot: DBSnapshot = original(self, *args, **kwargs)
    # Now: what is written later is not in the snapshot.
    snapshot.__dict__["held_rows"] = tuple(stored_data.rows_of(snapshot.database))
    if is_real():
        name = snapshot.database.db_instance_identifier
        begin(snapshot, "creating", "rds.create-snapshot", name, gib=gib_of(snapshot.database))
    return snapshot


@wrap(RDSBackend, "restore_db_instance_from_db_snapshot")
def _from_snapshot(original: Any, self: RDSBackend, from_snapshot_id: str, overrides: Any) -> DBInstance:
    # AWS Backup's points bear ids of RDS snapshots, and moto's RDS does not know them.
    if point := point_behind(self, from_snapshot_id):
        return from_point(self, point, plain(overrides))
    rows = self.get_db_snapshot(from_snapshot_id).__dict__.get("held_rows", ())
    db_instance: DBInstance = original(self, from_snapshot_id, overrides)
    begin_creating(db_instance, FROM_SNAPSHOT)
    stored_data.put_rows(db_instance, rows)
    return db_instance


@wrap(RDSBackend, "copy_db_snapshot")
def _copy_snapshot(
    original: Any,
    self: RDSBackend,
    source_db_snapshot_identifier: str,
    target_db_snapshot_identifier: str,
    kms_key_id: str | None = None,
    *args: Any,
    **kwargs: Any,
) -> DBSnapshot:
    if source_db_snapshot_identifier.startswith("arn:"):
        self.extract_snapshot_name_from_arn(source_db_snapshot_identifier)
    source = self.get_db_snapshot(source_db_snapshot_identifier)
    elsewhere = source.region != self.region_name
    # Within a region an encrypted snapshot keeps its key.
    if elsewhere:
        kms_key_id = require_key(self, source.encrypted, kms_key_id)
    snapshot: DBSnapshot = original(
        self, source_db_snapshot_identifier, target_db_snapshot_identifier, kms_key_id, *args, **kwargs
    )
    snapshot.__dict__["held_rows"] = source.__dict__.get("held_rows", ())
    snapshot.__dict__["source_db_snapshot_identifier"] = source.db_snapshot_arn
    snapshot.__dict__["source_region"] = source.region if elsewhere else None
    name = source.database.db_instance_identifier
    begin(snapshot, "creating", "rds.copy-snapshot", name, gib=gib_of(source.database))
    return snapshot


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
