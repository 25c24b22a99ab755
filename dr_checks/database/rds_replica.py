"""Checks of the read replica in the DR region: replication, lag, size and backups."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.database_copies import REPLICA, database_name, primary_database, replicas
from dr_estate.config.environment import Environment
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.readers import rds


def _accepts_replica(env: Environment) -> str | None:
    if env.replicates and REPLICA not in env.replication.database:
        return f"{env.name} accepts no read replica as a copy of the database"
    return if_replicated(env)


def _no_replica(view: View) -> Finding:
    return view.none_expected(database_name(view), "there is no read replica: see rds-copy.usable")


_REPLACE = "Replace it: delete it, and create it again (aws_db_instance.replicate_source_db)."


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
        yield _no_replica(view)


@check("the lag of the database's read replica is measured now and within the recovery point objective")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=_accepts_replica)
@cite("T23", "RdsReplicaLag", "REL09-BP01", "REL13-BP04", "NIST CP-9", "NIST CP-10", "SOC2 A1.2")
def lag(view: View) -> Iterator[Finding]:
    """ReplicaLag is young and small. A replica broken for two days published none, and was promoted (T23).

    Source: RDS User Guide, Monitoring read replication.
    """
    readings = {reading.dimension(rds.DIMENSION): reading for reading in view.get(rds.lags)}
    found, wanted = replicas(view), f"{duration(view.rpo_s)} or less"
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
    if not found:
        yield _no_replica(view)


@check("the read replica is large enough to serve as the primary database after a promotion")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, applies=_accepts_replica)
@cite("T22", "REL13-BP02", "NIST CP-7", "SOC2 A1.1")
def size(view: View) -> Iterator[Finding]:
    """Storage at least the primary's, else replication stops on storage-full; other class or zones are a WARN."""
    found, source = replicas(view), primary_database(view)
    if not found:
        yield _no_replica(view)
        return
    if source is None:
        yield view.none_expected(database_name(view), "no primary database to compare with: see rds.retention")
        return
    for replica in found:
        yield _size(view, replica, source)


def _size(view: View, replica: rds.Instance, source: rds.Instance) -> Finding:
    measured, wanted = _size_text(replica), _size_text(source)
    if replica.storage_gib < source.storage_gib:
        reason = "its storage fills up before the primary's: replication then stops"
        sentence = f"aws_db_instance.allocated_storage = {source.storage_gib}."
        remedy = Remedy(sentence, _modify(view, replica, AllocatedStorage=source.storage_gib))
        return view.gap(replica.identifier, measured, wanted, reason, remedy)
    # Class and zones can be raised after a promotion, storage that ran full cannot be waited for.
    if (replica.instance_class, replica.multi_az) != (source.instance_class, source.multi_az):
        reason = "after a promotion it would have less capacity than the current primary"
        shape = {"DBInstanceClass": source.instance_class, "MultiAZ": source.multi_az}
        remedy = Remedy("Give it the primary's class and zones (aws_db_instance).", _modify(view, replica, **shape))
        return view.warn(replica.identifier, measured, wanted, reason, remedy)
    return view.ok(replica.identifier, measured, wanted, "same capacity as the primary database")


def _size_text(replica: rds.Instance) -> str:
    return f"{replica.storage_gib} GiB, {replica.instance_class}, {'two zones' if replica.multi_az else 'one zone'}"


def _modify(view: View, replica: rds.Instance, **changes: object) -> tuple[str, ...]:
    identifier = replica.identifier
    return (view.command("rds", "ModifyDBInstance", DBInstanceIdentifier=identifier, **changes, ApplyImmediately=True),)


@check("the read replica has automated backups, so that a promoted database is protected immediately")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=_accepts_replica)
@cite("T22", "REL09-BP01", "NIST CP-9", "db-instance-backup-enabled", "rds_instance_backup_enabled")
def backups(view: View) -> Iterator[Finding]:
    """Retention of the replica is above 0: after an irreversible promotion it is the only way back (T22)."""
    found = replicas(view)
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
    if not found:
        yield _no_replica(view)
