"""Comparison of two versioned buckets by key, as they are listed.

Both lists come in the order of the keys' bytes, the newest version of a key first (API_ListObjectVersions), so they are
merged as they are read: two pages of each are held at most. Two objects are alike by version, by ETag, or where the
primary region's object is no older and of the same size: a copy of a multipart or KMS-encrypted object has another
ETag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from heapq import merge
from itertools import groupby
from typing import Any

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
    NEWER_AT_HOME = "newer at home"
    DELETED_AWAY = "deleted away"
    DELETED_AT_HOME = "deleted at home"


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
