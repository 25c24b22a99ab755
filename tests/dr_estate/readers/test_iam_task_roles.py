"""What is known of a task's requests is handed to IAM's simulator: a condition upon it is met there as on the day."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.readers import ecs, iam_task_roles, kms, secret_policies, secretsmanager, task_sources, vpc
from dr_estate.readers.iam_task_roles import TaskRole
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import with_part, with_rows
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
ROLE = {"Path": "/", "RoleName": "r", "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": "arn:aws:iam::123456789012:role/r"}


def _denied(action: str, _resources: list[str]) -> dict[str, Any]:
    return {"EvalActionName": action, "EvalDecision": "implicitDeny"}


def _asked(
    upon: Snapshot | None = None,
    judged: Callable[[str, list[str]], dict[str, Any]] = _denied,
    policies: tuple[secret_policies.SecretPolicy, ...] = (),
) -> tuple[list[dict[str, Any]], list[TaskRole]]:
    calls: list[dict[str, Any]] = []

    def simulated(**params: Any) -> dict[str, Any]:
        calls.append(params)
        resources = params.get("ResourceArns", [])
        return {"EvaluationResults": [judged(action, resources) for action in params["ActionNames"]]}

    role = {"Role": {**ROLE, "CreateDate": "2026-01-01T00:00:00Z", "AssumeRolePolicyDocument": TRUST}}
    answers = {"simulate_principal_policy": simulated, "get_role": role}
    seen = with_part(upon or healthy(), secret_policies.policies, Side.DR, policies)
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


def test_the_condition_key_of_s3_alone_is_in_no_request_to_another_service() -> None:
    calls, _ = _asked()
    assert not [call["ActionNames"] for call in calls if "s3:ResourceAccount" in _known(call)]


def test_tags_common_to_all_secrets_alone_are_given_to_the_simulator() -> None:
    seen, env = healthy(), ("Environment", "sit")
    rows = seen.get(secretsmanager.secrets, Side.DR)
    tagged = tuple(replace(row, tags=(env, ("Tenant", str(number)))) for number, row in enumerate(rows))
    calls, _ = _asked(with_part(seen, secretsmanager.secrets, Side.DR, tagged))
    requests = [_known(call) for call in calls if call["ActionNames"] == ["secretsmanager:GetSecretValue"]]
    assert requests
    for known in requests:
        assert known["aws:ResourceTag/Environment"] == known["secretsmanager:ResourceTag/Environment"] == ["sit"]
        assert "aws:ResourceTag/Tenant" not in known


def test_what_was_asked_on_is_named_without_what_is_always_so() -> None:
    _, roles = _asked()
    on = {decision.on for role in roles for decision in role.decisions if decision.decision != "allowed"}
    assert on
    assert all("aws:Secure" not in text and "Account=" not in text for text in on)


def _of_two_roles() -> tuple[Snapshot, str]:
    """One tenant's role reads a secret, the other's a parameter, both encrypted by one key; and the key."""
    seen = healthy()
    first, second = (row for row in seen.get(ecs.task_definitions, Side.DR) if isinstance(row, ecs.TaskDefinition))
    key = next(row.key for row in seen.get(secretsmanager.secrets, Side.DR) if row.key)
    of_parameter = replace(second.containers[0], secrets=(("PASSWORD", "/sit/password"),))
    second = replace(second, execution_role="arn:aws:iam::123456789012:role/second", containers=(of_parameter,))
    known = replace(seen.get(task_sources.sources, Side.DR), parameters=("/sit/password",))
    seen = with_part(seen, ecs.task_definitions, Side.DR, (first, second))
    return with_part(seen, task_sources.sources, Side.DR, replace(known, keys=(("/sit/password", key),))), key


def test_a_key_is_asked_for_a_role_as_its_own_tasks_need_it() -> None:
    upon, key = _of_two_roles()
    calls, _ = _asked(upon)
    via = {
        (call["PolicySourceArn"].rpartition("/")[2], *_known(call)["kms:ViaService"])
        for call in calls
        if key in call.get("ResourceArns", ())
    }
    assert via == {
        ("sit-ecs-execution-role", "secretsmanager.eu-west-1.amazonaws.com"),
        ("second", "ssm.eu-west-1.amazonaws.com"),
    }


def test_a_keys_policy_is_asked_as_the_roles_own_tasks_need_it() -> None:
    """It lets the first tenant's role in through Secrets Manager alone, which is how its tasks ask."""
    upon, key = _of_two_roles()
    through = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    rows = upon.get(ecs.task_definitions, Side.DR)
    first = next(row.execution_role for row in rows if isinstance(row, ecs.TaskDefinition))
    admits = {"Effect": "Allow", "Principal": {"AWS": first}, "Action": "kms:Decrypt", "Resource": "*"}
    policy = json.dumps({"Statement": [{**admits, "Condition": through}]})
    _, roles = _asked(with_rows(upon, kms.keys, Side.DR, lambda row: row.ref == key, policy=policy))
    found = {role.arn: [d.decision for d in role.decisions if d.action == "kms:Decrypt"] for role in roles}
    assert found[first] == ["allowed"]


def test_what_a_boundary_does_not_allow_is_opened_by_no_policy_of_a_key() -> None:
    """A grant to a role's ARN does not pass over the role's boundary, as one to a session would."""
    upon, key = _of_two_roles()
    admits = {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    policy = json.dumps({"Statement": [admits]})

    def judged(action: str, _: list[str]) -> dict[str, Any]:
        boundary = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}}
        return {"EvalActionName": action, "EvalDecision": "implicitDeny", **boundary}

    _, roles = _asked(with_rows(upon, kms.keys, Side.DR, lambda row: row.ref == key, policy=policy), judged)
    decrypts = {d.decision for role in roles for d in role.decisions if d.action == "kms:Decrypt"}
    assert decrypts == {"implicitDeny"}


def test_a_secret_opened_by_its_own_policy_asks_no_policy_of_the_others() -> None:
    action = "secretsmanager:GetSecretValue"
    calls, (role, *_) = _asked()
    first, second = next(call["ResourceArns"] for call in calls if call["ActionNames"] == [action])[:2]

    def judged(action: str, resources: list[str]) -> dict[str, Any]:
        decisions = {arn: "implicitDeny" if arn == second else "allowed" for arn in resources}
        rows = [{"EvalResourceName": arn, "EvalResourceDecision": decision} for arn, decision in decisions.items()]
        return {"EvalActionName": action, "EvalDecision": "implicitDeny", "ResourceSpecificResults": rows}

    def decision_with_policy_on(secret: str) -> str:
        admits = {"Effect": "Allow", "Principal": {"AWS": role.arn}, "Action": action, "Resource": "*"}
        policy = secret_policies.SecretPolicy(secret, json.dumps({"Statement": [admits]}))
        _, (found, *_) = _asked(None, judged, (policy,))
        return next(decision.decision for decision in found.decisions if decision.action == action)

    assert (decision_with_policy_on(second), decision_with_policy_on(first)) == ("allowed", "implicitDeny")


@pytest.mark.parametrize("uncertain", ["first", "last"])
def test_an_unknown_key_hides_no_certain_denial(uncertain: str) -> None:
    def judged(action: str, resources: list[str]) -> dict[str, Any]:
        doubtful = {sorted(resources)[0 if uncertain == "first" else -1]} if len(resources) > 1 else set()
        rows = [
            {
                "EvalResourceName": on,
                "EvalResourceDecision": "implicitDeny",
                "MissingContextValues": ["aws:ResourceTag/team"] if on in doubtful else [],
            }
            for on in resources
        ]
        return {"EvalActionName": action, "EvalDecision": "implicitDeny", "ResourceSpecificResults": rows}

    _, roles = _asked(judged=judged)
    (missing,) = {d.missing for role in roles for d in role.decisions if d.action == "secretsmanager:GetSecretValue"}
    assert missing == ()


def test_a_future_end_of_a_key_policy_is_read_and_others_are_not() -> None:
    known = healthy()
    ends: dict[str, list[Any]] = {}
    for date in ("2020-01-01", (known.taken_at + timedelta(days=3)).strftime("%Y-%m-%d"), "2099-01-01"):
        condition = {"DateGreaterThan": {"aws:CurrentTime": date}}
        rows = [
            {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition},
        ]
        policy = json.dumps({"Statement": rows})
        _, roles = _asked(with_rows(known, kms.keys, Side.DR, policy=policy))
        ends[date] = [ending.at for role in roles for ending in role.ends]
    (past, soon, never) = ends.values()
    assert (past, never) == ([], [])
    assert soon
    assert {moment - known.taken_at < timedelta(days=4) for moment in soon} == {True}


def test_the_end_of_what_a_key_policy_alone_opens_is_read() -> None:
    """IAM allows nothing; the key's policy admits everybody until a date, and the account after it."""
    upon, key = _of_two_roles()
    date = (upon.taken_at + timedelta(days=3)).strftime("%Y-%m-%d")
    rows = upon.get(ecs.task_definitions, Side.DR)
    role = {"AWS": [row.execution_role for row in rows if isinstance(row, ecs.TaskDefinition)]}
    admits = {"Effect": "Allow", "Principal": role, "Action": "kms:Decrypt", "Resource": "*"}
    until = {**admits, "Condition": {"DateLessThan": {"aws:CurrentTime": date}}}
    account = {**admits, "Principal": {"AWS": f"arn:aws:iam::{SIT.account}:root"}}
    policy = json.dumps({"Statement": [until, account]})
    _, roles = _asked(with_rows(upon, kms.keys, Side.DR, lambda row: row.ref == key, policy=policy))
    assert {(ending.at.strftime("%Y-%m-%d"), ending.resource) for role in roles for ending in role.ends} == {
        (date, key)
    }


ENDPOINT = vpc.VpcEndpoint("secretsmanager", "Interface", "available", "vpce-d")
NETWORK = vpc.Vpc("vpc-d", "available", "", False, ())


def _kept_out(condition: dict[str, Any], *endpoints: vpc.VpcEndpoint, addresses: tuple[str, ...] = ()) -> set[str]:
    """How reading a secret comes out, whose policy denies it upon this condition; IAM allows all."""
    gateway = vpc.NatGateway("nat-1", "available", "subnet-1", True, addresses)
    seen = healthy()
    for reader, value in ((vpc.endpoints, endpoints), (vpc.nat_gateways, (gateway,)), (vpc.vpc, NETWORK)):
        seen = with_part(seen, reader, Side.DR, value)
    denies = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Condition": condition}
    text = json.dumps({"Statement": [denies]})
    secrets = seen.get(task_sources.sources, Side.DR).secrets
    policies = tuple(secret_policies.SecretPolicy(arn, text) for arn in secrets)

    def allowed(action: str, resources: list[str]) -> dict[str, Any]:
        specific = [{"EvalResourceName": arn, "EvalResourceDecision": "allowed"} for arn in resources]
        return {"EvalActionName": action, "EvalDecision": "allowed", "ResourceSpecificResults": specific}

    _, roles = _asked(seen, allowed, policies)
    found = [row for role in roles for row in role.decisions if row.action == "secretsmanager:GetSecretValue"]
    return {"undecided" if row.is_doubtful else row.decision for row in found}


@pytest.mark.parametrize(
    ("condition", "endpoints", "addresses", "expected"),
    [
        ({"StringNotEquals": {"aws:SourceVpce": "vpce-p"}}, (ENDPOINT,), (), "explicitDeny"),
        ({"StringNotEquals": {"aws:SourceVpce": ["vpce-p", "vpce-d"]}}, (ENDPOINT,), (), "allowed"),
        ({"StringNotEquals": {"aws:SourceVpce": "vpce-d"}}, (), (), "explicitDeny"),
        ({"StringNotEquals": {"aws:SourceVpc": "vpc-p"}}, (ENDPOINT,), (), "explicitDeny"),
        ({"StringNotEquals": {"aws:SourceVpc": "vpc-d"}}, (ENDPOINT,), (), "allowed"),
        ({"NotIpAddress": {"aws:SourceIp": "198.51.100.7/32"}}, (), ("198.51.100.7",), "allowed"),
        ({"NotIpAddress": {"aws:SourceIp": "198.51.100.7/32"}}, (), ("198.51.100.9",), "explicitDeny"),
        ({"NotIpAddress": {"aws:SourceIp": "198.51.100.7/32"}}, (), (), "undecided"),
        ({"StringNotEquals": {"aws:PrincipalTag/team": "wp"}}, (), (), "undecided"),
        ({"Bool": {"aws:SecureTransport": "false"}}, (), (), "allowed"),
    ],
)
def test_a_network_condition_is_decided_by_dr_ids_and_others_are_undecided(
    condition: dict[str, Any], endpoints: tuple[vpc.VpcEndpoint, ...], addresses: tuple[str, ...], expected: str
) -> None:
    assert {expected} == _kept_out(condition, *endpoints, addresses=addresses)


@pytest.mark.parametrize(
    ("word", "within", "decision"),
    [
        ("explicitDeny", True, "explicitDeny"),
        ("implicitDeny", True, "allowed"),
        ("implicitDeny", False, "implicitDeny"),
    ],
)
def test_unguarded_files_are_closed_by_a_deny_and_a_boundary_of_the_role(
    word: str, within: bool, decision: str
) -> None:
    bound = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": within}}

    def judged(action: str, resources: list[str]) -> dict[str, Any]:
        rows = [{"EvalResourceName": arn, "EvalResourceDecision": word} | bound for arn in resources]
        return {"EvalActionName": action, "EvalDecision": word, "ResourceSpecificResults": rows}

    rows = [row for row in healthy().get(ecs.task_definitions, Side.DR) if isinstance(row, ecs.TaskDefinition)]
    signing = tuple(replace(row, volumes=tuple(replace(mount, iam=True) for mount in row.volumes)) for row in rows)
    _, roles = _asked(with_part(healthy(), ecs.task_definitions, Side.DR, signing), judged)
    decisions = {row.decision for role in roles for row in role.decisions if row.action in iam_task_roles.MOUNT}
    assert decisions == {decision}
