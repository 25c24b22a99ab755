"""Examples of buckets and their copies that answer as websites."""

from __future__ import annotations

import json
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import s3_settings
from dr_estate.readers.s3_settings import BucketWebsite
from tests.dr_checks.examples.s3 import COPY, PAIRS, buckets
from tests.dr_checks.worlds import DENIED, SIT, Example, Values, world


def _pages(**settings: Any) -> str:
    return json.dumps(settings, sort_keys=True)


def _to(host: str) -> str:
    return _pages(RedirectAllRequestsTo={"HostName": host})


INDEX = _pages(IndexDocument={"Suffix": "index.html"})
RULES = _pages(IndexDocument={"Suffix": "index.html"}, RoutingRules=[{"Redirect": {"HostName": "www.example.org"}}])
SITES = tuple(
    f"{PAIRS[0][n]}.s3-website.{SIT.region(side)}.amazonaws.com" for n, side in enumerate((Side.PRIMARY, Side.DR))
)


def _side(number: int, first: Any) -> Any:
    """The settings of a side: the first pair's, or what stands for them; DENIED for all."""
    if first == "denied":
        return DENIED
    return (BucketWebsite(PAIRS[0][number], first), *(BucketWebsite(pair[number], "") for pair in PAIRS[1:]))


def _case(expected: Status, there: Any = "", here: Any = "", subject: str = COPY) -> Example:
    values = {
        **buckets(),
        (s3_settings.websites, Side.PRIMARY): _side(0, there),
        (s3_settings.websites, Side.DR): _side(1, here) if here != "unread" else (),
    }
    return Example("s3-website.alike", expected, world(values), frozenset({subject} if subject else ()))


HEALTHY_PARTS: Values = {
    (s3_settings.websites, side): tuple(BucketWebsite(pair[number], "") for pair in PAIRS)
    for number, side in enumerate((Side.PRIMARY, Side.DR))
}
EXAMPLES = [
    _case(Status.PASS),
    _case(Status.PASS, here="unread"),
    _case(Status.PASS, "", INDEX),
    _case(Status.PASS, INDEX, INDEX),
    _case(Status.PASS, _to(SITES[0]), _to(SITES[1])),
    _case(Status.PASS, _to("www.example.org"), _to("www.example.org")),
    _case(Status.FAIL, INDEX, ""),
    _case(Status.FAIL, INDEX, INDEX.replace("index", "Index")),
    _case(Status.FAIL, RULES, INDEX),
    _case(Status.FAIL, INDEX, _to(SITES[0])),
    _case(Status.FAIL, _to(SITES[0]), _to(SITES[0])),
    _case(Status.UNKNOWN, INDEX, "unread"),
    _case(Status.UNKNOWN, DENIED),
    _case(Status.UNKNOWN, INDEX, DENIED),
    _case(Status.UNKNOWN, "denied", subject=""),
    _case(Status.UNKNOWN, INDEX, "denied", subject=""),
]
