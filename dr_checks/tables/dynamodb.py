"""Checks of DynamoDB global tables: replication, state, lag and recovery."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import (
    BOTH,
    Area,
    Finding,
    Lag,
    Remedy,
    Severity,
    View,
    check,
    cite,
    if_replicated,
    lag_source,
    weigh,
)
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.model.stores import TABLES
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import dynamodb
from dr_estate.readers.dynamodb import Table
from dr_estate.reading.cloudwatch_metrics import Reading

_MS = 1000
_ABSENT = "absent"
_SAID = "it does not exist here: see dynamodb.table-active"


def named_tables(view: View, side: Side | None = None) -> list[tuple[str, Table | Unavailable]]:
    """This side's tables, each with the name it must have."""
    # The reader answers in the order of the names: a table that is absent has its row, too.
    found = view.get(dynamodb.tables, side)
    return list(zip(dynamodb.names(view.env), found, strict=True))


@check("every table of the platform is active in the DR region as a replica of the primary region's")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite("T31", "DynamoTableStatus", "REL09-BP01", "REL13-BP02", "NIST CP-6", "ISO22301 8.4", "SOC2 A1.2")
def table_active(view: View) -> Iterator[Finding]:
    """ACTIVE, and a member of a global table with the primary region: a table of its own gets no writes (T31)."""
    primary, wanted = view.env.region(Side.PRIMARY), "ACTIVE, a replica"
    for name, table in named_tables(view):
        if isinstance(table, Unavailable):
            yield view.unknown(name, wanted, table)
            continue
        # A table of the right name that is no replica looks right and stays empty (T31).
        member = any(replica.region == primary for replica in table.replicas)
        state = states.TABLE[table.status]
        if not state.known:
            yield view.undocumented(name, wanted, table.status)
        elif member and state.takes_writes:
            yield view.ok(name, f"{table.status}, a replica", wanted, f"it receives the writes of {primary}")
        else:
            alone = "" if member or table.status == _ABSENT else ", not a replica"
            reason = f"writes of {primary} do not reach {view.region}"
            yield view.gap(name, table.status + alone, wanted, reason, _replica(view, name, table))


def _replica(view: View, name: str, table: Table) -> Remedy:
    """A table of its own in the DR region is in the way of a replica, and whether it may go a person decides."""
    if table.status != _ABSENT:
        return Remedy(
            f"Look at what the table of {view.region} holds; then delete it, and create the replica "
            "(aws_dynamodb_table.replica)."
        )
    updates = [{"Create": {"RegionName": view.region}}]
    create = view.command("dynamodb", "UpdateTable", Side.PRIMARY, TableName=name, ReplicaUpdates=updates)
    return Remedy("Create the replica (aws_dynamodb_table.replica).", (create,))


def recoverable(view: View, name: str) -> str:
    """The command that switches point-in-time recovery of a table on, on the side that is judged."""
    on = {"PointInTimeRecoveryEnabled": True}
    return view.command("dynamodb", "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=on)


@check("the primary region reports every table's replica in the DR region as active")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T19", "T31", "DynamoTableStatus", "REL13-BP04", "NIST CP-9", "SOC2 A1.2")
def replica_status(view: View) -> Iterator[Finding]:
    """ReplicaStatus as the source sees it; an unreadable key or a disabled region drops the replica after 20 hours.

    Source: DynamoDB API Reference, ReplicaDescription.
    """
    judged = False
    for name, table in named_tables(view, Side.PRIMARY):
        if isinstance(table, Unavailable):
            judged = True
            yield view.unknown(name, "ACTIVE", table)
            continue
        replica = next((r for r in table.replicas if r.region == view.region), None)
        if replica is None:
            continue  # reported by dynamodb.table-active
        judged = True
        state = states.TABLE_REPLICA[replica.status]
        if not state.known:
            yield view.undocumented(name, "ACTIVE", replica.status)
        elif state.takes_writes:
            yield view.ok(name, replica.status, "ACTIVE", "the source delivers its writes")
        else:
            yield view.gap(name, replica.status, "ACTIVE", *_delivery_fault(view, name, replica))
    if not judged:
        yield view.none_expected("all tables", "no replica is listed: see dynamodb.table-active")


def _delivery_fault(view: View, name: str, replica: dynamodb.TableReplica) -> tuple[str, str]:
    """Why a replica receives no writes, and what to do about it."""
    look = f"Read the description of {name} in {view.env.regions.primary}"
    if replica.status in states.DROPPED_AFTER_20_HOURS:
        return (
            "writes are not delivered; after 20 hours in this state the replica is dropped permanently",
            f"{look}: enable the key {replica.key or 'it uses'}, or opt in to {view.region} again, before the 20 hours "
            "are over.",
        )
    if states.TABLE_REPLICA[replica.status].busy:
        return "the replica is still being filled: it does not hold all items", f"{look}: wait until it is ACTIVE."
    return (
        "writes are not delivered to a replica in this state",
        f"{look}: read ReplicaStatusDescription; then create the replica again (aws_dynamodb_table.replica).",
    )


@check(
    "writes to every table reach the DR region within the recovery point objective, by a fresh metric",
    none=("all tables", _SAID),
)
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T23", "T31", "DynamoReplicationLatency", "REL13-BP01", "NIST CP-9", "ISO22301 8.4", "SOC2 A1.2")
def replication_latency(view: View) -> Iterator[Finding]:
    """ReplicationLatency of the primary's writes; this is also the window in which the last writer may lose (T31)."""
    wanted = f"{duration(view.rpo_s)} or less"
    for name, table in named_tables(view, Side.DR):
        if not isinstance(table, Unavailable) and table.status == _ABSENT:
            continue
        reading = _latency(view, name)
        cause = view.doubt(reading)
        if reading is None or reading.value is None or cause:
            hint = "DynamoDB publishes it only while there are writes: a heartbeat item each minute keeps it alive."
            yield view.unknown(name, wanted, f"{cause or 'The metric is not published.'} {hint}")
        elif reading.value / _MS <= view.rpo_s:
            reason = "writes younger than this could be lost, or conflict when the primary returns"
            yield view.ok(name, duration(reading.value / _MS), wanted, reason)
        else:
            reason = "a failover now would lose later writes to the primary region"
            remedy = (
                f"Check for throttled writes of {name} in {view.region} (aws_dynamodb_table.replica, write capacity)."
            )
            yield view.gap(name, duration(reading.value / _MS), wanted, reason, remedy)


def _latency(view: View, name: str) -> Reading | None:
    readings = view.get(dynamodb.latency_metrics, Side.PRIMARY)
    return next((reading for reading in readings if reading.dimension("TableName") == name), None)


@check("every table has point-in-time recovery, in both regions")
@weigh(Severity.CRITICAL, Area.REPLICATION, BOTH, applies=if_replicated)
@cite("T31", "DYNAMODB_PITR_ENABLED", "dynamodb_tables_pitr_enabled", "REL09-BP03", "NIST CP-9", "SOC2 A1.2")
def point_in_time_recovery(view: View) -> Iterator[Finding]:
    """PITR is a setting of each replica: a bad write replicates within a second, and only PITR undoes it (T31).

    One that reaches back less far than the primary region's is a warning. Source: DescribeContinuousBackups.
    """
    present, days = False, _recovery_days(view)
    for name, table in named_tables(view):
        if isinstance(table, Unavailable):
            present = True
            yield view.unknown(name, "ENABLED", table)
        elif table.status != _ABSENT:
            present = True
            wanted_days = days.get(name, table.recovery_days)
            if table.recovery == "ENABLED" and table.recovery_days < wanted_days:
                setting = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": wanted_days}
                command = view.command(
                    "dynamodb", "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=setting
                )
                measured = f"{table.recovery}, {table.recovery_days} days back"
                reason = "a bad write that is found after a failover may be older than what can be restored"
                remedy = Remedy("Let it reach back as far as the primary region's.", (command,))
                yield view.warn(name, measured, f"{wanted_days} days back", reason, remedy)
            elif table.recovery == "ENABLED":
                yield view.ok(name, table.recovery, "ENABLED", "a bad write can be undone")
            else:
                reason = "replication copies a bad write to both regions, and it could not be undone"
                remedy = Remedy("aws_dynamodb_table.replica.point_in_time_recovery = true.", (recoverable(view, name),))
                yield view.gap(name, table.recovery, "ENABLED", reason, remedy)
    if not present:
        yield view.none_expected("all tables", _SAID)


def _recovery_days(view: View) -> dict[str, int]:
    """How far each table of the primary region can be restored back; nothing on that side, or while it is not seen."""
    if view.side is Side.PRIMARY:
        return {}
    try:
        found = named_tables(view, Side.PRIMARY)
    except DataUnavailable:
        return {}
    return {name: table.recovery_days for name, table in found if not isinstance(table, Unavailable)}


@lag_source(TABLES)
def tables(view: View) -> Iterator[Lag]:
    """How far each table's replica trails, by the metric of the region that is written to."""
    if not view.env.replicates:
        return
    for name in dynamodb.names(view.env):
        reading = _latency(view, name)
        reason = view.doubt(reading)
        seconds = reading.value / _MS if reading and reading.value is not None and not reason else None
        yield Lag(TABLES.id, name, None, Side.DR, seconds, reason or "DynamoDB global table, ReplicationLatency")
