"""Roles in an account that enforces IAM: who passes one on needs iam:PassRole, who takes one needs its trust."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_estate.iam.statements import break_glass_trust, document, statement
from sandbox.core.state import STATE
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, Clients

Allowed = tuple[list[str], list[str], dict[str, Any]]
GLOBAL = "us-east-1"
GLASS, TASK = "prod-dr-break-glass", f"arn:aws:iam::{ACCOUNT}:role/prod-task"
MFA = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/olga", "TokenCode": "123456"}
OPEN = [{"Key": "dr:open-for", "Value": "olga"}]


def user(aws: Clients, name: str, *allowed: Allowed) -> dict[str, str]:
    """Keys of a new user who may do that much, while IAM judges every call."""
    iam = aws("iam", GLOBAL)
    STATE.extras["enforce_iam"] = False
    iam.create_user(UserName=name)
    rows = [statement(f"S{number}", "Allow", *row) for number, row in enumerate(allowed)]
    if rows:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(document(rows)))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    STATE.extras["enforce_iam"] = True
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def code_of(call: Any, **params: Any) -> str:
    """The error code of a call, "" where there is none."""
    try:
        call(**params)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize("service", ["ecs-tasks.amazonaws.com", "backup.amazonaws.com"])
def test_a_definition_takes_only_roles_that_its_maker_may_pass_to_tasks(aws: Clients, service: str) -> None:
    register: Allowed = (["ecs:RegisterTaskDefinition"], ["*"], {})
    passing: Allowed = (
        ["iam:PassRole"],
        [TASK],
        {"StringEquals": {"iam:PassedToService": [service]}},
    )
    client = boto3.client("ecs", DR, **user(aws, "olga", register, passing))
    image: dict[str, Any] = {"name": "a", "image": "b", "memory": 128}
    plain: dict[str, Any] = {"family": "prod-a", "containerDefinitions": [image]}
    denied = {
        role: code_of(client.register_task_definition, **plain, taskRoleArn=role) == "AccessDeniedException"
        for role in (TASK, TASK.replace("prod-task", "admin"))
    }
    assert list(denied.values()) == [service.startswith("backup"), True]
    assert "AccessDeniedException" != code_of(client.register_task_definition, **plain)


def test_the_break_glass_role_needs_its_tag_mfa_and_the_own_name(aws: Clients) -> None:
    iam = aws("iam", GLOBAL)
    named = [f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("olga", "adam")]
    trust = json.dumps(document(break_glass_trust(*named)))
    role = iam.create_role(RoleName=GLASS, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    olga = boto3.client("sts", DR, **user(aws, "olga"))
    adam = boto3.client("sts", DR, **user(aws, "adam", (["sts:AssumeRole"], ["*"], {})))
    other = boto3.client("sts", DR, **user(aws, "oscar", (["sts:AssumeRole"], ["*"], {})))
    own = {"RoleArn": role, "RoleSessionName": "olga", **MFA}
    assert "AccessDenied" == code_of(olga.assume_role, **own)
    tag_role(aws, OPEN)
    assert "AccessDenied" == code_of(olga.assume_role, RoleArn=role, RoleSessionName="olga")
    assert "AccessDenied" == code_of(olga.assume_role, **{**own, "RoleSessionName": "adam"})
    for somebody in (adam, other):
        assert "AccessDenied" == code_of(somebody.assume_role, **own)
    assert "" == code_of(olga.assume_role, **own)
    tag_role(aws, [{"Key": "dr:open-for", "Value": "adam"}])
    assert "AccessDenied" == code_of(adam.assume_role, **{**own, "RoleSessionName": "adam"})


def tag_role(aws: Clients, tags: list[dict[str, str]]) -> None:
    """Tag the role with the test's own keys, which are nobody's and may do everything."""
    aws("iam", GLOBAL).tag_role(RoleName=GLASS, Tags=tags)


@pytest.mark.parametrize("names", [f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_trust_in_the_account_leaves_it_to_the_callers_own_policies(aws: Clients, names: str, allowed: bool) -> None:
    trust = document([{"Effect": "Allow", "Principal": {"AWS": names}, "Action": "sts:AssumeRole"}])
    aws("iam", GLOBAL).create_role(RoleName="copier", AssumeRolePolicyDocument=json.dumps(trust))
    arn = f"arn:aws:iam::{ACCOUNT}:role/copier"
    may: list[Allowed] = [(["sts:AssumeRole"], [arn], {})] if allowed else []
    sts = boto3.client("sts", DR, **user(aws, "olga", *may))
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="olga") == ("" if allowed else "AccessDenied")
