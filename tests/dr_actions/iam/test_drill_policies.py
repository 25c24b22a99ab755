"""The drill role: what an operator may, and in the DR region what a trial does to what bears a drill's name or tag."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_actions.iam.action_names import actions_of
from dr_actions.iam.policies import HOME, IamRole, declared_operations, policies
from dr_estate.iam import scopes
from dr_estate.model.playbook import DRILLING, FORBIDDEN
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, IMPLICIT_DENY, AccessRequest, IamPolicy, decide
from tests.dr_actions.iam.test_policies import DR, ENVIRONMENTS, GLOBAL, PRIMARY, SIT, acting_role

HELD = policies(SIT, declared_operations())
STAMP = "20260107-101500"
NAMED, ANOTHERS = {"aws:ResourceTag/Name": (f"sit-efs-drill-{STAMP}",)}, {"aws:ResourceTag/Name": ("shop",)}
DRILLS = {"aws:ResourceTag/dr:drill": ("TRIAL-1",), **NAMED}
TRIALS = {"aws:RequestTag/dr:drill": ("TRIAL-1",), "aws:RequestTag/Name": (f"sit-efs-drill-{STAMP}",)}
MADE = {"elasticfilesystem:CreateAction": ("CreateAccessPoint",)}
RECORDS = "route53:ChangeResourceRecordSets"


def judged(action: str, region: str, resource: str | None = None, role: IamRole = IamRole.DRILL, **more: Any) -> str:
    context = {"aws:RequestedRegion": (region,), "aws:userid": ("AROA1:dora",), **more.get("context", {})}
    iam_policies = [IamPolicy(name, json.dumps(document)) for name, document in HELD[role].items()]
    return decide(iam_policies, AccessRequest(action, resource, context)).word


def arn(service: str, resource: str, region: str = DR) -> str:
    return f"arn:aws:{service}:{region}:{SIT.account}:{resource}"


def record(name: str, action: str, kind: str = "A") -> dict[str, Any]:
    context = {"NormalizedRecordNames": name, "Actions": action, "RecordTypes": kind}
    return {f"{RECORDS}{key}": (value,) for key, value in context.items()}


SYSTEM, POINT = arn("elasticfilesystem", "file-system/fs-1"), arn("elasticfilesystem", "access-point/fsap-1")
DEFINITION, TASK = arn("ecs", "task-definition/sit-tenant-1:3"), arn("ecs", "task/sit-cluster/1")
CLUSTER = {"ecs:cluster": (arn("ecs", "cluster/sit-cluster"),)}
RUN = {"ecs:CreateAction": ("RunTask",)}
CANARY = f"canary-{STAMP}.wpdr.wpsit.kimmyai.io"
MAY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "delete a restored database": ("rds:DeleteDBInstance", arn("rds", f"db:sit-mysql-drill-{STAMP}"), {}),
    "delete what was set aside": ("rds:DeleteDBInstance", arn("rds", "db:sit-mysql-before-1a2b"), {}),
    "delete restored files": ("elasticfilesystem:DeleteFileSystem", SYSTEM, DRILLS),
    "delete an access point of a drill": ("elasticfilesystem:DeleteAccessPoint", POINT, DRILLS),
    "open restored files": ("elasticfilesystem:CreateAccessPoint", SYSTEM, DRILLS | TRIALS),
    "mark files that bear no name": ("elasticfilesystem:TagResource", SYSTEM, TRIALS),
    "mark restored files again": ("elasticfilesystem:TagResource", SYSTEM, TRIALS | NAMED),
    "mark an access point as it is made": ("elasticfilesystem:TagResource", POINT, TRIALS | MADE),
    "run a tenant's task": ("ecs:RunTask", DEFINITION, CLUSTER),
    "mark the task it runs": ("ecs:TagResource", TASK, TRIALS | RUN),
    "stop a drill's task": ("ecs:StopTask", TASK, DRILLS),
    "read what it said": ("logs:GetLogEvents", arn("logs", "log-group:/ecs/sit-tenant-1:log-stream:w/w/1"), {}),
}
MAY_NOT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "delete the database": ("rds:DeleteDBInstance", arn("rds", "db:sit-mysql"), {}),
    "delete another environment's": ("rds:DeleteDBInstance", arn("rds", f"db:prod-mysql-drill-{STAMP}"), {}),
    "delete the files": ("elasticfilesystem:DeleteFileSystem", SYSTEM, {"aws:ResourceTag/Name": ("sit-efs",)}),
    "delete an access point": ("elasticfilesystem:DeleteAccessPoint", POINT, {}),
    "delete a mount target": ("elasticfilesystem:DeleteMountTarget", SYSTEM, {}),
    "delete what another marked": ("elasticfilesystem:DeleteFileSystem", SYSTEM, DRILLS | ANOTHERS),
    "delete another's access point": ("elasticfilesystem:DeleteAccessPoint", POINT, DRILLS | ANOTHERS),
    "stop a tenant's task": ("ecs:StopTask", TASK, {}),
}
NOT_ALLOWED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "mark the estate's files": (
        "elasticfilesystem:TagResource",
        SYSTEM,
        TRIALS | {"aws:ResourceTag/Name": ("sit-efs",)},
    ),
    "mark another application's files": (
        "elasticfilesystem:TagResource",
        SYSTEM,
        TRIALS | {"aws:ResourceTag/Application": ("shop",)},
    ),
    "mark an access point that is there": ("elasticfilesystem:TagResource", POINT, TRIALS),
    "delete a network interface": ("ec2:DeleteNetworkInterface", arn("ec2", "network-interface/eni-1"), {}),
    "mark without a drill's tag": ("elasticfilesystem:TagResource", SYSTEM, {}),
    "open the estate's files": ("elasticfilesystem:CreateAccessPoint", SYSTEM, TRIALS),
    "run a task elsewhere": ("ecs:RunTask", DEFINITION, {"ecs:cluster": (arn("ecs", "cluster/other"),)}),
    "run another's task": ("ecs:RunTask", arn("ecs", "task-definition/prod-tenant-1:3"), CLUSTER),
    "mark a task that runs": ("ecs:TagResource", TASK, TRIALS),
    "read other logs": ("logs:GetLogEvents", arn("logs", "log-group:/aws/lambda/pay:log-stream:1"), {}),
}


@pytest.mark.parametrize("what", MAY)
def test_in_the_dr_region_it_may(what: str) -> None:
    action, resource, context = MAY[what]
    assert ALLOWED == judged(action, DR, resource, context=context)


OF_RECOVERIES = ("read what it said", "run a tenant's task")  # a planned move writes its marker by one


@pytest.mark.parametrize("what", [name for name in MAY if name not in OF_RECOVERIES])
def test_in_the_primary_region_it_may_not(what: str) -> None:
    action, resource, context = MAY[what]
    there = resource.replace(DR, PRIMARY)
    words = {judged(action, PRIMARY, there, context=context), judged(action, "x-1", resource, context=context)}
    assert words == {EXPLICIT_DENY} or (action == "ecs:TagResource" and ALLOWED not in words)


@pytest.mark.parametrize("what", MAY_NOT)
@pytest.mark.parametrize("region", [DR, PRIMARY])
def test_whatever_else_is_attached_it_may_not(what: str, region: str) -> None:
    action, resource, context = MAY_NOT[what]
    assert EXPLICIT_DENY == judged(action, region, resource.replace(DR, region), context=context)


@pytest.mark.parametrize("what", NOT_ALLOWED)
def test_nothing_lets_it(what: str) -> None:
    action, resource, context = NOT_ALLOWED[what]
    assert ALLOWED != judged(action, DR, resource, context=context)


@pytest.mark.parametrize("what", [name for name in MAY if name not in OF_RECOVERIES])
def test_the_operator_may_not(what: str) -> None:
    action, resource, context = MAY[what]
    assert ALLOWED != judged(action, DR, resource, role=IamRole.OPERATOR, context=context)


@pytest.mark.parametrize(
    ("name", "action", "kind", "word"),
    [
        (CANARY, "CREATE", "CNAME", ALLOWED),
        (CANARY, "DELETE", "CNAME", ALLOWED),
        (CANARY, "DELETE", "NS", IMPLICIT_DENY),
        ("tenant1.wpsit.kimmyai.io", "DELETE", "A", IMPLICIT_DENY),
        ("tenant1.wpsit.kimmyai.io", "UPSERT", "A", ALLOWED),
        (f"canary-{STAMP}.wpdr.wp.kimmyai.io", "DELETE", "A", IMPLICIT_DENY),
    ],
)
def test_of_the_records_it_deletes_the_canarys_alone(name: str, action: str, kind: str, word: str) -> None:
    context = record(name, action, kind)
    assert word == judged(RECORDS, GLOBAL, "arn:aws:route53:::hostedzone/Z1", context=context)
    operators = judged(RECORDS, GLOBAL, "arn:aws:route53:::hostedzone/Z1", role=IamRole.OPERATOR, context=context)
    assert (operators == ALLOWED) is (action == "UPSERT")


def test_its_policies_are_the_operators_but_for_what_is_never_done() -> None:
    operator, drill = HELD[IamRole.OPERATOR], HELD[IamRole.DRILL]
    assert {"sit-dr-operator-never", "sit-dr-operator-never-2"} == set(operator) - set(drill)
    assert {"sit-dr-drill-act", "sit-dr-drill-never", "sit-dr-drill-never-2"} == set(drill) - set(operator)
    assert any(HOME in name for name in drill), "a full drill comes home"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_environment_denies_the_same_beyond_the_drill(name: str) -> None:
    env = ENVIRONMENTS[name]
    documents = [d for p, d in policies(env, declared_operations())[IamRole.DRILL].items() if "-drill-never" in p]
    never = {"Statement": [statement for document in documents for statement in document["Statement"]]}
    of_operators = policies(env, declared_operations())[acting_role(env)][f"{name}-dr-operator-never"]
    statements = [statement for statement in of_operators["Statement"] if statement["Sid"] != "NeverDelete"]
    if env.holds_full_drills:  # the drill role may pass the role of the document by which AWS holds a drill
        (hand_on,) = [row for row in statements if row["Sid"] == "NeverHandOn"]
        (of_drills,) = [row for row in never["Statement"] if row["Sid"] == "NeverHandOn"]
        assert {*hand_on["Resource"]} - {*of_drills["Resource"]} == {*scopes.automation_scope(env)[0]}
        statements.remove(hand_on)
    assert statements == [statement for statement in never["Statement"] if statement in statements]
    denied = {action for statement in never["Statement"] for action in statement.get("Action", ())}
    assert set(FORBIDDEN) <= denied


def test_what_drills_alone_send_is_what_the_role_is_for() -> None:
    wanted = {action for name in declared_operations().drills for action in actions_of(name)} - {"iam:PassRole"}
    assert {"ecs:StopTask", "elasticfilesystem:DeleteFileSystem", "rds:DeleteDBInstance"} <= wanted
    assert set() == wanted - set(DRILLING)
