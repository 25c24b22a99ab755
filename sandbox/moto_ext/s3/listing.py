"""ListObjectVersions of many objects: the keys of a bucket stay in order, and a page costs what is on it.

The emulator copies and sorts every version of a bucket for each page of a thousand, and its serializer takes most of
two seconds for one. What is listed by a delimiter is left to it. After KeyMarker alone the next key follows
(API_ListObjectVersions).

Very many objects at once, and very large ones: what a bucket of years holds, without its bytes.

All share the same small content; an object that is declared larger reports that size wherever its size counts. Parts of
it that UploadPartCopy takes are as large as their range says.
"""

from __future__ import annotations

import io
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_api._internal import mock_random
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.s3.utils import _VersionedKeyStore
from moto.settings import get_s3_default_max_keys

from sandbox.core.errors import SandboxError
from sandbox.core.patching import wrap

# A version, and whether it is the latest of its key.
Row = tuple[FakeKey | FakeDeleteMarker, bool]
_ORDER = "_keys_in_order"
# One etag for all: copies are compared by it.
_CONTENT, _ETAG = b"an object of the sandbox", "5a6d9b0f4c4b4d0b8f1e7f1d2c3b4a59"


def _in_order(keys: _VersionedKeyStore) -> list[str]:
    """The names of the bucket's keys, sorted once and kept so by each put."""
    order: list[str] | None = keys.__dict__.get(_ORDER)
    # moto's own code may remove keys past these methods: the length shows it.
    if order is None or len(order) != len(keys):
        order = keys.__dict__[_ORDER] = sorted(keys)
    return order


@wrap(_VersionedKeyStore, "__setitem__")
def _note_new(original: Any, self: _VersionedKeyStore, key: str, value: Any) -> Any:
    if _ORDER in self.__dict__ and key not in self:
        insort(self.__dict__[_ORDER], key)
    return original(self, key, value)


@wrap(_VersionedKeyStore, "setlist")
def _note_list(original: Any, self: _VersionedKeyStore, key: str, list_: Any) -> Any:
    return _note_new(original, self, key, list_)


@wrap(_VersionedKeyStore, "pop")
def _note_gone(original: Any, self: _VersionedKeyStore, key: str) -> Any:
    self.__dict__.pop(_ORDER, None)
    return original(self, key)


@wrap(S3Response, "list_object_versions")
def _answer(original: Any, self: S3Response) -> Any:
    """One page, written out."""
    params = {name: values[0] for name, values in self.querystring.items()}
    most, after = int(params.get("max-keys", get_s3_default_max_keys())), params.get("key-marker")
    version_id = params.get("version-id-marker")
    # MaxKeys 0 asks for nothing: moto answers it.
    if params.get("delimiter") or not most:
        return original(self)
    prefix = self._get_querystring(self.request, self.uri).get("prefix", [""])[0]
    # One more than the page is looked for, to know whether the list goes on.
    rows = _rows_after(self.backend.get_bucket(self.bucket_name), prefix, after or "", version_id)
    page = list(islice(rows, most))
    is_truncated = next(rows, None) is not None
    fields = {"Name": self.bucket_name, "Prefix": prefix, "KeyMarker": after or "", "VersionIdMarker": version_id or ""}
    fields |= {"MaxKeys": most, "IsTruncated": str(is_truncated).lower()}
    if is_truncated:
        fields |= {"NextKeyMarker": page[-1][0].name, "NextVersionIdMarker": page[-1][0].version_id}
    body = _element("ListVersionsResult", fields, "".join(map(_version, page)))
    headers = {"content-type": "application/xml", **self.response_headers}
    return HTTPStatus.OK, headers, f'<?xml version="1.0" encoding="UTF-8"?>{body}'


def _rows_after(bucket: FakeBucket, prefix: str, key_marker: str, version_id: str | None) -> Iterator[Row]:
    """The versions in the order of a listing, the newest of a key first."""
    order = _in_order(bucket.keys)
    start = bisect_left(order, prefix)
    if key_marker:
        # With a version marker the key itself may have more versions to come.
        start = max(start, (bisect_left if version_id else bisect_right)(order, key_marker))
    for name in islice(order, start, None):
        if not name.startswith(prefix):
            return
        # The newest first: moto keeps them in the order of writing.
        rows = [(row, not place) for place, row in enumerate(reversed(bucket.keys.getlist(name, [])))]
        versions = [row.version_id for row, _ in rows]
        listed = name == key_marker and version_id in versions
        yield from rows[versions.index(version_id) + 1 :] if listed else rows


def _version(row: Row) -> str:
    version, is_latest = row
    fields = {"Key": version.name, "VersionId": version.version_id or "null", "IsLatest": str(is_latest).lower()}
    fields["LastModified"] = version.last_modified_ISO8601
    if not isinstance(version, FakeKey):
        return _element("DeleteMarker", fields)
    content = {"ETag": version.etag, "Size": version.size, "StorageClass": version.storage_class}
    return _element("Version", {**fields, **content})


def _element(name: str, fields: dict[str, Any], more: str = "") -> str:
    inner = "".join(f"<{field}>{escape(str(value))}</{field}>" for field, value in fields.items())
    return f"<{name}>{inner}{more}</{name}>"


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
