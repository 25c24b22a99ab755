"""Comparison of each bucket with its copy, as counts of keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unseen import Unseen
from dr_estate.readers import s3, serving_side
from dr_estate.readers.s3_object_pairs import Fetch, Kind, Pair, compared, latest
from dr_estate.reading.part import part
from dr_estate.reading.reader import Look

READS = frozenset({"s3:ListObjectVersions"})
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Apart:
    """How a bucket and its copy differ. ``examples`` are the first few keys of each kind, as ``kind: key``.

    ``missing`` objects are absent or older at home, ``missing_bytes`` in all, the first of them written in the copy at
    ``oldest_at``; ``large`` of them are too large for one CopyObject. What one side deleted is left on the other.
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
def apart(look: Look) -> tuple[Apart | Unseen, ...]:
    """Each bucket of data beside its copy, a thousand versions a call; nothing while the primary region serves.

    One pass over both lists, a page of each in memory; the buckets at once.
    """
    if not serving_side.away(look):
        return ()
    there = {
        b.name
        for side in (Side.PRIMARY, Side.DR)
        for b in look.part(s3.buckets, side)
        if isinstance(b, s3.Bucket) and b.region
    }
    pairs = [pair for pair in s3.data_pairs(look.env) if there.issuperset(pair)]
    return tuple(look.maybe(lambda pair: _apart(look, *pair), pairs))


def _apart(look: Look, bucket: str, copy: str) -> Apart:
    primary = replace(look, side=Side.PRIMARY, region=look.env.region(Side.PRIMARY))
    tally = Tally()
    for pair in compared(latest(_pages(primary, bucket)), latest(_pages(look, copy))):
        tally.add(pair)
    return tally.told(bucket, copy)


def _pages(look: Look, bucket: str) -> Fetch:
    def fetch(markers: Mapping[str, str]) -> Mapping[str, Any]:
        request = {"Bucket": bucket, "ExpectedBucketOwner": look.env.account, **markers}
        return look.call("s3", "list_object_versions", **request)

    return fetch


@dataclass
class Tally:
    """Counts pairs as they go by."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    missing_bytes: int = 0
    oldest_at: datetime | None = None
    examples: list[str] = field(default_factory=list)

    def add(self, pair: Pair) -> None:
        """Count one key."""
        self.kinds[pair.kind] += 1
        if pair.kind is Kind.ALIKE:
            return
        named = pair.away or pair.home
        if named is not None and self.kinds[pair.kind] <= _NAMED:
            self.examples.append(f"{pair.kind}: {named.key}")
        if pair.kind in (Kind.COPY, Kind.LARGE) and pair.away is not None:
            self.missing_bytes += pair.away.size_bytes
            self.oldest_at = min(self.oldest_at or pair.away.at, pair.away.at)

    def told(self, bucket: str, copy: str) -> Apart:
        """What was counted."""
        return Apart(
            bucket=bucket,
            copy=copy,
            alike=self.kinds[Kind.ALIKE],
            missing=self.kinds[Kind.COPY] + self.kinds[Kind.LARGE],
            missing_bytes=self.missing_bytes,
            large=self.kinds[Kind.LARGE],
            oldest_at=self.oldest_at,
            newer_at_home=self.kinds[Kind.NEWER_AT_HOME],
            deleted_away=self.kinds[Kind.DELETED_AWAY],
            deleted_at_home=self.kinds[Kind.DELETED_AT_HOME],
            examples=tuple(sorted(self.examples)),
        )
