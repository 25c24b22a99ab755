"""Nothing secret is recorded, and nothing else is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dr_actions.journal.redaction import REDACTED, SecretFound, recordable, redact, refuse_secrets

TOKEN = "IQoJb3JpZ2luX2VjEHsaCWV1LXdlc3QtMSJHMEUCIQDx" + "a" * 40


@pytest.mark.parametrize(
    "data",
    [
        {"SecretString": "hunter2"},
        {"SecretBinary": "aGk="},
        {"MasterUserPassword": "hunter2"},
        {"db_password": "hunter2"},
        {"Credentials": {"user": "u", "value": "hunter2"}},
        {"SessionToken": "hunter2"},
        {"token": "hunter2"},
        {"environment": [{"name": "WORDPRESS_DB_PASSWORD", "value": "hunter2"}]},
        {"Tags": [{"Key": "api-key", "Value": "hunter2"}]},
        {"deep": [[{"a": {"secretAccessKey": "hunter2"}}]]},
        {"says": 'it answered {"username": "u", "password": "hunter2", "port": 3306}'},
        {"says": "mysql --password=hunter2 -h host"},
        {"says": "mysql://root:hunter2@host/db"},
        {"says": "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----"},
    ],
)
def test_a_secret_is_replaced_wherever_it_stands(data: dict[str, Any]) -> None:
    redacted_data, places = redact(data)
    assert "hunter2" not in repr(redacted_data)
    assert REDACTED in repr(redacted_data)
    assert places


@pytest.mark.parametrize("text", ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", TOKEN])
def test_keys_and_session_tokens_are_known_by_their_look(text: str) -> None:
    assert {"says": f"denied for {REDACTED} again", "redacted": ["says"]} == recordable(
        {"says": f"denied for {text} again"}
    )


HARMLESS: list[dict[str, Any]] = [
    {"SecretId": "sit-tenant-1-db-credentials"},
    {"SecretArn": "arn:aws:secretsmanager:xx:1:secret:sit-rds-master-credentials-AbCdEf"},
    {"ClientToken": "3f6c", "ClientRequestToken": "3f6c", "NextToken": "x"},
    {"token": 7, "lock": {"token": 3}},
    {"MasterUserPassword": "<from the secret sit-rds-master-credentials>"},
    {"secrets": [{"name": "WORDPRESS_DB_PASSWORD", "valueFrom": "arn:aws:secretsmanager:xx:1:secret:s:password::"}]},
    {"says": "secret arn:aws:secretsmanager:xx:1:secret:s:password:AWSCURRENT: is read"},
    {"Password": "", "credentials": None},
    {"says": "the password of tenant-1 was rewritten; see https://example.org/a:b"},
    {"digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "userid": "AROAEXAMPLE:bob"},
]


@pytest.mark.parametrize("data", HARMLESS)
def test_names_identifiers_numbers_and_placeholders_stay(data: dict[str, Any]) -> None:
    assert (data, []) == redact(data)


def test_what_must_not_be_changed_is_refused_and_the_place_is_named() -> None:
    with pytest.raises(SecretFound, match=r"plan.steps\[0\].call.params.SecretString"):
        refuse_secrets({"steps": [{"call": {"params": {"SecretString": "hunter2"}}}]}, "plan")
    for data in HARMLESS:
        refuse_secrets(data, "plan")


def test_times_and_sets_become_text_and_lists_and_other_types_are_refused() -> None:
    when = datetime(2026, 1, 7, tzinfo=UTC)
    assert {"at": "2026-01-07T00:00:00.000000+00:00", "of": ["a", "b"]} == recordable(
        {"at": when, "of": frozenset({"b", "a"})}
    )
    with pytest.raises(TypeError, match="object cannot be recorded"):
        recordable({"x": object()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        recordable({"x": float("nan")})
