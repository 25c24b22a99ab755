"""Keys are those of what the DR region holds, and of what arrives there; what goes elsewhere is not judged."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Side
from dr_estate.readers import kms, s3
from dr_estate.readers.kms import KmsKey
from dr_estate.readers.s3 import Bucket, BucketReplicationRule
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

ORIGINAL, COPY = s3.data_pairs(SIT)[0]
BUCKETS = (s3.buckets.name, Side.PRIMARY)


def _rule(destination: str, key: str, enabled: bool = True) -> BucketReplicationRule:
    return BucketReplicationRule(key, enabled, destination, True, False, False, False, True, key)


def test_the_keys_of_replicas_are_those_of_the_copies_in_the_dr_region() -> None:
    rules = (_rule(COPY, "alias/of-replicas"), _rule("audit:archive", "alias/audit"), _rule(COPY, "alias/off", False))
    seen = healthy()
    original = Bucket(ORIGINAL, SIT.regions.primary, "Enabled", "aws:kms", "", (), rules)
    upon = replace(seen, parts={**seen.parts, BUCKETS: replace(seen.parts[BUCKETS], value=(original,))})
    answers = {"describe_key": {"KeyMetadata": {"KeyId": "k", "Arn": "arn:aws:kms:eu-west-1:1:key/k"}}}
    found = read(kms.keys, Side.DR, answers, upon)
    assert ["alias/of-replicas"] == [k.ref for k in found if isinstance(k, KmsKey) and "replicated objects" in k.uses]
