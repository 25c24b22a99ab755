"""Comparison of each bucket with its copy, as counts of keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from heapq import merge
from itertools import groupby
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import s3, serving_side
from dr_estate.reading.reader import ReadContext, part

# Comparison of two versioned buckets by key, as they are listed.
#
# Both lists come in the order of the keys' bytes, the newest version of a key first (API_ListObjectVersions), so they
# are merged as they are read: two pages of each are held at most. Two objects are alike by version, by ETag, or where
# the primary region's object is no older and of the same size: a copy of a multipart or KMS-encrypted object has
# another ETag.

# What one CopyObject takes. Source: API_CopyObject.
LARGEST_COPY_BYTES = 5 * 1024**3
_NO_VERSION = "null"

Fetch = Callable[[Mapping[str, str]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """The latest version of a key; ``deleted`` where that is a delete marker (then it has no ETag and no size)."""

    key: str
    version: str
    at: datetime
    etag: str = ""
    size_bytes: int = 0
    deleted: bool = False


class ObjectState(StrEnum):
    """The state of a key. ``COPY`` and ``LARGE`` are missing or older in the primary region; others are left alone."""

    ALIKE = "alike"
    COPY = "to be copied"
    LARGE = "too large for one copy"
    NEWER_AT_HOME = "newer in the primary region"
    DELETED_AWAY = "deleted away"
    DELETED_AT_HOME = "deleted in the primary region"


@dataclass(frozen=True, slots=True)
class ObjectPair:
    """One key on both sides; None where a side never held it."""

    kind: ObjectState
    home: ObjectVersion | None
    away: ObjectVersion | None


def latest(fetch: Fetch, after: str = "") -> Iterator[ObjectVersion]:
    """The latest version of every key beyond ``after``, in order.

    ``fetch`` lists one page that begins after the given markers; it is asked for the next while one is gone through.
    """
    with ThreadPoolExecutor(1, "page") as ahead:
        coming: Future[Mapping[str, Any]] | None = ahead.submit(fetch, {"KeyMarker": after} if after else {})
        while coming is not None:
            page, coming = coming.result(), None
            if page.get("IsTruncated"):
                version = page.get("NextVersionIdMarker")
                markers = {"KeyMarker": page["NextKeyMarker"], **({"VersionIdMarker": version} if version else {})}
                coming = ahead.submit(fetch, markers)
            # Versions and delete markers come in two lists: together they are in the order of the key again.
            yield from sorted(_entries(page), key=lambda entry: entry.key)


def _entries(page: Mapping[str, Any]) -> Iterator[ObjectVersion]:
    for row in page.get("Versions") or ():
        if row["IsLatest"]:
            version = row.get("VersionId", _NO_VERSION)
            yield ObjectVersion(
                row["Key"], version, row["LastModified"], row.get("ETag", "").strip('"'), row.get("Size", 0)
            )
    for row in page.get("DeleteMarkers") or ():
        if row["IsLatest"]:
            yield ObjectVersion(row["Key"], row.get("VersionId", _NO_VERSION), row["LastModified"], deleted=True)


def object_pairs(home: Iterator[ObjectVersion], away: Iterator[ObjectVersion]) -> Iterator[ObjectPair]:
    """Every key of either side, in order."""
    sides = merge(((entry, True) for entry in home), ((entry, False) for entry in away), key=lambda entry: entry[0].key)
    for _, found in groupby(sides, key=lambda tagged: tagged[0].key):
        both = {is_primary: entry for entry, is_primary in found}
        yield _pair_of(both.get(True), both.get(False))


def _pair_of(home: ObjectVersion | None, away: ObjectVersion | None) -> ObjectPair:
    if away is None:
        return ObjectPair(ObjectState.ALIKE, home, away)
    if away.deleted:
        left = home is not None and not home.deleted and home.at <= away.at
        return ObjectPair(ObjectState.DELETED_AWAY if left else ObjectState.ALIKE, home, away)
    if home is not None and home.deleted and home.at >= away.at:
        return ObjectPair(ObjectState.DELETED_AT_HOME, home, away)
    if home is not None and not home.deleted:
        if _is_same_object(home, away):
            return ObjectPair(ObjectState.ALIKE, home, away)
        if home.at > away.at:
            return ObjectPair(ObjectState.NEWER_AT_HOME, home, away)
    return ObjectPair(ObjectState.LARGE if away.size_bytes > LARGEST_COPY_BYTES else ObjectState.COPY, home, away)


def _is_same_object(home: ObjectVersion, away: ObjectVersion) -> bool:
    if home.etag == away.etag or (home.version == away.version != _NO_VERSION):
        return True
    return home.at >= away.at and home.size_bytes == away.size_bytes


READS = frozenset({"s3:ListObjectVersions"})
_NAMED = 5
# Fifty calls of a thousand versions each: often enough for who waits, and not a line a second.
_REPORTED_EACH = 50_000


@dataclass(frozen=True, slots=True)
class BucketDifference:
    """How a bucket and its copy differ. ``examples`` are the first few keys of each kind, as ``kind: key``.

    ``missing`` objects are absent or older in the primary region, ``missing_bytes`` in all, the first of them written
    in the copy at ``oldest_at``; ``large`` of them are too large for one CopyObject. What one side deleted is left on
    the other.
    """

    bucket: str
    copy: str
    alike: int
    missing: int
    missing_bytes: int
    large: int
    oldest_at: datetime | None
    newer_at_home: int
    deleted_away: int
    deleted_at_home: int
    examples: tuple[str, ...]


@part(Side.DR, reads=READS)
def apart(context: ReadContext) -> tuple[BucketDifference | Unavailable, ...]:
    """Each bucket of data beside its copy, a thousand versions a call; nothing while the primary region serves.

    One pass over both lists, a page of each in memory; the buckets at once.
    """
    # While the primary serves, replication goes on, and each look would list all objects for nothing.
    if not serving_side.away(context):
        return ()
    there = {
        b.name
        for side in (Side.PRIMARY, Side.DR)
        for b in context.part(s3.buckets, side)
        if isinstance(b, s3.Bucket) and b.region
    }
    pairs = [pair for pair in s3.data_pairs(context.env) if there.issuperset(pair)]
    return tuple(context.maybe(lambda pair: _apart(context, *pair), pairs))


def _apart(context: ReadContext, bucket: str, copy: str) -> BucketDifference:
    primary = replace(context, side=Side.PRIMARY, region=context.env.region(Side.PRIMARY))
    tally, goes_on = PairCounter(), context.client.long_reading(context.env.observation.compare_minutes)
    home, away = (latest(_pages(where, name, goes_on)) for where, name in ((primary, bucket), (context, copy)))
    for count, pair in enumerate(object_pairs(home, away), 1):
        tally.add(pair)
        if not count % _REPORTED_EACH:
            # The list may take an hour: a person must see that it moves.
            context.client.credentials.report(f"{bucket}: {count:,} objects compared with {copy}.")
    return tally.difference(bucket, copy)


def _pages(context: ReadContext, bucket: str, goes_on: Callable[[], bool]) -> Fetch:
    """How to list ``bucket``, for as long as the comparison may go on."""

    def fetch(markers: Mapping[str, str]) -> Mapping[str, Any]:
        if not goes_on():
            minutes = context.env.observation.compare_minutes
            reason = f"{bucket} could not be listed within {minutes} min (observation.compare_minutes)."
            raise DataUnavailable(Unavailable(UnavailableKind.DEADLINE, reason, context.region))
        request = {"Bucket": bucket, "ExpectedBucketOwner": context.env.account, **markers}
        return context.call("s3", "list_object_versions", **request)

    return fetch


@dataclass
class PairCounter:
    """Counts pairs as they go by."""

    kinds: Counter[ObjectState] = field(default_factory=Counter)
    missing_bytes: int = 0
    oldest_at: datetime | None = None
    examples: list[str] = field(default_factory=list)

    def add(self, pair: ObjectPair) -> None:
        """Count one key."""
        self.kinds[pair.kind] += 1
        if pair.kind is ObjectState.ALIKE:
            return
        named = pair.away or pair.home
        if named is not None and self.kinds[pair.kind] <= _NAMED:
            self.examples.append(f"{pair.kind}: {named.key}")
        if pair.kind in (ObjectState.COPY, ObjectState.LARGE) and pair.away is not None:
            self.missing_bytes += pair.away.size_bytes
            self.oldest_at = min(self.oldest_at or pair.away.at, pair.away.at)

    def difference(self, bucket: str, copy: str) -> BucketDifference:
        """What was counted."""
        return BucketDifference(
            bucket=bucket,
            copy=copy,
            alike=self.kinds[ObjectState.ALIKE],
            missing=self.kinds[ObjectState.COPY] + self.kinds[ObjectState.LARGE],
            missing_bytes=self.missing_bytes,
            large=self.kinds[ObjectState.LARGE],
            oldest_at=self.oldest_at,
            newer_at_home=self.kinds[ObjectState.NEWER_AT_HOME],
            deleted_away=self.kinds[ObjectState.DELETED_AWAY],
            deleted_at_home=self.kinds[ObjectState.DELETED_AT_HOME],
            examples=tuple(sorted(self.examples)),
        )
