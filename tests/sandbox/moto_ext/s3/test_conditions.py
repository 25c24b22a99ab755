"""A copy inside S3 heeds its conditions on what is copied and on what it would overwrite."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients

SOURCE, TARGET = "shop-assets-dr", "shop-assets"


@pytest.fixture
def s3(served: Clients) -> Any:
    """A client of a world with two buckets; the source holds one object."""
    client = served("s3", PRIMARY)
    for bucket, region in ((SOURCE, DR), (TARGET, PRIMARY)):
        served("s3", region).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket=SOURCE, Key="k", Body=b"one")
    return client


def copied(s3: Any, **conditions: str) -> str:
    s3.copy_object(Bucket=TARGET, Key="k", CopySource={"Bucket": SOURCE, "Key": "k"}, **conditions)
    etag: str = s3.head_object(Bucket=TARGET, Key="k")["ETag"]
    return etag


def refused(s3: Any, **conditions: str) -> str:
    with pytest.raises(ClientError) as error:
        copied(s3, **conditions)
    return str(error.value.response["Error"]["Code"])


def test_a_copy_that_must_not_overwrite_is_made_once(s3: Any) -> None:
    etag = copied(s3, IfNoneMatch="*")
    assert "PreconditionFailed" == refused(s3, IfNoneMatch="*")
    s3.delete_object(Bucket=TARGET, Key="k")
    assert etag == copied(s3, IfNoneMatch="*"), "a delete marker is no object"


def test_a_copy_overwrites_only_the_object_that_it_names(s3: Any) -> None:
    assert "PreconditionFailed" == refused(s3, IfMatch='"none"')
    etag = copied(s3)
    assert etag == copied(s3, IfMatch=etag)
    s3.put_object(Bucket=TARGET, Key="k", Body=b"changed meanwhile")
    assert "PreconditionFailed" == refused(s3, IfMatch=etag)


def test_a_copy_is_made_only_of_the_object_that_it_names(s3: Any) -> None:
    etag = copied(s3)
    assert etag == copied(s3, CopySourceIfMatch=etag.strip('"'))
    assert "PreconditionFailed" == refused(s3, CopySourceIfMatch='"another"')
