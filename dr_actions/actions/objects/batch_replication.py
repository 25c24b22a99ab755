"""S3 Batch Replication in a failback: S3 copies back what it has not replicated, a job per bucket, where allowed.

Nothing depends on it. A job that fails, stops or takes longer than failback.objects_batch_minutes is reported, and the
run's own comparison and copies cover what it left. It is idempotent: the token of a run's job is always the same, and
AWS answers a token that it knows with the job that it has. A job whose time is over is ended, for it would replicate
over what is written in the primary region later. It may belong to an earlier plan, while this plan starts none: the
rules of its bucket were changed, or an object was written in the primary region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from dr_actions.actions.objects import copies as objects_copies
from dr_actions.actions.objects.copies import UNDO
from dr_actions.guard.failback_exemptions import CREATE_JOB, ENDED, UPDATE_JOB
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, present
from dr_actions.model.plan import Call, Danger, Goal, Step, step_id
from dr_checks.derived import role_limits
from dr_estate.config.environment import Side
from dr_estate.model.replication_job import of_bucket, request_of
from dr_estate.model.states import BATCH_JOB
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import control_table, iam_copy_roles, s3, s3_batch_jobs, s3_objects

# Clocks differ, and people may have been led away before the tool was asked.
_BEFORE = timedelta(hours=1)
_CONFIGURATION = "aws_s3_bucket_replication_configuration"
# What a job's time is counted in, and how long after its end a look may find it: the step is given up later still.
_MINUTE_S, _SEEN_S = 60, 300
_THEN = "The run copies what it left"
_OF_THE_RUN = "<of this incident and bucket>"


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
    for bucket, copy in objects_copies.pairs(context):
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
        name, denied = role.arn.rpartition("/")[2], role_limits.denied_decisions(role)
        if not role.exists:
            return f"there is no role {role.arn} (failback.objects_batch_role)", ""
        if role.trusted is False:
            return f"role {name} does not trust {role.service} (aws_iam_role '{name}': assume_role_policy)", ""
        if denied:
            what = "; ".join(f"{decision.action} on {decision.on}" for decision in denied)
            return f"role {name} may not {what} (aws_iam_role_policy of '{name}', or a deny in the bucket's policy)", ""
        unseen += role_limits.doubts(role)
    return "", f" (whether its role may is not known: {'; '.join(unseen)})" if unseen else ""


def _of_rules(context: PlanContext, bucket: str, copy: str) -> str:
    """What of the copy's own rules keeps a job from being started: it goes by all of them."""
    seen = [row for row in context.snapshot.get(s3.buckets, Side.DR) if isinstance(row, s3.Bucket) and row.name == copy]
    rules = [rule for row in seen for rule in row.rules if rule.enabled]
    back = [rule for rule in rules if rule.destination == bucket]
    strange = [rule for rule in rules if rule.destination != bucket]
    # A job goes by the bucket's replication rules: what none of them takes it does not copy.
    if not any(rule.whole for rule in back):
        return (
            f"no enabled rule of {copy} replicates all of its objects into {bucket} ({_CONFIGURATION} of {copy}: a "
            f"rule with status Enabled, an empty filter and destination {bucket})"
        )
    for rule in back:
        if rule.delete_markers:
            return (
                f"rule {rule.id} of {copy} replicates delete markers, and a job would hide in {bucket} what was "
                f'deleted in the DR region ({_CONFIGURATION}: delete_marker_replication {{ status = "Disabled" }})'
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
    return f"{newer} of its objects were written or deleted in the primary region later" if newer else ""


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


def replicate_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket whose copy is replicated back."""
    standing = context.snapshot.get_if_seen(control_table.standing, Side.DR)
    incident = standing.known_incident if standing else None
    # In an incident of another goal the DR region took no writes, so its beginning is no boundary.
    is_away = incident is not None and incident.goal in (Goal.FAILOVER, Goal.SWITCHOVER)
    env = context.env
    since = f"{incident.since - _BEFORE:%Y-%m-%dT%H:%M:%SZ}" if incident is not None and is_away else ""
    for route in routes(context):
        if route.obstacle:
            continue
        own = {"ClientRequestToken": _OF_THE_RUN, "Description": _OF_THE_RUN, "Tags": _OF_THE_RUN}
        yield context.step(
            REPLICATE.name,
            route.bucket,
            side=Side.DR,
            says=f"Let S3 Batch Replication bring into {route.bucket} what {route.copy} holds and has not replicated. "
            f"What it leaves within {env.failback.objects_batch_minutes:g} min the run copies itself.",
            danger=Danger.COMPENSABLE,
            undo=UNDO,
            budget_s=round(env.failback.objects_batch_minutes * _MINUTE_S) + _SEEN_S,
            call=Call("s3control", "CreateJob", env.regions.dr, {**request_of(env, route.copy, since), **own}),
            before={"copy": route.copy},
            after={"job": "over"},
        )


def replicate_call(step: Step, context: PlanContext) -> Call:
    """Return the call with the values that distinguish this run's job from others."""
    description = _description(step, context)
    # ClientRequestToken takes 64 characters, which a SHA-256 in hex has: the same run always asks for the same job.
    token = sha256(f"{context.env.account}:{description}".encode()).hexdigest()
    tags = [{"Key": "dr:incident", "Value": context.incident}]
    return step.call_with({"ClientRequestToken": token, "Description": description, "Tags": tags})


def replicate_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the job is over, however it ended, or has had its time; READY while there is none.

    Where S3's jobs cannot be seen none is started.
    """
    try:
        # This run's job; else one of the incident that is not over: no second one is started beside it
        found, description = jobs_of(step, context), _description(step, context)
        own = [job for job in found if job.description == description]
        job = next(iter([*own, *(job for job in found if not is_over(job))]), None)
    except DataUnavailable as error:
        if step.id in context.begun_sending_at and not _is_late(step, context):
            raise
        unseen = f"{step.subject}: the jobs of S3 cannot be seen ({error.unavailable.why.rstrip('.')})"
        return StepStatus(StepState.DONE, f"{unseen}. {_THEN}.")
    late = _is_late(step, context, job)
    if job is None and step.id not in context.sent_at:
        return StepStatus(StepState.READY, f"{step.subject}: no job was started")
    if job is None:
        message = f"{step.subject}: S3 does not list the job yet"
        return StepStatus(StepState.DONE if late else StepState.IN_PROGRESS, f"{message}.")
    facts, counts = evidence_of(job), f"{job.succeeded:,} of {job.total:,} objects replicated"
    counts += f", {job.failed:,} not" if job.failed else ""
    state, message = BATCH_JOB[job.status], f"{step.subject}: job {job.id} of S3 is {job.status}, {counts}"
    message += f" ({job.reason})" if job.reason else ""
    if is_over(job):
        left = f"{message}. {_THEN}." if job.failed or not state.serves else f"{message}."
        return StepStatus(StepState.DONE, left, facts)
    if state.is_stopped:
        return StepStatus(StepState.DONE, f"{message}: a person stopped it. {_THEN}.", facts)
    if late:
        waited = f"it has had its {context.env.failback.objects_batch_minutes:g} min (failback.objects_batch_minutes)"
        return StepStatus(StepState.DONE, f"{message}: {waited}. {_THEN}.", facts)
    return StepStatus(StepState.IN_PROGRESS, f"{message}.", facts, progress=(job.status, counts))


def _description(step: Step, context: PlanContext) -> str:
    begun = f"{context.begun_at:%Y%m%dT%H%M%SZ}" if context.begun_at else "none"
    return prefix_of(step, context) + begun


def _is_late(step: Step, context: PlanContext, job: s3_batch_jobs.ReplicationJob | None = None) -> bool:
    """Whether the job has had its time since AWS made it, or, where that is not seen, since its call left."""
    left = context.sent_at.get(step.id) or context.begun_sending_at.get(step.id)
    began = (job.created if job else None) or left
    limit = timedelta(minutes=context.env.failback.objects_batch_minutes)
    return began is not None and context.snapshot.taken_at - began > limit


def replicate_notes(context: PlanContext) -> Iterator[str]:
    """Yield how each bucket's objects reach the primary region, where jobs may be started."""
    for route in routes(context):
        if route.obstacle:
            yield f"{route.bucket}: copied by the run itself, for {route.obstacle}."
        else:
            first = f"{route.bucket}: S3 Batch Replication first, then what it left copied by the run itself"
            yield f"{first}{route.unseen}."


def end_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket of tenants' data, whether this plan starts a job for it or not."""
    env = context.env
    params = {"AccountId": env.account, "JobId": "<the job that is not over>", "RequestedJobStatus": ENDED}
    for bucket, copy in filter(all, s3.data_pairs(env)) if env.failback.objects_batch_role else ():
        yield context.step(
            END_JOB.name,
            bucket,
            side=Side.DR,
            says=f"Cancel the job that replicates {copy} into {bucket}, if it is not over.",
            danger=Danger.COMPENSABLE,
            undo="A cancelled job is not gone on with: the run's own copies do its work.",
            budget_s=900,
            call=Call("s3control", "UpdateJobStatus", env.regions.dr, params),
            before={"copy": copy},
            after={"jobs": 0},
        )


def end_call(step: Step, context: PlanContext) -> Call:
    """The call with the job's id. Raises Drifted where none is open any more."""
    job = present(_open_job(step, context), f"{step.subject}: no job is open any more.")
    return step.call_with({"JobId": job.id})


def end_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no job of the incident for this bucket can change anything, or none was started and none is seen."""
    try:
        job = _open_job(step, context)
    except DataUnavailable as error:
        if step_id(REPLICATE.name, step.subject) in context.begun_sending_at:
            raise
        earlier = f"whether an earlier run's is at work cannot be seen ({error.unavailable.why.rstrip('.')})"
        return StepStatus(StepState.DONE, f"{step.subject}: this run started no job of S3; {earlier}.")
    if job is None:
        return StepStatus(StepState.DONE, f"{step.subject}: no job of S3 replicates into it.")
    facts, message = evidence_of(job), f"{step.subject}: job {job.id} of S3 is {job.status}"
    is_ready = not _is_ending(job) and step.id not in context.sent_at
    state = StepState.READY if is_ready else StepState.IN_PROGRESS
    return StepStatus(state, f"{message}.", facts, progress=() if is_ready else (job.status,))


def _open_job(step: Step, context: PlanContext) -> s3_batch_jobs.ReplicationJob | None:
    """A job that is not over; those that are to be cancelled come first."""
    found = [job for job in jobs_of(step, context) if not is_over(job)]
    return next(iter(sorted(found, key=_is_ending)), None)


def _is_ending(job: s3_batch_jobs.ReplicationJob) -> bool:
    """Whether AWS ends the job by itself and takes no word on it any more. An unknown status is no end."""
    state = BATCH_JOB[job.status]
    return state.busy and not state.changeable


REPLICATE = Action(
    "objects/replicate_to_primary",
    "Lets S3 copy to the primary region what it has not replicated: a job of S3 Batch Replication per "
    "bucket, if allowed.",
    {CREATE_JOB},
    (s3_batch_jobs.jobs,),
    replicate_steps,
    replicate_status,
    build_call=replicate_call,
    omissions=replicate_notes,
    essential=False,
)
END_JOB = Action(
    "objects/end_replication",
    "Ends an S3 Batch Replication job whose time is over: from here on only the run copies objects back.",
    {UPDATE_JOB},
    (s3_batch_jobs.jobs,),
    end_steps,
    end_status,
    build_call=end_call,
)
