"""Very many objects at once, and very large ones: what a bucket of years holds, without its bytes.

All share the same small content; an object that is declared larger reports that size wherever its size counts. Parts of
it that UploadPartCopy takes are as large as their range says.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from moto.moto_api._internal import mock_random
from moto.s3.models import FakeKey, S3Backend, s3_backends

from sandbox.core.errors import SandboxError
from sandbox.core.patching import wrap

# One etag for all: copies are compared by it.
_CONTENT, _ETAG = b"an object of the sandbox", "5a6d9b0f4c4b4d0b8f1e7f1d2c3b4a59"


class SharedContent(io.BytesIO):
    """The content of many objects: it outlives each of them."""

    def close(self) -> None:
        """Stay open: the first of the objects to be removed would close it for all."""


def fill(account: str, buckets: Sequence[str], prefix: str, count: int, size_bytes: int = 0) -> None:
    """Put ``count`` objects under ``prefix`` into each of ``buckets``: the same versions, as replication makes them.

    They are said to be of ``size_bytes``, where that is given. Raises SandboxError where there is no such bucket.
    """
    backend = s3_backends[account]["aws"]
    if strange := sorted(name for name in buckets if name not in backend.buckets):
        raise SandboxError(f"There is no bucket {', '.join(strange)}.")
    bucket = backend.buckets[buckets[0]]
    first = FakeKey(prefix, _CONTENT, account, bucket.region_name, etag=_ETAG, is_versioned=True)
    first.contentsize = size_bytes or first.contentsize
    # Past the constructor: moto writes each content to a file of its own.
    first.__dict__["_value_buffer"] = SharedContent(_CONTENT)
    for number in range(count):
        version = mock_random.uuid4()
        for name in buckets:
            key = object.__new__(FakeKey)  # a copy would write the content to a file of its own
            key.__dict__.update(first.__dict__)
            key.name, key.bucket_name, key._version_id = f"{prefix}{number:07}", name, str(version)
            # By the store of versions: so that the listing in order hears of each.
            backend.buckets[name].keys[key.name] = key


@wrap(S3Backend, "upload_part_copy")
def _upload_part_copy(original: Any, self: S3Backend, *args: Any, **kwargs: Any) -> FakeKey:
    """Let a part of what is only said to be large be as large as its range."""
    part: FakeKey = original(self, *args, **kwargs)
    start, end = kwargs.get("start_byte"), kwargs.get("end_byte")
    source = self.get_object(kwargs["src_bucket_name"], kwargs["src_key_name"], version_id=kwargs["src_version_id"])
    # Only of what is said to be larger than it is.
    if source is not None and source.contentsize > len(source.value) and start is not None and end is not None:
        part.contentsize = end - start + 1
    return part


@wrap(S3Backend, "complete_multipart_upload")
def _complete(original: Any, self: S3Backend, bucket_name: str, multipart_id: str, body: Iterator[Any]) -> Any:
    chosen, parts = list(body), dict(self.get_bucket(bucket_name).multiparts[multipart_id].parts)
    key = original(self, bucket_name, multipart_id, iter(chosen))
    if key is not None:
        key.contentsize = sum(parts[number].contentsize for number, _ in chosen)
    return key
