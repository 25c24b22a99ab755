"""Policy documents are judged as IAM judges them: pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.moto_ext.iam.policies import AccessRequest, IamPolicy, decide

BUCKET = "arn:aws:s3:::files"


def _policy(*statements: dict[str, Any]) -> IamPolicy:
    return IamPolicy("p", json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def _allow(action: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*"} | more


def _word(action: str, *statements: dict[str, Any], resource: str | None = "*", **context: str) -> str:
    values = {key.replace("_", ":"): (value,) for key, value in context.items()}
    return decide([_policy(*statements)], AccessRequest(action, resource, values)).word


@pytest.mark.parametrize(
    ("action", "statements", "expected"),
    [
        ("s3:GetObject", [_allow("s3:Get*")], "allowed"),
        ("s3:getobject", [_allow(["ec2:*", "s3:GetObject"])], "allowed"),
        ("s3:PutObject", [_allow("s3:Get*")], "implicitDeny"),
        ("s3:GetObject", [_allow("s3:*"), _allow("s3:Get*", Effect="Deny")], "explicitDeny"),
        ("rds:DeleteDBInstance", [{"Effect": "Deny", "NotAction": "rds:Describe*", "Resource": "*"}], "explicitDeny"),
        ("rds:DescribeDBInstances", [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], "allowed"),
    ],
)
def test_actions(action: str, statements: list[dict[str, Any]], expected: str) -> None:
    assert _word(action, *statements) == expected


def test_resources() -> None:
    statement = _allow("s3:*", Resource=f"{BUCKET}/*")
    assert _word("s3:GetObject", statement, resource=f"{BUCKET}/a/b") == "allowed"
    assert _word("s3:GetObject", statement, resource=BUCKET) == "implicitDeny"
    assert _word("s3:GetObject", statement, resource="*") == "implicitDeny"
    assert _word("s3:GetObject", statement, resource=None) == "allowed"
    others = {"Effect": "Allow", "Action": "s3:*", "NotResource": BUCKET}
    assert _word("s3:ListBucket", others, resource=BUCKET) == "implicitDeny"


@pytest.mark.parametrize(
    ("condition", "region", "expected"),
    [
        ({"StringEquals": {"aws:RequestedRegion": "x-1"}}, "x-1", "allowed"),
        ({"StringEquals": {"aws:RequestedRegion": ["x-1", "x-2"]}}, "x-2", "allowed"),
        ({"StringEquals": {"aws:RequestedRegion": "x-1"}}, "x-2", "implicitDeny"),
        ({"StringNotEquals": {"aws:RequestedRegion": "x-1"}}, "x-2", "allowed"),
        ({"StringLike": {"aws:RequestedRegion": "x-*"}}, "x-9", "allowed"),
        ({"StringEqualsIfExists": {"aws:Other": "y"}}, "x-1", "allowed"),
        ({"Null": {"aws:Other": "true"}}, "x-1", "allowed"),
        ({"Bool": {"aws:SecureTransport": "true"}}, "x-1", "implicitDeny"),
    ],
)
def test_conditions(condition: dict[str, Any], region: str, expected: str) -> None:
    assert _word("ecs:RunTask", _allow("ecs:*", Condition=condition), aws_RequestedRegion=region) == expected


def test_a_boundary_must_allow_it_too() -> None:
    request = AccessRequest("s3:GetObject", "*", {})
    everything, nothing = _policy(_allow("*")), _policy(_allow("ec2:*"))
    assert decide([everything], request, [everything]).word == "allowed"
    assert decide([everything], request, [nothing]).word == "implicitDeny"


def test_what_the_context_lacks_is_named() -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "dr"}}
    decision = decide([_policy(_allow("*", Condition=condition))], AccessRequest("s3:GetObject", "*", {}))
    assert decision.missing == {"aws:PrincipalTag/team"}


def test_an_unknown_operator_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="IpAddress"):
        _word("s3:GetObject", _allow("*", Condition={"IpAddress": {"a:b": "10.0.0.0/8"}}), a_b="10.0.0.1")


@pytest.mark.parametrize(
    ("operator", "date", "word"),
    [
        ("DateLessThan", "2026-03-01T00:00:00Z", "allowed"),
        ("DateLessThan", "2026-03", "allowed"),
        ("DateLessThan", "2027", "allowed"),
        ("DateGreaterThan", "2027", "implicitDeny"),
        ("DateGreaterThan", "1700000000", "allowed"),
    ],
)
def test_dates_are_compared_in_each_form_that_iam_takes(operator: str, date: str, word: str) -> None:
    statement = _allow("s3:*", Condition={operator: {"aws:CurrentTime": date}})
    request = AccessRequest("s3:GetObject", "*", {"aws:CurrentTime": ("2026-02-23T09:00:00Z",)})
    policy = IamPolicy("p", json.dumps({"Statement": statement}), "none")
    assert decide([policy], request).word == word


@pytest.mark.parametrize(
    ("operator", "values", "holds"),
    [
        ("ForAllValues:StringLike", ("A#1", "A#2"), True),
        ("ForAllValues:StringLike", ("A#1", "B#2"), False),
        ("ForAllValues:StringLike", (), True),
        ("ForAllValues:StringNotLike", ("B#1", "A#2"), False),
        ("ForAllValues:StringNotLike", ("B#1", "B#2"), True),
        ("ForAnyValue:StringLike", ("B#1", "A#2"), True),
        ("ForAnyValue:StringLike", ("B#1",), False),
        ("ForAnyValue:StringLike", (), False),
        ("ForAnyValue:StringNotLike", ("B#1", "A#2"), True),
        ("ForAnyValue:StringNotLike", ("A#1", "A#2"), False),
        ("ForAnyValue:StringNotLike", (), False),
        ("StringNotLike", (), True),
    ],
)
def test_a_condition_on_several_values(operator: str, values: tuple[str, ...], holds: bool) -> None:
    statement = _allow("dynamodb:*", Condition={operator: {"dynamodb:LeadingKeys": ["A#*"]}})
    context = {"dynamodb:LeadingKeys": values} if values else {}
    request = AccessRequest("dynamodb:PutItem", None, context)
    assert ("allowed" if holds else "implicitDeny") == decide([_policy(statement)], request).word


def test_a_policy_variable_stands_for_the_callers_own_value() -> None:
    own = {"StringEquals": {"x:Key": "APPROVAL#${aws:userid}"}}
    statement = _allow("dynamodb:PutItem", Condition=own, Resource="arn:aws:x:::${aws:username}/*")

    def word(key: str, resource: str, **who: str) -> str:
        context = {"x:Key": (key,)} | {f"aws:{name}": (value,) for name, value in who.items()}
        return decide([_policy(statement)], AccessRequest("dynamodb:PutItem", resource, context)).word

    alice = {"userid": "AIDA1", "username": "alice"}
    assert "allowed" == word("APPROVAL#AIDA1", "arn:aws:x:::alice/a", **alice)
    assert "implicitDeny" == word("APPROVAL#AIDA2", "arn:aws:x:::alice/a", **alice)
    assert "implicitDeny" == word("APPROVAL#AIDA1", "arn:aws:x:::bob/a", **alice)
    assert "implicitDeny" == word("APPROVAL#", "arn:aws:x:::/a")
