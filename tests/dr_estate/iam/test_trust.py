"""Whom a trust policy lets in: a service, for one account and region, as IAM decides it."""

from __future__ import annotations

from typing import Any

import pytest

from dr_estate.iam.trust import trusts

SERVICE, ACCOUNT = "ecs-tasks.amazonaws.com", "123456789012"
SOURCE = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task"


def _statement(condition: Any = None, **changes: Any) -> dict[str, Any]:
    base = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    return {**base, **changes, **({"Condition": condition} if condition else {})}


def _arn(pattern: str) -> dict[str, Any]:
    return {"ArnLike": {"aws:SourceArn": pattern}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([_statement()], True),
        (_statement(), True),
        ([_statement(Principal={"Service": ["ec2.amazonaws.com", SERVICE]}, Action=["sts:TagSession", "sts:*"])], True),
        ([_statement(Principal="*")], True),
        ([_statement(Principal={"AWS": "*"})], True),
        ([_statement(Principal={"Service": "ec2.amazonaws.com"})], False),
        ([_statement(Principal={"AWS": "arn:aws:iam::1:root"})], False),
        ([_statement(Action="sts:TagSession")], False),
        ([], False),
        ([_statement(_arn(f"arn:aws:ecs:eu-west-1:{ACCOUNT}:*"))], True),
        ([_statement(_arn("arn:aws:ecs:*"))], True),
        ([_statement(_arn(f"arn:aws:ecs:af-south-1:{ACCOUNT}:*"))], False),
        ([_statement({"StringEquals": {"aws:SourceAccount": ACCOUNT}})], True),
        ([_statement({"StringEquals": {"AWS:SourceAccount": ["1", "2"]}})], False),
        ([_statement({"Bool": {"aws:SecureTransport": "true"}})], None),
        ([_statement({"StringNotEquals": {"aws:SourceAccount": "1"}})], None),
        ([_statement(), _statement({"Bool": {"aws:SecureTransport": "true"}})], True),
        ([_statement(), _statement(Effect="Deny")], False),
        ([_statement(), _statement(_arn("arn:aws:ecs:af-south-1:*"), Effect="Deny")], True),
        ([_statement(), _statement({"Bool": {"aws:SecureTransport": "true"}}, Effect="Deny")], None),
    ],
)
def test_a_trust_policy_lets_the_service_in_as_iam_decides(statements: Any, expected: bool | None) -> None:
    assert trusts({"Statement": statements}, SERVICE, ACCOUNT, SOURCE) is expected
