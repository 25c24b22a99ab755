"""ECR replication: the same digest in the DR registry, for what was pushed after it was switched on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, go_dark

NAME = "shop-wordpress"


def _manifest(version: str) -> str:
    digest = "sha256:" + hashlib.sha256(version.encode()).hexdigest()
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/json", "size": 7, "digest": digest},
            "layers": [],
        }
    )


def _push(ecr: Any, version: str, tag: str) -> str:
    image = ecr.put_image(repositoryName=NAME, imageManifest=_manifest(version), imageTag=tag)["image"]
    return str(image["imageId"]["imageDigest"])


def _replicate(ecr: Any, prefix: str = "shop") -> None:
    rule = {
        "destinations": [{"region": DR, "registryId": ACCOUNT}],
        "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
    }
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})


def _registry(aws: Clients) -> tuple[Any, Any]:
    primary = aws("ecr", PRIMARY)
    primary.create_repository(repositoryName=NAME)
    return primary, aws("ecr", DR)


def _digests(ecr: Any) -> set[str]:
    return {image["imageDigest"] for image in ecr.describe_images(repositoryName=NAME)["imageDetails"]}


def test_later_pushes_arrive_with_the_same_digest_and_earlier_ones_do_not(served: Clients) -> None:
    primary, standby = _registry(served)
    early = _push(primary, "1", "v1")
    _replicate(primary)
    late = _push(primary, "2", "v2")
    assert early != late
    assert late == "sha256:" + hashlib.sha256(_manifest("2").encode()).hexdigest()
    assert _digests(standby) == {late}
    (image,) = standby.describe_images(repositoryName=NAME, imageIds=[{"imageDigest": late}])["imageDetails"]
    assert image["imageTags"] == ["v2"]
    status = primary.describe_image_replication_status(repositoryName=NAME, imageId={"imageDigest": late})
    assert status["replicationStatuses"] == [{"region": DR, "registryId": ACCOUNT, "status": "COMPLETE"}]
    status = primary.describe_image_replication_status(repositoryName=NAME, imageId={"imageDigest": early})
    assert status["replicationStatuses"] == []


def test_a_repository_outside_the_filter_stays_at_home(aws: Clients) -> None:
    primary, standby = _registry(aws)
    _replicate(primary, prefix="other")
    _push(primary, "1", "v1")
    with pytest.raises(ClientError, match="RepositoryNotFound"):
        _digests(standby)


def test_a_push_during_an_outage_arrives_when_it_ends(aws: Clients) -> None:
    primary, standby = _registry(aws)
    _replicate(primary)
    first = _push(primary, "1", "v1")
    go_dark(DR)
    second = _push(primary, "2", "v2")
    status = primary.describe_image_replication_status(repositoryName=NAME, imageId={"imageTag": "v2"})
    assert status["replicationStatuses"][0]["status"] == "IN_PROGRESS"
    assert _digests(standby) == {first}
    STATE.stopped.clear()
    assert _digests(standby) == {first, second}


def test_a_moved_tag_leaves_the_old_image_behind_on_both_sides(aws: Clients) -> None:
    primary, standby = _registry(aws)
    _replicate(primary)
    old, new = _push(primary, "1", "latest"), _push(primary, "2", "latest")
    for ecr in (primary, standby):
        assert _digests(ecr) == {old, new}
        (image,) = ecr.describe_images(repositoryName=NAME, imageIds=[{"imageTag": "latest"}])["imageDetails"]
        assert image["imageDigest"] == new


def test_an_image_deleted_from_the_dr_registry_is_missing_there_alone(aws: Clients) -> None:
    primary, standby = _registry(aws)
    _replicate(primary)
    digest = _push(primary, "1", "v1")
    params = [{"imageDigest": digest}]
    assert len(standby.batch_get_image(repositoryName=NAME, imageIds=params)["images"]) == 1
    standby.batch_delete_image(repositoryName=NAME, imageIds=params)
    response = standby.batch_get_image(repositoryName=NAME, imageIds=params)
    assert response["images"] == []
    assert response["failures"][0]["imageId"] == {"imageDigest": digest}
    assert _digests(primary) == {digest}
    with pytest.raises(ClientError, match="ImageNotFound"):
        standby.describe_images(repositoryName=NAME, imageIds=params)


def test_replication_to_itself_is_refused(aws: Clients) -> None:
    primary, _ = _registry(aws)
    rule = {"destinations": [{"region": PRIMARY, "registryId": ACCOUNT}]}
    with pytest.raises(ClientError, match="InvalidParameter"):
        primary.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    assert primary.describe_registry()["replicationConfiguration"]["rules"] == []


def test_a_repository_lies_under_a_key_that_is_enabled(aws: Clients) -> None:
    ecr, kms = aws("ecr", DR), aws("kms", DR)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    under = {"encryptionType": "KMS", "kmsKey": key}
    ecr.create_repository(repositoryName=NAME, encryptionConfiguration=under)
    assert ecr.describe_repositories()["repositories"][0]["encryptionConfiguration"] == under
    kms.disable_key(KeyId=key)
    for unusable in (key, key[:-4] + "0000"):
        with pytest.raises(ClientError, match="KmsException"):
            ecr.create_repository(
                repositoryName="other", encryptionConfiguration={"encryptionType": "KMS", "kmsKey": unusable}
            )


def test_without_a_key_of_ones_own_it_is_the_one_of_aws(aws: Clients) -> None:
    ecr, kms = aws("ecr", DR), aws("kms", DR)
    for name in (NAME, "other"):
        ecr.create_repository(repositoryName=name, encryptionConfiguration={"encryptionType": "KMS"})
    keys = {row["encryptionConfiguration"]["kmsKey"] for row in ecr.describe_repositories()["repositories"]}
    (key,) = keys
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (found["KeyManager"], found["KeyState"]) == ("AWS", "Enabled")
