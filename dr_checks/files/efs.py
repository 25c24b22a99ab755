"""Checks of EFS: the shared file system in the DR region, its replication and its overwrite protection."""

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
from dr_estate.config.environment import Environment, Side
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.model.stores import FILES
from dr_estate.readers import efs

_REPLICATE = "create the replication again (aws_efs_replication_configuration)"


def _replicates(env: Environment) -> str | None:
    if env.replicates and env.replication.files[0] != "replication":
        return f"{env.name} relies on {env.replication.files[0]} for files, not on EFS replication"
    return if_replicated(env)


def _name(view: View) -> str:
    return view.env.named(view.env.names.file_system)


def _into_dr(view: View) -> efs.FileReplication | None:
    """The replication that writes into the DR file system, as the DR region itself lists it."""
    there = {system.id for system in view.get(efs.file_systems, Side.DR)}
    # The DR region's own list: that of the primary is dark in an outage, and only says what it sends.
    rows = view.get(efs.replications, Side.DR)
    return next((row for row in rows if row.destination_id in there), None)


def _out_of_dr(view: View) -> efs.FileReplication | None:
    """The replication that reads from the DR file system, as a failback has it."""
    there = {system.id for system in view.get(efs.file_systems, Side.DR)}
    return next((row for row in view.get(efs.replications, Side.DR) if row.source_id in there), None)


@check("the shared file system exists in the DR region and is available")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "NIST CP-7", "SOC2 A1.2")
def file_system_exists(view: View) -> Iterator[Finding]:
    """A file system of the configured name, or the replica of the primary's, is available. Source: EFS API."""
    found = view.get(efs.file_systems)
    for system in found:
        state = states.FILE_SYSTEM[system.state]
        if not state.known:
            yield view.undocumented(_name(view), "available", system.state)
        elif state.serves:
            yield view.ok(_name(view), system.state, "available", f"{system.id} can be mounted")
        else:
            reason = "tasks cannot mount a file system in this state"
            remedy = "Wait where it is being made; restore the newest recovery point where it is in error."
            yield view.gap(_name(view), f"{system.id} is {system.state}", "available", reason, remedy)
    if not found:
        reason = f"no tenant's task starts without it in {view.region}"
        remedy = f"Apply aws_efs_file_system '{_name(view)}' with the DR provider, then replicate into it."
        yield view.gap(_name(view), "absent", "available", reason, remedy)


@check("the shared file system replicates from the primary region to the DR region without error")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=_replicates)
@cite(
    "T16",
    "T27",
    "EfsReplicationState",
    "REL09-BP01",
    "REL13-BP02",
    "NIST CP-6",
    "NIST CP-9",
    "ISO22301 8.4",
    "SOC2 A1.2",
)
def replication_state(view: View) -> Iterator[Finding]:
    """Into the DR file system, and ENABLED. ERROR cannot be repaired; PAUSED: a region was opted out.

    Source: EFS User Guide, Viewing replication details; T16.
    """
    row, back = _into_dr(view), _out_of_dr(view)
    # A replication back is a failback under way, or one that nobody finished: the direction that overwrites (T28).
    if row is None and back is not None:
        measured = f"the other way: {back.source_id} of {view.region} into {back.destination_id}"
        reason = f"what {view.env.regions.primary} writes does not reach {view.region}, and is overwritten"
        remedy = (
            f"Finish the failback that turned it. Where there is none, delete this replication in {view.region}, then "
            f"{_REPLICATE} with the primary's file system as source."
        )
        yield view.gap(_name(view), measured, "ENABLED", reason, remedy)
    elif row is None:
        reason = "files written in the primary region do not reach the DR region"
        remedy = (
            f"After a failover the files of {view.region} are the newer ones: `dr_cli.py failback` copies them back. "
            f"Otherwise {_REPLICATE} with the primary's as source: it overwrites those of {view.region}."
        )
        yield view.gap(_name(view), "no replication", "ENABLED", reason, remedy)
    elif not states.FILE_REPLICATION[row.status].known:
        yield view.undocumented(_name(view), "ENABLED", row.status)
    elif states.FILE_REPLICATION[row.status].serves:
        yield view.ok(_name(view), row.status, "ENABLED", f"{row.source_id} replicates into {row.destination_id}")
    else:
        reason = row.message or "while it is in this state nothing is replicated"
        remedy = (
            "PAUSED: opt in to both regions again (prerequisites.opted-in). ERROR: restore the newest recovery "
            f"point to a new file system, delete the replication, then {_REPLICATE}."
        )
        yield view.gap(_name(view), row.status, "ENABLED", reason, remedy)


@check("the files in the DR region were last synchronised within the recovery point objective")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=_replicates)
@cite("T27", "EfsLastReplicated", "REL09-BP01", "NIST CP-9", "NIST CP-10", "ISO22301 8.4", "SOC2 A1.2")
def last_replicated(view: View) -> Iterator[Finding]:
    """LastReplicatedTimestamp is no older than the RPO; before the first full sync there is none. Source: EFS API."""
    row, wanted = _into_dr(view), f"{duration(view.rpo_s)} or less"
    if row is None:
        yield view.none_expected(_name(view), "there is no replication: see efs.replication-state")
    # Before the first full sync the copy is not consistent, however much of it is there (EFS guide).
    elif row.synced_at is None:
        yield view.unknown(_name(view), wanted, "The first synchronisation has not been completed yet.")
    elif (age_s := (view.now - row.synced_at).total_seconds()) <= view.rpo_s:
        yield view.ok(_name(view), duration(age_s), wanted, "all older changes are in the DR region")
    else:
        reason = "a failover that opens this copy loses every change made since"
        remedy = (
            f"Read TimeSinceLastSync and the replication's status message ({row.status}); large changes of "
            "small files slow it: wait, or move the workload. Inform the DR manager that the objective is not met."
        )
        yield view.gap(_name(view), duration(age_s), wanted, reason, remedy)


@check("the synchronisation metric of the files is fresh and within the recovery point objective")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=_replicates)
@cite("T23", "EfsLastReplicated", "REL13-BP04", "NIST CP-9", "SOC2 A1.2")
def sync_metric(view: View) -> Iterator[Finding]:
    """TimeSinceLastSync, from whichever region publishes it; a missing or old one proves nothing (T23)."""
    row, wanted = _into_dr(view), f"{duration(view.rpo_s)} or less"
    row = view.need(row, _name(view), "there is no replication: see efs.replication-state")
    # AWS does not document in which region TimeSinceLastSync is published: the DR region's counts first, for it
    # outlives the primary's.
    readings = tuple(r for r in view.get(efs.sync_metrics) if r.at)
    if not readings:
        readings = view.get(efs.sync_metrics, Side.PRIMARY)
    ours = next((r for r in readings if r.dimension("DestinationFileSystemId") == row.destination_id), None)
    reason = view.doubt(ours)
    if ours is None or ours.value is None or reason:
        yield view.unknown(_name(view), wanted, reason or "The metric is not published.")
    elif ours.value <= view.rpo_s:
        yield view.ok(_name(view), duration(ours.value), wanted, "the metric confirms that files are up to date")
    else:
        reason = "by the metric that alarms use, the last synchronisation is too long ago"
        remedy = "Look at efs.last-replicated; if that is within the limit, compare both after five minutes."
        yield view.gap(_name(view), duration(ours.value), wanted, reason, remedy)


@check("the shared file system is protected against being overwritten by a replication")
@weigh(Severity.CRITICAL, Area.REPLICATION, BOTH)
@cite("T28", "EfsOverwriteProtection", "REL09-BP02", "NIST CP-9")
def overwrite_protection(view: View) -> Iterator[Finding]:
    """ENABLED, or REPLICATING on the side a replication writes into; DISABLED invites a wrong direction (T28)."""
    into = {r.destination_id for r in view.get(efs.replications) if r.destination_region == view.region}
    found = view.get(efs.file_systems)
    view.need(found, _name(view), "there is no file system: see efs.file-system-exists")
    for system in found:
        # EFS sets REPLICATING itself on a replica; ENABLED there would mean that nothing replicates into it.
        wanted = "REPLICATING" if system.id in into else "ENABLED"
        if system.overwrite_protection == wanted:
            yield view.ok(_name(view), system.overwrite_protection, wanted, "no replication can overwrite it")
        else:
            reason = "a replication in the wrong direction would silently discard its data"
            on = {"FileSystemId": system.id, "ReplicationOverwriteProtection": "ENABLED"}
            command = view.command("efs", "UpdateFileSystemProtection", **on)
            remedy = Remedy("aws_efs_file_system.protection: ENABLED.", (command,))
            yield view.gap(_name(view), system.overwrite_protection or "none", wanted, reason, remedy)


@lag_source(FILES)
def files(view: View) -> Iterator[Lag]:
    """How far the DR file system trails, by the end of its last complete synchronisation."""
    if not view.env.replicates or "replication" not in view.env.replication.files:
        return
    row = _into_dr(view)
    if row is None:
        if view.env.replication.files[0] == "replication":
            yield Lag(FILES.id, _name(view), None, Side.DR, None, "no EFS replication into the DR file system")
        return
    age_s = None
    # In PAUSED or ERROR the last sync grows old, and no number says what a failover would lose.
    if row.synced_at and states.FILE_REPLICATION[row.status].serves:
        age_s = max(0.0, (view.now - row.synced_at).total_seconds())  # a sync may end while the look is at work
    yield Lag(FILES.id, _name(view), None, Side.DR, age_s, f"EFS replication ({row.status}), last complete sync")
