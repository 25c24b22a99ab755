"""RDS instances that are deleted: refused where protected, deleting for a while, then gone (API_DeleteDBInstance).

The emulator takes one away at once, and wants no word about a final snapshot. An instance that is being deleted is
listed, holds its name, and can be neither changed nor deleted again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from moto.rds.models import DBInstance, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

from sandbox.core.patching import refused, state, wrap
from sandbox.core.state import now
from sandbox.core.timing import soon, transition_s


def _leaving(backend: RDSBackend) -> dict[str, tuple[str, datetime, bool]]:
    """By resource id: the identifier of what is being deleted, when it is gone, and whether its backups go too."""
    return state(backend, "leaving_instances")


@wrap(RDSBackend, "delete_db_instance")
def _delete(
    original: Any,
    self: RDSBackend,
    db_instance_identifier: str,
    final_db_snapshot_identifier: str | None = None,
    skip_final_snapshot: bool | None = False,
    delete_automated_backups: bool | None = True,
) -> DBInstance:
    sweep(self)
    if db_instance_identifier not in self.databases:
        absent: DBInstance = original(self, db_instance_identifier)  # distinguishes wrong and unknown names
        return absent
    found: DBInstance = self.describe_db_instances(db_instance_identifier)[0]
    if found.dbi_resource_id in _leaving(self):
        raise refused("InvalidDBInstanceState", f"Instance {db_instance_identifier} is already being deleted.")
    # A protected instance is refused by moto itself.
    if transition_s() <= 0 or found.deletion_protection:
        gone: DBInstance = original(
            self, db_instance_identifier, final_db_snapshot_identifier, skip_final_snapshot, delete_automated_backups
        )
        return gone
    if final_db_snapshot_identifier and not skip_final_snapshot:
        # Now: the instance still has its data, and the snapshot outlives it.
        self.create_db_snapshot(db_instance_identifier, final_db_snapshot_identifier, snapshot_type="manual")
    _leaving(self)[found.dbi_resource_id] = (
        found.db_instance_identifier,
        soon("rds.delete", found.db_instance_identifier),
        bool(delete_automated_backups),
    )
    # Listed until it is gone: its name cannot be taken again before.
    found.status = "deleting"
    return found


def sweep(backend: RDSBackend) -> None:
    """Take away what is gone by now."""
    leaving, moment = _leaving(backend), now()
    for resource, (name, gone, with_backups) in list(leaving.items()):
        if gone > moment:
            continue
        del leaving[resource]
        found = backend.databases.get(name)
        # By resource id: a rename may have given the name to another.
        if found is not None and found.dbi_resource_id == resource:
            _take_away(backend, found, with_backups)


def _take_away(backend: RDSBackend, instance: DBInstance, with_backups: bool) -> None:
    name = instance.db_instance_identifier
    del backend.databases[name]
    detach(backend, instance)
    db_snapshots = backend.database_snapshots
    taken = [
        database_snapshot
        for database_snapshot in db_snapshots.values()
        if database_snapshot.database is instance and database_snapshot.snapshot_type == "automated"
    ]
    # Manual snapshots stay (RDS guide, deleting a DB instance).
    for snapshot in taken if with_backups else []:
        backend.delete_db_snapshot(snapshot.db_snapshot_identifier)


def detach(backend: RDSBackend, replica: DBInstance) -> None:
    """Let the source forget its replica, where there is such a source still: it may have been deleted first."""
    source = str(replica.source_db_instance_identifier or "") if replica.is_replica else ""
    region = source.split(":")[3] if source.startswith("arn:") else backend.region_name
    found = rds_backends[backend.account_id][region].databases.get(source.rpartition(":")[2])
    if found is not None:
        # The source's list of replicas must not name one that is gone.
        found.remove_replica(replica)


@wrap(RDSBackend, "describe_db_instances")
def _sweep_first(original: Any, self: RDSBackend, *args: Any, **kwargs: Any) -> Any:
    sweep(self)
    return original(self, *args, **kwargs)


def unless_leaving(backend: RDSBackend, name: str) -> None:
    """Raises InvalidDBInstanceState for an instance that is being deleted."""
    sweep(backend)
    found = backend.databases.get(name)
    if found is not None and found.dbi_resource_id in _leaving(backend):
        raise refused("InvalidDBInstanceState", f"Instance {name} is being deleted.")


@wrap(RDSResponse, "delete_db_instance")
def _require_final_snapshot(original: Any, self: RDSResponse) -> Any:
    """A caller names a final snapshot or skips it; a replica and a member of a cluster have none."""
    chosen = self.params.get("SkipFinalSnapshot") or self.params.get("FinalDBSnapshotIdentifier")
    found = self.backend.databases.get(self.params["DBInstanceIdentifier"])
    # API_DeleteDBInstance: a snapshot or the word that there is none; a replica has no final snapshot.
    if not chosen and found is not None and not found.is_replica and not found.db_cluster_identifier:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise refused("InvalidParameterCombination", message)
    return original(self)
