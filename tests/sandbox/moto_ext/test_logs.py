"""Log groups under a key of KMS: the service is admitted by the key's policy, or writes and reads nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import DR, Clients

GROUP = "/ecs/site"
LINES = {"logGroupName": GROUP, "logStreamName": "one"}


def _key(aws: Clients, service: str) -> Any:
    who = {"AWS": "*"} if not service else {"AWS": "arn:aws:iam::123456789012:root", "Service": service}
    statement = {"Statement": [{"Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*"}]}
    return aws("kms", DR).create_key(Policy=json.dumps(statement))["KeyMetadata"]["Arn"]


def test_a_group_takes_a_key_that_admits_the_service_alone(aws: Clients) -> None:
    logs = aws("logs", DR)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.create_log_group(logGroupName=GROUP, kmsKeyId=_key(aws, "ecs.amazonaws.com"))
    logs.create_log_group(logGroupName=GROUP)
    key = _key(aws, f"logs.{DR}.amazonaws.com")
    logs.associate_kms_key(logGroupName=GROUP, kmsKeyId=key)
    assert logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]["kmsKeyId"] == key
    logs.disassociate_kms_key(logGroupName=GROUP)
    assert "kmsKeyId" not in logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]


def test_lines_under_a_key_that_is_disabled_are_neither_taken_nor_shown(aws: Clients) -> None:
    logs, key = aws("logs", DR), _key(aws, f"logs.{DR}.amazonaws.com")
    logs.create_log_group(logGroupName=GROUP, kmsKeyId=key)
    logs.create_log_stream(**LINES)
    line = {"timestamp": 1_700_000_000_000, "message": "GET / 200"}
    logs.put_log_events(**LINES, logEvents=[line])
    aws("kms", DR).disable_key(KeyId=key)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        logs.put_log_events(**LINES, logEvents=[line])
    with pytest.raises(ClientError, match="AccessDeniedException"):
        logs.get_log_events(**LINES)
