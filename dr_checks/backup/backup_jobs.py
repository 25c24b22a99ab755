"""Checks of AWS Backup jobs: backup and copy jobs succeed, and restores were tested recently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dr_checks.core.model import DR_ONLY, PRIMARY_ONLY, Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.backup_promise import ProtectedStore, is_dr_vault, is_primary_vault, stores
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.readers import backup_jobs


@check("no copy job to the DR vault has failed without a later success")
@weigh(Severity.CRITICAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("T25", "BackupCopyJobFailures", "REL09-BP01", "NIST CP-9", "SOC2 A1.2")
def copy_failures(view: View) -> Iterator[Finding]:
    """The newest ended copy job of each resource in the last failed_job_hours is COMPLETED. Source: ListCopyJobs."""
    jobs = [job for job in view.get(backup_jobs.copies) if is_dr_vault(view, job.vault_arn)]
    remedy = "Fix the cause (key policy, missing vault or option group, lock), then aws backup start-copy-job."
    yield from _judge(view, jobs, "its newest data is not in the DR region", remedy)


@check("no backup job has failed without a later success")
@weigh(Severity.CRITICAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("T25", "REL09-BP01", "REL09-BP03", "NIST CP-9", "BACKUP_LAST_RECOVERY_POINT_CREATED", "SOC2 A1.2")
def backup_failures(view: View) -> Iterator[Finding]:
    """The last ended job into our vault of each resource in failed_job_hours is COMPLETED. Source: ListBackupJobs."""
    remedy = "Fix the cause (role, instance state, start window), then aws backup start-backup-job."
    jobs = [job for job in view.get(backup_jobs.backups) if is_primary_vault(view, job.vault_arn)]
    yield from _judge(view, jobs, "it has no recent backup, so no recent copy either", remedy)


def _judge(view: View, jobs: Sequence[backup_jobs.BackupJob], reason: str, remedy: str) -> Iterator[Finding]:
    """The last ended job of each resource decides; earlier failures that later jobs made good are noted."""
    ended: dict[str, list[backup_jobs.BackupJob]] = {}
    for job in jobs:
        if not states.BACKUP_JOB[job.state].busy:
            # A job at work has no result yet: counted, it would hide that the one before it failed.
            ended.setdefault(job.resource_arn, []).append(job)
    for arn, mine in sorted(ended.items()):
        last = max(mine, key=lambda job: job.created_at)
        failed = [job for job in mine if states.BACKUP_JOB[job.state].broken]
        if not states.BACKUP_JOB[last.state].known:
            yield view.undocumented(arn, "the last job COMPLETED", last.state)
        elif states.BACKUP_JOB[last.state].serves:
            note = f", {len(failed)} earlier failed" if failed else ""
            yield view.ok(arn, f"COMPLETED{note}", "the last job COMPLETED", "the newest run succeeded")
        else:
            measured = f"{last.state} at {last.created_at:%Y-%m-%d %H:%M} UTC, {len(failed)} in a row or before"
            cause = f"{reason}: {last.message or 'AWS returned no message'}"
            yield view.gap(arn, measured, "the last job COMPLETED", cause, remedy)
    if not ended:
        # No job is no failure; whether one was due, the age of the newest copy shows.
        hours = view.env.thresholds.failed_job_hours
        yield view.none_expected("all jobs", f"no job ended in {hours} h; backup.copy-age judges what is there")


@check(
    "a restore of the database and of the files was tested in the DR region recently enough",
    none=("all stores", "there is no database and no file system to restore"),
)
@weigh(Severity.NORMAL, Area.REPLICATION, DR_ONLY, applies=if_replicated)
@cite(
    "RestoreTestAge",
    "REL09-BP04",
    "REL13-BP03",
    "NIST CP-4",
    "NIST CP-9",
    "ISO22301 8.5",
    "SOC2 A1.3",
    "RESTORE_TIME_FOR_RESOURCES_MEET_TARGET",
)
def restore_test_age(view: View) -> Iterator[Finding]:
    """The newest ended restore of each store in the DR region succeeded, within restore_test_age_days.

    AWS forgets jobs after some weeks; then the date kept with the protected resource counts. Source: ListRestoreJobs,
    DescribeProtectedResource.
    """
    found = stores(view)
    for store in found:
        yield _restore_finding(view, store)


def _restore_finding(view: View, store: ProtectedStore) -> Finding:
    limit = timedelta(days=view.env.thresholds.restore_test_age_days)
    wanted = f"restored within {limit.days} days"
    jobs = [job for job in view.get(backup_jobs.restores) if _is_over(job) and _of(job, store)]
    last = max(jobs, key=lambda job: job.created_at, default=None)
    remedy = (
        f"Restore the newest copy of {store.name} in {view.region} (aws backup start-restore-job), check the data, "
        "delete the restored resource; or let aws_backup_restore_testing_plan do so on a schedule."
    )
    # A restore whose validation failed gave data that nobody can use: COMPLETED alone is no test.
    words = ((states.BACKUP_JOB, last.status), (states.RESTORE_VALIDATION, last.validation)) if last else ()
    if strange := [word for vocabulary, word in words if not vocabulary[word].known]:
        return view.undocumented(store.name, wanted, strange[0])
    if last and not all(vocabulary[word].serves for vocabulary, word in words):
        measured = f"{last.status} {last.validation}".strip()
        reason = f"the last restore of it failed: {last.message or 'AWS returned no message'}"
        return view.gap(store.name, f"{measured} on {last.created_at:%Y-%m-%d}", wanted, reason, remedy)
    # The job says more, its result too; the date of DescribeProtectedResource outlasts it.
    at = last.created_at if last else _last_restore(view, store)
    if at is None:
        reason = "a backup that was never restored is not proven to be restorable"
        return view.gap(store.name, "no restore job recorded by AWS", wanted, reason, remedy)
    age_s = (view.now - at).total_seconds()
    if age_s > limit.total_seconds():
        return view.gap(store.name, f"{duration(age_s)} ago", wanted, "the estate may have changed since", remedy)
    return view.ok(store.name, f"{duration(age_s)} ago", wanted, "a copy was restored successfully there")


def _last_restore(view: View, store: ProtectedStore) -> datetime | None:
    return next(
        (resource.last_restore_at for resource in view.get(backup_jobs.protected) if resource.arn == store.arn), None
    )


def _is_over(job: backup_jobs.RestoreJob) -> bool:
    return not (states.BACKUP_JOB[job.status].busy or states.RESTORE_VALIDATION[job.validation].busy)


def _of(job: backup_jobs.RestoreJob, store: ProtectedStore) -> bool:
    # SourceResourceArn is absent where AWS does not say what was backed up: then any restore of the type counts.
    return job.source_arn == store.arn if job.source_arn else job.resource_type == store.type
