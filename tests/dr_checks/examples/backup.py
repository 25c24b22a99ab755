"""Examples of the checks of AWS Backup: vaults, keys, copies, plan, jobs and restores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import backup, backup_jobs, backup_plan, kms
from dr_estate.readers.store_policies import table_arn
from tests.dr_checks.backups import (
    BACKED_UP,
    COPIED,
    DR_VAULT,
    FILE_COPY,
    FILES_ARN,
    FILES_RESTORED,
    HOME_VAULT,
    PLAN,
    PLAN_NAME,
    RESTORED,
    RULE,
    SELECTION,
    SYNCED,
    TAGGED,
    VAULT,
    VAULT_ARN,
    backed_up,
)
from tests.dr_checks.databases import ARN, AWAY, COPY, ENABLED, HOME, KEY, NAME, REPLICATED, accepting
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN
GONE = kms.CopyKey(KEY, AWAY, "PendingDeletion", NOW + timedelta(days=7))
DARK_KEY = kms.CopyKey(KEY, AWAY, None, None, Unavailable(UnavailableKind.DENIED, "kms:DescribeKey is denied."))
COPIES_ONLY = accepting("backup-copy", files=("backup-copy",))
ROOMY = COPIES_ONLY.model_copy(update={"objectives": SIT.objectives.model_copy(update={"rpo_minutes": 245})})
NO_COPY_ACTION = replace(PLAN, rules=(replace(RULE, copies=()),))
NIGHTLY = f"{PLAN_NAME}, rule nightly"
ELSEWHERE = VAULT_ARN.replace(AWAY, "eu-north-1")
RTO = SIT.objectives.rto_minutes
STALE = replace(REPLICATED, latest=NOW - timedelta(days=2))


def _case(check: str, expected: Status, *subjects: str, env: Environment = SIT, **changed: Any) -> Example:
    return Example(check, expected, world(backed_up(**changed), env=env), frozenset(subjects), env)


def _table(name: str, backup_tag: str = "Required") -> backup_plan.TaggedResource:
    arn = table_arn(SIT.account, SIT.regions.primary, f"sit-{name}")
    return backup_plan.TaggedResource(arn, (("Backup", backup_tag),))


def _rule(**changed: Any) -> tuple[backup_plan.BackupPlan]:
    return (replace(PLAN, rules=(replace(RULE, **changed),)),)


def _beside(**changed: Any) -> tuple[backup_plan.BackupPlan]:
    """The plan has a second rule, which copies nothing by itself."""
    nightly = replace(RULE, name="nightly", schedule="cron(30 1 * * ? *)", copies=())
    return (replace(PLAN, rules=(RULE, replace(nightly, **changed))),)


def _to(vault_arn: str) -> tuple[backup_plan.CopyAction]:
    return (backup_plan.CopyAction(vault_arn, 14),)


def _selection(**changed: Any) -> tuple[backup_plan.BackupPlan]:
    return (replace(PLAN, selections=(replace(SELECTION, **changed),)),)


def _kept(days: int | None) -> tuple[backup_plan.BackupPlan]:
    return _rule(copies=(replace(RULE.copies[0], delete_after_days=days),))


def _living(days: int, schedule: str, cold: int | None = None) -> tuple[backup_plan.BackupPlan]:
    copy = replace(RULE.copies[0], delete_after_days=days, cold_after_days=cold)
    return _rule(copies=(copy,), schedule=schedule)


def _ending(minutes: int) -> tuple[backup.RecoveryPoint, ...]:
    return (replace(COPY, ends_at=NOW + timedelta(minutes=minutes)), FILE_COPY)


def _old(minutes: float) -> tuple[backup.RecoveryPoint, ...]:
    return (replace(COPY, created_at=NOW - timedelta(minutes=minutes)), FILE_COPY)


def _later(job: backup_jobs.BackupJob, state: str) -> tuple[backup_jobs.BackupJob, ...]:
    return (job, replace(job, id="later", state=state, created_at=NOW - timedelta(minutes=9), message="no key"))


def _condition(test: str, value: str) -> backup_plan.SelectionCondition:
    return backup_plan.SelectionCondition(test, "Name", value)


EXAMPLES = [
    _case("backup.vault-exists", PASS, VAULT),
    _case("backup.vault-exists", FAIL, VAULT, vaults_dr=()),
    _case("backup.vault-exists", FAIL, "bbws-backup-vault-sit", vaults_primary=()),
    _case("backup.vault-exists", UNKNOWN, vaults_dr=DENIED),
    _case("backup.key-usable", PASS, VAULT, ARN),
    _case("backup.key-usable", Status.NOT_APPLICABLE, vaults_dr=(), recovery_points_dr=()),
    _case("backup.key-usable", FAIL, VAULT, ARN, copy_keys_dr=(GONE,)),
    _case("backup.key-usable", Status.WARN, VAULT, copy_keys_dr=(replace(ENABLED, material_until=NOW),)),
    _case("backup.key-usable", FAIL, VAULT, copy_keys_dr=(replace(ENABLED, region=HOME),)),
    _case("backup.key-usable", UNKNOWN, VAULT, copy_keys_dr=(DARK_KEY,)),
    _case("backup.key-usable", UNKNOWN, copy_keys_dr=DENIED),
    _case("backup.vault-lock", PASS, VAULT),
    _case("backup.vault-lock", Status.NOT_APPLICABLE, vaults_dr=()),
    _case("backup.vault-lock", FAIL, VAULT, vaults_dr=(replace(DR_VAULT, locked=False),)),
    _case("backup.vault-lock", FAIL, f"{PLAN_NAME}, rule hourly", plans_primary=_kept(6)),
    _case("backup.vault-lock", FAIL, f"{PLAN_NAME}, rule hourly", plans_primary=_kept(91)),
    _case("backup.vault-lock", FAIL, f"{PLAN_NAME}, rule hourly", plans_primary=_kept(None)),
    _case("backup.vault-lock", PASS, plans_primary=_kept(90)),
    _case("backup.vault-lock", UNKNOWN, plans_primary=DENIED),
    _case("backup.vault-lock", UNKNOWN, vaults_dr=DENIED),
    _case("backup.copy-age", PASS, ARN, FILES_ARN),
    _case("backup.copy-age", Status.NOT_APPLICABLE, plans_primary=()),
    _case("backup.copy-age", PASS, ARN, recovery_points_dr=_old(120)),
    _case("backup.copy-age", WARN, ARN, recovery_points_dr=_old(181)),
    _case("backup.copy-age", FAIL, ARN, recovery_points_dr=_old(246)),
    _case("backup.copy-age", FAIL, FILES_ARN, recovery_points_dr=(COPY,)),
    _case("backup.copy-age", FAIL, FILES_ARN, recovery_points_dr=(COPY, replace(FILE_COPY, status="PARTIAL"))),
    _case("backup.copy-age", PASS, FILES_ARN, recovery_points_dr=(COPY, replace(FILE_COPY, status="AVAILABLE"))),
    _case("backup.copy-age", UNKNOWN, recovery_points_dr=(COPY, replace(FILE_COPY, status="OF_TOMORROW"))),
    _case("backup.copy-age", Status.NOT_APPLICABLE, VAULT, vaults_dr=(), recovery_points_dr=()),
    _case("backup.copy-age", WARN, "arn:new", tagged_primary=(*TAGGED, replace(TAGGED[0], arn="arn:new"))),
    _case("backup.copy-age", UNKNOWN, plans_primary=_rule(schedule="cron(0 5 0 * ? *)")),
    _case("backup.copy-age", UNKNOWN, recovery_points_dr=DENIED),
    _case("backup-lifecycle.copies-last", PASS, ARN, FILES_ARN),
    _case("backup-lifecycle.copies-last", PASS, f"{ARN}, rule hourly", plans_primary=_kept(None)),
    _case("backup-lifecycle.copies-last", PASS, f"{ARN}, rule hourly", plans_primary=_living(1, "cron(0 * * * ? *)")),
    _case("backup-lifecycle.copies-last", FAIL, f"{ARN}, rule hourly", plans_primary=_living(1, "cron(0 5 * * ? *)")),
    _case("backup-lifecycle.copies-last", PASS, f"{ARN}, rule hourly", plans_primary=_living(2, "cron(0 5 * * ? *)")),
    _case(
        "backup-lifecycle.copies-last",
        FAIL,
        f"{ARN}, rule hourly",
        plans_primary=_living(100, "cron(0 5 * * ? *)", cold=1),
    ),
    # Two plans, and rules of one name: the second one runs more often, and its copies are gone too soon.
    _case(
        "backup-lifecycle.copies-last",
        FAIL,
        f"{ARN}, rule hourly",
        plans_primary=(*_living(14, "cron(0 5 * * ? *)"), *_living(1, "cron(0 0,20 * * ? *)")),
    ),
    _case("backup-lifecycle.copies-last", PASS, ARN, recovery_points_dr=_ending(RTO)),
    _case("backup-lifecycle.copies-last", FAIL, ARN, recovery_points_dr=_ending(RTO - 1)),
    _case("backup-lifecycle.copies-last", FAIL, ARN, recovery_points_dr=_ending(-1)),
    _case("backup-lifecycle.copies-last", FAIL, ARN, recovery_points_dr=(replace(COPY, cold=True), FILE_COPY)),
    _case("backup-lifecycle.copies-last", Status.NOT_APPLICABLE, plans_primary=()),
    _case("backup-lifecycle.copies-last", UNKNOWN, recovery_points_dr=DENIED),
    _case("backup.opt-in", PASS, NAME, "sit-efs"),
    _case("backup.opt-in", Status.NOT_APPLICABLE, instances_primary=(), file_systems_primary=()),
    _case(
        "backup.opt-in",
        FAIL,
        "sit-efs",
        opt_ins_primary=(backup.BackupOptIn("EFS", False), backup.BackupOptIn("RDS", True)),
    ),
    _case("backup.opt-in", FAIL, NAME, opt_ins_primary=(backup.BackupOptIn("EFS", True),)),
    _case("backup.opt-in", UNKNOWN, opt_ins_primary=DENIED),
    _case("backup-plan.copies-to-dr", PASS, PLAN_NAME),
    _case("backup-plan.copies-to-dr", FAIL, PLAN_NAME, plans_primary=()),
    _case("backup-plan.copies-to-dr", FAIL, PLAN_NAME, plans_primary=(NO_COPY_ACTION,)),
    _case(
        "backup-plan.copies-to-dr",
        FAIL,
        PLAN_NAME,
        plans_primary=_rule(copies=(backup_plan.CopyAction(RULE.copies[0].vault_arn.replace(AWAY, HOME), 14),)),
    ),
    _case("backup-plan.copies-to-dr", UNKNOWN, plans_primary=DENIED),
    _case("backup-plan.copies-to-dr", PASS, PLAN_NAME, plans_primary=_beside(delete_after_days=35)),
    _case("backup-plan.copies-to-dr", PASS, PLAN_NAME, plans_primary=_beside(delete_after_days=14)),
    _case("backup-plan.copies-to-dr", WARN, NIGHTLY, plans_primary=_beside(schedule="cron(0/30 * * * ? *)")),
    _case("backup-plan.copies-to-dr", FAIL, NIGHTLY, plans_primary=_beside(vault="Default")),
    _case("backup-plan.copies-to-dr", FAIL, NIGHTLY, plans_primary=_beside(copies=_to(VAULT_ARN + "-of-nobody"))),
    _case("backup-plan.copies-to-dr", PASS, PLAN_NAME, plans_primary=_beside(copies=_to(HOME_VAULT.arn))),
    _case("backup-plan.copies-to-dr", PASS, PLAN_NAME, plans_primary=_beside(copies=_to(ELSEWHERE))),
    *(
        _case(
            "backup-plan.copies-to-dr", FAIL, f"{PLAN_NAME}, rule hourly", plans_primary=_rule(delete_after_days=days)
        )
        for days in (6, 91, None)
    ),
    _case("backup-plan.copies-to-dr", UNKNOWN, vaults_primary=DENIED),
    _case("backup-plan.covers-stores", PASS, NAME, "sit-efs"),
    _case("backup-plan.covers-stores", Status.NOT_APPLICABLE, plans_primary=()),
    _case("backup-plan.covers-stores", FAIL, "sit-efs", tagged_primary=TAGGED[:1]),
    _case("backup-plan.covers-stores", FAIL, NAME, plans_primary=_selection(excluded=("arn:aws:rds:*",))),
    _case("backup-plan.covers-stores", PASS, NAME, tagged_primary=(), plans_primary=_selection(resources=("*",))),
    _case("backup-plan.covers-stores", PASS, NAME, tagged_primary=(), plans_primary=_selection(tags=())),
    _case("backup-plan.covers-stores", PASS, plans_primary=_selection(conditions=(_condition("StringLike", "a*"),))),
    _case("backup-plan.covers-stores", FAIL, plans_primary=_selection(conditions=(_condition("StringNotLike", "a*"),))),
    _case("backup-plan.covers-stores", FAIL, plans_primary=_selection(conditions=(_condition("StringEquals", "b"),))),
    _case(
        "backup-plan.covers-stores", PASS, tagged_primary=(*TAGGED, _table("tenant-state"), _table("transaction-log"))
    ),
    _case("backup-plan.covers-stores", PASS, tagged_primary=(*TAGGED, _table("tenant-state", "Never"))),
    _case(
        "backup-plan.covers-stores",
        Status.WARN,
        "sit-tenant-state",
        tagged_primary=(*TAGGED, _table("tenant-state", "Never"), _table("transaction-log")),
    ),
    _case("backup-plan.covers-stores", UNKNOWN, tagged_primary=DENIED),
    _case("backup-plan.worst-case", PASS, NAME, "sit-efs"),
    _case("backup-plan.worst-case", Status.NOT_APPLICABLE, plans_primary=()),
    _case("backup-plan.worst-case", FAIL, NAME, "sit-efs", env=COPIES_ONLY),
    _case("backup-plan.worst-case", PASS, NAME, "sit-efs", env=ROOMY),
    _case("backup-plan.worst-case", FAIL, NAME, env=ROOMY, plans_primary=_rule(start_minutes=480)),
    _case("backup-plan.worst-case", PASS, NAME, env=ROOMY, plans_primary=_rule(completion_minutes=None)),
    _case("backup-plan.worst-case", FAIL, NAME, automated_backups_dr=(STALE,)),
    _case("backup-plan.worst-case", FAIL, "sit-efs", replications_dr=()),
    _case(
        "backup-plan.worst-case",
        FAIL,
        "sit-efs",
        replications_dr=(replace(SYNCED, synced_at=NOW - timedelta(minutes=61)),),
    ),
    _case("backup-plan.worst-case", WARN, NAME, "sit-efs", plans_primary=_rule(schedule="cron(0 5 * * ? *)")),
    _case("backup-plan.worst-case", UNKNOWN, plans_primary=DENIED),
    _case("backup-plan.retention", PASS, "hourly"),
    _case("backup-plan.retention", PASS, "hourly", plans_primary=_kept(None)),
    _case("backup-plan.retention", PASS, "hourly", plans_primary=_kept(7)),
    _case("backup-plan.retention", FAIL, "hourly", plans_primary=_kept(6)),
    _case("backup-plan.retention", Status.NOT_APPLICABLE, plans_primary=(NO_COPY_ACTION,)),
    _case("backup-plan.retention", UNKNOWN, plans_primary=DENIED),
    _case("backup-plan.continuous-copies", PASS, "hourly"),
    _case("backup-plan.continuous-copies", Status.NOT_APPLICABLE, plans_primary=()),
    _case("backup-plan.continuous-copies", PASS, "hourly", plans_primary=_rule(continuous=True)),
    _case(
        "backup-plan.continuous-copies",
        FAIL,
        "hourly",
        plans_primary=_rule(continuous=True, schedule="cron(0 5 ? * * *)"),
    ),
    _case("backup-plan.continuous-copies", UNKNOWN, plans_primary=_rule(continuous=True, schedule="cron(0 5 0 * ? *)")),
    _case("backup-plan.continuous-copies", UNKNOWN, plans_primary=DENIED),
    _case("backup-jobs.copy-failures", PASS, ARN),
    _case("backup-jobs.copy-failures", Status.NOT_APPLICABLE, copies_primary=()),
    _case(
        "backup-jobs.copy-failures",
        PASS,
        ARN,
        copies_primary=(replace(COPIED, state="FAILED"), *_later(COPIED, "COMPLETED")),
    ),
    _case("backup-jobs.copy-failures", FAIL, ARN, copies_primary=_later(COPIED, "FAILED")),
    _case("backup-jobs.copy-failures", PASS, ARN, copies_primary=_later(COPIED, "RUNNING")),
    _case("backup-jobs.copy-failures", UNKNOWN, copies_primary=DENIED),
    _case("backup-jobs.backup-failures", PASS, ARN),
    _case("backup-jobs.backup-failures", FAIL, ARN, backups_primary=_later(BACKED_UP, "EXPIRED")),
    _case("backup-jobs.backup-failures", FAIL, ARN, backups_primary=_later(BACKED_UP, "PARTIAL")),
    _case("backup-jobs.backup-failures", UNKNOWN, backups_primary=DENIED),
    _case("backup-jobs.restore-test-age", PASS, NAME, "sit-efs"),
    _case("backup-jobs.restore-test-age", FAIL, "sit-efs", restores_dr=(RESTORED,)),
    _case(
        "backup-jobs.restore-test-age",
        PASS,
        "sit-efs",
        restores_dr=(RESTORED,),
        protected_dr=(backup_jobs.ProtectedResource(FILES_ARN, "EFS", NOW - timedelta(days=89)),),
    ),
    _case(
        "backup-jobs.restore-test-age",
        FAIL,
        "sit-efs",
        restores_dr=(RESTORED,),
        protected_dr=(backup_jobs.ProtectedResource(FILES_ARN, "EFS", NOW - timedelta(days=91)),),
    ),
    _case("backup-jobs.restore-test-age", PASS, NAME, restores_dr=(replace(RESTORED, source_arn=""), FILES_RESTORED)),
    _case("backup-jobs.restore-test-age", FAIL, NAME, restores_dr=(replace(RESTORED, status="FAILED"), FILES_RESTORED)),
    _case(
        "backup-jobs.restore-test-age", FAIL, NAME, restores_dr=(replace(RESTORED, validation="FAILED"), FILES_RESTORED)
    ),
    _case("backup-jobs.restore-test-age", UNKNOWN, restores_dr=(), protected_dr=DENIED),
    _case("backup-jobs.restore-test-age", UNKNOWN, restores_dr=DENIED),
]
