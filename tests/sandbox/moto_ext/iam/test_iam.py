"""IAM's simulator over the account's own policies, and enforcement when it is switched on."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients

GLOBAL = "us-east-1"


def _document(effect: str, actions: list[str], **more: Any) -> str:
    statement = {"Effect": effect, "Action": actions, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _role(aws: Clients) -> str:
    iam = aws("iam", GLOBAL)
    arn = iam.create_role(RoleName="operator", AssumeRolePolicyDocument=_document("Allow", ["sts:AssumeRole"]))
    return str(arn["Role"]["Arn"])


def _decisions(aws: Clients, arn: str, *actions: str, **more: Any) -> dict[str, str]:
    response = aws("iam", GLOBAL).simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(actions), **more)
    return {row["EvalActionName"]: row["EvalDecision"] for row in response["EvaluationResults"]}


def test_a_roles_inline_and_attached_policies_decide(aws: Clients) -> None:
    iam, arn = aws("iam", GLOBAL), _role(aws)
    assert _decisions(aws, arn, "ecs:UpdateService") == {"ecs:UpdateService": "implicitDeny"}
    iam.put_role_policy(RoleName="operator", PolicyName="own", PolicyDocument=_document("Allow", ["ecs:*"]))
    managed = iam.create_policy(PolicyName="no", PolicyDocument=_document("Deny", ["ecs:Delete*"]))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="operator", PolicyArn=managed)
    assert _decisions(aws, arn, "ecs:UpdateService", "ecs:DeleteService", "rds:DeleteDBInstance") == {
        "ecs:UpdateService": "allowed",
        "ecs:DeleteService": "explicitDeny",
        "rds:DeleteDBInstance": "implicitDeny",
    }
    iam.detach_role_policy(RoleName="operator", PolicyArn=managed)
    assert _decisions(aws, arn, "ecs:DeleteService") == {"ecs:DeleteService": "allowed"}


def test_a_users_groups_and_boundary_decide_too(aws: Clients) -> None:
    iam = aws("iam", GLOBAL)
    boundary = iam.create_policy(PolicyName="b", PolicyDocument=_document("Allow", ["ecs:*"]))["Policy"]["Arn"]
    arn = iam.create_user(UserName="alice")["User"]["Arn"]
    iam.create_group(GroupName="operators")
    iam.put_group_policy(GroupName="operators", PolicyName="g", PolicyDocument=_document("Allow", ["*"]))
    iam.add_user_to_group(GroupName="operators", UserName="alice")
    assert _decisions(aws, arn, "rds:PromoteReadReplica") == {"rds:PromoteReadReplica": "allowed"}
    document = iam.get_policy_version(PolicyArn=boundary, VersionId="v1")["PolicyVersion"]["Document"]
    within = _decisions(
        aws, arn, "rds:PromoteReadReplica", "ecs:RunTask", PermissionsBoundaryPolicyInputList=[json.dumps(document)]
    )
    assert within == {"rds:PromoteReadReplica": "implicitDeny", "ecs:RunTask": "allowed"}


def test_a_condition_on_the_region_is_judged_by_the_context_given(aws: Clients) -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": DR}}
    policy = _document("Allow", ["ecs:*"], Condition=condition)
    iam = aws("iam", GLOBAL)

    def decided(region: str) -> str:
        entry = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [region], "ContextKeyType": "string"}
        response = iam.simulate_custom_policy(
            PolicyInputList=[policy], ActionNames=["ecs:RunTask"], ContextEntries=[entry]
        )
        return str(response["EvaluationResults"][0]["EvalDecision"])

    assert (decided(DR), decided(PRIMARY)) == ("allowed", "implicitDeny")


def test_each_resource_has_its_decision_and_the_action_the_worst_of_them(aws: Clients) -> None:
    iam, arn = aws("iam", GLOBAL), _role(aws)
    first, other = "arn:aws:sns:x:1:one", "arn:aws:sns:x:1:other"
    iam.put_role_policy(
        RoleName="operator", PolicyName="own", PolicyDocument=_document("Allow", ["sns:*"], Resource=first)
    )

    def simulated(**more: Any) -> dict[str, Any]:
        response = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["sns:Publish"], **more)
        (row,) = response["EvaluationResults"]
        return dict(row)

    both = simulated(ResourceArns=[first, other])
    assert ("implicitDeny", "*") == (both["EvalDecision"], both["EvalResourceName"])
    each = {row["EvalResourceName"]: row["EvalResourceDecision"] for row in both["ResourceSpecificResults"]}
    assert {first: "allowed", other: "implicitDeny"} == each
    assert "allowed" == simulated(ResourceArns=[first])["EvalDecision"]
    assert "implicitDeny" == simulated()["EvalDecision"], "a policy on one topic does not allow every topic"
    assert "ResourceSpecificResults" not in simulated()


def test_a_key_absent_from_the_context_is_named_with_its_resource(aws: Clients) -> None:
    iam, topic = aws("iam", GLOBAL), "arn:aws:sns:x:1:one"
    policy = _document("Allow", ["sns:*"], Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    response = iam.simulate_custom_policy(PolicyInputList=[policy], ActionNames=["sns:Publish"], ResourceArns=[topic])
    (row,) = response["EvaluationResults"]
    assert ["aws:MultiFactorAuthPresent"] == row["ResourceSpecificResults"][0]["MissingContextValues"]
    assert ["aws:MultiFactorAuthPresent"] == row["MissingContextValues"]


def test_actions_judged_by_different_information_are_refused_together(aws: Clients) -> None:
    arn = _role(aws)
    with pytest.raises(ClientError, match="require different authorization information") as mixed:
        _decisions(aws, arn, "ecs:UpdateService", "sts:GetCallerIdentity")
    assert "InvalidInput" == mixed.value.response["Error"]["Code"]
    assert {"sts:GetCallerIdentity": "implicitDeny"} == _decisions(aws, arn, "sts:GetCallerIdentity")


def test_many_actions_come_in_pages_and_a_stranger_is_refused(aws: Clients) -> None:
    arn = _role(aws)
    pages = (
        aws("iam", GLOBAL)
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=arn, ActionNames=[f"ecs:Action{n}" for n in range(25)], PaginationConfig={"PageSize": 10}
        )
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [10, 10, 5]
    with pytest.raises(ClientError) as unknown:
        _decisions(aws, arn.replace("operator", "nobody"), "ecs:RunTask")
    assert unknown.value.response["Error"]["Code"] == "NoSuchEntity"


def _attempt(call: Any, **params: Any) -> str:
    try:
        call(**params)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "done"


def test_enforcement_denies_by_action_and_region_once_it_is_on(aws: Clients) -> None:
    iam = aws("iam", GLOBAL)
    iam.create_user(UserName="alice")
    reads = ["rds:Describe*", "elasticfilesystem:Describe*", "route53:List*", "ecs:*"]
    iam.put_user_policy(UserName="alice", PolicyName="reads", PolicyDocument=_document("Allow", reads))
    denied = _document("Deny", ["ecs:Delete*"], Condition={"StringEquals": {"aws:RequestedRegion": PRIMARY}})
    iam.put_user_policy(UserName="alice", PolicyName="fence", PolicyDocument=denied)
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
    for region in (PRIMARY, DR):
        aws("ecs", region).create_cluster(clusterName="shop")
    assert _attempt(session.client("ec2", DR).describe_vpcs) == "done"
    STATE.extras["enforce_iam"] = True
    assert _attempt(session.client("rds", DR).describe_db_instances) == "done"
    assert _attempt(session.client("efs", DR).describe_file_systems) == "done"
    assert _attempt(session.client("route53", GLOBAL).list_hosted_zones) == "done"
    assert _attempt(session.client("sts", DR).get_caller_identity) == "done"
    assert _attempt(session.client("ec2", DR).describe_vpcs) == "UnauthorizedOperation"
    assert _attempt(session.client("rds", DR).delete_db_instance, DBInstanceIdentifier="x") == "AccessDenied"
    gone = _attempt(session.client("efs", DR).delete_file_system, FileSystemId="fs-0")
    assert gone == "AccessDeniedException"
    assert _attempt(session.client("ecs", PRIMARY).delete_cluster, cluster="shop") == "AccessDeniedException"
    assert _attempt(session.client("ecs", DR).delete_cluster, cluster="shop") == "done"


_TASKS = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def test_a_role_takes_a_policy_of_aws(aws: Clients) -> None:
    iam, arn = aws("iam", GLOBAL), _role(aws)
    iam.attach_role_policy(RoleName="operator", PolicyArn=_TASKS)
    assert {"ecr:BatchGetImage": "allowed"} == _decisions(aws, arn, "ecr:BatchGetImage")
    attached = iam.list_attached_role_policies(RoleName="operator")["AttachedPolicies"]
    assert [_TASKS] == [row["PolicyArn"] for row in attached]
    assert 1 == iam.get_policy(PolicyArn=_TASKS)["Policy"]["AttachmentCount"]
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.attach_role_policy(RoleName="operator", PolicyArn=f"{_TASKS}2")


def test_policies_of_aws_are_listed_beside_the_accounts_own(aws: Clients) -> None:
    iam = aws("iam", GLOBAL)
    own = iam.create_policy(PolicyName="own", PolicyDocument=_document("Allow", ["ecs:*"]))["Policy"]["Arn"]
    pages = iam.get_paginator("list_policies")
    found = {row["Arn"] for page in pages.paginate() for row in page["Policies"]}
    assert {own, _TASKS, "arn:aws:iam::aws:policy/ReadOnlyAccess"} <= found
    assert [own] == [row["Arn"] for page in pages.paginate(Scope="Local") for row in page["Policies"]]


def test_a_policy_of_aws_is_a_boundary(aws: Clients) -> None:
    iam, boundary = aws("iam", GLOBAL), "arn:aws:iam::aws:policy/ReadOnlyAccess"
    created = iam.create_role(
        RoleName="reader",
        AssumeRolePolicyDocument=_document("Allow", ["sts:AssumeRole"]),
        PermissionsBoundary=boundary,
    )
    iam.put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=_document("Allow", ["*"]))
    decisions = _decisions(aws, created["Role"]["Arn"], "ecs:DescribeServices", "ecs:UpdateService")
    assert {"ecs:DescribeServices": "allowed", "ecs:UpdateService": "implicitDeny"} == decisions
