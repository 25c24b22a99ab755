"""Examples of the event notifications of buckets and their copies."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import s3_settings
from dr_estate.readers.s3_settings import EVENT_BRIDGE, BucketNotifications, EventNotification
from tests.dr_checks.examples.s3 import COPY, PAIRS, buckets
from tests.dr_checks.worlds import DENIED, SIT, Example, world

CREATED = ("s3:ObjectCreated:*",)
THUMBS = EventNotification("lambda:function sit-thumbs", CREATED, ("prefix=media/",))
OF_PRIMARY, OF_DR = (EventNotification(f"sqs sit-{SIT.region(side)}-jobs", CREATED) for side in (Side.PRIMARY, Side.DR))
BRIDGE = EventNotification(EVENT_BRIDGE)
REPLICATION = ("s3:Replication:OperationFailedReplication", "s3:Replication:OperationMissedThreshold")
REMOVED = EventNotification(THUMBS.target, ("s3:ObjectRemoved:*",), THUMBS.keys)
BOTH = EventNotification(THUMBS.target, (*CREATED, *REMOVED.events), THUMBS.keys)
PUT = EventNotification(THUMBS.target, ("s3:ObjectCreated:Put",), THUMBS.keys)


def _side(number: int, first: Any) -> Any:
    """The notifications of a side: the first pair's, or what stands for them; DENIED for all."""
    if first == "denied":
        return DENIED
    return (BucketNotifications(PAIRS[0][number], first), *(BucketNotifications(p[number], ()) for p in PAIRS[1:]))


def _case(expected: Status, there: Any = (), here: Any = (), subject: str = COPY) -> Example:
    values = {
        **buckets(),
        (s3_settings.notifications, Side.PRIMARY): _side(0, there),
        (s3_settings.notifications, Side.DR): _side(1, here),
    }
    return Example("s3-notifications.notified", expected, world(values), frozenset({subject} if subject else ()))


EXAMPLES = [
    _case(Status.PASS),
    _case(Status.PASS, (THUMBS,), (THUMBS,)),
    _case(Status.PASS, (OF_PRIMARY,), (OF_DR,)),
    _case(Status.PASS, (), (THUMBS,)),
    _case(Status.PASS, (BRIDGE,), (BRIDGE,)),
    _case(Status.PASS, (THUMBS, REMOVED), (BOTH,)),
    _case(Status.PASS, (BOTH,), (THUMBS, REMOVED)),
    _case(Status.PASS, (PUT,), (THUMBS,)),
    _case(Status.PASS, (EventNotification("sns sit-ops", REPLICATION),)),
    _case(Status.PASS, (EventNotification(THUMBS.target, (*CREATED, *REPLICATION), THUMBS.keys),), (THUMBS,)),
    _case(Status.FAIL, (THUMBS,)),
    _case(Status.FAIL, (THUMBS,), (PUT,)),
    _case(Status.FAIL, (BOTH,), (REMOVED,)),
    _case(Status.FAIL, (BRIDGE,), (THUMBS,)),
    _case(Status.FAIL, (THUMBS,), (EventNotification(THUMBS.target, CREATED),)),
    _case(Status.FAIL, (THUMBS,), (EventNotification(THUMBS.target, ("s3:ObjectRemoved:*",), THUMBS.keys),)),
    _case(Status.UNKNOWN, DENIED),
    _case(Status.UNKNOWN, (), DENIED),
    _case(Status.UNKNOWN, "denied", subject=""),
    _case(Status.UNKNOWN, (), "denied", subject=""),
]
