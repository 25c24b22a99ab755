"""Jobs of S3 Batch Replication that failbacks of the environment started; none are asked for where none may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.replication_job import of_failbacks
from dr_estate.model.states import BATCH_JOB
from dr_estate.readers import serving_side
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"s3control:DescribeJob", "s3control:ListJobs"})
_MOST_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ReplicationJob:
    """A job, its status in AWS's own word, and how many of its objects it has tried.

    ``created`` (UTC) is when it was asked for, None where AWS does not say; ``reason`` is why it failed.
    """

    id: str
    description: str
    status: str
    created: datetime | None
    total: int
    succeeded: int
    failed: int
    reason: str = ""


@part(Side.DR, reads=READS)
def jobs(context: ReadContext) -> tuple[ReplicationJob, ...]:
    """The jobs of the last 90 days; nothing while the primary region serves, or where no role is named for jobs."""
    env = context.env
    if not env.failback.objects_batch_role or not serving_side.away(context):
        return ()
    ours = [row for row in _listed(context) if str(row.get("Description", "")).startswith(of_failbacks(env))]
    return tuple(context.each(lambda row: _job(context, row), ours))


def _listed(context: ReadContext) -> Iterator[Mapping[str, Any]]:
    """All jobs of the region, a page after another: botocore knows no paginator of them."""
    request = {"AccountId": context.env.account, "MaxResults": _MOST_A_PAGE}
    answer = context.call("s3control", "list_jobs", **request)
    yield from answer.get("Jobs") or ()
    while token := answer.get("NextToken"):
        answer = context.call("s3control", "list_jobs", **request, NextToken=token)
        yield from answer.get("Jobs") or ()


def _job(context: ReadContext, row: Mapping[str, Any]) -> ReplicationJob:
    counts: Mapping[str, int] = row.get("ProgressSummary") or {}
    return ReplicationJob(
        id=row["JobId"],
        description=row["Description"],
        status=row["Status"],
        created=row.get("CreationTime"),
        total=counts.get("TotalNumberOfTasks", 0),
        succeeded=counts.get("NumberOfTasksSucceeded", 0),
        failed=counts.get("NumberOfTasksFailed", 0),
        reason=_reason(context, row["JobId"]) if BATCH_JOB[row["Status"]].broken else "",
    )


def _reason(context: ReadContext, job_id: str) -> str:
    """Why a job failed: only its description says so."""
    answer = context.call("s3control", "describe_job", AccountId=context.env.account, JobId=job_id)
    reasons = answer["Job"].get("FailureReasons") or ()
    return "; ".join(f"{row.get('FailureCode', '')}: {row.get('FailureReason', '')}" for row in reasons)
