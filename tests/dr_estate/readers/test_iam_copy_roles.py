"""The role that jobs of S3 Batch Replication take is asked about where one is named, on the very buckets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side
from dr_estate.readers import backup, backup_plan, iam_copy_roles, kms, s3, store_policies
from dr_estate.readers.iam_copy_roles import JOBS, CopyRole, JobRole
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import with_part, with_rows
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

ROLE = f"arn:aws:iam::{SIT.account}:role/sit-s3-batch"
ENV = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"objects_batch_role": ROLE})})
WANTED = ["s3:GetReplicationConfiguration", "s3:InitiateReplication", "s3:PutInventoryConfiguration"]
MADE = datetime(2026, 2, 23, 9, tzinfo=UTC)
COPY = s3.data_pairs(ENV)[0][1]
TAKES = "backup:CopyFromBackupVault"
TAKES_NONE = {"Effect": "Deny", "Principal": "*", "Action": TAKES, "Resource": "*"}


def estate() -> Snapshot:
    """The healthy estate, in which objects arrive under no key of their own."""
    return with_part(healthy(), kms.replica_keys, Side.DR, ())


def answers(service: str = JOBS, denied: Sequence[str] = ()) -> dict[str, Any]:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}

    def simulated(**params: Any) -> dict[str, Any]:
        decisions = {action: "implicitDeny" if action in denied else "allowed" for action in params["ActionNames"]}
        rows = [{"EvalActionName": action, "EvalDecision": decision} for action, decision in decisions.items()]
        return {"EvaluationResults": rows}

    named = {"Path": "/", "RoleName": "sit-s3-batch", "RoleId": "AROA" + 16 * "A", "Arn": ROLE, "CreateDate": MADE}
    return {
        "get_role": {"Role": {**named, "AssumeRolePolicyDocument": trust}},
        "simulate_principal_policy": simulated,
    }


def role(given: dict[str, Any], upon: Snapshot | None = None, env: Environment = ENV, copy: str = COPY) -> CopyRole:
    found = read(iam_copy_roles.job_roles, Side.GLOBAL, given, upon or estate(), env)
    (of_copy,) = (row.role for row in found if isinstance(row, JobRole) and row.copy == copy)
    return of_copy


def test_where_no_role_is_named_nothing_is_asked() -> None:
    assert () == read(iam_copy_roles.job_roles, Side.GLOBAL, {}, estate())


def test_a_capable_role_has_the_trust_and_each_action_of_a_manifest() -> None:
    found = role(answers())
    assert (ROLE, JOBS, True, True) == (found.arn, found.service, found.exists, found.trusted)
    assert dict.fromkeys(WANTED, "allowed") == {decision.action: decision.decision for decision in found.decisions}


def test_another_services_role_is_not_trusted() -> None:
    assert role(answers(service="s3.amazonaws.com")).trusted is False


@pytest.mark.parametrize("action", WANTED)
def test_what_the_role_may_not_is_named(action: str) -> None:
    decisions = {decision.action: decision.decision for decision in role(answers(denied=[action])).decisions}
    assert {name: "implicitDeny" if name == action else "allowed" for name in WANTED} == decisions


def test_a_denial_by_the_policy_of_a_bucket_copy_is_named_with_the_bucket() -> None:
    on = f"arn:aws:s3:::{COPY}/*"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:InitiateReplication", "Resource": on}
    policy = json.dumps({"Statement": [deny]})
    closed = with_rows(estate(), s3.buckets, Side.DR, lambda row: row.name == COPY, policy=policy)
    (denied,) = (decision for decision in role(answers(), closed).decisions if decision.decision != "allowed")
    assert ("s3:InitiateReplication", f"arn:aws:s3:::{COPY}/any, by its own policy") == (denied.action, denied.on)
    another = role(answers(), closed, copy=s3.data_pairs(ENV)[1][1])
    assert {"allowed"} == {decision.decision for decision in another.decisions}, "one bucket's deny is no other's"


@pytest.mark.parametrize(
    ("effect", "opened", "decision"),
    [("Allow", COPY, "allowed"), ("Allow", "another", "implicitDeny"), ("Deny", COPY, "explicitDeny")],
)
def test_what_iam_does_not_allow_is_opened_by_the_buckets_own_policy_alone(
    effect: str, opened: str, decision: str
) -> None:
    """Within an account an allow of either is enough, and a deny of either wins."""
    action, on = "s3:InitiateReplication", f"arn:aws:s3:::{opened}/*"
    policy = json.dumps(
        {"Statement": [{"Effect": effect, "Principal": {"AWS": ROLE}, "Action": action, "Resource": on}]}
    )
    upon = with_rows(estate(), s3.buckets, Side.DR, lambda row: row.name == COPY, policy=policy)
    found = {row.action: row.decision for row in role(answers(denied=[action]), upon).decisions}
    assert {name: decision if name == action else "allowed" for name in WANTED} == found


def test_a_bucket_that_is_not_seen_stays_unseen_beside_the_role() -> None:
    rows = tuple(
        DENIED if isinstance(row, s3.Bucket) and row.name == COPY else row for row in estate().get(s3.buckets, Side.DR)
    )
    found = read(iam_copy_roles.job_roles, Side.GLOBAL, answers(), with_part(estate(), s3.buckets, Side.DR, rows), ENV)
    assert DENIED in found
    seen = [row for row in found if isinstance(row, JobRole)]
    assert ([True], {COPY}) == ([row.role.exists for row in seen][:1], {COPY} - {row.copy for row in seen})


@pytest.mark.parametrize("policy", ["", json.dumps({"Statement": [TAKES_NONE]})])
def test_a_denial_by_the_primary_vault_of_copies_is_named(policy: str) -> None:
    """Both vaults answer with this policy, which is about taking backups out alone."""
    allowed = {"EvaluationResults": [{"EvalActionName": TAKES, "EvalDecision": "allowed"}]}
    given = {**answers("backup.amazonaws.com"), "simulate_principal_policy": allowed}
    given |= {"get_backup_vault_access_policy": {"Policy": policy}}
    found = [row for row in read(iam_copy_roles.roles, Side.GLOBAL, given, estate()) if isinstance(row, CopyRole)]
    denied = [d for row in found for d in row.decisions if d.action == TAKES and d.decision != "allowed"]
    assert [d.on.endswith("by its own policy") for d in denied] == ([True] if policy else [])


@pytest.mark.parametrize("effect", ["Deny", "Allow"])
def test_a_denial_by_a_replicated_bucket_of_its_rule_role_is_named(effect: str) -> None:
    seen, (original, copy) = estate(), s3.data_pairs(ENV)[0]
    action, on = "s3:GetObjectVersionForReplication", f"arn:aws:s3:::{original}/*"
    policy = json.dumps({"Statement": [{"Effect": effect, "Principal": "*", "Action": action, "Resource": on}]})
    rules = (s3.BucketReplicationRule("all", True, copy, True, False, False, True, False, ""),)
    seen = with_rows(seen, s3.buckets, Side.PRIMARY, lambda row: row.name == original, rules=rules, role=ROLE)
    seen = with_rows(seen, store_policies.policies, Side.PRIMARY, lambda row: row.name == original, text=policy)
    found = _taken(seen)[1]
    denied = {d.on for row in found if isinstance(row, CopyRole) for d in row.decisions if d.decision != "allowed"}
    assert denied == ({f"arn:aws:s3:::{original}/any, by its own policy"} if effect == "Deny" else set())


def _taken(upon: Snapshot) -> tuple[list[tuple[str, str]], tuple[Any, ...]]:
    """What each role is asked about taking out of the vault, as (role, point), and all rows."""
    requests: list[tuple[str, str]] = []

    def simulated(**params: Any) -> dict[str, Any]:
        if TAKES in params["ActionNames"]:
            requests.extend((params["PolicySourceArn"], on) for on in params["ResourceArns"])
        return {"EvaluationResults": [{"EvalActionName": a, "EvalDecision": "allowed"} for a in params["ActionNames"]]}

    given = {**answers("backup.amazonaws.com"), "simulate_principal_policy": simulated}
    found = read(iam_copy_roles.roles, Side.GLOBAL, {**given, "get_backup_vault_access_policy": {"Policy": ""}}, upon)
    return requests, found


def test_points_that_are_not_seen_hide_no_other_right_of_a_role() -> None:
    _, found = _taken(with_part(estate(), backup.recovery_points, Side.PRIMARY, DENIED))
    assert DENIED in found
    assert {"backup:CopyIntoBackupVault"} == {
        d.action for row in found if isinstance(row, CopyRole) for d in row.decisions
    }


def test_a_role_is_asked_about_points_that_it_made() -> None:
    plans = estate().get(backup_plan.plans, Side.PRIMARY)
    selection = plans[0].selections[0]
    others = tuple(replace(selection, name=name, role=f"arn:aws:iam::1:role/{name}") for name in ("files", "tables"))
    points = estate().get(backup.recovery_points, Side.PRIMARY)[:1]
    points_of = tuple(
        replace(points[0], arn=f"arn:{name}", resource_type=name, role=f"arn:aws:iam::1:role/{name}")
        for name in ("files", "tables")
    )
    upon = with_part(estate(), backup_plan.plans, Side.PRIMARY, (replace(plans[0], selections=others),))
    requests, _ = _taken(with_part(upon, backup.recovery_points, Side.PRIMARY, points_of))
    assert sorted(requests) == [(f"arn:aws:iam::1:role/{name}", f"arn:{name}") for name in ("files", "tables")]


def test_of_a_copy_without_a_role_that_of_the_backup_plan_restores() -> None:
    (own,) = {row.role for plan in estate().get(backup_plan.plans, Side.PRIMARY) for row in plan.selections}
    upon = with_rows(estate(), backup.recovery_points, Side.DR, lambda row: row.resource_type == "EFS", role="")
    given = {**answers("backup.amazonaws.com"), "get_backup_vault_access_policy": {"Policy": ""}}
    for seen, role in ((upon, own), (with_part(upon, backup_plan.plans, Side.PRIMARY, DENIED), "AWSBackupDefault")):
        found = read(iam_copy_roles.restore_roles, Side.GLOBAL, given, seen)
        assert [True] == [role in row.arn for row in found if isinstance(row, CopyRole)]


def test_a_key_of_copies_is_asked_for_as_s3_does_in_the_name_of_the_role() -> None:
    """The policy of S3's own guide lets the role use the key through S3 alone."""
    seen, original = estate(), s3.data_pairs(ENV)[0][0]
    key = next(row.arn for row in seen.get(kms.keys, Side.DR) if isinstance(row, kms.KmsKey) and row.arn)
    rule = s3.BucketReplicationRule("all", True, COPY, True, False, False, True, True, key)
    upon = with_rows(seen, s3.buckets, Side.PRIMARY, lambda row: row.name == original, rules=(rule,), role=ROLE)
    calls: list[dict[str, Any]] = []

    def simulated(**params: Any) -> dict[str, Any]:
        calls.append(params)
        return {"EvaluationResults": []}

    given = answers("s3.amazonaws.com") | {"simulate_principal_policy": simulated}
    given |= {"get_backup_vault_access_policy": {"Policy": ""}}
    read(iam_copy_roles.roles, Side.GLOBAL, given, upon, ENV)
    (call,) = (call for call in calls if call["ActionNames"] == ["kms:Encrypt"])
    known = {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in call["ContextEntries"]}
    assert known["kms:ViaService"] == ["s3.eu-west-1.amazonaws.com"]
    assert known["aws:ResourceAccount"] == [ENV.account]


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_a_denial_by_the_key_of_objects_or_copies_alone_is_named(side: Side) -> None:
    seen, (original, copy) = estate(), s3.data_pairs(ENV)[0]
    deny = {"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "kms:*", "Resource": "*"}
    admit = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}

    def key(of: Side) -> kms.KmsKey:
        arn = f"arn:aws:kms:{ENV.region(of)}:{ENV.account}:key/of-objects"
        policy = json.dumps({"Statement": [admit, *([deny] if of is side else [])]})
        return kms.KmsKey(arn, arn, "Enabled", ("objects",), "", (), None, (kms.ACCOUNT,), policy)

    rule = s3.BucketReplicationRule("all", True, copy, True, False, False, True, True, key(Side.DR).arn)
    changes: dict[str, Any] = {"rules": (rule,), "role": ROLE, "key": key(Side.PRIMARY).arn}
    seen = with_rows(seen, s3.buckets, Side.PRIMARY, lambda row: row.name == original, **changes)
    seen = with_part(seen, kms.keys, Side.PRIMARY, (*seen.get(kms.keys, Side.PRIMARY), key(Side.PRIMARY)))
    seen = with_part(seen, kms.replica_keys, Side.DR, (key(Side.DR),))
    denied = {
        (d.action, d.on)
        for row in _taken(seen)[1]
        if isinstance(row, CopyRole)
        for d in row.decisions
        if d.decision != "allowed"
    }
    action = "kms:Decrypt" if side is Side.PRIMARY else "kms:Encrypt"
    assert denied == {(action, f"{key(side).arn}, by its own policy")}


@pytest.mark.parametrize("doubtful", [0, -1])
def test_an_unknown_key_hides_no_certain_denial(doubtful: int) -> None:
    """Of the points that a role takes out of the vault, one is judged upon a tag of it."""

    def simulated(**params: Any) -> dict[str, Any]:
        resources = sorted(params["ResourceArns"])
        rows = [
            {
                "EvalResourceName": on,
                "EvalResourceDecision": "implicitDeny",
                "MissingContextValues": ["aws:ResourceTag/team"] if on == resources[doubtful] else [],
            }
            for on in resources
        ]
        found = {"EvalDecision": "implicitDeny", "ResourceSpecificResults": rows}
        return {"EvaluationResults": [{"EvalActionName": action, **found} for action in params["ActionNames"]]}

    given = {**answers("backup.amazonaws.com"), "simulate_principal_policy": simulated}
    given |= {"get_backup_vault_access_policy": {"Policy": ""}}
    points = estate().get(backup.recovery_points, Side.PRIMARY)[:1]
    both = tuple(replace(points[0], arn=f"arn:{name}", resource_type=name, role="") for name in ("files", "tables"))
    upon = with_part(estate(), backup.recovery_points, Side.PRIMARY, both)
    found = [row for row in read(iam_copy_roles.roles, Side.GLOBAL, given, upon) if isinstance(row, CopyRole)]
    (missing,) = {d.missing for row in found for d in row.decisions if d.action == TAKES}
    assert missing == ()


@pytest.mark.parametrize("action", ["rds:CreateDBSnapshot", "elasticfilesystem:Backup"])
def test_a_role_is_asked_whether_it_may_back_up_what_it_has_backed_up(action: str) -> None:
    stores = {"RDS": "arn:aws:rds:af-south-1:1:db:sit-mysql", "EFS": "arn:aws:elasticfilesystem:af-south-1:1:fs-1"}
    points = estate().get(backup.recovery_points, Side.PRIMARY)[:1]
    both = tuple(replace(points[0], arn=arn, resource_arn=arn, resource_type=kind) for kind, arn in stores.items())
    given = {**answers("backup.amazonaws.com", [action]), "get_backup_vault_access_policy": {"Policy": ""}}
    upon = with_part(estate(), backup.recovery_points, Side.PRIMARY, tuple(replace(row, role="") for row in both))
    found = [row for row in read(iam_copy_roles.roles, Side.GLOBAL, given, upon) if isinstance(row, CopyRole)]
    assert {action} == {d.action for row in found for d in row.decisions if d.decision != "allowed"}
