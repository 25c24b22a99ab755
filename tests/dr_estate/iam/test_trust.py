"""Whom a trust policy lets in: a service, for one account and region, as IAM decides it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dr_estate.iam.trust import ends_at, trusts

SERVICE, ACCOUNT = "ecs-tasks.amazonaws.com", "123456789012"
NOW = datetime(2026, 2, 23, 9, tzinfo=UTC)
SOURCE = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task"


def _statement(condition: Any = None, **changes: Any) -> dict[str, Any]:
    base = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    return {**base, **changes, **({"Condition": condition} if condition else {})}


STRANGERS = {
    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"},
    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
}


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
        ([_statement({"StringEquals": {"aws:SourceAccount": "123*"}})], False),
        ([_statement({"StringLike": {"aws:SourceAccount": "123*"}})], True),
        ([_statement({"StringLike": {"aws:SourceAccount": "[1]23*"}})], False),
        ([_statement({"Bool": {"aws:MultiFactorAuthPresent": "true"}})], None),
        ([_statement({"StringEquals": {"sts:ExternalId": "platform"}})], False),
        ([_statement({"StringNotEquals": {"sts:ExternalId": "platform"}})], True),
        ([_statement(), _statement({"StringEqualsIfExists": {"sts:ExternalId": "x"}}, Effect="Deny")], False),
        ([_statement({"Bool": {"aws:SecureTransport": "true"}})], True),
        ([_statement({"Bool": {"aws:SecureTransport": "True"}})], True),
        ([_statement(), _statement({"Bool": {"aws:PrincipalIsAWSService": "TRUE"}}, Effect="Deny")], False),
        ([_statement({"StringEquals": {"aws:SourceAccount": "${aws:ResourceAccount}"}})], None),
        ([_statement(), _statement({"StringLike": {"aws:SourceArn": "${aws:x}*"}}, Effect="Deny")], None),
        ([_statement({"StringNotEquals": {"aws:SourceAccount": "1"}})], None),
        ([_statement(), _statement({"Bool": {"aws:SecureTransport": "true"}})], True),
        ([_statement(), _statement(Effect="Deny")], False),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "2026-02-22T00:00:00Z"}})], False),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "2026-02-24"}})], True),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "2026-03"}})], True),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "2027"}})], True),
        ([_statement({"DateGreaterThan": {"aws:CurrentTime": "2027"}})], False),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "${aws:TokenIssueTime}"}})], None),
        ([_statement({"NumericLessThan": {"aws:EpochTime": "1771750000"}})], False),
        ([_statement({"DateGreaterThan": {"aws:EpochTime": "1771750000"}})], True),
        ([_statement({"DateLessThan": {"aws:TokenIssueTime": "2026-02-24T00:00:00Z"}})], None),
        ([_statement(), _statement(_arn("arn:aws:ecs:af-south-1:*"), Effect="Deny")], True),
        ([_statement(), _statement({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, Effect="Deny")], None),
        ([_statement(), _statement({"Bool": {"aws:SecureTransport": False}}, Effect="Deny")], True),
        ([_statement(), _statement(STRANGERS, Effect="Deny", Principal={"AWS": "*"})], True),
    ],
)
def test_a_trust_policy_lets_the_service_in_as_iam_decides(statements: Any, expected: bool | None) -> None:
    assert trusts({"Statement": statements}, SERVICE, ACCOUNT, SOURCE, NOW) is expected


UNTIL = {"DateLessThan": {"aws:CurrentTime": "2026-03-01T00:00:00Z"}}
END = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([_statement()], None),
        ([_statement(UNTIL)], END),
        ([_statement({"NumericLessThan": {"aws:EpochTime": str(int(END.timestamp()))}})], END),
        ([_statement(), _statement({"DateGreaterThan": {"aws:CurrentTime": "2026-03"}}, Effect="Deny")], END),
        ([_statement(UNTIL), _statement()], None),
        ([_statement(UNTIL), _statement({"DateLessThan": {"aws:CurrentTime": "2026-03-05"}})], END.replace(day=5)),
        ([_statement({"DateLessThan": {"aws:CurrentTime": ["2026-03-01", "2026-03-05"]}})], END.replace(day=5)),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "2026-05-01"}})], None),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "2026-02-01"}})], None),
        ([_statement({"DateGreaterThan": {"aws:CurrentTime": "2026-03-01"}})], None),
        ([_statement(), _statement({"DateLessThan": {"aws:CurrentTime": "2026-03-01"}}, Effect="Deny")], None),
        ([_statement({"DateLessThan": {"aws:TokenIssueTime": "2026-03-01"}})], None),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "${aws:TokenIssueTime}"}})], None),
        ([_statement({"DateLessThan": {"aws:CurrentTime": "1e400"}})], None),
    ],
)
def test_a_trust_ends_at_the_first_moment_of_a_month_without_it(statements: Any, expected: datetime | None) -> None:
    assert ends_at({"Statement": statements}, SERVICE, ACCOUNT, SOURCE, NOW) == expected
