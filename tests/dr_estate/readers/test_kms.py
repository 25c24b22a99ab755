"""Keys are those of what the DR region holds, and of what arrives there; what goes elsewhere is not judged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecr, ecs, kms, s3
from dr_estate.readers.kms import KmsKey
from dr_estate.readers.s3 import Bucket, BucketReplicationRule
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

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
    found = read(kms.replica_keys, Side.DR, answers, upon)
    assert [("alias/of-replicas", ("replicated objects",))] == [(k.ref, k.uses) for k in found if isinstance(k, KmsKey)]


def test_no_key_of_what_the_dr_region_holds_waits_for_the_primary_region() -> None:
    seen = healthy()
    here = {key: part for key, part in seen.parts.items() if key[1] is not Side.PRIMARY}
    answers = {"describe_key": {"KeyMetadata": {"KeyId": "k", "Arn": "arn:aws:kms:eu-west-1:1:key/k"}}}
    assert read(kms.keys, Side.DR, answers, replace(seen, parts=here))


def test_the_key_of_a_repository_is_one_of_them() -> None:
    seen, part = healthy(), (ecr.repositories.name, Side.DR)
    answers = {"describe_key": {"KeyMetadata": {"KeyId": "k", "Arn": "arn:aws:kms:eu-west-1:1:key/k"}}}

    def of_images(key: str | Unavailable) -> list[KmsKey | Unavailable]:
        row = ecr.Repository(SIT.account, "sit-wordpress", (), key=key)
        upon = replace(seen, parts={**seen.parts, part: replace(seen.parts[part], value=(row,))})
        found = read(kms.keys, Side.DR, answers, upon)
        return [k for k in found if isinstance(k, Unavailable) or "images" in k.uses]

    assert [key.ref for key in of_images("arn:aws:kms:eu-west-1:1:key/k") if isinstance(key, KmsKey)] == [
        "arn:aws:kms:eu-west-1:1:key/k"
    ]
    assert of_images("") == []
    assert of_images(DENIED) == [DENIED]


def test_database_and_backup_keys_are_among_those_of_the_primary_region() -> None:
    answers = {"describe_key": {"KeyMetadata": {"KeyId": "k", "Arn": "arn:aws:kms:af-south-1:1:key/k"}}}
    found = read(kms.keys, Side.PRIMARY, answers, healthy())
    assert {"backups", "database"} <= {use for key in found if isinstance(key, KmsKey) for use in key.uses}


def test_the_key_of_what_tasks_store_is_one_of_them() -> None:
    seen, part = healthy(), (ecs.cluster.name, Side.DR)
    key = "arn:aws:kms:eu-west-1:1:key/k"
    upon = replace(seen, parts={**seen.parts, part: replace(seen.parts[part], value=ecs.Cluster("c", "ACTIVE", key))})
    found = read(kms.keys, Side.DR, {"describe_key": {"KeyMetadata": {"KeyId": "k", "Arn": key}}}, upon)
    assert [k.ref for k in found if isinstance(k, KmsKey) and "storage of tasks" in k.uses] == [key]


def test_a_cluster_says_under_which_key_its_tasks_store() -> None:
    storage = {"managedStorageConfiguration": {"fargateEphemeralStorageKmsKeyId": "k"}}
    for configuration, key in ((storage, "k"), ({}, ""), ({"managedStorageConfiguration": {}}, "")):
        row: dict[str, Any] = {"clusterName": "c", "status": "ACTIVE", "configuration": configuration}
        assert read(ecs.cluster, Side.DR, {"describe_clusters": {"clusters": [row]}}).storage_key == key


def test_roles_of_the_identity_centre_are_the_same_in_both_regions() -> None:
    """Their path names the identity centre's region; a role that a region has for itself bears that region's name."""
    staff = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/{}/AWSReservedSSO_Admin_1"
    home = SIT.regions.primary

    def admitted(side: Side) -> Any:
        own = f"arn:aws:iam::1:role/tasks-{SIT.region(side)}"
        rows = [
            {"Effect": "Allow", "Principal": {"AWS": [staff.format(home), own]}, "Action": "kms:*", "Resource": "*"}
        ]
        arn = f"arn:aws:kms:{SIT.region(side)}:1:key/k"
        answers = {
            "describe_key": {"KeyMetadata": {"KeyId": "k", "Arn": arn, "KeyManager": "CUSTOMER"}},
            "get_key_policy": {"Policy": json.dumps({"Statement": rows})},
        }
        found = read(kms.keys, side, answers)
        return {key.admits for key in found if isinstance(key, KmsKey)}

    assert admitted(Side.PRIMARY) == admitted(Side.DR) == {(staff.format(home), "arn:aws:iam::1:role/tasks-{region}")}


def test_when_imported_key_material_expires_is_read() -> None:
    expires = healthy().taken_at
    metadata = {"KeyId": "k", "Arn": "arn:aws:kms:eu-west-1:1:key/k", "ValidTo": expires}
    found = read(kms.keys, Side.DR, {"describe_key": {"KeyMetadata": metadata}}, healthy())
    assert {key.material_until for key in found if isinstance(key, KmsKey)} == {expires}
    copies = read(kms.copy_keys, Side.DR, {"describe_key": {"KeyMetadata": metadata}}, healthy())
    assert {key.material_until for key in copies} == {expires}
