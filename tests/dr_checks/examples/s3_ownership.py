"""Examples of object ownership of buckets and their copies."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import s3_settings
from dr_estate.readers.s3_settings import ENFORCED, WRITER, BucketOwnership
from tests.dr_checks.examples.s3 import COPY, PAIRS, buckets
from tests.dr_checks.worlds import DENIED, Example, world

PREFERRED = "BucketOwnerPreferred"


def _side(number: int, first: Any) -> Any:
    """The settings of a side: the first pair's, or what stands for them; DENIED for all."""
    if first == "denied":
        return DENIED
    others = ENFORCED if first == ENFORCED else WRITER
    return (BucketOwnership(PAIRS[0][number], first), *(BucketOwnership(pair[number], others) for pair in PAIRS[1:]))


def _case(expected: Status, there: Any, here: Any, subject: str = COPY) -> Example:
    values = {
        **buckets(),
        (s3_settings.ownership, Side.PRIMARY): _side(0, there),
        (s3_settings.ownership, Side.DR): _side(1, here) if here != "unread" else (),
    }
    return Example("s3-ownership.lists-taken", expected, world(values), frozenset({subject} if subject else ()))


EXAMPLES = [
    _case(Status.PASS, WRITER, WRITER),
    _case(Status.PASS, WRITER, PREFERRED),
    _case(Status.PASS, PREFERRED, WRITER),
    _case(Status.PASS, ENFORCED, ENFORCED),
    _case(Status.PASS, ENFORCED, "unread"),
    _case(Status.PASS, ENFORCED, WRITER),
    _case(Status.WARN, WRITER, ENFORCED),
    _case(Status.WARN, PREFERRED, ENFORCED),
    _case(Status.UNKNOWN, DENIED, WRITER),
    _case(Status.UNKNOWN, WRITER, DENIED),
    _case(Status.UNKNOWN, WRITER, "unread"),
    _case(Status.UNKNOWN, "denied", WRITER, subject=""),
    _case(Status.UNKNOWN, WRITER, "denied", subject=""),
]
