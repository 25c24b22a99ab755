"""What an error of AWS means is decided by its code and status, in one table; its sentence is for people."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

import botocore.exceptions as aws
import pytest

from dr_estate.aws.errors import CODES, KIND_OF_CODE, DeadlinePassed, explain, is_passing, kind_of
from dr_estate.model.unavailable import SILENT, UnavailableKind
from tests.dr_estate.contracts.recorded import FOLDER, here

REGION = "af-south-1"


def _answer(code: str, status: int, message: str = "") -> aws.ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return aws.ClientError(response, "DescribeThings")


@pytest.mark.parametrize(
    ("code", "message", "sentence"),
    [
        ("", "", "answered HTTP 418 without a code or a message."),
        ("Teapot", "", "answered Teapot."),
        ("", "I am one", "answered I am one."),
        ("Teapot", "I am one.", "answered Teapot: I am one."),
    ],
)
def test_an_error_says_what_it_has(code: str, message: str, sentence: str) -> None:
    assert explain(_answer(code, 418, message), "rds", REGION).why.endswith(f"in {REGION} {sentence}")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("403", 403, UnavailableKind.DENIED),
        ("400", 400, UnavailableKind.CREDENTIALS),
        ("405", 405, UnavailableKind.ERROR),
        ("PermanentRedirect", 301, UnavailableKind.ERROR),
        ("AccessDeniedException", 400, UnavailableKind.DENIED),
        ("RegionDisabledException", 403, UnavailableKind.DENIED),
        ("ForbiddenException", 403, UnavailableKind.DENIED),
        ("InvalidSignatureException", 400, UnavailableKind.CREDENTIALS),
        ("RequestTimeTooSkewed", 403, UnavailableKind.CREDENTIALS),
        ("Throttled", 429, UnavailableKind.THROTTLED),
        ("SlowDown", 503, UnavailableKind.THROTTLED),
        ("EC2ThrottledException", 503, UnavailableKind.THROTTLED),
        ("RequestTimeoutException", 408, UnavailableKind.UNREACHABLE),
        ("RequestTimeout", 400, UnavailableKind.UNREACHABLE),
        ("ServiceUnavailable", 503, UnavailableKind.UNREACHABLE),
        ("InternalError", 500, UnavailableKind.UNREACHABLE),
        ("UnknownOperationException", 404, UnavailableKind.UNSUPPORTED),
        ("NotImplemented", 501, UnavailableKind.UNSUPPORTED),
        ("LimitExceededException", 400, UnavailableKind.ERROR),
        ("KMS.DisabledException", 400, UnavailableKind.ERROR),
        ("AWSOrganizationsNotInUseException", 404, UnavailableKind.ERROR),
        ("ServiceUnavailableException", 400, UnavailableKind.UNREACHABLE),  # AWS Backup and CloudWatch Logs say so
        ("KmsAccessDeniedException", 400, UnavailableKind.DENIED),
        ("KMSOptInRequired", 403, UnavailableKind.DENIED),
        ("KMSThrottling", 400, UnavailableKind.THROTTLED),
        ("ANewWordForTooMany", 429, UnavailableKind.THROTTLED),
    ],
)
def test_a_code_and_its_status_mean_one_kind(code: str, status: int, kind: UnavailableKind) -> None:
    service = "s3" if code.isdigit() else "rds"
    unavailable = explain(_answer(code, status, "in eu-west-1 does not answer, the deadline is over"), service, REGION)
    assert (unavailable.kind, unavailable.region) == (kind, REGION)
    assert unavailable.is_silence_of(REGION) == (kind in SILENT)
    assert not unavailable.is_silence_of("eu-west-1")


def test_a_status_without_a_code_says_nothing_of_keys_except_head_of_s3() -> None:
    assert explain(_answer("400", 400, "Bad Request"), "application-autoscaling", REGION).kind is UnavailableKind.ERROR


def test_a_code_means_one_thing_only() -> None:
    assert len(KIND_OF_CODE) == sum(len(codes) for codes in CODES.values()) > 45


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aws.EndpointConnectionError(endpoint_url="https://deadline.example"), UnavailableKind.UNREACHABLE),
        (aws.ReadTimeoutError(endpoint_url="https://rds.example"), UnavailableKind.UNREACHABLE),
        (DeadlinePassed(error="60 s passed"), UnavailableKind.DEADLINE),
        (aws.NoCredentialsError(), UnavailableKind.CREDENTIALS),
        (aws.DataNotFoundError(data_path="no model"), UnavailableKind.ERROR),
    ],
)
def test_the_kind_of_a_missing_answer_follows_from_its_error_type(error: Exception, kind: UnavailableKind) -> None:
    assert explain(error, "rds", REGION).kind is kind


def test_a_denied_call_names_the_role_that_is_to_be_allowed() -> None:
    reader = explain(_answer("AccessDenied", 403), "rds", REGION)
    operator = explain(_answer("AccessDenied", 403), "rds", REGION, "Allow it for the operator role.")
    assert (reader.why[-12:], operator.why[-14:]) == ("reader role.", "operator role.")
    assert astuple(reader)[2:] == astuple(operator)[2:]


KINDS = {
    "AccessDeniedException": UnavailableKind.DENIED,
    "403": UnavailableKind.DENIED,
    "400": UnavailableKind.CREDENTIALS,
    "NotImplemented": UnavailableKind.UNSUPPORTED,
    "UnsupportedOperationException": UnavailableKind.UNSUPPORTED,
}
"""What the recorded errors mean that are more than the refusal of one request."""


def _recorded(name: str) -> list[dict[str, Any]]:
    return list(json.loads((FOLDER / name).read_text("utf-8"))) if FOLDER.is_dir() else []


@here
def test_the_tables_of_errors_are_there() -> None:
    assert len(_recorded("error-codes-documented.json")) > 50 < len(_recorded("errors.json"))


@here
@pytest.mark.parametrize(
    "row", _recorded("error-codes-documented.json"), ids=lambda row: f"{row['service']}-{row['code']}"
)
def test_a_documented_code_means_what_is_expected_of_it(row: dict[str, Any]) -> None:
    unavailable = explain(_answer(row["code"], row["status"], row["message"]), row["service"], REGION)
    assert unavailable.kind == row["expected"]


@here
@pytest.mark.parametrize("row", _recorded("errors.json"), ids=lambda row: f"{row['service']}-{row['code']}")
def test_a_recorded_error_refuses_this_request_unless_its_code_means_more(row: dict[str, Any]) -> None:
    unavailable = explain(_answer(row["code"], row["status"], row["message"]), row["service"], REGION)
    assert unavailable.kind is KINDS.get(row["code"], UnavailableKind.ERROR)
    assert row["code"] in unavailable.why


def test_a_write_that_met_another_at_a_replica_is_sent_again() -> None:
    assert is_passing("ReplicatedWriteConflictException")
    assert not is_passing("ValidationException")


def test_a_code_means_the_same_with_and_without_the_word_exception() -> None:
    for code in ("Throttling", "InvalidSignature", "TooManyRequests", "ExpiredToken", "AccessDenied"):
        assert kind_of(code, 400) is kind_of(f"{code}Exception", 400) is not UnavailableKind.ERROR


def test_a_sentence_of_aws_ends_with_one_full_stop() -> None:
    refused = _answer("DBSubnetGroupNotFoundFault", 404, "Subnet Group x not found.")
    assert explain(refused, "rds", REGION).why.endswith(
        "answered DBSubnetGroupNotFoundFault: Subnet Group x not found."
    )
