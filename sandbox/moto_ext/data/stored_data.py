"""Rows of databases and files of file systems: what can be lost, each with id, tenant and time of writing.

A database's rows are stored in its region's RDS backend by resource id, a file system's files in its EFS backend by id,
so they remain for any copy after the store itself is deleted. A read replica and the destination of a live replication
hold none of their own: they show their source's up to the moment that has reached them, and keep those when they are
promoted, or the replication is deleted (T22, T27). Restores bring what was written until the restored moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from moto.efs.models import EFSBackend, efs_backends
from moto.rds.models import DBInstance, RDSBackend, rds_backends

from sandbox.core.patching import state
from sandbox.core.state import broken_since, now, replicated_until
from sandbox.core.timing import lag_s
from sandbox.moto_ext.efs.model import ReplicationConfiguration, replications

REPLICA_LAG_S = 2.0
# How the id of the row begins that makes a tenant's schema: the site's first, of when it was installed.
SCHEMA = "schema:"
# How the id of the row begins that gives a user of the database a password: of no tenant, the latest counts.
USER = "user:"
# How the id of the file begins that is a tenant's whole site as it was installed, with the folder's path.
FOLDER = "folder:"
# How the id of a file begins that AWS Backup restored: below ``aws-backup-restore_<time>``, where no tenant looks.
ASIDE = "aside:"
# How the id of the row begins that a move writes and looks for: the marker's name and its number.
MARKER = "marker:"
# What no visitor wrote, or sees.
OWN = (SCHEMA, USER, FOLDER, ASIDE, MARKER)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One acknowledged write: a database row or a file."""

    id: str
    tenant: str
    at: datetime


def until(rows: Iterable[StoredRow], moment: datetime) -> list[StoredRow]:
    """Those written until ``moment``; without a zone it is UTC."""
    # moto's own times have no zone and are UTC.
    limit = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return [row for row in rows if row.at <= limit]


def region_of(arn: str) -> str:
    """The region an ARN names."""
    return arn.split(":")[3]


def row_log(backend: RDSBackend, resource_id: str) -> list[StoredRow]:
    """The rows written to, or restored into, the database of this resource id; they stay when it is deleted."""
    rows: list[StoredRow] = state(backend, "rows").setdefault(resource_id, [])
    return rows


def rows_of(instance: DBInstance) -> list[StoredRow]:
    """The rows a reader of the instance is shown at this moment."""
    # An ARN names a source in another region, a bare name one in the same (API_CreateDBInstanceReadReplica).
    named = str(instance.source_db_instance_identifier or "") if instance.is_replica else ""
    region = region_of(named) if named.startswith("arn:") else instance.region
    found: DBInstance | None = rds_backends[instance.account_id][region].databases.get(named.rpartition(":")[2])
    source = found
    # A replica whose source was deleted is a database of its own: what it had was settled.
    if source is None:
        return list(row_log(_backend_of(instance), instance.dbi_resource_id))
    # What ReplicaLag shows, and what has not arrived at all and no metric shows.
    trails_s = lag_s("replica_lag_s", REPLICA_LAG_S) + lag_s("replica_unseen_s", 0)
    stood = (instance.__dict__.get("replication_frozen_at"), broken_since(instance.region))
    # The earliest of three ends: the source dark, the replica stopped, the link between the regions broken.
    reached = (replicated_until(source.region, trails_s), *stood)
    return until(rows_of(source), min(filter(None, reached)))


def put_rows(instance: DBInstance, rows: Iterable[StoredRow]) -> None:
    """Let ``rows`` be all that the instance holds."""
    row_log(_backend_of(instance), instance.dbi_resource_id)[:] = rows


def install_schema(instance: DBInstance, schema: str, tenant: str, at: datetime) -> None:
    """Make the tenant's schema, installed ``at``: from then on copies of the database hold it."""
    row_log(_backend_of(instance), instance.dbi_resource_id).append(StoredRow(f"{SCHEMA}{schema}", tenant, at))


def tenant_of_schema(instance: DBInstance, schema: str) -> str:
    """The tenant whose schema of that name the instance holds, "" where it holds none of it."""
    found = (row.tenant for row in rows_of(instance) if row.id == f"{SCHEMA}{schema}")
    return next(found, "")


def set_password(instance: DBInstance, user: str, digest: str, at: datetime) -> None:
    """Give ``user`` of the database the password of this digest: copies of a moment before it keep the older one."""
    row_log(_backend_of(instance), instance.dbi_resource_id).append(StoredRow(f"{USER}{user}:{digest}", "", at))


def digests(rows: Iterable[StoredRow]) -> dict[str, str]:
    """The digest of each user's password, as it was set last."""
    set_ones = (row.id.removeprefix(USER).rpartition(":") for row in rows if row.id.startswith(USER))
    return {user: digest for user, _, digest in set_ones}


def settle_rows(replica: DBInstance) -> None:
    """A replica about to be promoted keeps what has reached it; the rest never comes (T22)."""
    # Before is_replica is taken back: afterwards nothing leads to the source.
    put_rows(replica, rows_of(replica))


def write_row(instance: DBInstance, row_id: str, tenant: str) -> StoredRow:
    """Write one row now, once whatever the repetitions. The caller has made sure that the instance takes writes."""
    return _row_of(row_log(_backend_of(instance), instance.dbi_resource_id), row_id, tenant)


def file_log(backend: EFSBackend, file_system_id: str) -> list[StoredRow]:
    """The files written to, or restored into, a file system."""
    rows: list[StoredRow] = state(backend, "files").setdefault(file_system_id, [])
    return rows


def incoming(backend: EFSBackend, file_system_id: str) -> ReplicationConfiguration | None:
    """The live replication whose destination the file system is: while there is one it is read-only (T27)."""
    found = (
        replication for replication in replications(backend).values() if replication.destination_id == file_system_id
    )
    return next((replication for replication in found if replication.destination_region == backend.region_name), None)


def files_of(backend: EFSBackend, file_system_id: str) -> list[StoredRow]:
    """The files a mount of the file system shows at this moment: a destination's are those of its last sync."""
    replication = incoming(backend, file_system_id)
    # Before the first sync a destination shows what it had.
    if replication is None or replication.last_sync is None:
        return list(file_log(backend, file_system_id))
    source: EFSBackend = efs_backends[backend.account_id][replication.source_region]
    # Files that were written during a sync may not be in it (EFS guide, replication): files_unseen_s.
    reached = replication.last_sync - timedelta(seconds=lag_s("files_unseen_s", 0))
    return until(file_log(source, replication.source_id), reached)


def install_folder(backend: EFSBackend, file_system_id: str, path: str, tenant: str, at: datetime) -> None:
    """Put a tenant's installed site into its folder: from then on copies of the file system hold it."""
    file_log(backend, file_system_id).append(StoredRow(f"{FOLDER}{path}", tenant, at))


def put_files(backend: EFSBackend, file_system_id: str, files: Iterable[StoredRow]) -> None:
    """Let ``files`` be all that the file system holds."""
    file_log(backend, file_system_id)[:] = files


def put_in_place(backend: EFSBackend, file_system_id: str) -> None:
    """Move what AWS Backup restored to the root, but for a folder that is there already."""
    log = file_log(backend, file_system_id)
    there = {row.id for row in log if row.id.startswith(FOLDER)}
    moved = [replace(row, id=row.id.removeprefix(ASIDE)) for row in log if row.id.startswith(ASIDE)]
    put_files(backend, file_system_id, [row for row in log if not row.id.startswith(ASIDE)])
    log += [row for row in moved if row.id not in there]


def write_file(backend: EFSBackend, file_system_id: str, file_id: str, tenant: str) -> StoredRow:
    """Write one file now, once whatever the repetitions. The caller has made sure that the file system takes writes."""
    return _row_of(file_log(backend, file_system_id), file_id, tenant)


def _row_of(log: list[StoredRow], row_id: str, tenant: str) -> StoredRow:
    # A writer that repeats an acknowledged write makes no second row of it.
    known = next((row for row in reversed(log) if (row.id, row.tenant) == (row_id, tenant)), None)
    if known is None:
        known = StoredRow(row_id, tenant, now())
        log.append(known)
    return known


def _backend_of(instance: DBInstance) -> RDSBackend:
    found: RDSBackend = rds_backends[instance.account_id][instance.region]
    return found
