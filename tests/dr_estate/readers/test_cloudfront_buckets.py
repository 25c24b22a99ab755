"""Which keys are read for the buckets behind the distribution: of replicas, and of uploads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import cloudfront_buckets
from dr_estate.readers.kms import KmsKey
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.examples.cloudfront_origins import KEY_ARN, REPLICAS_ARN, RULE, bucket
from tests.dr_checks.worlds import DENIED, SIT

METADATA = {"KeyId": "2", "Arn": REPLICAS_ARN, "KeyState": "Enabled", "KeyManager": "CUSTOMER"}
ANSWERS = {"describe_key": {"KeyMetadata": METADATA}, "get_key_policy": {"Policy": "{}"}}


def refs(sources: Any, default: str = "") -> list[str]:
    """The keys that are read where the DR region's bucket encrypts under ``default``."""
    there = replace(bucket(), encryption="aws:kms" if default else "AES256", key=default)
    parts = dict(healthy().parts)
    for side, value in ((Side.DR, (there,)), (Side.PRIMARY, sources)):
        name = cloudfront_buckets.buckets.name
        parts[name, side] = replace(parts[name, side], value=value)
    rows = read(cloudfront_buckets.bucket_keys, Side.DR, ANSWERS, replace(healthy(), parts=parts))
    return [row.ref for row in rows if isinstance(row, KmsKey)]


def source(**rule: Any) -> tuple[Any, ...]:
    changed = {"encrypted_objects": True, "replica_key": REPLICAS_ARN, **rule}
    return (replace(bucket(region=SIT.regions.primary), name="pictures", rules=(replace(RULE, **changed),)),)


def test_the_key_of_replicas_is_read_beside_the_one_of_uploads() -> None:
    assert refs(source()) == [REPLICAS_ARN]
    assert refs(source(), KEY_ARN) == [KEY_ARN, REPLICAS_ARN]


def test_a_key_of_a_rule_that_is_off_or_leads_elsewhere_is_not_read() -> None:
    assert [] == refs(source(enabled=False))
    assert [] == refs(source(destination="another"))


def test_a_dark_primary_region_leaves_the_key_of_uploads() -> None:
    assert isinstance(DENIED, Unavailable)
    assert refs(DENIED, KEY_ARN) == [KEY_ARN]
