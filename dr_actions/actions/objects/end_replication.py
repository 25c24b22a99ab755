"""Ends an S3 Batch Replication job whose time is over: from here on only the run copies objects back.

A job that went on would replicate over what is written in the primary region later. It may belong to an earlier plan,
while this plan starts none: the rules of its bucket were changed, or an object was written in the primary region.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.objects import batch_replication, replicate_to_primary
from dr_actions.guard.batch_exemptions import END, ENDED
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, present
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import BATCH_JOB
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import s3, s3_batch_jobs


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket of tenants' data, whether this plan starts a job for it or not."""
    env = context.env
    params = {"AccountId": env.account, "JobId": "<the job that is not over>", "RequestedJobStatus": ENDED}
    for bucket, copy in s3.data_pairs(env) if env.failback.objects_batch_role else ():
        yield context.step(
            __name__,
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


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the job's id. Raises Drifted where none is open any more."""
    job = present(_open_job(step, context), f"{step.subject}: no job is open any more.")
    return step.call_with({"JobId": job.id})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no job of the incident for this bucket can change anything, or none was started and none is seen."""
    try:
        job = _open_job(step, context)
    except DataUnavailable as error:
        if step_id(replicate_to_primary.ACTION.name, step.subject) in context.begun_sending_at:
            raise
        earlier = f"whether an earlier run's is at work cannot be seen ({error.unavailable.why.rstrip('.')})"
        return StepStatus(StepState.DONE, f"{step.subject}: this run started no job of S3; {earlier}.")
    if job is None:
        return StepStatus(StepState.DONE, f"{step.subject}: no job of S3 replicates into it.")
    facts, message = batch_replication.evidence_of(job), f"{step.subject}: job {job.id} of S3 is {job.status}"
    is_ready = not _is_ending(job) and step.id not in context.sent_at
    state = StepState.READY if is_ready else StepState.IN_PROGRESS
    return StepStatus(state, f"{message}.", facts, progress=() if is_ready else (job.status,))


def _open_job(step: Step, context: PlanContext) -> s3_batch_jobs.ReplicationJob | None:
    """A job that is not over; those that are to be cancelled come first."""
    found = [job for job in batch_replication.jobs_of(step, context) if not batch_replication.is_over(job)]
    return next(iter(sorted(found, key=_is_ending)), None)


def _is_ending(job: s3_batch_jobs.ReplicationJob) -> bool:
    """Whether AWS ends the job by itself and takes no word on it any more. An unknown status is no end."""
    state = BATCH_JOB[job.status]
    return state.busy and not state.changeable


ACTION = action(globals(), (END,), (s3_batch_jobs.jobs,))
