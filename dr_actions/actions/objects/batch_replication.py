"""S3 Batch Replication in a failback: which buckets it copies back, why not the others, and a run's jobs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dr_actions.actions.objects import comparison as objects_comparison
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal, Step
from dr_checks.derived import job_roles
from dr_estate.config.environment import Side
from dr_estate.model.replication_job import of_bucket
from dr_estate.model.states import BATCH_JOB
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import control_table, iam_copy_roles, s3, s3_batch_jobs, s3_objects

_BEFORE = timedelta(hours=1)
"""Clocks differ, and people may have been led away before the tool was asked."""
_CONFIGURATION = "aws_s3_bucket_replication_configuration"


@dataclass(frozen=True, slots=True)
class BucketRoute:
    """How the objects of ``copy`` come into ``bucket``: by a job first, or by the run's own copies alone, and why.

    ``unseen`` says, as the end of a sentence, what could not be seen of whether a job can do it.
    """

    bucket: str
    copy: str
    obstacle: str = ""
    unseen: str = ""


def routes(context: PlanContext) -> Iterator[BucketRoute]:
    """The route of each bucket that has a copy; none where no role is named for jobs. Raises DataUnavailable."""
    if not context.env.failback.objects_batch_role:
        return
    for bucket, copy in objects_comparison.pairs(context):
        denied, unseen = _of_role(context, copy)
        obstacle = _of_rules(context, bucket, copy) or _of_versions(context, bucket) or denied
        yield BucketRoute(bucket, copy, obstacle, unseen)


def _of_role(context: PlanContext, copy: str) -> tuple[str, str]:
    """What the role may not do for the copy, and, as the end of a sentence, what of that cannot be seen.

    A job whose role may not do its part would fail minutes later. Where the role is not seen one is tried.
    """
    try:
        found = context.snapshot.get(iam_copy_roles.job_roles, Side.GLOBAL)
    except DataUnavailable as error:
        found = (error.unavailable,)
    unseen = [row.why.rstrip(".") for row in found if isinstance(row, Unavailable)]
    for role in (row.role for row in found if isinstance(row, iam_copy_roles.JobRole) and row.copy == copy):
        name, denied = role.arn.rpartition("/")[2], job_roles.denied(role)
        if not role.exists:
            return f"there is no role {role.arn} (failback.objects_batch_role)", ""
        if role.trusted is False:
            return f"role {name} does not trust {role.service} (aws_iam_role '{name}': assume_role_policy)", ""
        if denied:
            what = "; ".join(f"{decision.action} on {decision.on}" for decision in denied)
            return f"role {name} may not {what} (aws_iam_role_policy of '{name}', or a deny in the bucket's policy)", ""
        unseen += job_roles.doubts(role)
    return "", f" (whether its role may is not known: {'; '.join(unseen)})" if unseen else ""


def written_since(context: PlanContext) -> str:
    """Return the time (ISO 8601) before which the DR region wrote nothing itself in this incident; "" if unknown.

    What it holds from before that time was copied from the primary region, or was written in an earlier incident and
    copied back then. Where that is wrong, the run's own comparison finds the object and copies it.
    """
    try:
        incident = context.snapshot.get(control_table.standing, Side.DR).known_incident
    except DataUnavailable:
        return ""
    is_away = incident is not None and incident.goal in (Goal.FAILOVER, Goal.SWITCHOVER)
    return f"{incident.since - _BEFORE:%Y-%m-%dT%H:%M:%SZ}" if incident is not None and is_away else ""


def _of_rules(context: PlanContext, bucket: str, copy: str) -> str:
    """What of the copy's own rules keeps a job from being started: it goes by all of them."""
    seen = [row for row in context.snapshot.get(s3.buckets, Side.DR) if isinstance(row, s3.Bucket) and row.name == copy]
    rules = [rule for row in seen for rule in row.rules if rule.enabled]
    back, strange = (
        [rule for rule in rules if (rule.destination == bucket) is is_primary] for is_primary in (True, False)
    )
    if not any(rule.whole for rule in back):
        return (
            f"no enabled rule of {copy} replicates all of its objects into {bucket} ({_CONFIGURATION} of {copy}: a "
            f"rule with status Enabled, an empty filter and destination {bucket})"
        )
    for rule in back:
        if rule.delete_markers:
            return (
                f"rule {rule.id} of {copy} replicates delete markers, and a job would hide at home what was deleted in "
                f'the DR region ({_CONFIGURATION}: delete_marker_replication {{ status = "Disabled" }})'
            )
    return f"rule {strange[0].id} of {copy} leads to {strange[0].destination} too" if strange else ""


def _of_versions(context: PlanContext, bucket: str) -> str:
    """Return why the objects allow no job, else "": a replica could hide a newer version in the primary region."""
    try:
        rows = context.snapshot.get(s3_objects.apart, Side.DR)
    except DataUnavailable as error:
        return f"it was not compared with its copy ({error.unavailable.why.rstrip('.')})"
    found = next((row for row in rows if isinstance(row, s3_objects.BucketDifference) and row.bucket == bucket), None)
    if found is None:
        return "it was not compared with its copy"
    newer = found.newer_at_home + found.deleted_at_home
    return f"{newer} of its objects were written or deleted at home later" if newer else ""


def prefix_of(step: Step, context: PlanContext) -> str:
    """How the descriptions of the incident's jobs for the step's bucket begin."""
    return of_bucket(context.env, context.incident, step.subject, str(step.before["copy"]))


def jobs_of(step: Step, context: PlanContext) -> list[s3_batch_jobs.ReplicationJob]:
    """The incident's jobs for the step's bucket. Raises DataUnavailable."""
    prefix = prefix_of(step, context)
    found = context.snapshot.get(s3_batch_jobs.jobs, Side.DR)
    return [job for job in found if job.description.startswith(prefix)]


def is_over(job: s3_batch_jobs.ReplicationJob) -> bool:
    """Whether the job changes nothing any more. An unknown word may still."""
    state = BATCH_JOB[job.status]
    return state.serves or state.broken or state.gone


def evidence_of(job: s3_batch_jobs.ReplicationJob) -> tuple[tuple[str, str], ...]:
    """What the journal keeps of a job."""
    counts: Mapping[str, Any] = {"objects": job.total, "replicated": job.succeeded, "failed": job.failed}
    return (("job", job.id), ("status", job.status), *((name, str(count)) for name, count in counts.items()))
