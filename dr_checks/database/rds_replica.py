"""Checks of the read replica in the DR region: replication, lag, size and backups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.database_copies import NO_PRIMARY, REPLICA, database_name, primary_database, replicas
from dr_estate.config.environment import Environment
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.readers import rds


def _accepts_replica(env: Environment) -> str | None:
    if env.replicates and REPLICA not in env.replication.database:
        return f"{env.name} accepts no read replica as a copy of the database"
    return if_replicated(env)


_NO_REPLICA = "there is no read replica: see rds-copy.usable"
# Below it gp3 has 3,000 IOPS that cannot be raised (RDS User Guide, gp3 storage).
_GP3_GIB = 400
# Without its primary a broken replica may be the only copy, which a failover promotes.
_REPLACE = (
    "Only while the primary database answers, replace it: delete it, and create it again "
    "(aws_db_instance.replicate_source_db). Without the primary keep it: a failover may promote it."
)


@check("the database's read replica in the DR region replicates and can be promoted")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=_accepts_replica)
@cite("T22", "T23", "RdsReplicaState", "REL09-BP01", "REL13-BP02", "NIST CP-6", "ISO22301 8.4", "SOC2 A1.2")
def state(view: View) -> Iterator[Finding]:
    """A state that can be promoted and replication "replicating"; one that refuses it for a while (T22) is a WARN."""
    found, name = replicas(view), database_name(view)
    for replica in found:
        state = states.DATABASE[replica.status]
        measured = f"{replica.status}, replication {replica.replication or 'not reported'}"
        wanted = "promotable, replication replicating"
        # Before the state: a replica whose replication stopped is available, and its promotion brings old data (T23).
        if replica.replication and not states.DATABASE_REPLICATION[replica.replication].serves:
            reason = replica.replication_message or "it no longer receives the primary's writes"
            yield view.gap(replica.identifier, measured, wanted, reason, _REPLACE)
        elif not state.known:
            yield view.undocumented(replica.identifier, wanted, replica.status)
        # PromoteReadReplica is refused in backing-up and while it is modified (T22).
        elif state.busy and not state.promotable:
            reason = "a promotion is refused until this finishes"
            yield view.warn(replica.identifier, measured, wanted, reason, "Wait, and check again before a failover.")
        elif not state.promotable:
            reason = "it can neither be promoted nor read"
            yield view.gap(replica.identifier, measured, wanted, reason, "Read its events, and fix the cause.")
        # A read replica has its StatusInfos (API_DBInstance): without them nobody knows what it receives.
        elif not replica.replication:
            yield view.unknown(replica.identifier, wanted, "RDS does not say whether it replicates (StatusInfos).")
        else:
            yield view.ok(replica.identifier, measured, wanted, "it follows the primary and can be promoted")
    # Where a replica is only the fallback, its absence is no gap: rds-copy.usable asks for any one copy.
    if not found and view.env.replication.database[0] == REPLICA:
        reason = "the mechanism this environment prefers does not exist"
        remedy = f"Create it in {view.region}: aws_db_instance.replicate_source_db."
        yield view.gap(name, "no read replica", "promotable, replication replicating", reason, remedy)
    elif not found:
        yield view.none_expected(database_name(view), _NO_REPLICA)


@check("the lag of the database's read replica is measured now and within the recovery point objective")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=_accepts_replica)
@cite("T23", "RdsReplicaLag", "REL09-BP01", "REL13-BP04", "NIST CP-9", "NIST CP-10", "SOC2 A1.2")
def lag(view: View) -> Iterator[Finding]:
    """ReplicaLag is young and small. A replica broken for two days published none, and was promoted (T23).

    Source: RDS User Guide, Monitoring read replication.
    """
    readings = {reading.dimension(rds.DIMENSION): reading for reading in view.get(rds.lags)}
    found, wanted = replicas(view), f"{duration(view.rpo_s)} or less"
    view.need(found, database_name(view), _NO_REPLICA)
    for replica in found:
        reading = readings.get(replica.identifier)
        cause = view.doubt(reading)
        if reading is None or reading.value is None or cause:
            yield view.unknown(replica.identifier, wanted, cause or "The metric is not published.")
        # -1 is no lag: replication is not running (RDS guide, ReplicaLag).
        elif reading.value < 0:
            reason = "the metric says that replication does not run"
            yield view.gap(replica.identifier, "-1", wanted, reason, _REPLACE)
        elif reading.value <= view.rpo_s:
            reason = "a promotion would lose no more than this"
            yield view.ok(replica.identifier, duration(reading.value), wanted, reason)
        else:
            reason = "a promotion now would lose every write made since"
            remedy = "Find the long transaction or missing primary key that delays it, or use a larger instance class."
            yield view.gap(replica.identifier, duration(reading.value), wanted, reason, remedy)


@check("the read replica is large enough to serve as the primary database after a promotion")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, applies=_accepts_replica)
@cite("T22", "REL13-BP02", "NIST CP-7", "SOC2 A1.1")
def size(view: View) -> Iterator[Finding]:
    """Storage at least the primary's, else replication stops when full; slower, or of another class or zones: WARN."""
    found, source = replicas(view), primary_database(view)
    view.need(found, database_name(view), _NO_REPLICA)
    source = view.need(source, database_name(view), NO_PRIMARY)
    for replica in found:
        yield _size(view, replica, source)


def _size(view: View, replica: rds.Instance, source: rds.Instance) -> Finding:
    measured, wanted = _size_text(replica), _size_text(source)
    if replica.storage_gib < source.storage_gib:
        reason = "its storage fills up before the primary's: replication then stops"
        sentence = f"aws_db_instance.allocated_storage = {source.storage_gib}."
        remedy = Remedy(sentence, _modify(view, replica, AllocatedStorage=source.storage_gib))
        return view.gap(replica.identifier, measured, wanted, reason, remedy)
    # Class, zones and storage can be raised after a promotion, storage that ran full cannot be waited for.
    unlike = (replica.instance_class, replica.multi_az) != (source.instance_class, source.multi_az)
    if (slower := _is_slower(replica, source)) or unlike:
        reason = "after a promotion it would have less capacity than the current primary"
        shape: dict[str, object] = {"DBInstanceClass": source.instance_class, "MultiAZ": source.multi_az}
        change = (shape if unlike else {}) | (_storage(source) if slower else {})
        sentence = "Give it the primary's class, zones and storage (aws_db_instance)."
        remedy = Remedy(sentence, _modify(view, replica, **change))
        return view.warn(replica.identifier, measured, wanted, reason, remedy)
    return view.ok(replica.identifier, measured, wanted, "same capacity as the primary database")


# From the slowest to the fastest (RDS User Guide, "Amazon RDS DB instance storage").
_STORAGE = ("standard", "gp2", "gp3", "io1", "io2")


def _is_slower(replica: rds.Instance, source: rds.Instance) -> bool:
    """Whether its storage is of a slower kind than the primary's, or of the same with less IOPS or throughput."""
    mine, theirs = replica.storage_type, source.storage_type
    if mine != theirs:
        return mine in _STORAGE and theirs in _STORAGE and _STORAGE.index(mine) < _STORAGE.index(theirs)
    return replica.iops < source.iops or replica.throughput < source.throughput


def _storage(source: rds.Instance) -> dict[str, object]:
    # RDS takes no IOPS for storage whose kind and size set them: those that it reports there are its least.
    chosen = source.storage_type in ("io1", "io2") or (source.storage_type == "gp3" and source.storage_gib >= _GP3_GIB)
    rates = {"Iops": source.iops, "StorageThroughput": source.throughput} if chosen else {}
    return {"StorageType": source.storage_type, **{name: value for name, value in rates.items() if value}}


def _size_text(replica: rds.Instance) -> str:
    zones, rate = "two zones" if replica.multi_az else "one zone", f" of {replica.iops} IOPS" if replica.iops else ""
    return f"{replica.storage_gib} GiB {replica.storage_type}{rate}, {replica.instance_class}, {zones}"


def _modify(view: View, replica: rds.Instance, **changes: object) -> tuple[str, ...]:
    identifier = replica.identifier
    return (view.command("rds", "ModifyDBInstance", DBInstanceIdentifier=identifier, **changes, ApplyImmediately=True),)


@check("the read replica is reached and kept as the primary database is")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, applies=_accepts_replica, stops=True)
@cite("T22", "REL13-BP04", "NIST CP-7")
def alike(view: View) -> Iterator[Finding]:
    """On the primary's port, and IAM signs in where it does there, for a promotion keeps the replica's own settings.

    Logs that it exports, upgrades, the limit to which its storage grows and addresses of the internet are a WARN.
    Source: RDS API, CreateDBInstanceReadReplica (none of them is taken over from the source in another region).
    """
    found, source = replicas(view), primary_database(view)
    view.need(found, database_name(view), _NO_REPLICA)
    source = view.need(source, database_name(view), NO_PRIMARY)
    for replica in found:
        unlike = [row for row in _settings(replica, source) if row.unlike]
        measured = ", ".join(f"{row.name} {row.mine}" for row in unlike) or "alike"
        wanted = ", ".join(f"{row.name} {row.theirs}" for row in unlike) or "as the primary database"
        remedy = Remedy("aws_db_instance: as the primary's.", _modify(view, replica, **_changes(unlike)))
        texts = (replica.identifier, measured, wanted)
        if any(row.refuses for row in unlike):
            reason = "after a promotion it refuses tasks that ask for the primary's port, or that sign in by IAM"
            yield view.gap(*texts, reason, remedy, stops=any(row.name == _PORT for row in unlike))
        elif unlike:
            yield view.warn(*texts, "a promotion keeps the replica's own settings", remedy)
        else:
            yield view.ok(*texts, "a promotion changes none of these settings")


_PORT = "port"


class _Setting(NamedTuple):
    """A setting of replica and source; ``refuses``: whom the source lets in is refused; ``change`` makes it alike."""

    name: str
    mine: object
    theirs: object
    unlike: bool
    change: dict[str, object]
    refuses: bool = False


def _settings(mine: rds.Instance, theirs: rds.Instance) -> Iterator[_Setting]:
    port = bool(mine.port and theirs.port and mine.port != theirs.port)
    yield _Setting(_PORT, mine.port, theirs.port, port, {"DBPortNumber": theirs.port}, refuses=True)
    unsigned = theirs.iam_authentication and not mine.iam_authentication
    wanted: dict[str, object] = {"EnableIAMDatabaseAuthentication": True}
    yield _Setting("sign-in by IAM", "off", "on", unsigned, wanted, refuses=True)
    logs = [log for log in theirs.log_exports if log not in mine.log_exports]
    wanted = {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": logs}}
    yield _Setting(
        "logs", " and ".join(mine.log_exports) or "none", " and ".join(theirs.log_exports), bool(logs), wanted
    )
    upgrades = mine.auto_minor_upgrade != theirs.auto_minor_upgrade
    ways = ("by hand", "automatic") if theirs.auto_minor_upgrade else ("automatic", "by hand")
    yield _Setting("minor upgrades", *ways, upgrades, {"AutoMinorVersionUpgrade": theirs.auto_minor_upgrade})
    limits = mine.storage_limit_gib, theirs.storage_limit_gib
    yield _Setting("GiB at most", *limits, limits[0] < limits[1], {"MaxAllocatedStorage": limits[1]})
    public = mine.public and not theirs.public
    yield _Setting("address", "public", "private", public, {"PubliclyAccessible": False})


def _changes(unlike: list[_Setting]) -> dict[str, object]:
    return {name: value for row in unlike for name, value in row.change.items()}


@check("the read replica has automated backups, so that a promoted database is protected immediately")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=_accepts_replica)
@cite("T22", "REL09-BP01", "NIST CP-9", "db-instance-backup-enabled", "rds_instance_backup_enabled")
def backups(view: View) -> Iterator[Finding]:
    """Retention of the replica is above 0: after an irreversible promotion it is the only way back (T22)."""
    found = replicas(view)
    view.need(found, database_name(view), _NO_REPLICA)
    for replica in found:
        measured, wanted = f"retained {replica.retention_days} days", "retained 1 day or more"
        # "RDS creates read replicas with backups disabled" (API_CreateDBInstanceReadReplica).
        if replica.retention_days:
            yield view.ok(replica.identifier, measured, wanted, "it can be restored to a point in time once promoted")
        else:
            reason = "a promotion cannot be undone, and until the first backup nothing could be restored"
            days = view.env.thresholds.backup_retention_days
            sentence = f"aws_db_instance.backup_retention_period = {days}."
            remedy = Remedy(sentence, _modify(view, replica, BackupRetentionPeriod=days))
            yield view.gap(replica.identifier, measured, wanted, reason, remedy)
