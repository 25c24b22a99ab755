"""The key of a repository is read in the DR region, of this account's own repositories alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.readers import ecr, ecs
from tests.dr_checks.aws_answers import read
from tests.dr_checks.compute import definition
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

KEY = "arn:aws:kms:eu-west-1:1:key/k"
IMAGE = {"imageDigest": "sha256:1", "imagePushedAt": datetime(2026, 1, 1, tzinfo=UTC)}


def _keys(encryption: dict[str, Any] | None, side: Side = Side.DR, account: str = SIT.account) -> dict[str, object]:
    row = {"repositoryName": "site", **({"encryptionConfiguration": encryption} if encryption else {})}
    answers = {
        "describe_images": {"imageDetails": [IMAGE]},
        "get_repository_policy": {},
        "get_lifecycle_policy": {},
        "describe_repositories": {"repositories": [row]},
    }
    named = definition("tenant1", side)
    away = replace(named.containers[0], image=f"{account}.dkr.ecr.{SIT.region(side)}.amazonaws.com/site:1")
    seen, part = healthy(), (ecs.task_definitions.name, side)
    there = replace(seen.parts[part], value=(replace(named, containers=(away,)),))
    found = read(ecr.repositories, side, answers, replace(seen, parts={**seen.parts, part: there}))
    return {row.account: row.key for row in found if row.name == "site"}


@pytest.mark.parametrize(
    ("encryption", "key"),
    [
        (None, ""),
        ({"encryptionType": "AES256"}, ""),
        ({"encryptionType": "KMS", "kmsKey": KEY}, KEY),
        ({"encryptionType": "KMS_DSSE", "kmsKey": KEY}, KEY),
    ],
)
def test_a_repository_is_read_with_its_key(encryption: dict[str, Any] | None, key: str) -> None:
    assert _keys(encryption) == {SIT.account: key}


def test_neither_the_primary_region_nor_another_account_is_asked_for_it() -> None:
    under = {"encryptionType": "KMS", "kmsKey": KEY}
    assert _keys(under, Side.PRIMARY) == {SIT.account: ""}
    assert _keys(under, account="123456789012") == {"123456789012": ""}
