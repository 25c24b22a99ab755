"""Copies the objects that a bucket lacks from its copy, several at once, with separate retries for each object.

An object is copied from the exact version that was listed, and only onto what was listed in the primary region
(If-Match, If-None-Match), so a repeated copy has no further effect. Where either side changed meanwhile, both are read
again for that key alone. Objects that are too large for CopyObject (5 GB) are copied in parts, several at once.
Sources: API_CopyObject, API_UploadPartCopy, S3 User Guide, "Multipart upload limits".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from shlex import quote
from typing import Any
from urllib.parse import urlencode

from dr_actions.model.action import BulkSender
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.readers.s3_objects import Fetch, ObjectPair, ObjectState, ObjectVersion, latest, object_pairs

READS = frozenset({"s3:GetObjectTagging", "s3:HeadObject", "s3:ListObjectVersions"})
WRITES = frozenset({*("s3:CompleteMultipartUpload", "s3:CopyObject", "s3:CreateMultipartUpload", "s3:UploadPartCopy")})
BATCH = 1000
# CopyObject takes 5 GB; an upload has at most 10,000 parts (S3 guide, multipart upload limits).
PART_BYTES, MOST_PARTS = 1024**3, 10_000
_REPORTED_PARTS = 64
_NAMED, _MOST_FAILED = 5, 100
_PASSING = frozenset({FailureKind.THROTTLED, FailureKind.BUSY, FailureKind.UNCERTAIN})
_CHANGED = frozenset({"404", "412", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "PreconditionFailed"})
_TAKEN_ALONG = (
    *("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata"),
    "WebsiteRedirectLocation",
)


@dataclass(frozen=True)
class ObjectTransfer:
    """From bucket ``copy`` in ``from_region`` to ``bucket`` in ``region``, both of ``account``."""

    sender: BulkSender
    bucket: str
    copy: str
    region: str
    from_region: str
    account: str

    def differing(self, after: str = "") -> Iterator[ObjectPair]:
        """What is to be copied, in order, as both buckets are listed after the key ``after``."""
        home, away = (self._pages(name, region) for name, region in self._sides())
        to_copy = (ObjectState.COPY, ObjectState.LARGE)
        yield from (pair for pair in object_pairs(latest(home, after), latest(away, after)) if pair.kind in to_copy)

    def copy_all(self, pairs: Iterable[ObjectPair], of: str) -> int:
        """Copy ``pairs``, a batch at a time, and return how many. ``of`` is their number as it is shown.

        The cursor follows each batch, until an object could not be copied: a resumed run looks at that object again.
        Raises SendFailed, which names what could not be copied.
        """
        copied, failed, pending = 0, dict[str, SendFailed](), iter(pairs)
        while batch := list(islice(pending, BATCH)):
            small = [pair for pair in batch if pair.kind is ObjectState.COPY]
            failures = dict(zip(map(_key, small), self.sender.each(self._copy, small), strict=True))
            failures |= {_key(pair): self._copy(pair) for pair in batch if pair.kind is ObjectState.LARGE}
            failed |= {key: failure for key, failure in failures.items() if failure is not None}
            copied += len(batch) - sum(failure is not None for failure in failures.values())
            message = f"{self.bucket}: {copied:,} of {of} objects copied"
            # After a failure the cursor stays: a resumed run must meet that object again.
            self.sender.record("" if failed else _key(batch[-1]), message + (f", {len(failed)} not" if failed else ""))
            if len(failed) >= _MOST_FAILED:
                break
        if failed:
            raise self._combined_failure(failed)
        return copied

    def _combined_failure(self, failed: Mapping[str, SendFailed]) -> SendFailed:
        """All that failed, as one: to be tried again only where every one of them may pass by itself."""
        examples = "; ".join(f"{key}: {failure}" for key, failure in islice(failed.items(), _NAMED))
        kinds = {failure.trouble for failure in failed.values()}
        kind = min(kinds) if kinds <= _PASSING else next(iter(kinds - _PASSING))
        counted = "1 object" if len(failed) == 1 else f"{len(failed)} objects"
        return SendFailed(kind, f"{counted} of {self.copy} could not be copied into {self.bucket}: {examples}")

    def _copy(self, pair: ObjectPair) -> SendFailed | None:
        """Copy one object; returns why it could not be. Raises SendFailed where the credentials were refused."""
        failed: SendFailed | None = None
        for attempt in range(self.sender.attempts):
            try:
                if pair.kind is ObjectState.LARGE:
                    self._copy_in_parts(pair)
                else:
                    self.sender.send(Call("s3", "CopyObject", self.region, self._request(pair)))
            except SendFailed as trouble:
                failed = trouble
            else:
                return None
            # Every further object would fail alike: the run logs in again and goes on after the cursor.
            if failed.trouble is FailureKind.CREDENTIALS:
                raise failed
            # The precondition failed: somebody wrote meanwhile, so the pair is looked at again and not forced.
            if failed.code in _CHANGED:
                pair = self._current_pair(_key(pair))
                if pair.kind not in (ObjectState.COPY, ObjectState.LARGE):
                    return None
            elif failed.trouble not in _PASSING:
                return failed
            self.sender.pause(attempt)
        return failed

    def _current_pair(self, key: str) -> ObjectPair:
        entries = [next(latest(self._pages(name, region, key)), None) for name, region in self._sides()]
        home, away = (iter([entry] if entry is not None and entry.key == key else []) for entry in entries)
        return next(object_pairs(home, away), ObjectPair(ObjectState.ALIKE, None, None))

    def _sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return (self.bucket, self.region), (self.copy, self.from_region)

    def _pages(self, bucket: str, region: str, key: str = "") -> Fetch:
        """How to list a bucket; with ``key``, that object's newest version alone."""
        only = {"Prefix": key, "MaxKeys": 1} if key else {}

        def fetch(markers: Mapping[str, str]) -> Mapping[str, Any]:
            params = {"Bucket": bucket, "ExpectedBucketOwner": self.account, **only, **markers}
            answer = self._send(Call("s3", "ListObjectVersions", region, params))
            return {**answer, "IsTruncated": False} if key else answer

        return fetch

    def _send(self, call: Call) -> dict[str, Any]:
        """Send a call that may be sent again, as often as the sender tries. Raises SendFailed."""
        for attempt in range(self.sender.attempts - 1):
            try:
                return self.sender.send(call)
            except SendFailed as failed:
                if failed.trouble not in _PASSING:
                    raise
            self.sender.pause(attempt)
        return self.sender.send(call)

    def _request(self, pair: ObjectPair) -> dict[str, Any]:
        return {**self._from(pair), **self._onto(pair), "ExpectedSourceBucketOwner": self.account}

    def _from(self, pair: ObjectPair) -> dict[str, Any]:
        source = _source(pair)
        where = {"Bucket": self.copy, "Key": source.key, "VersionId": source.version}
        return {"CopySource": where, "CopySourceIfMatch": source.etag}

    def _onto(self, pair: ObjectPair) -> dict[str, Any]:
        there = pair.home is not None and not pair.home.deleted
        unchanged = {"IfMatch": pair.home.etag} if pair.home is not None and there else {"IfNoneMatch": "*"}
        return {**self._place(pair), **unchanged}

    def _place(self, pair: ObjectPair) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": _key(pair), "ExpectedBucketOwner": self.account}

    def _copy_in_parts(self, pair: ObjectPair) -> None:
        """Copy an object of more than 5 GB with its metadata and tags. Raises SendFailed."""
        call = Call("s3", "CreateMultipartUpload", self.region, {**self._place(pair), **self._metadata(pair)})
        upload = {**self._place(pair), "UploadId": self._send(call)["UploadId"]}
        try:
            whole = {**upload, **self._onto(pair), "MultipartUpload": {"Parts": self._parts(pair, upload)}}
            self._send(Call("s3", "CompleteMultipartUpload", self.region, whole))
        except SendFailed as failed:  # no run deletes there: the parts cost money until a person removes them
            which = f"--bucket {self.bucket} --key {quote(_key(pair))} --upload-id {upload['UploadId']}"
            left = f"Its upload is left unfinished: aws s3api abort-multipart-upload {which}"
            raise SendFailed(failed.trouble, f"{failed} {left}", failed.code) from failed

    def _metadata(self, pair: ObjectPair) -> dict[str, Any]:
        source = _source(pair)
        where = {"Bucket": self.copy, "Key": source.key, "VersionId": source.version}
        owned = {**where, "ExpectedBucketOwner": self.account}
        head = self._send(Call("s3", "HeadObject", self.from_region, owned))
        tags = self._send(Call("s3", "GetObjectTagging", self.from_region, owned)).get("TagSet") or ()
        along = {name: head[name] for name in _TAKEN_ALONG if head.get(name)}
        return along | ({"Tagging": urlencode([(tag["Key"], tag["Value"]) for tag in tags])} if tags else {})

    def _parts(self, pair: ObjectPair, upload: Mapping[str, Any]) -> list[dict[str, Any]]:
        wanted, parts = ranges(_source(pair).size_bytes), list[dict[str, Any]]()
        request = {**upload, **self._from(pair), "ExpectedSourceBucketOwner": self.account}

        def copy_part(part: tuple[int, str]) -> dict[str, Any]:
            params = {**request, "PartNumber": part[0], "CopySourceRange": part[1]}
            answer = self._send(Call("s3", "UploadPartCopy", self.region, params))
            return {"PartNumber": part[0], "ETag": answer["CopyPartResult"]["ETag"]}

        for start in range(0, len(wanted), _REPORTED_PARTS):
            parts += self.sender.each(copy_part, wanted[start : start + _REPORTED_PARTS])
            self.sender.record("", f"{self.bucket}: {len(parts)} of {len(wanted)} parts of {_key(pair)} copied")
        return parts


def ranges(size_bytes: int) -> Sequence[tuple[int, str]]:
    """The parts of an object of ``size_bytes``: numbers and ranges of bytes, 10,000 at most."""
    part_bytes = max(PART_BYTES, -(-size_bytes // MOST_PARTS))
    starts = range(0, size_bytes, part_bytes)
    return [(n, f"bytes={at}-{min(at + part_bytes, size_bytes) - 1}") for n, at in enumerate(starts, 1)]


def _source(pair: ObjectPair) -> ObjectVersion:
    if pair.away is None:
        raise ValueError("nothing is to be copied")
    return pair.away


def _key(pair: ObjectPair) -> str:
    return _source(pair).key
