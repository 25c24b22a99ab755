"""CopyObject's conditions, which the emulator passes over: on the source, on what is overwritten, and its size.

Source: API_CopyObject (x-amz-copy-source-if-match, If-Match, If-None-Match; 5 GB in one call).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from moto.s3.exceptions import InvalidRequest, PreconditionFailed
from moto.s3.responses import S3Response

from sandbox.core.patching import wrap

# CopyObject takes 5 GB; what is larger is copied in parts (API_CopyObject).
LARGEST = 5 * 1024**3


class CopySourceTooLarge(InvalidRequest):
    """The source of a copy is larger than one call takes."""

    def __init__(self) -> None:
        super().__init__("x-amz-copy-source")
        self.message = (
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
        )


@wrap(S3Response, "copy_object")
def _copy_object(original: Any, self: S3Response) -> Any:
    source = urlsplit(str(self.headers.get("x-amz-copy-source")))
    bucket, _, key = unquote(source.path).lstrip("/").partition("/")
    found = self.backend.get_object(bucket, key, version_id=parse_qs(source.query).get("versionId", [None])[0])
    if found is not None:
        _demand(self.headers.get("x-amz-copy-source-if-match"), found.etag, "x-amz-copy-source-If-Match")
        if found.size > LARGEST:
            raise CopySourceTooLarge
    there = self.backend.get_object(self.bucket_name, self.parse_key_name())
    _demand(self.headers.get("If-Match"), there.etag if there is not None else "", "If-Match")
    if self.headers.get("If-None-Match") == "*" and there is not None:
        raise PreconditionFailed("If-None-Match")
    return original(self)


def _demand(wanted: Any, current: str, condition: str) -> None:
    # With or without quotes: clients send both.
    if wanted and str(wanted).strip('"') != current.strip('"'):
        raise PreconditionFailed(condition)
