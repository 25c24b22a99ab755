"""S3 lifecycle rules that expire or archive objects of the estate's buckets, or delete their former versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import s3
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"s3:GetBucketLifecycleConfiguration"})
# The classes that must be restored, for hours, before they can be read. Source: S3 User Guide, storage classes.
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")


@dataclass(frozen=True, slots=True)
class LifecycleEffect:
    """An enabled rule's effect: ``kind`` expires or archives current objects, ``after`` days (0 for a past date).

    ``prefix``, ``tags`` (``key=value``) and sizes in bytes say which objects; a size of None narrows nothing. The kind
    ``forgets`` deletes versions so long after a newer one came, but for the newest ``versions`` of them.
    """

    rule: str
    kind: str
    after_days: int
    prefix: str
    tags: tuple[str, ...]
    larger_than: int | None = None
    smaller_than: int | None = None
    versions: int = 0


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The endings of one bucket, Unavailable where they could not be read; replication copies no lifecycle rule."""

    bucket: str
    endings: tuple[LifecycleEffect, ...] | Unavailable


@part(*REGIONAL, reads=READS)
def lifecycles(context: ReadContext) -> tuple[Lifecycle, ...]:
    """The lifecycle of each bucket that is there: S3 has no batch read, one call a bucket, not a tenant."""
    there = [bucket.name for bucket in context.part(s3.buckets) if isinstance(bucket, s3.Bucket) and bucket.region]
    read = context.maybe(lambda name: _endings_of(context, name), there)
    return tuple(Lifecycle(name, endings) for name, endings in zip(there, read, strict=True))


def _endings_of(context: ReadContext, name: str) -> tuple[LifecycleEffect, ...]:
    request = {"Bucket": name, "ExpectedBucketOwner": context.env.account}
    found = context.find("s3", "get_bucket_lifecycle_configuration", ("NoSuchLifecycleConfiguration",), **request)
    # A rule that is Disabled does nothing, and stays listed.
    rows = [row for row in (found or {}).get("Rules", []) if row["Status"] == "Enabled"]
    return tuple(result for row in rows for result in _endings(context, row))


def _endings(context: ReadContext, row: dict[str, Any]) -> list[LifecycleEffect]:
    chosen = _filter_of(row)
    rules = [("expires", row["Expiration"])] if row.get("Expiration") else []
    rules += [("archives", move) for move in row.get("Transitions", []) if move.get("StorageClass") in _ARCHIVES]
    forgets = row.get("NoncurrentVersionExpiration") or {}
    rules += [("forgets", forgets)] if forgets else []
    return [
        LifecycleEffect(row.get("ID", ""), kind, days, *chosen, when.get("NewerNoncurrentVersions", 0))
        for kind, when in rules
        if (days := _days(context, when)) is not None
    ]


def _days(context: ReadContext, when: dict[str, Any]) -> int | None:
    """After how many days it takes hold; from now on where it names a date. None where it ends no object."""
    if "Date" in when:
        ends: datetime = when["Date"]
        # A past date goes on to count: S3 expires what is there each day from then on (S3 User Guide, "Lifecycle").
        return max(0, (ends - context.now).days)
    days = when.get("Days", when.get("NoncurrentDays"))
    return None if days is None else int(days)


def _filter_of(row: dict[str, Any]) -> tuple[str, tuple[str, ...], int | None, int | None]:
    """Prefix, tags, lower and upper size of the objects that a rule takes. Source: S3 API, LifecycleRuleFilter."""
    chosen = row.get("Filter", {})
    both = chosen.get("And", {})
    tags = [*([chosen["Tag"]] if chosen.get("Tag") else []), *both.get("Tags", [])]
    # Prefix beside Filter is the older form, which S3 still answers (S3 API, LifecycleRule).
    prefix = row.get("Prefix") or chosen.get("Prefix") or both.get("Prefix") or ""
    larger, smaller = (chosen.get(key, both.get(key)) for key in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"))
    return prefix, tuple(sorted(f"{tag['Key']}={tag['Value']}" for tag in tags)), larger, smaller
