"""Jobs of S3 Batch Replication that failbacks of the environment started; none are asked for where none may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.model.replication_job import of_failbacks
from dr_estate.model.states import BATCH_JOB
from dr_estate.readers import serving_side
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import ReadContext, part

READS = frozenset({"s3control:DescribeJob", "s3control:ListJobs"})
_PAGE = {"PageSize": 1000}


@dataclass(frozen=True, slots=True)
class ReplicationJob:
    """A job, its status in AWS's own word, and how many of its objects it has tried.

    ``created`` (UTC) is when it was asked for, None where AWS does not say; ``reason`` is why it failed.
    """

    id: Annotated[str, At("JobId", demanded=True)]
    description: Annotated[str, At("Description", demanded=True)]
    status: Annotated[str, At("Status", demanded=True)]
    created: Annotated[datetime | None, At("CreationTime")]
    total: Annotated[int, At("ProgressSummary.TotalNumberOfTasks")]
    succeeded: Annotated[int, At("ProgressSummary.NumberOfTasksSucceeded")]
    failed: Annotated[int, At("ProgressSummary.NumberOfTasksFailed")]
    reason: str = ""


@part(Side.DR, reads=READS)
def jobs(context: ReadContext) -> tuple[ReplicationJob, ...]:
    """The jobs of the last 90 days; nothing while the primary region serves, or where no role is named for jobs."""
    env = context.env
    if not env.failback.objects_batch_role or not serving_side.away(context):
        return ()
    listed = context.pages("s3control", "list_jobs", "Jobs", AccountId=env.account, PaginationConfig=_PAGE)
    ours = [row for row in listed if str(row.get("Description", "")).startswith(of_failbacks(env))]

    def job(row: Mapping[str, Any]) -> ReplicationJob:
        return context.understand(lambda: _job(context, row), str(row.get("JobId") or "A job without JobId"))

    return tuple(context.each(job, ours))


def _job(context: ReadContext, row: Mapping[str, Any]) -> ReplicationJob:
    return read(ReplicationJob, row, reason=_reason(context, row["JobId"]) if BATCH_JOB[row["Status"]].broken else "")


def _reason(context: ReadContext, job_id: str) -> str:
    """Return why a job failed: only its description states it."""
    answer = context.call("s3control", "describe_job", AccountId=context.env.account, JobId=job_id)
    reasons = (answer.get("Job") or {}).get("FailureReasons") or ()
    return "; ".join(f"{row.get('FailureCode', '')}: {row.get('FailureReason', '')}" for row in reasons)
