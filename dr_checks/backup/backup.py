"""Checks of AWS Backup: vaults in both regions, and usable copies of every protected store in the DR region."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import (
    BOTH,
    PRIMARY_ONLY,
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
from dr_checks.derived.backup_copies import age_s, key_ending, key_flaw, key_remedy, newest_copies
from dr_checks.derived.backup_promise import BackupPromise, copied_resources, is_dr_vault, promise, stores
from dr_checks.derived.database_copies import BACKUP
from dr_checks.derived.key_users import ENDS, material_again
from dr_estate.config.environment import Side
from dr_estate.model.durations import duration
from dr_estate.model.stores import FILES
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, backup_plan, efs

_MINUTE_S = 60
# One late run is usual: a backup may begin at any time of its start window (T25).
_MISSED_RUNS = 2


def _vault(view: View, side: Side | None = None) -> backup.Vault | None:
    """The environment's vault on this side, or on ``side``. Raises DataUnavailable."""
    name = backup.vault_name(view.env, side or view.side)
    return view.find(backup.vaults, side, name=name)


_ABSENT = "there is no such vault: see backup.vault-exists"


@check("the backup vault exists in both regions")
@weigh(Severity.CRITICAL, Area.REPLICATION, BOTH, applies=if_replicated)
@cite("REL09-BP01", "REL09-BP02", "NIST CP-6", "NIST CP-9", "ISO22301 8.4", "SOC2 A1.2", "backup_vaults_exist")
def vault_exists(view: View) -> Iterator[Finding]:
    """A vault of names.primary_vault, and of names.dr_vault in the DR region. Source: ListBackupVaults."""
    name, vault = backup.vault_name(view.env, view.side), _vault(view)
    if vault:
        yield view.ok(name, f"{vault.points} recovery points", "the vault exists", vault.arn)
    else:
        reason = "backups cannot be stored" if view.side is Side.PRIMARY else "every copy job to it fails"
        sentence = (
            f"Apply aws_backup_vault '{name}' with the provider of {view.region}, or correct names in the settings."
        )
        command = view.command("backup", "CreateBackupVault", BackupVaultName=name)
        yield view.gap(name, "absent", "the vault exists", reason, Remedy(sentence, (command,)))


@check("the keys of the DR vault and of the newest backup copies in it can be used in the DR region")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite("T19", "KmsKeyUsableInRegion", "REL09-BP02", "NIST CP-9", "BACKUP_RECOVERY_POINT_ENCRYPTED", "SOC2 A1.2")
def key_usable(view: View) -> Iterator[Finding]:
    """Keys are Enabled and stand in the DR region. The vault's decides about copies to come, the others about today."""
    vault = _vault(view)
    named = [(vault.name, vault.key_arn)] if vault else []
    named += [(arn, point.key_arn) for arn, point in sorted(newest_copies(view).items())]
    view.need(named, backup.vault_name(view.env, Side.DR), _ABSENT)
    for name, key_arn in named:
        try:
            flaw = key_flaw(view, key_arn)
        except DataUnavailable as error:
            yield view.unknown(name, "Enabled", error.unavailable)
            continue
        if flaw:
            reason = "what is encrypted with it cannot be restored, and new copies fail"
            remedy = key_remedy(view, key_arn)
            yield view.gap(name, flaw, "Enabled", reason, remedy)
        elif until := key_ending(view, key_arn):
            yield view.warn(name, f"Enabled {until}", "Enabled", ENDS, material_again(view.env.regions.dr, key_arn))
        else:
            yield view.ok(name, "Enabled" if key_arn else "key of AWS", "Enabled", "copies can be decrypted there")


@check("the DR vault is locked against deletion, and its lock accepts the copies that the plan makes")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite(
    "VaultLockState",
    "REL09-BP02",
    "NIST CP-9",
    "BACKUP_RESOURCES_PROTECTED_BY_BACKUP_VAULT_LOCK",
    "BACKUP_RECOVERY_POINT_MANUAL_DELETION_DISABLED",
)
def vault_lock(view: View) -> Iterator[Finding]:
    """Anyone who took over the account can empty an unlocked vault.

    A copy kept shorter or longer than the lock allows fails. Source: AWS Backup Vault Lock,
    PutBackupVaultLockConfiguration.
    """
    vault = view.need(_vault(view), backup.vault_name(view.env, Side.DR), _ABSENT)
    if not vault.locked:
        reason = "anyone with access to the vault could delete every copy: nothing would be left to restore"
        remedy = _lock(view, vault)
        yield view.gap(vault.name, "not locked", "locked", reason, remedy)
        return
    bounds = backup.bounds_of(vault)
    yield view.ok(vault.name, f"locked, {bounds}", "locked", "copies cannot be deleted before their time")
    for plan in view.get(backup_plan.plans, Side.PRIMARY):
        for rule in plan.rules:
            for copy in rule.copies:
                if is_dr_vault(view, copy.vault_arn):
                    yield _fits(view, vault, f"{plan.name}, rule {rule.name}", copy.delete_after_days, bounds)


def _lock(view: View, vault: backup.Vault) -> Remedy:
    """A lock in governance mode, which a backup administrator can still change, that takes the plan's copies."""
    plans = view.read_for_remedy(backup_plan.plans, Side.PRIMARY) or ()
    copies = [copy for plan in plans for rule in plan.rules for copy in rule.copies]
    retained = [copy.delete_after_days for copy in copies if is_dr_vault(view, copy.vault_arn)]
    days = min((number for number in retained if number), default=1)
    bounds = {"BackupVaultName": vault.name, "MinRetentionDays": days}
    # Without ChangeableForDays AWS makes it a governance lock. A compliance lock is final once its grace time is over:
    # nobody, AWS included, can take it off (AWS Backup guide, Vault Lock).
    command = view.command("backup", "PutBackupVaultLockConfiguration", **bounds)
    return Remedy("Lock it (aws_backup_vault_lock_configuration); in compliance mode once that is proven.", (command,))


def _fits(view: View, vault: backup.Vault, subject: str, days: int | None, bounds: str) -> Finding:
    measured = f"retained {days} days" if days else "kept for ever"
    if backup.lock_accepts(vault, days):
        return view.ok(subject, measured, bounds, "the lock accepts these copies")
    reason = "the lock refuses copies retained shorter or longer: every copy by this rule fails"
    remedy = "Change the rule's copy_action lifecycle (aws_backup_plan) to fit."
    return view.gap(subject, measured, bounds, reason, remedy)


@check("every store that the plan protects has a complete copy in the DR vault, as recent as the plan requires")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T25", "BackupCopyAge", "REL09-BP01", "NIST CP-9", "BACKUP_LAST_RECOVERY_POINT_CREATED", "SOC2 A1.2")
def copy_age(view: View) -> Iterator[Finding]:
    """Age of the newest COMPLETED copy, against the worst case of the plan; two missed runs are a WARN (T25)."""
    view.need(_vault(view), backup.vault_name(view.env, Side.DR), _ABSENT)
    copies, wanted = newest_copies(view), copied_resources(view)
    own = {store.arn for store in stores(view)}
    view.need(wanted, "all stores", "no plan copies anything there: see backup-plan.copies-to-dr")
    for arn in wanted:
        promised = promise(view, arn)
        if promised is None:
            continue
        point, limit = copies.get(arn), f"{duration(promised.worst_minutes * _MINUTE_S)} or less"
        if point is None:
            # What a tag selects may be newer than the last run; a database or file system of the settings is not.
            yield _missing_copy_finding(view, arn, limit, known=arn in own)
        else:
            yield _age_finding(view, arn, age_s(view, point), promised, limit)


def _missing_copy_finding(view: View, arn: str, limit: str, known: bool) -> Finding:
    """No copy of a database or file system is a gap; of something else, which may be new, a WARN."""
    measured = f"none in {view.env.thresholds.backup_retention_days} days"
    if known:
        reason = "the plan should copy it, but no complete copy arrived"
        return view.gap(arn, measured, limit, reason, "Read why its copy jobs fail, and fix the cause.")
    reason = "the plan should copy it; a new resource gets its first copy with the next run"
    return view.warn(arn, measured, limit, reason, "Run this check again after the next run of the plan.")


def _age_finding(view: View, arn: str, old_s: float, promised: BackupPromise, limit: str) -> Finding:
    # Two limits: the plan's worst case is a broken promise, and runs that were missed within it are a warning before
    # that.
    runs = old_s / (promised.gap_minutes * _MINUTE_S)
    remedy = f"Find the missing run among its backup and copy jobs in {view.env.regions.primary}, and start one."
    if old_s > promised.worst_minutes * _MINUTE_S:
        reason = f"backups do not run as the plan defines ({promised.basis})"
        return view.gap(arn, duration(old_s), limit, reason, remedy)
    if runs > _MISSED_RUNS:
        return view.warn(arn, duration(old_s), limit, f"{int(runs)} runs are missing or late", remedy)
    return view.ok(arn, duration(old_s), limit, f"as the plan requires: {promised.basis}")


@check(
    "AWS Backup is enabled for the resource types of the protected stores",
    none=("all stores", "this region has no database and no file system"),
)
@weigh(Severity.CRITICAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("REL09-BP01", "NIST CP-9", "SOC2 A1.2")
def opt_in(view: View) -> Iterator[Finding]:
    """The region's settings opt in to each type; a plan silently skips the others when it selects by tag.

    Source: AWS Backup developer guide, Service opt-in.
    """
    enabled = {opt_in.resource_type: opt_in.enabled for opt_in in view.get(backup.opt_ins)}
    found = stores(view)
    for store in found:
        # A type that is explicitly assigned is backed up without it: "Service opt-in" bears on tags (AWS Backup guide).
        if enabled.get(store.type):
            yield view.ok(store.name, f"{store.type} opted in", "opted in", "plans take resources of this type")
        else:
            reason = "a plan that selects by tag silently skips this type"
            command = view.command("backup", "UpdateRegionSettings", ResourceTypeOptInPreference={store.type: True})
            remedy = Remedy("Opt in to the type (aws_backup_region_settings).", (command,))
            yield view.gap(store.name, f"{store.type} not opted in", "opted in", reason, remedy)


@lag_source(FILES)
def file_copies(view: View) -> Iterator[Lag]:
    """The age of the file system's newest backup copy, where that mechanism is accepted (the database's: rds_copy)."""
    if not view.env.replicates or BACKUP not in view.env.replication.files:
        return
    name, unavailable = view.env.named(view.env.names.file_system), None
    try:
        points = [point for point in _copies_of_files(view) if not key_flaw(view, point.key_arn)]
    except DataUnavailable as error:
        points, unavailable = [], error.unavailable
    for point in points:
        basis = "backup-copy: creation date of the newest copy in the DR vault (T25)"
        yield Lag(FILES.id, name, None, Side.DR, age_s(view, point), basis)
    # A mechanism that is only the fallback has no lag of its own while the first one works.
    if not points and view.env.replication.files[0] == BACKUP:
        basis = unavailable.why if unavailable else "no usable backup copy in the DR vault"
        yield Lag(FILES.id, name, None, Side.DR, None, basis, unseen=unavailable)


def _copies_of_files(view: View) -> list[backup.RecoveryPoint]:
    """The newest copy of the primary's file system; of any file system while the primary region is dark."""
    copies = newest_copies(view)
    try:
        ours = {system.arn for system in view.get(efs.file_systems, Side.PRIMARY)}
    except DataUnavailable:
        # A dark primary region cannot say which file system is the platform's: any copy of files is better than none.
        ours = {arn for arn, point in copies.items() if point.resource_type == "EFS"}
    return [point for arn, point in copies.items() if arn in ours]
