"""What a recovery itself needs: the runbook where the DR region can read it, and the role that runs recoveries."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dr_estate.playbook import FORBIDDEN, needed_actions
from sandbox.seeding.site import Estate, as_list, tag_map
from sandbox.state import now


def build(estate: Estate) -> None:
    """Put the reviewed runbook into its bucket in the DR region, and make the operator's role."""
    _runbook(estate)
    _operator(estate)


def _runbook(estate: Estate) -> None:
    env, s3 = estate.environment, estate.dr.client("s3")
    place = env.named(env.people.runbook)
    if not place.startswith("s3://"):
        return
    bucket, _, key = place.removeprefix("s3://").partition("/")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": estate.dr.region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    text = f"# Recovery runbook of {env.name}\n\nReviewed: {now().date()}\n\nSee the steps of docs/runbook.md.\n"
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/markdown")


def _operator(estate: Estate) -> None:
    env, iam = estate.environment, estate.world_wide("iam")
    name = env.named(env.names.operator_role)
    root = {"AWS": f"arn:aws:iam::{env.account}:root"}
    trust = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust), Tags=as_list(tag_map(env, name)))
    allowed = {"Effect": "Allow", "Action": list(needed_actions()), "Resource": "*"}
    denied = {"Effect": "Deny", "Action": list(FORBIDDEN), "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="recovery", PolicyDocument=_document(allowed, denied))


def _document(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
