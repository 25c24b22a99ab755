"""Where no full drill is allowed, the drill role makes trials and removes them, and can do no step of a recovery."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dr_actions.actions.registry import actions
from dr_actions.iam.action_names import actions_of
from dr_actions.iam.policies import HOME, IamRole, StackRole, declared_operations, policies
from dr_actions.model.plan import Goal
from dr_estate.model.playbook import DRILLING, TRYING
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest, IamPolicy, decide
from tests.dr_actions.iam.test_policies import DR, ENVIRONMENTS, PRIMARY

PROD = ENVIRONMENTS["prod"]
HELD = policies(PROD, declared_operations())
TRIALS = frozenset({Goal.RESTORE_TEST, Goal.START_TEST, Goal.CANARY, Goal.CLEAN_UP})
LOOKING_OR_NEVER = re.compile(r"-(look|never)(-\d)?$")
ROLE = f"arn:aws:iam::{PROD.account}:role/"
# What a recovery and a trial both need: the run's record, and a restore's parts. The database's name is a drill's.
SHARED = frozenset(
    {
        *("dynamodb:PutItem", "dynamodb:UpdateItem", "logs:CreateLogStream", "logs:PutLogEvents"),
        *("ecs:RunTask", "iam:PassRole", "kms:CreateGrant"),
    }
)


def decided(role: IamRole | StackRole, request: AccessRequest) -> bool:
    documents = [IamPolicy(name, json.dumps(document)) for name, document in HELD[role].items()]
    return decide(documents, request).word == ALLOWED


def asked(action: str, resource: str, region: str = DR, **context: str) -> AccessRequest:
    named = {key.replace("__", ":"): (value,) for key, value in context.items()}
    return AccessRequest(action, resource, {"aws:RequestedRegion": (region,), "aws:userid": ("AROA1:dora",), **named})


def arn(service: str, resource: str, region: str = DR) -> str:
    return f"arn:aws:{service}:{region}:{PROD.account}:{resource}"


def requests_of_a_recovery() -> Iterator[AccessRequest]:
    """One request for each action and resource that a recovery's policies allow, as their conditions want it."""
    for name, document in HELD[StackRole.RECOVERY].items():
        if not LOOKING_OR_NEVER.search(name):
            for statement in document["Statement"]:
                context = met(statement.get("Condition", {}))
                yield from (
                    AccessRequest(action, resource.replace("*", "x"), {**context, "aws:RequestedRegion": (region,)})
                    for region in (PRIMARY, DR)
                    for action in statement["Action"]
                    for resource in statement["Resource"]
                )


def met(condition: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Values that meet the condition."""
    wanted = {
        key: values
        for word, keys in condition.items()
        if word != "Null" and "Not" not in word
        for key, values in keys.items()
    }
    first = {key: values[0] if isinstance(values, list) else values for key, values in wanted.items()}
    return {"dynamodb:LeadingKeys": ("RUN#1",), **{key: (value.replace("*", "x"),) for key, value in first.items()}}


@pytest.mark.parametrize("action", ["dynamodb:PutItem", "dynamodb:UpdateItem"])
def test_a_trial_records_what_is_its_own_and_nothing_of_an_incident(action: str) -> None:
    """With a rewritten mirror, who watches a recovery would be shown a change by hand of the driller's own."""
    table = arn("dynamodb", f"table/{PROD.named(PROD.names.control_table)}")
    own = (
        *("DRILL#LOCK", "HISTORY#restore-test", "HISTORY#start-test"),
        *("JOURNAL#TRIAL-1", "RUN#TRIAL-1", "PAUSE#AROA1:dora"),
    )
    others = (
        *("LOCK", "STANDING", "HISTORY", "HISTORY#failover", "JOURNAL#INC-1", "RUN#INC-1", "JOURNAL#DRILL-1"),
        *("PAUSE#AROA2:alice", "APPROVAL#AROA1:dora", "journal#INC-1", "ASIDE#LOCK", ""),
    )
    keys = {key: decided(IamRole.DRILL, asked(action, table, dynamodb__LeadingKeys=key)) for key in (*own, *others)}
    assert keys == dict.fromkeys(own, True) | dict.fromkeys(others, False)


def test_no_request_of_a_recovery_is_allowed_but_what_a_trial_needs_too() -> None:
    recovery = [request for request in requests_of_a_recovery() if decided(StackRole.RECOVERY, request)]
    assert len(recovery) > 200
    allowed = [request for request in recovery if decided(IamRole.DRILL, request)]
    assert {request.action for request in allowed} - SHARED == {
        "rds:RestoreDBInstanceFromDBSnapshot",
        "rds:RestoreDBInstanceToPointInTime",
    }
    in_primary = [request for request in allowed if request.context["aws:RequestedRegion"] == (PRIMARY,)]
    assert [] == [request for request in in_primary if request.action != "iam:PassRole"], "that bears no region (T76)"
    assert [] == [request for request in allowed if ":db:" in str(request.resource)]


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("rds:RestoreDBInstanceToPointInTime", arn("rds", "db:prod-mysql"), {}),
        ("rds:ModifyDBInstance", arn("rds", "db:prod-mysql"), {}),
        ("rds:ModifyDBInstance", arn("rds", "db:prod-mysql-before-1a2b"), {}),
        ("rds:DeleteDBInstance", arn("rds", "db:prod-mysql-before-1a2b"), {}),
        ("rds:PromoteReadReplica", arn("rds", "db:prod-mysql"), {}),
        ("ecs:UpdateService", arn("ecs", "service/prod-cluster/prod-tenant-1-service"), {}),
        ("backup:StartRestoreJob", arn("rds", "snapshot:awsbackup:job-1"), {}),
        ("iam:PassRole", f"{ROLE}prod-dr-recovery", {"iam__PassedToService": "ecs-tasks.amazonaws.com"}),
        ("iam:PassRole", f"{ROLE}prod-dr-break-glass", {"iam__PassedToService": "ecs-tasks.amazonaws.com"}),
        ("ecs:RunTask", arn("ecs", "task-definition/dr-recovery-prod:1"), {"ecs__cluster": arn("ecs", "cluster/x")}),
        ("ssm:StartAutomationExecution", arn("ssm", "automation-definition/prod-dr-recovery:$DEFAULT"), {}),
    ],
)
def test_it_may_not(action: str, resource: str, context: dict[str, str]) -> None:
    assert not decided(IamRole.DRILL, asked(action, resource, **context))


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("rds:RestoreDBInstanceToPointInTime", arn("rds", "db:prod-mysql-drill-1"), {}),
        ("rds:ModifyDBInstance", arn("rds", "db:prod-mysql-drill-1"), {}),
        ("rds:DeleteDBInstance", arn("rds", "db:prod-mysql-drill-1"), {}),
        ("backup:StartRestoreJob", arn("backup", "recovery-point:1"), {}),
        ("iam:PassRole", f"{ROLE}prod-backup", {"iam__PassedToService": "backup.amazonaws.com"}),
    ],
)
def test_it_may_in_the_dr_region_alone(action: str, resource: str, context: dict[str, str]) -> None:
    assert decided(IamRole.DRILL, asked(action, resource, **context))
    there = decided(IamRole.DRILL, asked(action, resource.replace(DR, PRIMARY), PRIMARY, **context))
    assert there == (action == "iam:PassRole"), "that a role is passed bears no region (T76)"


def test_it_holds_the_calls_of_trial_actions_and_no_recovery_policy() -> None:
    trials = [action for action in actions().values() if action.goals & TRIALS]
    sent = {word for action in trials for name in action.writes for word in actions_of(name)}
    assert set() == sent - {*TRYING, *DRILLING}
    own = {"prod-dr-drill-act", "prod-dr-drill-act-2", "prod-dr-drill-never", "prod-dr-drill-never-2"}
    assert own | {"prod-dr-look", "prod-dr-look-2"} == set(HELD[IamRole.DRILL])
    assert any(HOME in name for name in HELD[StackRole.RECOVERY])
