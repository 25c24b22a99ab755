"""S3 Batch Replication: a job replicates by the bucket's rules what was not replicated, or says why it did not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from sandbox.core.timing import set_pace
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, Clock

COPY, ORIGINAL = "shop-assets-dr", "shop-assets"
REPLICATION, BATCH = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("replication", "batch"))
INITIATES = ["s3:GetReplicationConfiguration", "s3:InitiateReplication", "s3:PutInventoryConfiguration"]
COUNTED = ("TotalNumberOfTasks", "NumberOfTasksSucceeded", "NumberOfTasksFailed")
FILTER = {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]}


@pytest.fixture
def later(clock: Clock) -> Clock:
    """A clock that a test moves on; a job takes two seconds."""
    STATE.extras["transition_s"] = 2.0
    return clock


def role(aws: Clients, name: str, service: str, actions: list[str], resource: str = "*") -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    iam = aws("iam", "us-east-1")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(own))


def written(aws: Clients, keys: str, resource: str = "*", actions: list[str] | None = None) -> Any:
    """Two buckets, the copy replicated back since its objects were written; returns S3 Control of the DR region."""
    role(aws, "replication", "s3.amazonaws.com", ["s3:ReplicateObject"], resource)
    role(aws, "batch", "batchoperations.s3.amazonaws.com", INITIATES if actions is None else actions)
    home, away = aws("s3", PRIMARY), aws("s3", DR)
    for s3, name, region in ((home, ORIGINAL, PRIMARY), (away, COPY, DR)):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for key in keys:
        away.put_object(Bucket=COPY, Key=key, Body=b"1", Tagging="kind=upload")
    replicate_back(away)
    return aws("s3control", DR)


def replicate_back(away: Any) -> None:
    rule = {"ID": "home", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}}
    rule |= {"DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": f"arn:aws:s3:::{ORIGINAL}"}}
    away.put_bucket_replication(Bucket=COPY, ReplicationConfiguration={"Role": REPLICATION, "Rules": [rule]})


def start(control: Any, named: str = "one", after: str = "", **more: Any) -> str:
    chosen = {**FILTER, "CreatedAfter": after} if after else FILTER
    source = {"SourceBucket": f"arn:aws:s3:::{COPY}", "EnableManifestOutput": False, "Filter": chosen}
    request = {"Operation": {"S3ReplicateObject": {}}, "Report": {"Enabled": False}, "Priority": 1, "RoleArn": BATCH}
    request |= {"ManifestGenerator": {"S3JobManifestGenerator": source}, "ConfirmationRequired": False}
    answer = control.create_job(AccountId=ACCOUNT, ClientRequestToken=named, **{**request, "Description": "d", **more})
    return str(answer["JobId"])


def job(control: Any, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = control.describe_job(AccountId=ACCOUNT, JobId=job_id)["Job"]
    return found


def counts(found: dict[str, Any]) -> list[int]:
    summary = found["ProgressSummary"]
    return [summary[name] for name in COUNTED]


def keys(aws: Clients) -> set[str]:
    return {row["Key"] for row in aws("s3", PRIMARY).list_objects_v2(Bucket=ORIGINAL).get("Contents", [])}


def test_objects_before_the_rule_arrive_by_the_job_with_version_and_tags(aws: Clients, later: Clock) -> None:
    control = written(aws, "abc")
    job_id = start(control)
    assert "Active" == job(control, job_id)["Status"]
    later.shift(3)
    assert ("Complete", [3, 3, 0]) == (job(control, job_id)["Status"], counts(job(control, job_id)))
    assert {"a", "b", "c"} == keys(aws)
    heads = [aws("s3", DR).head_object(Bucket=COPY, Key="a"), aws("s3", PRIMARY).head_object(Bucket=ORIGINAL, Key="a")]
    assert ["COMPLETED", "REPLICA"] == [head["ReplicationStatus"] for head in heads]
    assert 1 == len({head["VersionId"] for head in heads})
    tags = aws("s3", PRIMARY).get_object_tagging(Bucket=ORIGINAL, Key="a")["TagSet"]
    assert [{"Key": "kind", "Value": "upload"}] == tags


def test_versions_of_an_earlier_incident_are_in_a_job_without_a_time_bound(aws: Clients, later: Clock) -> None:
    control = written(aws, "ab")
    later.shift(3600)
    bound = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    later.shift(2)
    away = aws("s3", DR)
    away.delete_bucket_replication(Bucket=COPY)
    away.put_object(Bucket=COPY, Key="b", Body=b"2")
    replicate_back(away)
    job_id = start(control, after=bound)
    later.shift(3)
    assert ("Complete", [1, 1, 0]) == (job(control, job_id)["Status"], counts(job(control, job_id)))
    versions = aws("s3", PRIMARY).list_object_versions(Bucket=ORIGINAL)["Versions"]
    assert [("b", 1)] == [(row["Key"], row["Size"]) for row in versions]
    assert start(control, after=bound) == job_id
    unbound = start(control, "two")
    later.shift(3)
    assert [2, 2, 0] == counts(job(control, unbound))


def test_a_known_token_starts_no_second_job_and_other_words_are_refused(aws: Clients) -> None:
    control = written(aws, "a")
    assert start(control) == start(control)
    (row,) = control.list_jobs(AccountId=ACCOUNT)["Jobs"]
    assert ("d", "S3ReplicateObject") == (row["Description"], row["Operation"])
    with pytest.raises(ClientError, match="IdempotencyException"):
        start(control, Description="another")


def test_a_job_that_finds_nothing_or_whose_role_may_not_begin_fails(aws: Clients, later: Clock) -> None:
    control = written(aws, "", actions=["s3:GetReplicationConfiguration"])
    refused = start(control)
    later.shift(3)
    assert "PutInventoryConfiguration" in job(control, refused)["FailureReasons"][0]["FailureReason"]
    aws("iam", "us-east-1").put_role_policy(
        RoleName="batch",
        PolicyName="own",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": INITIATES, "Resource": "*"}]}
        ),
    )
    empty = start(control, "two")
    later.shift(3)
    assert "Failed" == job(control, empty)["Status"]
    assert "no keys matching" in job(control, empty)["FailureReasons"][0]["FailureReason"]


def test_an_object_that_the_replication_role_may_not_write_fails_by_itself(aws: Clients, later: Clock) -> None:
    control = written(aws, "ab", f"arn:aws:s3:::{ORIGINAL}/a")
    job_id = start(control)
    later.shift(3)
    assert ("Complete", [2, 1, 1]) == (job(control, job_id)["Status"], counts(job(control, job_id)))
    assert {"a"} == keys(aws)
    assert "FAILED" == aws("s3", DR).head_object(Bucket=COPY, Key="b")["ReplicationStatus"]


def test_at_the_real_pace_a_job_waits_and_replicates_until_cancelled(aws: Clients, later: Clock) -> None:
    set_pace("real")
    del STATE.extras["transition_s"]
    STATE.extras["quantile"] = 0.5
    control = written(aws, "abcd")
    job_id, seen = start(control), []
    for seconds in (1, 60, 150, 50, 60):
        later.shift(seconds)
        seen.append(job(control, job_id)["Status"])
    assert ["New", "Preparing", "Preparing", "Ready", "Active"] == seen
    total, succeeded, _ = counts(job(control, job_id))
    assert 4 == total > succeeded > 0
    control.update_job_status(AccountId=ACCOUNT, JobId=job_id, RequestedJobStatus="Cancelled")
    later.shift(600)
    assert ("Cancelled", succeeded) == (job(control, job_id)["Status"], len(keys(aws)))
    with pytest.raises(ClientError, match="JobStatusException"):
        control.update_job_status(AccountId=ACCOUNT, JobId=job_id, RequestedJobStatus="Cancelled")


def test_a_job_whose_rules_are_taken_away_meanwhile_replicates_nothing(aws: Clients, later: Clock) -> None:
    control = written(aws, "abcd")
    job_id = start(control)
    aws("s3", DR).delete_bucket_replication(Bucket=COPY)
    later.shift(10)
    assert ([4, 0, 4], set()) == (counts(job(control, job_id)), keys(aws))
