"""How much the stores hold: what their operations take their time by at the real pace, and what AWS shows of it."""

from __future__ import annotations

from moto.rds.models import rds_backends

from sandbox.core.patching import state
from sandbox.core.state import STATE

# The size of a file system at the real pace, unless it is set: what its tenants' uploads come to.
FILES_GIB = 40.0
_FILES_GIB, _KFILES = "files_gib", "kfiles"


def files_gib() -> float:
    """The size of each file system, in GiB."""
    return float(STATE.extras.get(_FILES_GIB, FILES_GIB))


def kfiles() -> float:
    """How many thousand files each file system holds: none counts unless it is set."""
    return float(STATE.extras.get(_KFILES, 0))


def set_files(gib: float, thousands: float) -> None:
    """Let each file system hold so much, in so many thousand files."""
    STATE.extras.update({_FILES_GIB: gib, _KFILES: thousands})


def set_database_gib(account: str, gib: int) -> None:
    """Let each database, and each of its copies, have storage of this size: no caller can shrink it."""
    for backend in rds_backends[account].values():
        for instance in backend.databases.values():
            instance.allocated_storage = gib
        for snapshot in backend.database_snapshots.values():
            # moto's snapshots hold a copy of their database, which a restore takes its size from.
            snapshot.database.allocated_storage = gib
        # Backups remember the size of the database that they were taken of.
        for kind in ("automated_backup_replications", "retained_automated_backups"):
            for copy in state(backend, kind).values():
                copy.facts = {**copy.facts, "allocated_storage": gib}
