"""Examples of how much buckets and their copies hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import s3
from dr_estate.readers.s3 import BucketContents, ListedObject
from tests.dr_checks.examples.s3 import COPY, HERE, PAIRS, buckets, ruled
from tests.dr_checks.worlds import DENIED, NOW, Example, world

MANY = BucketContents("", 1000.0, 5e9, 0.0)
EMPTY = BucketContents("", None, 0.0, 0.0, empty=True)
UNCOUNTED, INCOMPLETE = replace(MANY, objects=None), replace(MANY, flaw="InternalError")


def _contents(side: int, first: Any) -> Any:
    """The contents of a side: the first pair's, or DENIED for all; 1,000 objects in each other bucket."""
    if first is DENIED:
        return DENIED
    return (replace(first or MANY, bucket=PAIRS[0][side]), *(replace(MANY, bucket=pair[side]) for pair in PAIRS[1:]))


def _case(
    check: str, expected: Status, here: Any = None, there: Any = None, subject: str = COPY, **more: Any
) -> Example:
    values = {
        **buckets(**more),
        (s3.contents, Side.PRIMARY): _contents(0, here),
        (s3.contents, Side.DR): _contents(1, there),
    }
    return Example(f"s3-quantity.{check}", expected, world(values), frozenset({subject} if subject else ()))


def _objects(number: float) -> BucketContents:
    return replace(MANY, objects=number)


def _listed(*names: str, size: int = 5, age: int = 4, more: bool = False) -> BucketContents:
    rows = tuple(ListedObject(name, size, NOW - timedelta(hours=age)) for name in names)
    return replace(MANY, first=rows, more=more)


_MANY, _READ = "as-many", "readable-at-once"
EXAMPLES = [
    _case(_MANY, Status.PASS, here=_listed("a", "b"), there=_listed("a", "b", "c", age=0)),
    _case(_MANY, Status.PASS, here=_listed("a", "b", age=3), there=_listed("a")),
    _case(_MANY, Status.PASS, here=_listed("a", "b", "c"), there=_listed("a", "b", more=True)),
    _case(_MANY, Status.WARN, here=_listed("a", "b"), there=_listed("a")),
    _case(_MANY, Status.WARN, here=_listed("a", "b"), there=_listed("b", "c", more=True)),
    _case(_MANY, Status.WARN, here=_listed("a", "b"), there=_listed("a", "b", size=6)),
    _case(_MANY, Status.PASS),
    _case(_MANY, Status.PASS, there=_objects(950)),
    _case(_MANY, Status.PASS, here=_objects(12), there=_objects(2)),
    _case(_MANY, Status.PASS, here=EMPTY, there=EMPTY),
    _case(_MANY, Status.WARN, there=_objects(949)),
    _case(_MANY, Status.WARN, there=_objects(500)),
    _case(_MANY, Status.FAIL, there=_objects(499)),
    _case(_MANY, Status.FAIL, here=_objects(3), there=EMPTY),
    _case(_MANY, Status.FAIL, there=replace(MANY, empty=True)),
    _case(_MANY, Status.PASS, here=replace(MANY, empty=True), there=replace(MANY, empty=True)),
    _case(_MANY, Status.UNKNOWN, there=UNCOUNTED),
    _case(_MANY, Status.UNKNOWN, here=UNCOUNTED),
    _case(_MANY, Status.UNKNOWN, there=INCOMPLETE),
    _case(_MANY, Status.UNKNOWN, here=DENIED, subject=""),
    _case(_MANY, Status.UNKNOWN, there=DENIED, subject=""),
    _case(_READ, Status.PASS, original=replace(HERE[0], rules=())),
    _case(_READ, Status.PASS),
    _case(_READ, Status.PASS, here=replace(MANY, archived_bytes=1e9), there=replace(MANY, archived_bytes=1e9)),
    _case(_READ, Status.FAIL, there=replace(MANY, archived_bytes=1e9)),
    _case(_READ, Status.FAIL, original=ruled(storage_class="DEEP_ARCHIVE")),
    _case(_READ, Status.FAIL, original=ruled(storage_class="GLACIER")),
    _case(_READ, Status.PASS, original=ruled(storage_class="STANDARD_IA")),
    _case(_READ, Status.UNKNOWN, here=INCOMPLETE),
    _case(_READ, Status.UNKNOWN, there=DENIED, subject=""),
]
