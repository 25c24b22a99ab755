"""What is known of a task's requests is handed to IAM's simulator: a condition upon it is met there as on the day."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import iam_task_roles, secret_policies
from dr_estate.readers.iam_task_roles import TaskRole
from tests.dr_actions.plain import with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy

TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
ROLE = {"Path": "/", "RoleName": "r", "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": "arn:aws:iam::123456789012:role/r"}


def _asked() -> tuple[list[dict[str, Any]], list[TaskRole]]:
    calls: list[dict[str, Any]] = []

    def simulated(**params: Any) -> dict[str, Any]:
        calls.append(params)
        rows = [{"EvalActionName": action, "EvalDecision": "implicitDeny"} for action in params["ActionNames"]]
        return {"EvaluationResults": rows}

    role = {"Role": {**ROLE, "CreateDate": "2026-01-01T00:00:00Z", "AssumeRolePolicyDocument": TRUST}}
    answers = {"simulate_principal_policy": simulated, "get_role": role}
    seen = with_part(healthy(), secret_policies.policies, Side.DR, ())
    found = read(iam_task_roles.roles, Side.GLOBAL, answers, seen)
    return calls, [row for row in found if isinstance(row, TaskRole)]


def _known(call: dict[str, Any]) -> dict[str, list[str]]:
    return {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in call["ContextEntries"]}


def test_a_key_is_asked_for_as_the_service_asks_for_it_in_the_roles_name() -> None:
    calls, _ = _asked()
    via = [_known(call).get("kms:ViaService") for call in calls if call["ActionNames"] == ["kms:Decrypt"]]
    assert via
    assert all(service == ["secretsmanager.eu-west-1.amazonaws.com"] for service in via)


def test_every_request_is_one_of_the_account_by_tls() -> None:
    calls, _ = _asked()
    assert all(_known(call)["aws:SecureTransport"] == ["true"] for call in calls)
    owners = {tuple(_known(call)["aws:ResourceAccount"]) for call in calls}
    assert owners == {(arn.split(":")[4],) for call in calls for arn in call.get("ResourceArns", ())}


def test_what_was_asked_on_is_named_without_what_is_always_so() -> None:
    _, roles = _asked()
    on = {decision.on for role in roles for decision in role.decisions if decision.decision != "allowed"}
    assert on
    assert all("aws:Secure" not in text and "Account=" not in text for text in on)
