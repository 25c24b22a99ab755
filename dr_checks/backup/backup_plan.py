"""Checks of the backup plan: protected stores, copies to the DR region, retention and worst-case data loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dr_checks.core.model import PRIMARY_ONLY, Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.backup_promise import (
    is_dr_vault,
    longest_gap_minutes,
    promise,
    relies_on_copies,
    stores,
    tags_of,
    takes,
)
from dr_estate.config.environment import Side
from dr_estate.model.durations import duration
from dr_estate.readers import backup, backup_plan, dynamodb
from dr_estate.readers.store_policies import table_arn

_MINUTE_S = 60
_HOUR_MINUTES = 60


def _plan_name(view: View) -> str:
    return view.env.named(view.env.names.backup_plan)


def _copy_rules(view: View) -> list[tuple[backup_plan.BackupRule, backup_plan.CopyAction]]:
    """Every rule with each of its copy actions to the DR vault. Raises DataUnavailable."""
    rules = [rule for plan in view.get(backup_plan.plans) for rule in plan.rules]
    return [(rule, copy) for rule in rules for copy in rule.copies if is_dr_vault(view, copy.vault_arn)]


def _no_copies(view: View) -> Finding:
    return view.none_expected(_plan_name(view), "it makes no copy there: see backup-plan.copies-to-dr")


@check("the backup plan copies its backups to the vault in the DR region")
@weigh(Severity.CRITICAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite(
    "REL09-BP01",
    "REL13-BP02",
    "NIST CP-6",
    "NIST CP-9",
    "ISO22301 8.4",
    "BACKUP_RESOURCES_PROTECTED_BY_CROSS_REGION",
    "backup_plans_exist",
)
def copies_to_dr(view: View) -> Iterator[Finding]:
    """The plan of names.backup_plan has a rule with a copy action to the DR vault's ARN. Source: GetBackupPlan.

    Jobs of a rule fail where a vault that it names is absent, or the lock of its own refuses what is kept so long. A
    rule that copies nothing there is a warning, unless another one that does runs as often: one that keeps backups for
    years, as an archive, recovers nothing sooner.
    """
    name, plans = _plan_name(view), view.get(backup_plan.plans)
    wanted = f"a copy action to {view.env.names.dr_vault} in {view.env.regions.dr}"
    if not plans:
        reason = "nothing is backed up on a schedule, so nothing can be copied"
        remedy = f"Apply aws_backup_plan '{name}', or correct names.backup_plan."
        yield view.gap(name, "no such plan", wanted, reason, remedy)
    elif rules := sorted({rule.name for rule, _ in _copy_rules(view)}):
        yield view.ok(name, f"copied by {', '.join(rules)}", wanted, "backups are copied there automatically")
        yield from _rules_that_fail(view, plans)
        yield from _uncopied_rules(view, plans, wanted)
    else:
        others = sorted({copy.vault_arn for plan in plans for rule in plan.rules for copy in rule.copies})
        reason = "the backups are lost if the primary region is lost"
        remedy = "Add copy_action { destination_vault_arn } of the DR vault to a rule (aws_backup_plan)."
        yield view.gap(name, f"copied to {', '.join(others)}" if others else "not copied", wanted, reason, remedy)


def _rules_that_fail(view: View, plans: Sequence[backup_plan.BackupPlan]) -> Iterator[Finding]:
    """Rules whose jobs fail each time: a vault of theirs is absent, or locked against what they keep."""
    for plan, rule in [(found, rule) for found in plans for rule in found.rules]:
        subject, vault = f"{plan.name}, rule {rule.name}", view.find(backup.vaults, name=rule.vault)
        absent = [] if vault else [f"{rule.vault} in {view.region}"]
        for side in Side.PRIMARY, Side.DR:
            stem = f"arn:aws:backup:{view.env.region(side)}:{view.env.account}:backup-vault:"
            named = [copy.vault_arn for copy in rule.copies if copy.vault_arn.startswith(stem)]
            # That the DR vault itself is there is backup.vault-exists' matter.
            others = [arn for arn in named if not is_dr_vault(view, arn)]
            known = {row.arn for row in view.get(backup.vaults, side)} if others else set[str]()
            absent += [f"{arn.removeprefix(stem)} in {view.env.region(side)}" for arn in others if arn not in known]
        if absent:
            reason = "every job of the rule that names it fails: nothing is backed up, or nothing is copied there"
            remedy = "Correct the rule's target_vault_name and copy_action (aws_backup_plan)."
            yield view.gap(subject, f"no vault {', '.join(absent)}", "vaults that are there", reason, remedy)
        elif vault and not backup.lock_accepts(vault, rule.delete_after_days):
            measured = f"retained {rule.delete_after_days} days" if rule.delete_after_days else "kept for ever"
            reason = f"the lock of {vault.name} refuses it: every backup by this rule fails, and no copy is made"
            remedy = "Change the rule's lifecycle (aws_backup_plan) to fit the lock."
            yield view.gap(subject, measured, backup.bounds_of(vault), reason, remedy)


def _uncopied_rules(view: View, plans: Sequence[backup_plan.BackupPlan], wanted: str) -> Iterator[Finding]:
    """A warning for each rule that copies nothing to the DR region, where no copying rule does what it does."""
    copying = [rule for rule, _ in _copy_rules(view)]
    for plan, rule in [(found, rule) for found in plans for rule in found.rules]:
        if rule not in copying and not any(_replaces(view, other, rule) for other in copying):
            subject, others = f"{plan.name}, rule {rule.name}", ", ".join(copy.vault_arn for copy in rule.copies)
            reason = "no other rule that copies there runs as often: the newest backups stay in the primary region"
            remedy = "Give it a copy_action to the DR vault (aws_backup_plan), or accept it in the exceptions file."
            yield view.warn(subject, f"copied to {others}" if others else "not copied", wanted, reason, remedy)


def _replaces(view: View, other: backup_plan.BackupRule, rule: backup_plan.BackupRule) -> bool:
    """Whether ``other`` runs at least as often as ``rule``."""
    mine, theirs = (longest_gap_minutes(row.schedule, view.now.date()) for row in (rule, other))
    return mine is not None and theirs is not None and theirs <= mine


@check("the backup plan selects the database and the files")
@weigh(Severity.CRITICAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite(
    "REL09-BP01",
    "NIST CP-9",
    "BACKUP_RESOURCES_PROTECTED_BY_BACKUP_PLAN",
    "rds-in-backup-plan",
    "efs-in-backup-plan",
    "rds_instance_protected_by_backup_plan",
)
def covers_stores(view: View) -> Iterator[Finding]:
    """A selection takes each store, by ARN or by the tags it really bears today. Source: GetBackupSelection.

    Of tagged tables that tasks use, one that is not taken while others are is a warning: they have backups of their
    own. What bears no tag at all is not listed, so a table without any is not judged.
    """
    plans, found, tags = view.get(backup_plan.plans), stores(view), tags_of(view)
    for store in found if plans else []:
        mine = tags.get(store.arn, {})
        taken = [selection.name for plan in plans for selection in plan.selections if takes(selection, store.arn, mine)]
        if taken:
            yield view.ok(store.name, f"selected by {', '.join(taken)}", "selected", "it is backed up by schedule")
        else:
            reason = "no selection names it and its tags match none: it is not backed up"
            tests = {f"{tag.key}={tag.value}" for plan in plans for s in plan.selections for tag in s.tags}
            sentence = (
                f"Tag it ({', '.join(sorted(tests)) or 'as the selection asks'}), or name it in aws_backup_selection."
            )
            remedy = Remedy(sentence, (_tag_command(view, store.arn, tests.pop()),) if len(tests) == 1 else ())
            yield view.gap(store.name, "not selected", "selected", reason, remedy)
    yield from _unselected_tables(view, plans, tags)
    if not plans:
        yield view.none_expected(_plan_name(view), "there is no such plan: see backup-plan.copies-to-dr")
    elif not found:
        yield view.none_expected("all stores", "this region has no database and no file system")


def _unselected_tables(
    view: View, plans: Sequence[backup_plan.BackupPlan], tags: Mapping[str, dict[str, str]]
) -> Iterator[Finding]:
    """A warning for each tagged table that no selection takes, where one takes another."""
    # GetResources returns what bears a tag, or bore one once: a table that never had a tag is not listed, so it is not
    # judged.
    arns = {table_arn(view.env.account, view.region, name): name for name in dynamodb.names(view.env)}
    selections = [selection for plan in plans for selection in plan.selections]
    taken = {arn: any(takes(s, arn, tags[arn]) for s in selections) for arn in arns if arn in tags}
    # Where the plan takes none, tables are backed up otherwise; where it takes some, this one was forgotten.
    for arn in (arn for arn, is_taken in taken.items() if not is_taken and any(taken.values())):
        tests = sorted({f"{tag.key}={tag.value}" for selection in selections for tag in selection.tags})
        # With two tests nobody here knows which tag the owner means, so no command is printed.
        commands = (_tag_command(view, arn, tests[0]),) if len(tests) == 1 else ()
        remedy = Remedy(f"Tag it ({', '.join(tests)}), or accept it in the exceptions file.", commands)
        yield view.warn(arns[arn], "not selected", "selected as the others are", "no backup of it is copied", remedy)


def _tag_command(view: View, arn: str, test: str) -> str:
    key, _, value = test.partition("=")
    return view.command("resourcegroupstaggingapi", "TagResources", ResourceARNList=[arn], Tags={key: value})


@check(
    "where backup copies are relied on, the plan's worst case is within the recovery point objective",
    none=("all stores", "this region has no database and no file system"),
)
@weigh(Severity.BLOCKER, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("T25", "REL09-BP01", "REL13-BP01", "NIST CP-9", "NIST CP-10", "BACKUP_PLAN_MIN_FREQUENCY_AND_MIN_RETENTION_CHECK")
def worst_case(view: View) -> Iterator[Finding]:
    """Gap between runs + start window + completion window + copy time. A young copy today proves nothing (T25)."""
    found, wanted = stores(view), f"{duration(view.rpo_s)} or less"
    for store in found:
        promised = promise(view, store.arn)
        if promised is None:
            yield view.none_expected(store.name, "the plan copies none of it: see the other checks of backup-plan")
            continue
        worst_s = promised.worst_minutes * _MINUTE_S
        if worst_s <= view.rpo_s:
            yield view.ok(store.name, duration(worst_s), wanted, promised.basis)
        # No gap: a copy that is the fallback may be older than the objective while replication keeps it.
        elif not relies_on_copies(view, store):
            reason = f"a faster mechanism is relied on; backup copies are the fallback ({promised.basis})"
            # Once an hour is the most that AWS Backup runs (T25): a fallback of fewer runs loses more than it must.
            if promised.gap_minutes > max(_HOUR_MINUTES, view.env.objectives.rpo_minutes):
                measured, seldom = f"a run every {promised.gap_minutes} min", "a run an hour, as the objective asks"
                remedy = "Let a rule that copies to the DR vault run hourly (aws_backup_plan), or accept the loss."
                yield view.warn(store.name, measured, seldom, reason, remedy)
            else:
                yield view.ok(store.name, duration(worst_s), "not relied on", reason)
        else:
            remedy = (
                "Repair the replication of this store first (see efs, rds-copy, rds-replica): AWS Backup alone copies "
                "once an hour at best, and begins within its start window (aws_backup_plan)."
            )
            reason = f"only backup copies are left: {promised.basis}"
            yield replace(view.gap(store.name, duration(worst_s), wanted, reason, remedy), store=store.store.id)


@check("backup copies in the DR region are retained for as many days as required")
@weigh(Severity.NORMAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("REL09-BP01", "NIST CP-9", "BACKUP_RECOVERY_POINT_MINIMUM_RETENTION_CHECK", "SOC2 A1.2")
def retention(view: View) -> Iterator[Finding]:
    """Each copy action keeps its copies for thresholds.backup_retention_days at least, or for ever."""
    days, copying = view.env.thresholds.backup_retention_days, _copy_rules(view)
    for rule, copy in copying:
        retained = copy.delete_after_days
        measured, wanted = f"retained {retained} days" if retained else "kept for ever", f"retained {days} days or more"
        # Without DeleteAfterDays nothing ends a recovery point.
        if retained is None or retained >= days:
            yield view.ok(rule.name, measured, wanted, "damage found later can still be repaired from a copy")
        else:
            reason = "damage found later than this cannot be repaired from a copy in the DR region"
            remedy = f"Set copy_action.lifecycle.delete_after = {days} or more."
            yield view.gap(rule.name, measured, wanted, reason, remedy)
    if not copying:
        yield _no_copies(view)


@check("no copied backup rule relies on point-in-time restore in the DR region")
@weigh(Severity.NORMAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("T25", "REL09-BP01", "NIST CP-9", "NIST CP-10")
def continuous_copies(view: View) -> Iterator[Finding]:
    """Across regions a continuous rule copies one snapshot for each backup: it must run as often as the RPO needs.

    Source: AWS Backup developer guide, Copying continuous backups.
    """
    copying = _copy_rules(view)
    for rule, _ in copying:
        gap = longest_gap_minutes(rule.schedule, view.now.date())
        measured = (
            f"{'continuous' if rule.continuous else 'snapshots'}, a copy every {gap} min" if gap else rule.schedule
        )
        wanted = f"a copy at least every {view.env.objectives.rpo_minutes} min, or snapshots"
        # How often snapshots run is judged by worst-case; here counts whether somebody expects a point in time (T25).
        if not rule.continuous:
            yield view.ok(rule.name, measured, wanted, "its copies are snapshots, as configured")
        # A schedule that cannot be read is no proof of an interval, short or long.
        elif gap is None:
            yield view.unknown(rule.name, wanted, f"The schedule {rule.schedule} cannot be followed.")
        elif gap <= view.env.objectives.rpo_minutes:
            yield view.ok(rule.name, measured, wanted, "its copies are snapshots, and frequent enough")
        else:
            reason = "its copies cannot be restored to a point in time: a failover goes back to the last copy"
            remedy = (
                "Copy by an hourly snapshot rule, or replicate (enable_continuous_backup, schedule: aws_backup_plan)."
            )
            yield view.gap(rule.name, measured, wanted, reason, remedy)
    if not copying:
        yield _no_copies(view)
