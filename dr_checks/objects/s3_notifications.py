"""Check that bucket copies notify whom their sources notify of objects that are written and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.objects.s3 import each_pair
from dr_estate.config.environment import Side
from dr_estate.model.references import neutral
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_settings
from dr_estate.readers.s3_settings import EventNotification

_LOST = Unavailable(UnavailableKind.ERROR, "The event notifications were not among those read.")
_WANTED = "those of its source"
# Events of replication are the source's alone: a copy replicates nothing while the primary region serves.
_REPLICATION = "s3:Replication:"


@check("every bucket copy notifies of its events whom its source notifies")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("REL13-BP04", "NIST CP-2")
def notified(view: View) -> Iterator[Finding]:
    """Each notification of the source has one in the copy: target by name without the region's, events, and keys.

    What the copy has besides is not judged, nor are events of replication, of which a copy has none. Source:
    GetBucketNotificationConfiguration; S3 User Guide, "What isn't replicated": event notifications are each bucket's.
    """
    by_side = {
        side: {row.bucket: row.notifications for row in view.get(s3_settings.notifications, side)}
        for side in (Side.PRIMARY, Side.DR)
    }

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        there, here = by_side[Side.PRIMARY].get(original.name, _LOST), by_side[Side.DR].get(copy.name, _LOST)
        if isinstance(here, Unavailable) or isinstance(there, Unavailable):
            yield view.unknown(copy.name, _WANTED, next(row for row in (here, there) if isinstance(row, Unavailable)))
            return
        known = [_plain(view, row, Side.DR) for row in here]
        lacking = [row for row in there if not _is_heard(_plain(view, row, Side.PRIMARY), known)]
        if lacking:
            reason = "after a failover nobody hears of objects that are written: what works on them stands still"
            remedy = (
                f"aws_s3_bucket_notification of {copy.name}: those of {original.name}, to targets of {view.region} "
                "that do no harm while objects are replicated into it."
            )
            yield view.gap(copy.name, f"none to {'; '.join(map(_notification_text, lacking))}", _WANTED, reason, remedy)
        else:
            measured = "; ".join(map(_notification_text, here)) or "none"
            yield view.ok(copy.name, measured, _WANTED, "the same targets are notified of its objects")

    yield from each_pair(view, _WANTED, judge)


def _is_heard(wanted: EventNotification, known: list[EventNotification]) -> bool:
    """Whether the target hears of these events, by one notification of the copy or by several."""
    alike = [row.events for row in known if (row.target, row.keys) == (wanted.target, wanted.keys)]
    heard = [pattern for events in alike for pattern in events]
    needed = [event for event in wanted.events if not event.startswith(_REPLICATION)]
    if wanted.events and not needed:
        return True
    return bool(alike) and all(any(fnmatchcase(event, pattern) for pattern in heard) for event in needed)


def _plain(view: View, notification: EventNotification, side: Side) -> EventNotification:
    target = neutral(notification.target, view.env.region(side))
    # By the naming rule a DR resource may end in -dr: it is the counterpart all the same.
    plain = target.removesuffix("-dr") if side is Side.DR else target
    return EventNotification(plain, notification.events, notification.keys)


def _notification_text(notification: EventNotification) -> str:
    events = f" ({', '.join((*notification.events, *notification.keys))})" if notification.events else ""
    return f"{notification.target}{events}"
