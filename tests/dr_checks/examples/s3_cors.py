"""Examples of the CORS rules of buckets and their copies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import s3_settings
from dr_estate.readers.s3_settings import BucketCors, CorsRule
from tests.dr_checks.examples.s3 import COPY, PAIRS, buckets
from tests.dr_checks.worlds import DENIED, SIT, Example, world

SITES = CorsRule(("https://*.wpsit.kimmyai.io",), ("GET", "HEAD"), ("Range",), ("ETag",), 3600)
BARE = CorsRule(("*",), ("GET", "HEAD"), ("*",))
UPLOADS = CorsRule(("https://admin.kimmyai.io",), ("PUT",), ("*",))
ANYBODY = CorsRule(("*",), ("GET", "HEAD", "PUT"), ("*",), ("etag", "x-amz-id-2"))

OF_BUCKETS = tuple(
    CorsRule((f"https://uploads.s3.{SIT.region(side)}.amazonaws.com",), ("GET",)) for side in (Side.PRIMARY, Side.DR)
)


def _side(number: int, first: Any) -> Any:
    """The rules of a side: the first pair's, or what stands for them; DENIED for all."""
    if first == "denied":
        return DENIED
    return (BucketCors(PAIRS[0][number], first), *(BucketCors(pair[number], ()) for pair in PAIRS[1:]))


def _case(expected: Status, there: Any = (), here: Any = (), subject: str = COPY) -> Example:
    values = {
        **buckets(),
        (s3_settings.cors, Side.PRIMARY): _side(0, there),
        (s3_settings.cors, Side.DR): _side(1, here) if here != "unread" else (),
    }
    return Example("s3-cors.alike", expected, world(values), frozenset({subject} if subject else ()))


EXAMPLES = [
    _case(Status.PASS),
    _case(Status.PASS, here="unread"),
    _case(Status.PASS, (SITES, UPLOADS), (UPLOADS, SITES)),
    _case(Status.PASS, (SITES, UPLOADS), (ANYBODY,)),
    _case(Status.PASS, (), (ANYBODY,)),
    _case(Status.PASS, (SITES,), (replace(SITES, methods=("GET",)), replace(SITES, methods=("HEAD",)))),
    _case(Status.FAIL, (SITES,), (replace(SITES, methods=("GET",)), replace(SITES, methods=("HEAD",), headers=()))),
    _case(Status.PASS, (SITES,), (replace(SITES, age_s=0),)),
    _case(Status.PASS, (SITES,), (replace(SITES, headers=("range",)),)),
    _case(Status.PASS, (SITES, ANYBODY), (SITES, ANYBODY)),
    _case(Status.PASS, (BARE, SITES), (BARE, SITES)),
    _case(Status.PASS, (BARE, SITES), (replace(BARE, age_s=60), SITES)),
    _case(Status.PASS, (SITES,), (replace(BARE, methods=("PUT",)), SITES)),
    _case(Status.FAIL, (SITES,), (BARE, SITES)),
    _case(Status.FAIL, (SITES,), (replace(SITES, methods=("GET",)), BARE, replace(SITES, methods=("HEAD",)))),
    _case(Status.PASS, (OF_BUCKETS[0],), (OF_BUCKETS[1],)),
    _case(Status.FAIL, (OF_BUCKETS[0],), (SITES,)),
    _case(Status.FAIL, (SITES,)),
    _case(Status.FAIL, (SITES, UPLOADS), (SITES,)),
    _case(Status.FAIL, (SITES,), (replace(SITES, origins=("https://old.kimmyai.io",)),)),
    _case(Status.FAIL, (SITES,), (replace(SITES, methods=("GET",)),)),
    _case(Status.FAIL, (SITES,), (replace(SITES, headers=()),)),
    _case(Status.FAIL, (SITES,), (replace(SITES, exposed=()),)),
    _case(Status.FAIL, (ANYBODY,), (SITES, UPLOADS)),
    _case(Status.UNKNOWN, DENIED),
    _case(Status.UNKNOWN, (SITES,), DENIED),
    _case(Status.UNKNOWN, (SITES,), "unread"),
    _case(Status.UNKNOWN, "denied", subject=""),
    _case(Status.UNKNOWN, (), "denied", subject=""),
]
