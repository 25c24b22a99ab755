"""S3 CORS rules of the estate's buckets: which sites' pages may read and upload objects from a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import s3
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"s3:GetBucketCors"})
_NONE = "NoSuchCORSConfiguration"


@dataclass(frozen=True, slots=True)
class CorsRule:
    """One rule: pages of ``origins`` may send ``methods`` with ``headers``, and read the headers ``exposed``.

    ``age_s`` is how long a browser keeps the answer, 0 where nothing is set.
    """

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    age_s: int = 0


@dataclass(frozen=True, slots=True)
class BucketCors:
    """The CORS rules of one bucket in their order, Unavailable where they could not be read."""

    bucket: str
    rules: tuple[CorsRule, ...] | Unavailable


@part(*REGIONAL, reads=READS)
def cors(context: ReadContext) -> tuple[BucketCors, ...]:
    """Those of each bucket of the primary region that is there, and of the copies of those that have some.

    S3 has no batch read: one call a bucket, not a tenant.
    """
    there = _copies_of_some(context) if context.side is Side.DR else s3.names_there(context)
    found = context.maybe(lambda name: _of(context, name), there)
    return tuple(BucketCors(name, rules) for name, rules in zip(there, found, strict=True))


def _copies_of_some(context: ReadContext) -> list[str]:
    """The copies whose sources have rules; none while the primary region is not seen."""
    try:
        sources = [row.bucket for row in context.part(cors, Side.PRIMARY) if row.rules]
    except DataUnavailable:
        sources = []
    return s3.copies_of(context, sources)


def _of(context: ReadContext, name: str) -> tuple[CorsRule, ...]:
    request = {"Bucket": name, "ExpectedBucketOwner": context.env.account}
    answer = context.find("s3", "get_bucket_cors", (_NONE,), **request) or {}
    return context.understand(lambda: tuple(map(_rule, answer.get("CORSRules") or ())), name)


def _rule(row: dict[str, Any]) -> CorsRule:
    return CorsRule(
        tuple(row["AllowedOrigins"]),
        tuple(row["AllowedMethods"]),
        tuple(row.get("AllowedHeaders") or ()),
        tuple(row.get("ExposeHeaders") or ()),
        row.get("MaxAgeSeconds") or 0,
    )
