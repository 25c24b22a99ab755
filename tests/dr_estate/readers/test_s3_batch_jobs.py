"""Jobs of S3 Batch Replication are read where a role is named for them, and those of failbacks alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import s3_batch_jobs
from dr_estate.readers.s3_batch_jobs import ReplicationJob
from tests.dr_actions.actions.estates import failed_over
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

ROLE = f"arn:aws:iam::{SIT.account}:role/sit-s3-batch"
ENV = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"objects_batch_role": ROLE})})
SUMMARY = {"TotalNumberOfTasks": 9, "NumberOfTasksSucceeded": 4, "NumberOfTasksFailed": 5}


MADE = datetime(2026, 2, 23, 9, tzinfo=UTC)


def row(description: str, status: str, **more: Any) -> dict[str, Any]:
    return {"JobId": "job-1", "Description": description, "Status": status, "CreationTime": MADE, **more}


ANSWERS = {
    "list_jobs": {
        "Jobs": [
            row("sit failback INC-1: a-dr to a, run of x", "Failed", ProgressSummary=SUMMARY),
            row("sit failback INC-1: b-dr to b, run of x", "New"),
            row("somebody's own", "Active"),
            {"JobId": "job-2", "Status": "Active"},
        ]
    },
    "describe_job": {"Job": {"FailureReasons": [{"FailureCode": "AccessDenied", "FailureReason": "no role"}]}},
}


def test_without_a_role_or_while_the_primary_serves_nobody_is_asked() -> None:
    assert () == read(s3_batch_jobs.jobs, Side.DR, {}, failed_over())
    assert () == read(s3_batch_jobs.jobs, Side.DR, {}, healthy(), ENV)


def test_failback_jobs_are_read_with_their_counts_and_reason_of_failure() -> None:
    a, b = (f"sit failback INC-1: {name}-dr to {name}, run of x" for name in "ab")
    assert read(s3_batch_jobs.jobs, Side.DR, ANSWERS, failed_over(), ENV) == (
        ReplicationJob("job-1", a, "Failed", MADE, 9, 4, 5, "AccessDenied: no role"),
        ReplicationJob("job-1", b, "New", MADE, 0, 0, 0),
    )
