"""Checks of the database's copies: usable mechanisms in the DR region, and their age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dr_checks.core.model import (
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
from dr_checks.derived.backup_copies import copying_key_flaw, key_ending, key_remedy
from dr_checks.derived.database_copies import (
    AUTOMATED,
    BACKUP,
    OWN_BACKUPS,
    all_copies,
    copy_to_use,
    database_name,
    primary_database,
    replicas,
    replicated_backups,
)
from dr_checks.derived.key_users import ENDS, material_again
from dr_estate.config.environment import Environment, Side
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.model.stores import DATABASE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import kms, rds

_KEY_LOST = "replication stops, and what is encrypted with it may not be restored"
_REPLICATE = "Replicate its automated backups (aws_db_instance_automated_backups_replication)."


def _uses_automated_backups(env: Environment) -> str | None:
    if env.replicates and env.replication.database[0] != AUTOMATED:
        return f"{env.name} relies on {env.replication.database[0]} for the database, not on automated backups"
    return if_replicated(env)


def _start(view: View) -> str:
    """The command that starts the replication, under the DR region's key for database copies."""
    env = view.env
    return view.command(
        "rds",
        "StartDBInstanceAutomatedBackupsReplication",
        SourceDBInstanceArn=f"arn:aws:rds:{env.regions.primary}:{env.account}:db:{env.database_on(Side.PRIMARY)}",
        BackupRetentionPeriod=env.thresholds.backup_retention_days,
        # The key of the destination region: the primary's encrypts nothing there.
        KmsKeyId=env.named(env.names.db_copy_key_alias),
        SourceRegion=env.regions.primary,
    )


def _replicate(view: View) -> Remedy:
    """Start the replication where none runs; one that does not advance is its own check's matter."""
    running = view.read_for_remedy(rds.automated_backups, Side.DR)
    # Starting one that runs is refused: the command is printed only where none does.
    wanted = running is not None and AUTOMATED in view.env.replication.database
    return Remedy(_REPLICATE, (_start(view),) if wanted and not replicated_backups(view) else ())


@check("the database has a usable copy in the DR region, by a mechanism that this environment accepts")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite(
    "T19",
    "T24",
    "T25",
    "RdsXRegionBackupReplication",
    "RdsReplicaState",
    "REL09-BP01",
    "REL13-BP02",
    "NIST CP-6",
    "NIST CP-9",
)
def usable(view: View) -> Iterator[Finding]:
    """Any accepted mechanism will do; the finding names it. A backup copy alone is a WARN: it has no PITR (T25)."""
    name, wanted = database_name(view), " or ".join(view.env.replication.database)
    copy = copy_to_use(view)
    if copy is None:
        yield _no_copy(view, name, wanted)
    # A backup copy restores to its snapshot alone: up to an hour and more is lost, against minutes by the others (T25).
    elif copy.mechanism == BACKUP and view.env.replication.database[0] != BACKUP:
        expected = view.env.replication.database[0]
        reason = "only an AWS Backup copy is left: it is hourly at best and has no point-in-time restore"
        yield view.warn(name, f"{copy.mechanism}: {copy.name}", expected, reason, _replicate(view))
    else:
        yield view.ok(name, f"{copy.mechanism}: {copy.name}", wanted, f"this copy is used; age from {copy.basis}")


def _no_copy(view: View, name: str, wanted: str) -> Finding:
    flaws = [f"{copy.mechanism} {copy.name}: {copy.flaw}" for copy in all_copies(view)[0]]
    try:
        found = [(states.DATABASE_SNAPSHOT[row.status], row) for row in view.get(rds.snapshots)]
        times = [row.created_at for state, row in found if row.created_at and state.serves]
        strange = sorted({row.status for state, row in found if not state.known})
        last = f"the newest snapshot is of {max(times):%Y-%m-%d %H:%M} UTC" if times else "there is no snapshot"
        last += f" (of what AWS calls {', '.join(strange)} nothing is known)" if strange else ""
    # That no mechanism has a copy is certain without the snapshots: they only complete the sentence.
    except DataUnavailable:
        last = "snapshots could not be read"
    reason = f"the database cannot be restored in {view.region} by any accepted mechanism; {last}"
    return view.gap(name, "; ".join(flaws) or "no copy", wanted, reason, _replicate(view))


@check("the newest usable copy of the database in the DR region is no older than the recovery point objective")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite(
    "T22",
    "T23",
    "T24",
    "T25",
    "RdsReplicaLag",
    "REL09-BP01",
    "REL13-BP01",
    "NIST CP-9",
    "NIST CP-10",
    "ISO22301 8.4",
    "SOC2 A1.2",
)
def age(view: View) -> Iterator[Finding]:
    """Read in the DR region: RestoreWindow.LatestTime, ReplicaLag with its age, or a backup copy's creation date."""
    name, wanted = database_name(view), f"{duration(view.rpo_s)} or less"
    copy = copy_to_use(view)
    if copy is None:
        yield view.none_expected(name, "there is no usable copy: see rds-copy.usable")
    # T23: a replica that was broken for two days had no lag either.
    elif copy.age_s is None:
        yield view.unknown(name, wanted, f"The age of {copy.mechanism} {copy.name} is not known: {copy.basis}")
    elif copy.age_s <= view.rpo_s:
        yield view.ok(name, duration(copy.age_s), wanted, f"by {copy.mechanism}: {copy.basis}")
    else:
        reason = "a failover now would lose every write made since"
        remedy = (
            f"Find out by its events why {copy.name} does not advance; if it does not recover, replace it: see "
            "rds-copy.automated-backups and rds-replica.state."
        )
        yield view.gap(name, f"{duration(copy.age_s)} by {copy.mechanism}", wanted, reason, remedy)


@check("the keys of the database's copies can be used in the DR region")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T19", "KmsKeyUsableInRegion", "REL09-BP02", "NIST CP-9", "SOC2 A1.2")
def key_usable(view: View) -> Iterator[Finding]:
    """The KMS key of each replicated backup and replica is Enabled in the DR region, and admits RDS. Source: T19.

    So does the key behind the settings' alias: a replication takes it that starts after a repair or a failback.

    Another mechanism's copy may still be restored: whether any can is rds-copy.usable's to say.
    """
    named = [(backup.arn, backup.key_arn) for backup in replicated_backups(view)]
    named += [(replica.identifier, replica.key_arn) for replica in replicas(view)]
    to_come = _key_of_copies_to_come(view, [key for _, key in named])
    for name, key_arn in [*named, *((row.arn, row.arn) for row in to_come)]:
        try:
            flaw = copying_key_flaw(view, key_arn)
        except DataUnavailable as error:
            yield view.unknown(name, "Enabled", error.unavailable)
            continue
        if flaw:
            reason = "no replication can be started with it" if name == key_arn else _KEY_LOST
            remedy = _alias_remedy(view, to_come[0], named) if name == key_arn else key_remedy(view, key_arn)
            yield view.gap(name, flaw, "Enabled", reason, remedy)
        elif until := key_ending(view, key_arn):
            yield view.warn(name, f"Enabled {until}", "Enabled", ENDS, material_again(view.env.regions.dr, key_arn))
        else:
            yield view.ok(name, "Enabled" if key_arn else "not encrypted", "Enabled", "the copy can be decrypted there")
    if not named:
        yield view.none_expected(database_name(view), "AWS Backup copies are judged by backup.key-usable")


def _key_of_copies_to_come(view: View, keys: Sequence[str]) -> list[kms.CopyKey]:
    """The key behind the settings' alias, where copies are made and none of them has it."""
    try:
        found = view.find(kms.copy_keys, arn=view.env.named(view.env.names.db_copy_key_alias))
    except DataUnavailable:
        return []  # each copy is UNKNOWN
    return [found] if keys and found and found.target not in keys else []


def _alias_remedy(view: View, alias: kms.CopyKey, named: Sequence[tuple[str, str]]) -> Remedy:
    """Lead the alias to the key of today's copies, where they have one."""
    key = next((key for _, key in named if key), "")
    operation = "UpdateAlias" if alias.target else "CreateAlias"
    command = view.command("kms", operation, AliasName=alias.arn, TargetKeyId=key)
    is_alias = alias.arn.startswith("alias/")  # the settings may name the key itself
    return Remedy(
        "Lead the alias to the key of today's copies (aws_kms_alias).", (command,) if key and is_alias else ()
    )


@check("the database's automated backups are replicated to the DR region, from the instance that runs now")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=_uses_automated_backups)
@cite("T16", "T24", "RdsXRegionBackupReplication", "REL09-BP01", "REL13-BP02", "NIST CP-6", "ISO22301 8.4", "SOC2 A1.2")
def automated_backups(view: View) -> Iterator[Finding]:
    """Status replicating and moving, of today's instance, kept long enough. RDS stops it by itself when a key is
    disabled on either side or a region is opted out. Source: RDS User Guide, Troubleshooting stopped automated backups.
    """
    found, name = replicated_backups(view), database_name(view)
    if not found:
        reason = "point-in-time restore in the DR region needs it; RDS ends it on retention 0, opt-out or a lost key"
        gap = view.gap(name, "not replicated", "replicating", reason, Remedy(_REPLICATE, (_start(view),)))
        yield replace(gap, depends_on=OWN_BACKUPS.format(name))
        return
    try:
        source = primary_database(view)
    except DataUnavailable as error:
        yield view.unknown(name, "replicating from today's instance", error.unavailable)
        return
    # Backups outlive their instance under its name (T57): only the resource id shows which are today's database's.
    ours = [backup for backup in found if source is None or backup.resource_id == source.resource_id]
    if ours:
        yield _replication(view, name, ours[0])
    else:
        wanted = f"backups of {source.resource_id if source else name}"
        reason = "these belong to an earlier instance of the same name: today's database is not replicated"
        yield view.gap(name, f"backups of {found[0].resource_id}", wanted, reason, Remedy(_REPLICATE, (_start(view),)))


def _replication(view: View, name: str, backup: rds.AutomatedBackup) -> Finding:
    days, wanted_days = backup.retention_days, view.env.thresholds.backup_retention_days
    old_s = (view.now - backup.latest).total_seconds() if backup.latest else None
    measured = f"{backup.status}, {duration(old_s) if old_s else 'no time'} behind, retained {days} days"
    wanted = f"replicating, {duration(view.rpo_s)} behind or less, retained {wanted_days} days or more"
    if not states.AUTOMATED_BACKUP[backup.status].known:
        return view.undocumented(name, wanted, backup.status)
    if not states.AUTOMATED_BACKUP[backup.status].serves:
        reason = "it does not replicate now: RDS stops it on a lost key, an opt-out, or retention 0"
        gap = view.gap(name, measured, wanted, reason, Remedy(_REPLICATE, (_start(view),)))
        return replace(gap, depends_on=OWN_BACKUPS.format(name))
    # The status stays replicating while a broken replication stands still: only its newest time shows it.
    if old_s is None or old_s > view.rpo_s:
        reason = "its status is replicating, but the newest restorable time does not advance"
        remedy = "Stop it and start it again, which begins a new copy; use another copy meanwhile."
        return view.gap(name, measured, wanted, reason, remedy)
    if days < wanted_days:
        reason = "damage found later than this cannot be repaired from a copy in the DR region"
        remedy = f"Stop it and start it again with {wanted_days} days, which begins a new copy."
        return view.gap(name, measured, wanted, reason, remedy)
    return view.ok(name, measured, wanted, "snapshots and transaction logs follow the instance")


@lag_source(DATABASE)
def database(view: View) -> Iterator[Lag]:
    """The age of the database's newest copy by each accepted mechanism; one unmeasured lag where there is none."""
    if not view.env.replicates:
        return
    name = database_name(view)
    copies, dark = all_copies(view)
    usable_copies = [copy for copy in copies if not copy.flaw]
    for copy in usable_copies:
        yield Lag(DATABASE.id, name, None, Side.DR, copy.age_s, f"{copy.mechanism}: {copy.basis}")
    if not usable_copies:
        basis = dark[0].why if dark else "no usable copy in the DR region"
        yield Lag(DATABASE.id, name, None, Side.DR, None, basis, unseen=next(iter(dark), None))
