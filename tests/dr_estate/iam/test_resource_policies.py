"""A policy of a resource answers as IAM's evaluation logic has it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of

ROLE, ROOT = "arn:aws:iam::1:role/tasks", "arn:aws:iam::1:root"
KEY = "arn:aws:kms:eu-west-1:1:key/a"
VIA = ("kms:ViaService", "secretsmanager.eu-west-1.amazonaws.com")
NOW = datetime(2026, 2, 23, 9, tzinfo=UTC)
REQUEST = PolicyRequest((ROLE, ROOT), "kms:Decrypt", KEY, (VIA, *moment_keys(NOW)))
ALLOWED, DENIED, SILENT = PolicyAnswer.ALLOWED, PolicyAnswer.DENIED, PolicyAnswer.SILENT


def _said(*statements: dict[str, Any]) -> PolicyAnswer:
    base = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    return answer_of(json.dumps({"Statement": [{**base, **changed} for changed in statements]}), REQUEST)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, ALLOWED),
        ({"Principal": "*"}, ALLOWED),
        ({"Principal": {"AWS": [ROLE, "somebody"]}}, ALLOWED),
        ({"Principal": {"AWS": "1"}}, ALLOWED),
        ({"Principal": {"AWS": ["2"]}}, SILENT),
        ({"Principal": {"AWS": "somebody"}}, SILENT),
        ({"Principal": {"Service": "rds.amazonaws.com"}}, SILENT),
        ({"Action": "KMS:decrypt"}, ALLOWED),
        ({"Action": ["kms:Encrypt", "kms:Describe*"]}, SILENT),
        ({"Condition": {"StringEquals": {"s3:ResourceAccount": "1"}}}, SILENT),
        ({"Condition": {"StringEqualsIfExists": {"s3:ResourceAccount": "1"}}}, ALLOWED),
        ({"Condition": {"StringNotEquals": {"S3:ResourceAccount": "1"}}}, ALLOWED),
        ({"Condition": {"ForAnyValue:StringNotEquals": {"dynamodb:LeadingKeys": "1"}}}, SILENT),
        ({"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "1"}}}, ALLOWED),
        ({"Condition": {"ForAnyValue:StringEqualsIfExists": {"dynamodb:LeadingKeys": "1"}}}, PolicyAnswer.UNDECIDED),
        ({"Condition": {"Null": {"s3:ResourceAccount": "true"}}}, PolicyAnswer.UNDECIDED),
        ({"Resource": "arn:aws:kms:*:1:key/*"}, ALLOWED),
        ({"Resource": "arn:aws:kms:af-south-1:*"}, SILENT),
        ({"Effect": "Deny"}, DENIED),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-02-23T08:59:59Z"}}}, SILENT),
        ({"Condition": {"DateLessThanEquals": {"aws:CurrentTime": "2026-02-23T09:00:00Z"}}}, ALLOWED),
        ({"Condition": {"DateNotEquals": {"aws:CurrentTime": "2026-02-23T11:00:00+02:00"}}}, SILENT),
        ({"Condition": {"DateGreaterThanIfExists": {"aws:EpochTime": "2026-02-23T08:00:00Z"}}}, ALLOWED),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-03"}}}, ALLOWED),
        ({"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2027"}}}, SILENT),
        ({"Condition": {"NumericGreaterThan": {"aws:EpochTime": "99999999999"}}}, SILENT),
        ({"Condition": {"StringEquals": {VIA[0]: VIA[1]}}}, ALLOWED),
        ({"Condition": {"StringNotEquals": {VIA[0]: VIA[1]}}}, SILENT),
        ({"Condition": {"StringLike": {VIA[0]: "ssm.*"}}}, SILENT),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, PolicyAnswer.UNDECIDED),
        (
            {"Effect": "Deny", "Condition": {"StringNotEquals": {VIA[0]: "${aws:CalledViaLast}"}}},
            PolicyAnswer.UNDECIDED,
        ),
        ({"Effect": "Deny", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}, PolicyAnswer.UNDECIDED),
    ],
)
def test_one_statement_says_what_it_is_about(statement: dict[str, Any], expected: PolicyAnswer) -> None:
    assert _said(statement) is expected


def test_a_deny_wins_over_every_allow() -> None:
    assert _said({}, {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt"}) is DENIED


def test_what_is_left_out_of_a_deny_is_not_denied() -> None:
    everything_else = {"Effect": "Deny", "Principal": "*", "Action": None, "NotAction": "kms:Decrypt"}
    statement = {key: value for key, value in everything_else.items() if value is not None}
    text = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]})
    assert answer_of(text, REQUEST) is ALLOWED
    denial = json.dumps({"Statement": {**statement, "Resource": "*"}})
    assert answer_of(denial, REQUEST) is SILENT


def test_who_is_left_out_of_a_statement_may_be_the_caller() -> None:
    statement = {"Effect": "Deny", "NotPrincipal": {"AWS": "somebody"}, "Action": "*", "Resource": "*"}
    assert answer_of(json.dumps({"Statement": statement}), REQUEST) is PolicyAnswer.UNDECIDED


def test_no_policy_says_nothing() -> None:
    assert answer_of("", REQUEST) is SILENT


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, DENIED),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, SILENT),
        ({"StringNotEqualsIfExists": {"AWS:SourceVpce": "vpce-1"}}, DENIED),
        ({"Null": {"aws:SourceVpce": "true"}}, DENIED),
        ({"Null": {"aws:SourceVpce": "false"}}, SILENT),
        ({"Null": {"aws:SourceIp": ["false"]}}, DENIED),
        ({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "198.51.100.7"]}}, SILENT),
        ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, DENIED),
        ({"StringNotEquals": {"aws:VpcSourceIp": "10.0.0.1"}}, PolicyAnswer.UNDECIDED),
    ],
)
def test_a_key_that_a_request_surely_has_not_decides_as_one_that_it_has(
    condition: dict[str, Any], expected: PolicyAnswer
) -> None:
    request = PolicyRequest((ROLE, ROOT), "kms:Decrypt", KEY, (("aws:SourceIp", "198.51.100.7"),), ("aws:SourceVpce",))
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": condition}
    assert expected is answer_of(json.dumps({"Statement": statement}), request)
