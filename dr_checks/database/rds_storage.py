"""Check that the database is not about to run out of storage, which a restore would inherit."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import PRIMARY_ONLY, Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import primary_database
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds

# RDS grows a volume that has 10 % or less free (the same page); at half of that growing did not help.
_FULL, _NEARLY_FULL = 0.05, 0.1
# Storage autoscaling adds 10 % at least. Source: RDS User Guide, Managing capacity automatically.
_GROWS_PERCENT = 110
_GIB = 1024**3


@check("the primary database has storage left, or room to grow")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, PRIMARY_ONLY)
@cite("REL01-BP06", "REL07-BP01", "SOC2 A1.1")
def room(view: View) -> Iterator[Finding]:
    """FreeStorageSpace of 10 % or more, or autoscaling that may add some; a restored instance is of the same size."""
    database = view.need(
        primary_database(view), view.env.named(view.env.names.database), "the primary region has no database"
    )
    view.need(DATABASE[database.status].serves, database.identifier, f"it is {database.status}: see rds.serves")
    wanted = f"{_NEARLY_FULL:.0%} free, or storage that grows"
    reading = next(iter(view.get(rds.free_space)), None)
    if reading is None or reading.value is None:
        flaw = reading.flaw if reading and reading.flaw else "it is not published"
        yield view.unknown(database.identifier, wanted, f"FreeStorageSpace is not known: {flaw}.")
        return
    share = reading.value / (database.storage_gib * _GIB) if database.storage_gib else 0.0
    measured = f"{share:.0%} of {database.storage_gib} GiB free, at most {database.storage_limit_gib} GiB"
    if share >= _NEARLY_FULL or 100 * database.storage_limit_gib >= _GROWS_PERCENT * database.storage_gib:
        yield view.ok(database.identifier, measured, wanted, "writes go on, here and after a restore of this size")
        return
    reason = "a full database takes no writes, and one restored from it in the DR region is as full"
    remedy = f"aws_db_instance.max_allocated_storage of {database.identifier}: what it may grow to, such as twice this."
    yield (view.gap if share < _FULL else view.warn)(database.identifier, measured, wanted, reason, remedy)
