"""What tasks may do with the keys of bucket copies is judged by IAM and by the keys' own policies together."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.readers import ecs, iam_key_roles, iam_store_roles, kms, s3
from dr_estate.readers.iam_key_roles import READ, WRITE
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.readers.kms import KmsKey
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import with_part, with_rows
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

BUCKET, COPY = s3.data_pairs(SIT)[0]
ROLE = f"arn:aws:iam::{SIT.account}:role/task"
ROOT = f"arn:aws:iam::{SIT.account}:root"
KEYS = {side: f"arn:aws:kms:{SIT.region(side)}:{SIT.account}:key/{side}" for side in (Side.PRIMARY, Side.DR)}
REPLICA = f"arn:aws:kms:{SIT.regions.dr}:{SIT.account}:key/replica"


def _policy(who: str, effect: str = "Allow", **condition: Any) -> str:
    statement = {"Effect": effect, "Principal": {"AWS": who}, "Action": "kms:*", "Resource": "*", **condition}
    return json.dumps({"Statement": [statement]})


def _key(arn: str, policy: str) -> KmsKey:
    return KmsKey(arn, arn, "Enabled", ("objects",), "", (), None, ("the account",), policy)


def _estate(policy: str, source_policy: str = "", replica: str = "") -> Snapshot:
    """The first bucket's copy is encrypted under a key with this policy; its source too where one is given."""
    used = [(action, f"arn:aws:s3:::{BUCKET}/any") for action in ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")]
    rights = tuple(StoreRight(action, on, f"arn:aws:s3:::{COPY}/any", "allowed") for action, on in used)
    seen = with_part(healthy(), iam_store_roles.rights, Side.GLOBAL, (StoreRole(ROLE, ROLE, rights),))
    seen = with_part(seen, kms.keys, Side.DR, (_key(KEYS[Side.DR], policy),))
    seen = with_part(seen, kms.replica_keys, Side.DR, (_key(REPLICA, replica),) if replica else ())
    rule = s3.BucketReplicationRule("all", True, COPY, True, False, False, True, True, REPLICA)
    rules = (rule,) if replica else ()
    seen = with_rows(seen, s3.buckets, Side.PRIMARY, lambda row: row.name == BUCKET, rules=rules)
    if source_policy:
        seen = with_part(seen, kms.keys, Side.PRIMARY, (_key(KEYS[Side.PRIMARY], source_policy),))
        seen = with_rows(seen, s3.buckets, Side.PRIMARY, lambda row: row.name == BUCKET, key=KEYS[Side.PRIMARY])
    return with_rows(seen, s3.buckets, Side.DR, lambda row: row.name == COPY, key=KEYS[Side.DR])


def _rights(upon: Snapshot, word: str = "allowed", **found: Any) -> dict[tuple[str, str], StoreRight]:
    """The role's rights by action and key, where IAM says ``word`` of every key."""

    def simulated(**params: Any) -> dict[str, Any]:
        rows = [{"EvalResourceName": on, "EvalResourceDecision": word, **found} for on in params["ResourceArns"]]
        results = {"EvalDecision": word, "ResourceSpecificResults": rows}
        return {"EvaluationResults": [{"EvalActionName": action, **results} for action in params["ActionNames"]]}

    rows = read(iam_key_roles.rights, Side.GLOBAL, {"simulate_principal_policy": simulated}, upon)
    return {(right.action, right.copy): right for row in rows if isinstance(row, StoreRole) for right in row.rights}


@pytest.mark.parametrize(
    ("policy", "word", "decision"),
    [
        (_policy(ROOT), "allowed", "allowed"),
        (_policy(ROOT), "implicitDeny", "implicitDeny"),
        (_policy(ROLE), "implicitDeny", "allowed"),
        (_policy(ROLE), "explicitDeny", "explicitDeny"),
        (_policy(ROLE, "Deny"), "allowed", "explicitDeny"),
        (_policy("arn:aws:iam::1:role/another"), "allowed", "implicitDeny"),
    ],
)
def test_iam_and_the_policy_of_the_key_decide_together(policy: str, word: str, decision: str) -> None:
    found = _rights(_estate(policy), word)
    assert {name: right.decision for name, right in found.items()} == {
        (READ, KEYS[Side.DR]): decision,
        (WRITE, KEYS[Side.DR]): decision,
    }


def test_a_boundary_is_not_passed_over_by_the_key() -> None:
    bounded = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}}
    found = _rights(_estate(_policy(ROLE)), "implicitDeny", **bounded)
    assert {(right.decision, right.bounded) for right in found.values()} == {("implicitDeny", True)}


@pytest.mark.parametrize(("who", "word"), [(ROOT, "allowed"), (ROLE, "allowed"), (ROLE, "implicitDeny")])
def test_what_hangs_on_a_condition_of_the_key_is_not_known(who: str, word: str) -> None:
    hangs = _policy(who, Condition={"StringEquals": {"aws:PrincipalTag/team": "web"}})
    assert {right.is_doubtful for right in _rights(_estate(hangs), word).values()} == {True}


def test_a_source_key_usable_today_must_be_usable_for_the_copy() -> None:
    hangs = _policy(ROOT, Condition={"StringEquals": {"aws:PrincipalTag/team": "web"}})
    closed = _policy("arn:aws:iam::1:role/another")
    assert {right.decision for right in _rights(_estate(closed, source_policy=hangs)).values()} == {"implicitDeny"}


def test_a_copy_that_is_not_seen_hides_no_key_of_the_others() -> None:
    seen = _estate(_policy(ROOT))
    rows = (*seen.get(s3.buckets, Side.DR)[:-1], DENIED)
    seen = with_part(seen, s3.buckets, Side.DR, rows)
    assert len(_rights(seen)) == 2
    closed = with_part(seen, s3.buckets, Side.DR, (DENIED,))
    assert read(iam_key_roles.rights, Side.GLOBAL, {}, closed) == (DENIED,)


def test_a_role_without_the_source_key_today_needs_none_for_the_copy() -> None:
    closed = _policy("arn:aws:iam::1:role/another")
    assert _rights(_estate(closed, source_policy=closed)) == {}
    assert len(_rights(_estate(closed, source_policy=_policy(ROOT)))) == 2


def test_objects_under_another_key_are_read_with_it_and_not_written() -> None:
    found = _rights(_estate(_policy(ROOT), replica=_policy(ROOT)))
    assert set(found) == {(READ, KEYS[Side.DR]), (WRITE, KEYS[Side.DR]), (READ, REPLICA)}


@pytest.mark.parametrize("keys", [(DENIED,), (replace(_key(KEYS[Side.DR], ""), admits=DENIED),)])
def test_a_key_that_is_not_seen_or_whose_policy_is_not_is_unknown(keys: tuple[Any, ...]) -> None:
    seen = with_part(_estate(_policy(ROOT)), kms.keys, Side.DR, keys)
    assert read(iam_key_roles.rights, Side.GLOBAL, {}, seen) == (DENIED,)


def test_where_no_copy_has_a_customers_key_nobody_is_asked() -> None:
    seen = with_rows(healthy(), s3.buckets, Side.DR, key="")
    assert read(iam_key_roles.rights, Side.GLOBAL, {}, with_part(seen, kms.replica_keys, Side.DR, ())) == ()


def test_a_primary_region_that_is_not_seen_hides_no_key_of_the_copies() -> None:
    seen = _estate(_policy("arn:aws:iam::1:role/another"))
    for part in (s3.buckets, kms.keys, ecs.task_definitions):
        seen = with_part(seen, part, Side.PRIMARY, DENIED)
    assert {right.decision for right in _rights(seen).values()} == {"implicitDeny"}
