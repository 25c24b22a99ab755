"""The database's copies in the DR region by accepted mechanism, and the one that is relied on. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dr_checks.core.model import View
from dr_checks.derived.backup_copies import age_s, complete_copies, restore_key_flaw
from dr_estate.config.environment import Side
from dr_estate.model import states, stores
from dr_estate.model.control_items import DatabaseRecord
from dr_estate.model.engines import Engine, engine_of
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import control_table, rds, rds_groups

AUTOMATED, REPLICA, BACKUP = "automated-backup", "read-replica", "backup-copy"
OWN_BACKUPS = "automated backups of {}"
"""What a copy of a database's automated backups depends on."""


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """A copy of the database in the DR region. ``age_s`` is None where its age cannot be known; ``basis`` says of what.

    ``flaw`` says why it cannot be used at all, "" where it can.
    """

    mechanism: str
    name: str
    age_s: float | None
    basis: str
    flaw: str = ""


NO_PRIMARY = "no primary database to compare with: see rds.retention"


def database_name(view: View) -> str:
    """The identifier of the environment's database on the view's side."""
    return view.env.database_on(view.side)


def primary_database(view: View) -> rds.Instance | None:
    """The database of the primary region, None where there is none. Raises DataUnavailable."""
    return view.find(rds.instances, Side.PRIMARY, identifier=view.env.database_on(Side.PRIMARY))


def database_engine(view: View) -> Engine:
    """The database's engine: as an instance of either region says, else the group that a restore gets."""
    group, sides = view.env.named(view.env.on(Side.DR).names.db_parameter_group), (Side.PRIMARY, Side.DR)
    instances = ((view.env.database_on(side), view.snapshot.get_if_seen(rds.instances, side)) for side in sides)
    names = [row.engine for name, rows in instances for row in rows or () if row.identifier == name]
    groups = view.snapshot.get_if_seen(rds_groups.parameter_groups, Side.DR) or ()
    return engine_of(next(iter([*names, *(row.family for row in groups if row.name == group)]), ""))


def is_database_arn(view: View, arn: str) -> bool:
    """Whether ``arn`` is that of the environment's database in the primary region."""
    return arn.endswith(f":{view.env.regions.primary}:{view.env.account}:db:{view.env.database_on(Side.PRIMARY)}")


def replicas(view: View) -> list[rds.Instance]:
    """The DR region's read replicas of the environment's database. Raises DataUnavailable."""
    return [instance for instance in view.get(rds.instances, Side.DR) if is_database_arn(view, instance.source)]


def runs_database(view: View, writable: bool = False) -> bool:
    """Whether tasks of the DR region have a database there that serves: of its name, or a replica unless ``writable``.

    True where the estate has none: its tasks need none. Raises DataUnavailable.
    """
    if stores.lacks(view.env, stores.DATABASE.id):
        return True
    copies, name = {replica.identifier for replica in replicas(view)}, view.env.database_on(Side.DR)
    standing = [
        row
        for row in view.get(rds.instances, Side.DR)
        if (row.identifier in copies and not writable) or (row.identifier == name and not row.source)
    ]
    return any(states.DATABASE[row.status].serves for row in standing)


def replicated_backups(view: View) -> list[rds.AutomatedBackup]:
    """The automated backups replicated from the primary region, the newest first. Raises DataUnavailable."""
    # A backup without a restorable time comes last, and stays in the list: that it exists is a finding.
    never = datetime.min.replace(tzinfo=view.now.tzinfo)
    found = [b for b in view.get(rds.automated_backups, Side.DR) if b.source_region == view.env.regions.primary]
    return sorted(found, key=lambda backup: backup.latest or never, reverse=True)


def copies_by(view: View, mechanism: str) -> list[DatabaseCopy]:
    """The database's copies by one mechanism. Raises DataUnavailable."""
    return _FINDERS[mechanism](view)


def all_copies(view: View) -> tuple[list[DatabaseCopy], list[Unavailable]]:
    """The copies by all accepted mechanisms, the preferred first, and why some mechanisms could not be seen."""
    copies: list[DatabaseCopy] = []
    unavailable: list[Unavailable] = []
    for mechanism in view.env.replication.database:
        try:
            copies += copies_by(view, mechanism)
        except DataUnavailable as error:
            unavailable.append(error.unavailable)
    return copies, unavailable


def copy_to_use(view: View) -> DatabaseCopy | None:
    """The copy a failover would use: the preferred usable one within the RPO, else the freshest, else any usable one.

    None where there is no usable copy. Raises DataUnavailable where what was seen does not settle it.
    """
    copies, dark = all_copies(view)
    usable = [copy for copy in copies if not copy.flaw]
    fresh = next((copy for copy in usable if copy.age_s is not None and copy.age_s <= view.rpo_s), None)
    if fresh:
        return fresh
    # A mechanism that was not seen may hold a fresher copy: to name an older one now would be a guess.
    if dark:
        raise DataUnavailable(dark[0])
    aged = sorted((copy for copy in usable if copy.age_s is not None), key=lambda copy: copy.age_s or 0.0)
    return next(iter(aged or usable), None)


def candidates(view: View) -> dict[str, str]:
    """Return a description of each database of the environment's name that has a copy here, by its resource id."""
    found: dict[str, str] = {}
    with contextlib.suppress(DataUnavailable):
        for backup in replicated_backups(view):
            since = f", made {backup.created_at:%Y-%m-%d %H:%M} UTC" if backup.created_at else ""
            # By resource id: backups of a deleted database stay under the name of the one that replaced it (T57).
            found[backup.resource_id] = f"automated backups {backup.arn}, {backup.status}{since}"
    for resource_id in _resources_of_snapshots(view).values():
        found.setdefault(resource_id, "snapshots of AWS Backup alone")
    return {resource_id: what for resource_id, what in found.items() if resource_id}


def _resources_of_snapshots(view: View) -> dict[str, str]:
    """The resource id of each snapshot's database, by its identifier. AWS Backup's points name only the database."""
    try:
        return {row.identifier: row.resource_id for row in view.get(rds.snapshots, Side.DR) if row.kind == "awsbackup"}
    except DataUnavailable:
        return {}


def _automated_copies(view: View) -> list[DatabaseCopy]:
    return [_automated_copy(view, backup) for backup in replicated_backups(view)]


def _automated_copy(view: View, backup: rds.AutomatedBackup) -> DatabaseCopy:
    age = None if backup.latest is None else max(0.0, (view.now - backup.latest).total_seconds())
    flaw = "it has no restorable time yet" if backup.latest is None else restore_key_flaw(view, backup.key_arn)
    # Whose data it is goes before its key: a copy of another database is none, however sound.
    flaw = identity_flaw(view, backup.resource_id, candidates(view)) or flaw
    return DatabaseCopy(AUTOMATED, backup.arn, age, f"RestoreWindow.LatestTime in {view.env.regions.dr} (T24)", flaw)


def _replicas(view: View) -> list[DatabaseCopy]:
    found = replicas(view)
    # Another one beside that of the estate's name is somebody's for reports: no plan or policy names it.
    named = [replica for replica in found if replica.identifier == view.env.database_on(Side.DR)]
    return [_of_replica(view, replica) for replica in named or found]


def _of_replica(view: View, replica: rds.Instance) -> DatabaseCopy:
    reading = next(
        (r for r in view.get(rds.lags, Side.DR) if r.dimension("DBInstanceIdentifier") == replica.identifier), None
    )
    reason = view.doubt(reading)
    lag_s = reading.value if reading and not reason else None
    at_s = reading.age_s(view.now) if reading else None
    # A lag speaks of the minute in which it was measured: both are added. -1 is no lag but a broken link.
    age = None if lag_s is None or lag_s < 0 or at_s is None else lag_s + at_s
    flaw = (
        restore_key_flaw(view, replica.key_arn)
        if states.DATABASE[replica.status].promotable
        else f"it is {replica.status}: promotion is refused (T22)"
    )
    return DatabaseCopy(
        REPLICA, replica.identifier, age, reason or "ReplicaLag and the age of its newest value (T23)", flaw
    )


def _backups(view: View) -> list[DatabaseCopy]:
    """The newest point of each database that has points: of the one that is meant, the others are flawed."""
    resources, several = _resources_of_snapshots(view), candidates(view)
    points = [point for point in complete_copies(view) if is_database_arn(view, point.resource_arn)]
    newest = {resources.get(point.arn.partition(":snapshot:")[2], ""): point for point in points}
    return [
        DatabaseCopy(
            BACKUP,
            point.arn,
            age_s(view, point),
            "creation date of the newest copy (T25)",
            identity_flaw(view, resource_id, several) or restore_key_flaw(view, point.key_arn),
        )
        for resource_id, point in newest.items()
    ]


_FINDERS: dict[str, Callable[[View], list[DatabaseCopy]]] = {
    AUTOMATED: _automated_copies,
    REPLICA: _replicas,
    BACKUP: _backups,
}


_DEFAULT = ("default:", "default.")


def record_of(instance: rds.Instance, view: View) -> DatabaseRecord:
    """What is remembered of the instance."""
    return DatabaseRecord(
        resource_id=instance.resource_id,
        identifier=instance.identifier,
        at=view.now,
        instance_class=instance.instance_class,
        storage_type=instance.storage_type,
        storage_gib=instance.storage_gib,
        storage_limit_gib=instance.storage_limit_gib,
        iops=instance.iops,
        throughput=instance.throughput,
        option_group=_own_group(instance.option_groups),
        parameter_group=_own_group(instance.parameter_groups),
        log_exports=tuple(sorted(instance.log_exports)),
        iam_authentication=instance.iam_authentication,
        multi_az=instance.multi_az,
        deletion_protection=instance.deletion_protection,
        copy_tags=instance.copy_tags,
        auto_minor_upgrade=instance.auto_minor_upgrade,
    )


def _own_group(groups: tuple[tuple[str, str], ...]) -> str:
    return next((name for name, _ in groups if not name.startswith(_DEFAULT)), "")


def living(view: View) -> DatabaseRecord | None:
    """The primary region's own database as it is seen now; None where there is none, or where it cannot be seen."""
    try:
        instance = view.find(rds.instances, Side.PRIMARY, identifier=view.env.database_on(Side.PRIMARY))
    except DataUnavailable:
        return None
    # A replica that bears the name is the copy of a failback, not the database that took the writes.
    return record_of(instance, view) if instance is not None and not instance.source else None


def known_database(view: View) -> DatabaseRecord | None:
    """The database as it is seen now, else as the control table has it; None where neither can be seen."""
    seen = living(view)
    if seen is not None:
        return seen
    try:
        return view.get(control_table.standing, Side.DR).database
    except DataUnavailable:
        return None


def identity_flaw(view: View, resource_id: str, candidates: Mapping[str, str]) -> str:
    """Return why a copy of the database ``resource_id`` ("" where its copy does not say) must not be used, else "".

    ``candidates`` describes, by resource id, each database of that name that has a copy here. The database that counts
    is the environment's choice, else the living database; the remembered database decides only between several.
    """
    name, chosen, seen = view.env.database_on(Side.PRIMARY), view.env.database.resource_id, living(view)
    # The order matters: a person's choice, then what lives now; memory only where neither speaks.
    wanted = chosen or (seen.resource_id if seen else "")
    if wanted:
        how = f"database.resource_id says {wanted}" if chosen else f"{name} is {wanted}"
        # A copy that does not say whose it is passes: AWS Backup's points name the database alone.
        return f"it is of the database {resource_id}, and {how}" if resource_id not in ("", wanted) else ""
    if len(candidates) <= 1:
        return ""
    known = known_database(view)
    if known is not None and known.resource_id in candidates:
        other = f"it is of the database {resource_id or '(not said)'}, and {name} was {known.resource_id}"
        return "" if resource_id == known.resource_id else other
    which = "; ".join(f"{resource}: {what}" for resource, what in sorted(candidates.items()))
    return (
        f"{len(candidates)} databases named {name} have copies here ({which}), and which was the last is not known: "
        "set database.resource_id in the environment file to one of them"
    )
