"""Jobs of S3, as IAM judges it: one operation with one role in one region, where the environment names that role."""

from __future__ import annotations

import json

import pytest

from dr_actions.actions.registry import actions
from dr_actions.iam.action_names import actions_of
from dr_actions.iam.policies import IamRole, declared_operations, policies
from dr_estate.config.environment import Environment, Side
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest, IamPolicy, decide
from tests.dr_actions.actions.batched_world import batched
from tests.dr_checks.worlds import SIT

DR, PRIMARY = SIT.region(Side.DR), SIT.region(Side.PRIMARY)
BATCHED = batched(SIT)
ROLE, REPLICATE = BATCHED.failback.objects_batch_role, "S3ReplicateObject"
JOB = f"arn:aws:s3:{DR}:{SIT.account}:job/1"
NEEDED = {
    "s3:CreateJob": ("*", {"s3:RequestJobOperation": (REPLICATE,)}),
    "s3:PutJobTagging": (JOB, {}),
    "s3:UpdateJobStatus": (JOB, {"s3:ExistingJobOperation": (REPLICATE,)}),
    "iam:PassRole": (ROLE, {"iam:PassedToService": ("batchoperations.s3.amazonaws.com",)}),
}


def judged(action: str, env: Environment = BATCHED, region: str = DR, resource: str = "", **given: str) -> bool:
    """Whether the operator may; ``given`` are other values of the request's own condition key."""
    own, keys = NEEDED[action]
    known = {key: (given["value"],) if given else values for key, values in keys.items()}
    documents = policies(env, declared_operations())[IamRole.OPERATOR]
    own_policies = [IamPolicy(name, json.dumps(document)) for name, document in documents.items()]
    request = AccessRequest(action, resource or own, {**known, "aws:RequestedRegion": (region,)})
    return decide(own_policies, request).word == ALLOWED


def test_what_the_actions_send_is_what_a_job_needs() -> None:
    sent = (actions()[f"objects/{name}"].writes for name in ("end_replication", "replicate_to_primary"))
    assert NEEDED.keys() == {action for writes in sent for name in writes for action in actions_of(name)}


@pytest.mark.parametrize("action", NEEDED)
def test_it_is_allowed_in_the_dr_region_for_a_named_role_and_nowhere_else(action: str) -> None:
    assert judged(action)
    assert not judged(action, SIT)
    for region in (PRIMARY, "x-1"):  # that a role is passed bears no region (T76)
        assert judged(action, region=region) == (action == "iam:PassRole")


def test_no_other_job_no_other_role_and_no_other_service_is_allowed() -> None:
    for action in ("s3:CreateJob", "s3:UpdateJobStatus"):
        assert not judged(action, value="S3PutObjectCopy")
    assert not judged("iam:PassRole", value="lambda.amazonaws.com")
    assert not judged("iam:PassRole", resource=f"arn:aws:iam::{SIT.account}:role/admin")
