"""Comparison of each bucket with its copy, as counts of keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import s3, serving_side
from dr_estate.readers.s3_object_pairs import Fetch, ObjectPair, ObjectState, latest, object_pairs
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

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
