"""Lets S3 copy to the primary region what it has not replicated: a job of S3 Batch Replication per bucket, if allowed.

Nothing depends on it. A job that fails, stops or takes longer than failback.objects_batch_minutes is reported, and the
run's own comparison and copies cover what it left. It is idempotent: the token of a run's job is always the same, and
AWS answers a token that it knows with the job that it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

from dr_actions.actions.objects import batch_replication
from dr_actions.actions.objects.copy_to_primary import UNDO
from dr_actions.guard.batch_exemptions import CREATE
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.replication_job import request_of
from dr_estate.model.states import BATCH_JOB
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import s3_batch_jobs

_MINUTE_S, _SEEN_S = 60, 300
"""What a job's time is counted in, and how long after its end a look may find it: the step is given up later still."""
_THEN = "The run copies what it left"
_OF_THE_RUN = "<of this incident and bucket>"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket whose copy is replicated back."""
    env, since = context.env, batch_replication.written_since(context)
    for route in batch_replication.routes(context):
        if route.obstacle:
            continue
        own = {"ClientRequestToken": _OF_THE_RUN, "Description": _OF_THE_RUN, "Tags": _OF_THE_RUN}
        yield context.step(
            __name__,
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


def build_call(step: Step, context: PlanContext) -> Call:
    """Return the call with the values that distinguish this run's job from others."""
    description = _description(step, context)
    token = sha256(f"{context.env.account}:{description}".encode()).hexdigest()
    tags = [{"Key": "dr:incident", "Value": context.incident}]
    return step.call_with({"ClientRequestToken": token, "Description": description, "Tags": tags})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the job is over, however it ended, or has had its time; READY while there is none.

    Where S3's jobs cannot be seen none is started.
    """
    try:
        job = _job(step, context)
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
    facts, counts = batch_replication.evidence_of(job), f"{job.succeeded:,} of {job.total:,} objects replicated"
    counts += f", {job.failed:,} not" if job.failed else ""
    state, message = BATCH_JOB[job.status], f"{step.subject}: job {job.id} of S3 is {job.status}, {counts}"
    message += f" ({job.reason})" if job.reason else ""
    if batch_replication.is_over(job):
        left = f"{message}. {_THEN}." if job.failed or not state.serves else f"{message}."
        return StepStatus(StepState.DONE, left, facts)
    if state.stopped:
        return StepStatus(StepState.DONE, f"{message}: a person stopped it. {_THEN}.", facts)
    if late:
        waited = f"it has had its {context.env.failback.objects_batch_minutes:g} min (failback.objects_batch_minutes)"
        return StepStatus(StepState.DONE, f"{message}: {waited}. {_THEN}.", facts)
    return StepStatus(StepState.IN_PROGRESS, f"{message}.", facts, progress=(job.status, counts))


def _job(step: Step, context: PlanContext) -> s3_batch_jobs.ReplicationJob | None:
    """This run's job; else one of the incident that is not over: no second one is started beside it."""
    found, description = batch_replication.jobs_of(step, context), _description(step, context)
    own = [job for job in found if job.description == description]
    return next(iter([*own, *(job for job in found if not batch_replication.is_over(job))]), None)


def _description(step: Step, context: PlanContext) -> str:
    begun = f"{context.begun_at:%Y%m%dT%H%M%SZ}" if context.begun_at else "none"
    return batch_replication.prefix_of(step, context) + begun


def _is_late(step: Step, context: PlanContext, job: s3_batch_jobs.ReplicationJob | None = None) -> bool:
    """Whether the job has had its time since AWS made it, or, where that is not seen, since its call left."""
    left = context.sent_at.get(step.id) or context.begun_sending_at.get(step.id)
    began = (job.created if job else None) or left
    limit = timedelta(minutes=context.env.failback.objects_batch_minutes)
    return began is not None and context.snapshot.taken_at - began > limit


def notes(context: PlanContext) -> Iterator[str]:
    """Yield how each bucket's objects reach the primary region, where jobs may be started."""
    for route in batch_replication.routes(context):
        if route.obstacle:
            yield f"{route.bucket}: copied by the run itself, for {route.obstacle}."
        else:
            first = f"{route.bucket}: S3 Batch Replication first, then what it left copied by the run itself"
            yield f"{first}{route.unseen}."


ACTION = action(globals(), (CREATE,), (s3_batch_jobs.jobs,), essential=False)
