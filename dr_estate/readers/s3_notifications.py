"""S3 event notifications of the estate's buckets: who hears that an object was written or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dr_estate.model.resource_names import resource_of
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import s3
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"s3:GetBucketNotificationConfiguration"})
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


@part(*REGIONAL, reads=READS)
def notifications(context: ReadContext) -> tuple[BucketNotifications, ...]:
    """Those of each bucket that is there: S3 has no batch read, one call a bucket, not a tenant."""
    there = s3.names_there(context)
    found = context.maybe(lambda name: _of(context, name), there)
    return tuple(BucketNotifications(name, rows) for name, rows in zip(there, found, strict=True))


def _of(context: ReadContext, name: str) -> tuple[EventNotification, ...]:
    request = {"Bucket": name, "ExpectedBucketOwner": context.env.account}
    answer = context.call("s3", "get_bucket_notification_configuration", **request)
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
