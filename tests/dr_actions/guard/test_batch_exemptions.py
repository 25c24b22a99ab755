"""Of S3 Batch one job passes, in a failback whose backups are proven: the bucket's own replication, by the one role."""

from __future__ import annotations

from typing import Any

import pytest

from dr_actions.guard.context import GuardContext
from dr_actions.guard.failback_exemptions import CREATE_JOB, UPDATE_JOB
from dr_actions.guard.guard import refusal
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment, Side
from dr_estate.model.replication_job import request_of
from dr_estate.readers import s3, s3_batch_jobs
from tests.dr_actions.guard.test_failback_exemptions import AWAY, BOTH, HOME, SIT
from tests.dr_actions.plain import recorded, with_part
from tests.dr_checks.worlds import DENIED

ROLE = f"arn:aws:iam::{SIT.account}:role/sit-s3-batch"
ENV = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"objects_batch_role": ROLE})})
_, ITS_COPY = s3.data_pairs(ENV)[0]
OWN = {"ClientRequestToken": "t", "Description": "d", "Tags": [{"Key": "dr:incident", "Value": "INC-1"}]}
CANCEL = {"AccountId": ENV.account, "JobId": "job-1", "RequestedJobStatus": "Cancelled"}


def judged(name: str, params: dict[str, Any], region: str = AWAY, env: Environment = ENV, **given: Any) -> str:
    """The rule that refuses the declared call in a failback, "" where none does."""
    service, operation = name.split(":")
    known = {"goal": Goal.FAILBACK, "proofs": BOTH, "own_jobs": frozenset({"job-1"}), **given}
    context = GuardContext(env, frozenset({name}), **known)
    found = refusal(Call(service, operation, region, params), context)
    return found.rule if found else ""


def job(**changes: Any) -> dict[str, Any]:
    return {**request_of(ENV, ITS_COPY), **OWN, **changes}


def test_the_job_passes_in_a_failback_alone_with_backups_and_its_role() -> None:
    for name, params in ((CREATE_JOB, job()), (UPDATE_JOB, CANCEL)):
        assert "" == judged(name, params)
        for goal in (None, Goal.FAILOVER, Goal.SWITCHOVER, Goal.ABORT, Goal.CLEAN_UP):
            assert judged(name, params, goal=goal).startswith("guard.")
        assert "guard.never-delete" == judged(name, params, proofs=BOTH[:2])
        assert "guard.never-delete" == judged(name, params, HOME)
        assert "guard.never-delete" == judged(name, params, env=SIT)


def test_a_job_may_take_fewer_versions_by_a_moment_and_nothing_else() -> None:
    assert "" == judged(CREATE_JOB, {**request_of(ENV, ITS_COPY, "2026-02-23T08:00:00Z"), **OWN})
    whole = request_of(ENV, ITS_COPY)["ManifestGenerator"]["S3JobManifestGenerator"]["Filter"]
    for wrong in ({"CreatedBefore": "2026-02-23T08:00:00Z"}, {"CreatedAfter": ["2026-02-23T08:00:00Z"]}):
        assert "guard.never-delete" == judged(CREATE_JOB, job(**source(ITS_COPY, Filter={**whole, **wrong})))


def source(bucket: str, **changes: Any) -> dict[str, Any]:
    generator = request_of(ENV, bucket)["ManifestGenerator"]["S3JobManifestGenerator"]
    return {"ManifestGenerator": {"S3JobManifestGenerator": {**generator, **changes}}}


@pytest.mark.parametrize(
    "changes",
    [
        {"Operation": {"S3PutObjectCopy": {"TargetResource": "arn:aws:s3:::another"}}},
        {"Operation": {"S3ReplicateObject": {}, "S3DeleteObjectTagging": {}}},
        {"Operation": {"LambdaInvoke": {"FunctionArn": "arn:aws:lambda:eu-west-1:1:function:f"}}},
        {"RoleArn": f"arn:aws:iam::{SIT.account}:role/admin"},
        {"AccountId": "999999999999"},
        {"Report": {"Enabled": True, "Bucket": "arn:aws:s3:::another"}},
        {"Manifest": {"Location": {"ObjectArn": "arn:aws:s3:::another/list.csv", "ETag": "e"}}},
        {"ConfirmationRequired": True},
        source("another"),
        source(s3.state_pair(ENV)[1]),
        source(s3.data_pairs(ENV)[0][0]),
        source(ITS_COPY, EnableManifestOutput=True),
        source(ITS_COPY, Filter={"EligibleForReplication": True}),
    ],
)
def test_every_other_job_is_refused(changes: dict[str, Any]) -> None:
    assert "guard.never-delete" == judged(CREATE_JOB, job(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"RequestedJobStatus": "Ready"}, {"AccountId": "999999999999"}, {"JobId": "a-strangers"}, {"JobId": ""}],
)
def test_no_job_is_confirmed_and_none_of_others_is_touched(changes: dict[str, Any]) -> None:
    assert "guard.never-delete" == judged(UPDATE_JOB, {**CANCEL, **changes})


def test_a_job_that_was_not_seen_to_be_a_failbacks_own_is_not_cancelled() -> None:
    assert "guard.never-delete" == judged(UPDATE_JOB, CANCEL, own_jobs=frozenset())
    found = s3_batch_jobs.ReplicationJob("job-1", "sit failback INC-1: a to b, run of 1", "Active", None, 1, 0, 0)
    seen = GuardContext.upon(with_part(recorded("healthy"), s3_batch_jobs.jobs, Side.DR, (found,)), ENV)
    assert "" == judged(UPDATE_JOB, CANCEL, own_jobs=seen.own_jobs)
    assert {"job-1"} == seen.with_snapshot(with_part(recorded("healthy"), s3_batch_jobs.jobs, Side.DR, DENIED)).own_jobs
