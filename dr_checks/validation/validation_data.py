"""Validation after a failover: stores of the DR region accept writes and are protected.

These hold of a failed-over estate alone and are judged by ``failover --validate`` and after ``failover --execute``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.parameter_groups import refusing_group, writable_group
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.engines import engine_of
from dr_estate.model.references import arn_region
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import control_table, dynamodb, efs, rds


@check("the database in the DR region accepts writes")
@weigh(Severity.BLOCKER, Area.VALIDATION)
@cite("T22", "RdsReplicaState", "REL13-BP02", "NIST CP-10")
def database_writable(view: View) -> Iterator[Finding]:
    """An instance of that name is in a state that takes writes, no read replica, and its group lets it be written to.

    Source: DescribeDBInstances, DescribeDBParameters.
    """
    name, wanted = view.env.named(view.env.names.database), "takes writes, no replica"
    found = view.find(rds.instances, identifier=name)
    if found is None:
        remedy = "`dr_cli.py failover --execute` restores it."
        yield view.gap(name, "absent", wanted, "no tenant can start without its database", remedy)
    elif not found.source and not states.DATABASE[found.status].known:
        yield view.undocumented(name, wanted, found.status)
    elif found.source or not states.DATABASE[found.status].takes_writes:
        measured = f"{found.status}, replica of {found.source}" if found.source else found.status
        promoted = (view.command("rds", "PromoteReadReplica", DBInstanceIdentifier=name),) if found.source else ()
        healing = Remedy("Promote it where it is a replica, then wait until it is available.", promoted)
        yield view.gap(name, measured, wanted, "tenants fail on their first write", healing)
    elif refusing := refusing_group(view, found):
        measured = f"{found.status}, {engine_of(refusing.family).read_only} on in {refusing.name}"
        repair = writable_group(view, refusing)
        # Set by hand in a failback's write pause, it would let in what no copy has.
        repair = replace(repair, sentence=f"A failback's write pause ends with its run. Else: {repair.sentence}")
        yield view.gap(name, measured, wanted, "tenants fail on their first write", repair)
    else:
        yield view.ok(name, found.status, wanted, f"it answers at {found.host}")


@check("the database in the DR region is backed up and protected")
@weigh(Severity.NORMAL, Area.VALIDATION)
@cite("T22", "RdsDeletionProtection", "REL09-BP01", "NIST CP-9")
def database_protected(view: View) -> Iterator[Finding]:
    """A promoted or restored instance keeps backups and cannot be deleted by mistake: it is production now."""
    name = view.env.named(view.env.names.database)
    found = view.need(
        view.find(rds.instances, identifier=name), name, "it does not exist: see validation.database-writable"
    )
    measured = (
        f"{found.retention_days} days retained, deletion protection {'on' if found.deletion_protection else 'off'}"
    )
    if found.retention_days and found.deletion_protection:
        yield view.ok(name, measured, "backed up, protected", "the data has a copy again")
    else:
        values = {"BackupRetentionPeriod": 7, "DeletionProtection": True, "ApplyImmediately": True}
        remedy = Remedy(
            "Keep backups for 7 days, and protect it against deletion.",
            (view.command("rds", "ModifyDBInstance", DBInstanceIdentifier=name, **values),),
        )
        yield view.gap(name, measured, "backed up, protected", "the data could be lost by a single mistake", remedy)


@check("the files in the DR region are writable")
@weigh(Severity.BLOCKER, Area.VALIDATION)
@cite("T27", "EfsReplicationState", "NIST CP-10")
def files_writable(view: View) -> Iterator[Finding]:
    """The file system takes writes and no replication writes to it. Source: DescribeReplicationConfigurations."""
    name, wanted = view.env.named(view.env.names.file_system), "takes writes, no replication's destination"
    # The reader gives the estate's own; a replica that EFS made bears no name.
    systems = view.get(efs.file_systems)
    found = next((row for row in systems if row.name == name), next(iter(systems), None))
    fed = {
        replication.destination_id
        for replication in view.get(efs.replications)
        if replication.destination_region == view.region
    }
    if found is None:
        yield view.gap(name, "absent", wanted, "no tenant's task can mount its files", "Restore it from the DR vault.")
    # A replication's destination is read-only until that replication is deleted (T27).
    elif found.id in fed or not states.FILE_SYSTEM[found.state].takes_writes:
        measured = "still a replication's destination" if found.id in fed else found.state
        cut = "DeleteReplicationConfiguration"
        remedy = Remedy(
            "Read the last sync (T27), then end the replication that writes to it.",
            tuple(
                view.command("efs", cut, SourceFileSystemId=replication.source_id)
                for replication in view.get(efs.replications)
                if replication.destination_id == found.id
            ),
        )
        yield view.gap(found.id, measured, wanted, "uploads and updates fail: it is read-only", remedy)
    else:
        yield view.ok(found.id, "writable", wanted, "tenants can upload")


@check("the platform's tables in the DR region accept writes", none=("all tables", "names.tables names none"))
@weigh(Severity.CRITICAL, Area.VALIDATION)
@cite("T31", "DynamoReplicationRule", "NIST CP-10")
def tables_writable(view: View) -> Iterator[Finding]:
    """Each table is ACTIVE in the DR region: a global table takes writes in every region."""
    there = view.get(dynamodb.tables)
    for table in there:
        if isinstance(table, Unavailable):
            yield view.unknown("a table", "ACTIVE", table)
        elif states.TABLE[table.status].takes_writes:
            yield view.ok(table.name, table.status, "ACTIVE", "the platform can store its state here")
        else:
            remedy = f"Restore {table.name} in {view.region} to a point in time."
            yield view.gap(table.name, str(table.status), "ACTIVE", "the platform cannot store its state", remedy)


@check("the data of the DR region has a copy in another region again")
@weigh(Severity.NORMAL, Area.VALIDATION)
@cite("T24", "T28", "RdsXRegionBackupReplication", "EfsReplicationState", "REL09-BP01", "NIST CP-9")
def protected_again(view: View) -> Iterator[Finding]:
    """After a failover nothing copies the DR region's data anywhere: a warning with its age, until failback ends it."""
    names, region = view.env.names, view.env.regions.primary
    name = view.env.named(names.database or names.file_system) or "objects"
    control_state = view.get(control_table.standing)
    since = control_state.known_incident.unprotected_since if control_state.known_incident else None
    age = f"unprotected since {since:%Y-%m-%d %H:%M} UTC" if since else "no copy leaves the region"
    found = view.find(rds.instances, identifier=name) if names.database else None
    if found is not None and any(arn_region(arn) == region for arn in _replicas(view, found)):
        yield view.ok(name, f"replicates to {region}", "a copy elsewhere", "the data survives a second failure")
        return
    reason = "a second failure would lose all that was written since the failover"
    start = "StartDBInstanceAutomatedBackupsReplication"
    remedy = Remedy(
        f"When {region} is back, `dr_cli.py failback` plans this for database and files. For the database alone:"
        if names.database
        else f"When {region} is back, `dr_cli.py failback` brings back what was written.",
        (view.command("rds", start, Side.PRIMARY, SourceDBInstanceArn=found.arn),) if found else (),
    )
    yield view.warn(name, age, "a copy elsewhere", reason, remedy)


def _replicas(view: View, source: rds.Instance) -> list[str]:
    """ARNs of the replicas in the primary region that follow ``source``; none where the region cannot be seen."""
    part = view.snapshot.parts.get((rds.instances.name, Side.PRIMARY))
    if part is None or isinstance(part.value, Unavailable):
        # A region that is not seen shows no copy: the warning stays.
        return []
    return [instance.arn for instance in part.value if instance.source == source.arn]
