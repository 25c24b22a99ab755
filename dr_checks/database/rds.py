"""Checks of RDS: protection of the primary database, and prerequisites for a database in the DR region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import (
    BOTH,
    PRIMARY_ONLY,
    Area,
    Finding,
    Remedy,
    Severity,
    View,
    check,
    cite,
    if_replicated,
    weigh,
)
from dr_checks.derived.database_copies import (
    OWN_BACKUPS,
    REPLICA,
    copy_to_use,
    database_name,
    primary_database,
    replicas,
)
from dr_checks.derived.parameter_groups import create_parameter_group, writable_group
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.engines import engine_of
from dr_estate.model.recovery_names import RESTORED_FROM
from dr_estate.model.states import DATABASE, State
from dr_estate.readers import ecs, rds, rds_groups, vpc

# "DB subnet groups must contain at least one subnet in at least two AZs" (API_CreateDBSubnetGroup).
_ZONES_NEEDED = 2


def _databases(view: View) -> list[rds.Instance]:
    """The environment's own databases on this side: the one of its name, and the DR region's replicas."""
    name = database_name(view)
    named = [instance for instance in view.get(rds.instances) if instance.identifier == name]
    if view.side is not Side.DR:
        return named
    # A replica bears a name of its own, and may be the database after the next failover.
    return named + [replica for replica in replicas(view) if replica not in named]


def _modify(view: View, instance: rds.Instance, **changes: object) -> tuple[str, ...]:
    identifier = instance.identifier
    return (view.command("rds", "ModifyDBInstance", DBInstanceIdentifier=identifier, **changes, ApplyImmediately=True),)


@check("the primary database retains automated backups for as many days as required")
@weigh(Severity.BLOCKER, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("T24", "REL09-BP01", "NIST CP-9", "SOC2 A1.2", "db-instance-backup-enabled", "rds_instance_backup_enabled")
def retention(view: View) -> Iterator[Finding]:
    """Backup retention reaches thresholds.backup_retention_days; 0 switches off backups, replicas and copies (T24)."""
    name, days = database_name(view), view.env.thresholds.backup_retention_days
    source = primary_database(view)
    wanted = f"retained {days} days or more"
    if source is None:
        reason = f"{view.region} has no database of this name: nothing can be copied from it"
        yield view.gap(name, "absent", wanted, reason, f"Check names.database, or apply aws_db_instance '{name}'.")
    elif source.retention_days >= days:
        yield view.ok(name, f"retained {source.retention_days} days", wanted, "every copy starts from these backups")
    else:
        reason = "retention 0 ends replication and refuses replicas" if not source.retention_days else "too short"
        sentence = f"aws_db_instance.backup_retention_period = {days}."
        remedy = Remedy(sentence, _modify(view, source, BackupRetentionPeriod=days))
        gap = view.gap(name, f"retained {source.retention_days} days", wanted, reason, remedy)
        # Too few days end nothing: without any RDS makes no backups, and replicates none.
        yield replace(gap, members=() if source.retention_days else (OWN_BACKUPS.format(name),))


@check("the primary database takes writes, and is in no state that a person must end")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, PRIMARY_ONLY)
@cite("T19", "RdsReplicaState", "REL11-BP01", "NIST CP-10", "SOC2 A1.2")
def serves(view: View) -> Iterator[Finding]:
    """Its DBInstanceStatus, and no replica. A failover starts from copies and needs no sound primary: not a blocker.

    Source: RDS User Guide, Viewing Amazon RDS DB instance status.
    """
    source, name, wanted = primary_database(view), database_name(view), "takes writes"
    source = view.need(source, name, "there is no such database: see rds.retention")
    state, measured = DATABASE[source.status], source.status or "no status"
    # A failback's copy stands under the database's name until it is promoted.
    if source.source:
        reason = "it follows another database: every write of the tenants fails"
        remedy = "Where no failback is under way, promote it, which cannot be undone; a failback does so by itself."
        yield view.gap(name, f"{measured}, a replica", wanted, reason, remedy)
    elif not state.known:
        yield view.undocumented(name, wanted, source.status)
    elif state.takes_writes:
        yield view.ok(name, measured, wanted, "the platform can use it, and its copies go on")
    # Backing up, rebooting, being modified: each ends by itself, and a remedy would only disturb it.
    elif state.busy:
        reason = "it does not serve until this ends by itself"
        yield view.warn(name, measured, wanted, reason, "Wait, and check again; its events show what RDS does.")
    else:
        reason = "the platform cannot write, a switchover cannot prove that nothing is lost, and copies stand still"
        gap = view.gap(name, measured, wanted, reason, _repair(view, name, state))
        # A database that serves is restorable until some five minutes ago; from its stop on that time stands still.
        yield replace(gap, since=source.latest_restorable if state.is_stopped else None)


def _repair(view: View, name: str, state: State) -> Remedy:
    """What ends a state by its kind."""
    if state.is_stopped:
        start = view.command("rds", "StartDBInstance", DBInstanceIdentifier=name)
        return Remedy("Read its events for who stopped it, then start it.", (start,))
    if state.gone:
        return Remedy("Restore it to the latest restorable time.")
    return Remedy(
        "Read its events; then enlarge its storage, enable its KMS key, or restore it to the latest restorable time, "
        "as they say."
    )


@check("no database of the platform can be deleted by mistake")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, BOTH)
@cite(
    "RdsDeletionProtection",
    "REL09-BP02",
    "NIST CP-9",
    "rds-instance-deletion-protection-enabled",
    "rds_instance_deletion_protection",
)
def deletion_protection(view: View) -> Iterator[Finding]:
    """DeletionProtection is on for the database and its replicas, on both sides. Source: DescribeDBInstances."""
    found = _databases(view)
    view.need(found, database_name(view), f"no database runs in {view.region}")
    for instance in found:
        # By default a deletion removes the automated backups at once (API_DeleteDBInstance).
        if instance.deletion_protection:
            yield view.ok(instance.identifier, "on", "on", "a delete call is refused")
        else:
            reason = "a single call, or one terraform destroy, would delete it and its automated backups"
            sentence = "aws_db_instance.deletion_protection = true."
            remedy = Remedy(sentence, _modify(view, instance, DeletionProtection=True))
            yield view.gap(instance.identifier, "off", "on", reason, remedy)


@check("the primary database survives the loss of an availability zone without a failover to the DR region")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, PRIMARY_ONLY)
@cite("REL10-BP01", "NIST CP-6", "SOC2 A1.1", "rds-multi-az-support", "rds_instance_multi_az")
def multi_az(view: View) -> Iterator[Finding]:
    """Multi-AZ is on; where nothing is replicated anyway, its absence is a WARN. Source: DescribeDBInstances."""
    source, name = primary_database(view), database_name(view)
    if source is None:
        yield view.none_expected(name, "there is no such database: see rds.retention")
    elif source.multi_az:
        yield view.ok(name, "two zones", "two zones", "the loss of a zone is handled inside the region")
    elif view.env.replicates:
        reason = "the loss of one zone would force a regional failover"
        yield view.gap(name, "one zone", "two zones", reason, _two_zones(view, source))
    else:
        reason = "the loss of one zone would be an outage; this environment accepts that"
        yield view.warn(name, "one zone", "two zones", reason, _two_zones(view, source))


def _two_zones(view: View, source: rds.Instance) -> Remedy:
    return Remedy("aws_db_instance.multi_az = true.", _modify(view, source, MultiAZ=True))


@check("the parameter group that the database is restored with exists in the DR region, and lets it be written to")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T56", "RdsParameterGroupParity", "REL13-BP02", "REL13-BP04", "NIST CP-7")
def parameter_group(view: View) -> Iterator[Finding]:
    """The group of names.db_parameter_group, which a restore names: RDS refuses one that is absent (T56).

    One whose read-only parameter is on (``model.engines``) makes a restored database refuse every write. Where
    a database runs with it already, that is a failback's write pause, or rds.serves' matter.
    """
    name = view.env.named(view.env.names.db_parameter_group)
    group = view.find(rds_groups.parameter_groups, name=name)
    rows = view.get(rds_groups.parameter_groups)
    frozen = {row.name: row for row in rows if engine_of(row.family).refuses_writes(row.parameters)}
    others = frozen.keys() - {name}
    promoted = {used for replica in replicas(view) for used, _ in replica.parameter_groups} if others else set()
    for other in sorted(promoted & others):  # a promotion keeps the replica's group
        yield _read_only(view, frozen[other])
    if name in frozen and not any(
        not row.source and name in dict(row.parameter_groups) for row in view.get(rds.instances)
    ):
        yield _read_only(view, frozen[name])
    elif group:
        yield view.ok(name, "present", "present", "a restore can name it; its values are rds-parity.parameter-group's")
    elif name.startswith("default."):
        yield view.ok(name, "a default group", "present", "AWS makes it in every region")
    else:
        reason = "a restore that names it is refused: DBParameterGroupNotFound"
        sentence = f"Apply aws_db_parameter_group '{name}' in {view.region}, from the same module as the primary's."
        yield view.gap(name, "absent", "present", reason, Remedy(sentence, create_parameter_group(view, name)))


def _read_only(view: View, group: rds_groups.ParameterGroup) -> Finding:
    parameter = engine_of(group.family).read_only
    reason = "a database restored with it refuses every write: nobody can log in, write or upload"
    return view.gap(group.name, f"{parameter} on", f"{parameter} off", reason, writable_group(view, group))


@check("the option group that the database is restored with fits its engine version in the DR region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T25", "T56", "REL13-BP02", "REL13-BP04", "NIST CP-7")
def option_group(view: View) -> Iterator[Finding]:
    """A restore names the primary database's group where the region has one of its name: RDS refuses one of another
    engine or major version. One that is absent is left out of the restore: see rds-parity.option-group.
    """
    source = primary_database(view)
    groups = {group.name: group for group in view.get(rds_groups.option_groups)}
    # A default group is AWS's own and there in every region: a restore takes it without a name (T56).
    named = [name for name, _ in source.option_groups if not name.startswith("default:")] if source else []
    for name in named:
        if source is None or name not in groups:
            continue
        group = groups[name]
        measured = f"{group.engine} {group.major_version}"
        wanted = f"{source.engine} {source.engine_version}"
        # The dot keeps 8.0 from matching 8.01, and 5.7 from 5.70.
        if group.engine == source.engine and f"{source.engine_version}.".startswith(f"{group.major_version}."):
            yield view.ok(name, measured, wanted, "a restore can name it")
        else:
            reason = "a restore that names it is refused: InvalidParameterCombination"
            remedy = (
                f"Apply aws_db_option_group '{name}' in {view.region} with the engine and version of the primary's."
            )
            yield view.gap(name, measured, wanted, reason, remedy)
    if not set(named) & groups.keys():
        yield view.none_expected(database_name(view), "a restore names no option group")


@check("no database of the DR region has the name that a restore will take")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T47", "REL13-BP02", "NIST CP-10")
def name_free(view: View) -> Iterator[Finding]:
    """An instance left over from a drill or a recovery keeps its name: RDS refuses a second one of it.

    A replica of the primary database is promoted under its name, where a failover uses it: beside one that is broken,
    or less preferred than another copy, that copy is restored. The database of a DR region that serves is no leftover.
    """
    name = database_name(view)
    found = view.find(rds.instances, identifier=name)
    if found is None:
        yield view.ok(name, "free", "free", "a restore can take it")
    elif found in replicas(view):
        yield _of_named_replica(view, found)
    # Tasks that run in the DR region run upon this database: a standby's run upon a replica alone.
    elif any(service.running for service in view.get(ecs.services)):
        yield view.none_expected(name, "the DR region has taken over: this is its database")
    # A warning: its tag says which recovery or drill made it, and that one's own commands remove it.
    elif RESTORED_FROM in dict(found.tags):
        reason = "a recovery or a drill restored it: a new failover would stop at it"
        remedy = Remedy(
            "Resume that incident, or bring the drill to its end (dr drill clean); else rename it.",
            _rename(view, found),
        )
        yield view.warn(name, f"{found.status}, restored", "free", reason, remedy)
    else:
        reason = "a failover would stop at it: DBInstanceAlreadyExists, or tasks would be given its old data"
        remedy = Remedy("Give the name free: look at what it holds, and rename it.", _rename(view, found))
        yield view.gap(name, f"{found.status}, no replica of {view.env.regions.primary}", "free", reason, remedy)


def _of_named_replica(view: View, found: rds.Instance) -> Finding:
    chosen = copy_to_use(view)
    if chosen is None or chosen.mechanism == REPLICA:
        return view.ok(found.identifier, "a replica", "free", "it is the replica that a failover promotes")
    reason = f"a failover restores {chosen.name} under this name, and would stop at the replica"
    remedy = Remedy("Give the name free, or make the replica the copy to use.", _rename(view, found))
    return view.gap(found.identifier, f"a replica, {found.status}", "free", reason, remedy)


def _rename(view: View, instance: rds.Instance) -> tuple[str, ...]:
    # A rename keeps the data, which may be all that is left, and reboots the instance (API_ModifyDBInstance).
    return _modify(view, instance, NewDBInstanceIdentifier=f"{instance.identifier}-old")


@check("the DR region has a subnet group in which the database can be restored")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "REL13-BP04", "NIST CP-7", "SOC2 A1.2")
def subnet_group(view: View) -> Iterator[Finding]:
    """The group of names.db_subnet_group is Complete and spans two zones at least, as RDS demands of a new instance.

    Source: RDS User Guide, Working with a DB instance in a VPC.
    """
    name = view.env.named(view.env.names.db_subnet_group)
    group = view.find(rds_groups.subnet_groups, name=name)
    wanted = f"Complete, {_ZONES_NEEDED} zones or more"
    if group is None:
        reason = "a restored database would start in the default VPC, unreachable for the services, or not at all"
        yield view.gap(name, "absent", wanted, reason, f"Apply aws_db_subnet_group '{name}' with the DR provider.")
        return
    measured = f"{group.status}, {len(group.zones)} zones"
    network = view.get(vpc.vpc)
    # Security groups belong to a VPC: those of the tasks cannot be given to a database in another one.
    if network and group.vpc != network.id:
        reason = "a database restored there is not reached by the tasks, and cannot be given the groups of their VPC"
        remedy = f"aws_db_subnet_group '{name}' in {view.region}: subnet_ids of the services' VPC."
        yield view.gap(name, f"in {group.vpc}", f"in {network.id}", reason, remedy)
    elif not states.SUBNET_GROUP[group.status].known:
        yield view.undocumented(name, wanted, group.status)
    elif len(group.zones) >= _ZONES_NEEDED:
        yield view.ok(name, measured, wanted, f"{len(group.subnets)} subnets of {group.vpc} are usable")
    else:
        reason = "RDS refuses to create an instance in it, or one with a standby"
        yield view.gap(name, measured, wanted, reason, "Add subnets of other zones (aws_db_subnet_group.subnet_ids).")
