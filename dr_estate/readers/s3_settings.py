"""S3: lifecycle, ownership, notifications, CORS rules and websites of the estate's buckets and of their copies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from dr_estate.config.environment import Side
from dr_estate.model.references import resource_of
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import s3
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, Reader, part

Row = TypeVar("Row")
Setting = TypeVar("Setting")


def _rows(
    row: Callable[[str, Setting | Unavailable], Row],
    context: ReadContext,
    names: Sequence[str],
    setting: Callable[[ReadContext, str], Setting],
) -> tuple[Row, ...]:
    """A row for each bucket with its setting: S3 has no batch read, one call a bucket, not a tenant."""
    return tuple(map(row, names, context.maybe(partial(setting, context), names)))


def _names_where(
    is_set: Callable[[Any], object], context: ReadContext, settings: Reader[tuple[Any, ...]]
) -> Sequence[str]:
    """The primary region's buckets that are there, and the copies of those of which ``is_set``; none while unseen."""
    if context.side is not Side.DR:
        return s3.existing_names(context)
    names: list[str] = []
    with suppress(DataUnavailable):
        names = [row.bucket for row in context.part(settings, Side.PRIMARY) if is_set(row)]
    return s3.copies_of(context, names)


# S3 lifecycle rules that expire or archive objects of the estate's buckets, or delete their former versions.

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


@part(*REGIONAL, reads=frozenset({"s3:GetBucketLifecycleConfiguration"}))
def lifecycles(context: ReadContext) -> tuple[Lifecycle, ...]:
    """The lifecycle of each bucket that is there: S3 has no batch read, one call a bucket, not a tenant."""
    return _rows(Lifecycle, context, s3.existing_names(context), _endings_of)


def _endings_of(context: ReadContext, name: str) -> tuple[LifecycleEffect, ...]:
    found = context.find(
        "s3",
        "get_bucket_lifecycle_configuration",
        ("NoSuchLifecycleConfiguration",),
        **s3.bucket_request(context, name),
    )
    # A rule that is Disabled does nothing, and stays listed.
    rows = [row for row in (found or {}).get("Rules", []) if row["Status"] == "Enabled"]
    return tuple(result for row in rows for result in _endings(context, row))


def _endings(context: ReadContext, row: dict[str, Any]) -> list[LifecycleEffect]:
    narrowed = row.get("Filter", {})
    both = narrowed.get("And", {})
    tags = [*([narrowed["Tag"]] if narrowed.get("Tag") else []), *both.get("Tags", [])]
    # Prefix beside Filter is the older form, which S3 still answers (S3 API, LifecycleRule, LifecycleRuleFilter).
    prefix = row.get("Prefix") or narrowed.get("Prefix") or both.get("Prefix") or ""
    larger, smaller = (narrowed.get(key, both.get(key)) for key in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"))
    chosen = (prefix, tuple(sorted(f"{tag['Key']}={tag['Value']}" for tag in tags)), larger, smaller)
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


# S3 Object Ownership of the estate's buckets: whether they take access control lists (ACLs) with uploads.

ENFORCED, WRITER = "BucketOwnerEnforced", "ObjectWriter"
_NO_OWNERSHIP = "OwnershipControlsNotFoundError"


@dataclass(frozen=True, slots=True)
class BucketOwnership:
    """The setting of one bucket, ObjectWriter where it has none, Unavailable where it could not be read."""

    bucket: str
    setting: str | Unavailable


@part(*REGIONAL, reads=frozenset({"s3:GetBucketOwnershipControls"}))
def ownership(context: ReadContext) -> tuple[BucketOwnership, ...]:
    """That of each bucket of the primary region that is there, and of the copies of those that take ACLs.

    S3 has no batch read: one call a bucket, not a tenant. A bucket made before April 2023 may have no setting, and
    takes ACLs then. Source: S3 User Guide, "Controlling ownership of objects"; GetBucketOwnershipControls.
    """
    # Uploads may name an ACL there, as far as that was seen.
    names = _names_where(lambda row: row.setting != ENFORCED, context, ownership)
    return _rows(BucketOwnership, context, names, _ownership_of)


def _ownership_of(context: ReadContext, name: str) -> str:
    answer = context.find("s3", "get_bucket_ownership_controls", (_NO_OWNERSHIP,), **s3.bucket_request(context, name))
    if answer is None:
        return WRITER
    return context.understand(lambda: str(answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"]), name)


# S3 event notifications of the estate's buckets: who hears that an object was written or deleted.

EVENT_BRIDGE = "EventBridge"
_KINDS = {"TopicConfigurations": "Topic", "QueueConfigurations": "Queue", "LambdaFunctionConfigurations": "Function"}
_ARNS = {"Topic": "TopicArn", "Queue": "QueueArn", "Function": "LambdaFunctionArn"}


@dataclass(frozen=True, slots=True, order=True)
class EventNotification:
    """Who hears which events: ``target`` is a type and a name, or EventBridge, which hears all.

    ``keys`` are what the keys of objects must begin or end with (``prefix=media/``).
    """

    target: str
    events: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BucketNotifications:
    """The event notifications of one bucket, Unavailable where they could not be read."""

    bucket: str
    notifications: tuple[EventNotification, ...] | Unavailable


@part(*REGIONAL, reads=frozenset({"s3:GetBucketNotificationConfiguration"}))
def notifications(context: ReadContext) -> tuple[BucketNotifications, ...]:
    """Those of each bucket that is there: S3 has no batch read, one call a bucket, not a tenant."""
    return _rows(BucketNotifications, context, s3.existing_names(context), _notifications_of)


def _notifications_of(context: ReadContext, name: str) -> tuple[EventNotification, ...]:
    answer = context.call("s3", "get_bucket_notification_configuration", **s3.bucket_request(context, name))
    return context.understand(lambda: tuple(sorted(_notifications(answer))), name)


def _notifications(answer: dict[str, Any]) -> Iterator[EventNotification]:
    if answer.get("EventBridgeConfiguration") is not None:
        yield EventNotification(EVENT_BRIDGE)
    for member, kind in _KINDS.items():
        for row in answer.get(member) or ():
            rules = ((row.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
            keys = sorted(f"{rule.get('Name', '').lower()}={rule.get('Value', '')}" for rule in rules)
            target = " ".join(resource_of(row[_ARNS[kind]]))
            yield EventNotification(target, tuple(sorted(row.get("Events") or ())), tuple(keys))


# S3 CORS rules of the estate's buckets: which sites' pages may read and upload objects from a browser.

_NO_CORS = "NoSuchCORSConfiguration"


@dataclass(frozen=True, slots=True)
class CorsRule:
    """One rule: pages of ``origins`` may send ``methods`` with ``headers``, and read the headers ``exposed``.

    ``age_s`` is how long a browser keeps the answer, 0 where nothing is set.
    """

    origins: Annotated[tuple[str, ...], At("AllowedOrigins", demanded=True)]
    methods: Annotated[tuple[str, ...], At("AllowedMethods", demanded=True)]
    headers: Annotated[tuple[str, ...], At("AllowedHeaders")] = ()
    exposed: Annotated[tuple[str, ...], At("ExposeHeaders")] = ()
    age_s: Annotated[int, At("MaxAgeSeconds")] = 0


@dataclass(frozen=True, slots=True)
class BucketCors:
    """The CORS rules of one bucket in their order, Unavailable where they could not be read."""

    bucket: str
    rules: tuple[CorsRule, ...] | Unavailable


@part(*REGIONAL, reads=frozenset({"s3:GetBucketCors"}))
def cors(context: ReadContext) -> tuple[BucketCors, ...]:
    """Those of each bucket of the primary region that is there, and of the copies of those that have some.

    S3 has no batch read: one call a bucket, not a tenant.
    """
    return _rows(BucketCors, context, _names_where(lambda row: row.rules, context, cors), _cors_of)


def _cors_of(context: ReadContext, name: str) -> tuple[CorsRule, ...]:
    answer = context.find("s3", "get_bucket_cors", (_NO_CORS,), **s3.bucket_request(context, name)) or {}
    return context.understand(lambda: tuple(read(CorsRule, row) for row in answer.get("CORSRules") or ()), name)


# S3 website settings of the estate's buckets: which pages they answer with, and where they lead.

_NO_WEBSITE = "NoSuchWebsiteConfiguration"
_PARTS = ("ErrorDocument", "IndexDocument", "RedirectAllRequestsTo", "RoutingRules")


@dataclass(frozen=True, slots=True)
class BucketWebsite:
    """The website settings of one bucket as JSON, "" where it is none, Unavailable where they could not be read."""

    bucket: str
    setting: str | Unavailable


@part(*REGIONAL, reads=frozenset({"s3:GetBucketWebsite"}))
def websites(context: ReadContext) -> tuple[BucketWebsite, ...]:
    """Those of each bucket of the primary region that is there, and of the copies of those that have some.

    S3 has no batch read: one call a bucket, not a tenant.
    """
    return _rows(BucketWebsite, context, _names_where(lambda row: row.setting, context, websites), _website_of)


def _website_of(context: ReadContext, name: str) -> str:
    answer = context.find("s3", "get_bucket_website", (_NO_WEBSITE,), **s3.bucket_request(context, name)) or {}
    found = {part: answer[part] for part in _PARTS if answer.get(part)}
    return json.dumps(found, sort_keys=True) if found else ""
