"""Bucket policies: a condition is judged where IAM is enforced, and a denial wins over any permission."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, Clients

BUCKET = "bucket-of-one-user"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def user(aws: Clients, name: str) -> dict[str, str]:
    iam = aws("iam", DR)
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=EVERYTHING)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def test_a_bucket_for_one_principal_refuses_objects_of_others(aws: Clients) -> None:
    s3 = aws("s3", DR)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": DR})
    alone: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    alone["Condition"] = {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/olga"}}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [alone]}))
    olga, adam = (aws("s3", DR, **user(aws, name)) for name in ("olga", "adam"))
    STATE.extras["enforce_iam"] = True
    olga.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    with pytest.raises(ClientError, match="AccessDenied"):
        adam.put_object(Bucket=BUCKET, Key="a", Body=b"2")
    assert adam.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"1"
