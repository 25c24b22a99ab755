"""The recovery runbook: an object in the DR region, or a file of the repository."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dr_estate.config.environment import Side
from dr_estate.reading.reader import ReadContext, part

READS = frozenset({"s3:GetObject", "s3:HeadBucket"})

_ROOT = Path(__file__).parents[2]
_REVIEWED = re.compile(r"^\s*Reviewed:\s*(\d{4}-\d{2}-\d{2})", re.MULTILINE)
_MOST = 1_000_000
_ABSENT = ("NoSuchKey", "NoSuchBucket", "404")


@dataclass(frozen=True, slots=True)
class Runbook:
    """The runbook. ``text`` is None where there is none; ``reviewed`` is its line ``Reviewed: YYYY-MM-DD``.

    ``region`` is that of its bucket, "" for a file of the repository.
    """

    place: str
    text: str | None
    reviewed: date | None
    region: str = ""


@part(Side.DR, reads=READS)
def runbook(context: ReadContext) -> Runbook:
    """The document that people.runbook names."""
    place = context.env.named(context.env.people.runbook)
    if not place:
        return Runbook("people.runbook", None, None)
    text = _object(context, place) if place.startswith("s3://") else _file(place)
    found = _REVIEWED.search(text) if text else None
    region = _region(context, place) if text is not None and place.startswith("s3://") else ""
    return Runbook(place, text, date.fromisoformat(found.group(1)) if found else None, region)


def _object(context: ReadContext, place: str) -> str | None:
    bucket, _, key = place.removeprefix("s3://").partition("/")
    found = context.find("s3", "get_object", _ABSENT, Bucket=bucket, Key=key)
    return str(found["Body"].read(_MOST).decode("utf-8", "replace")) if found else None


def _region(context: ReadContext, place: str) -> str:
    found = context.find("s3", "head_bucket", _ABSENT, Bucket=place.removeprefix("s3://").partition("/")[0])
    return str((found or {}).get("BucketRegion") or "")


def _file(place: str) -> str | None:
    path = _ROOT / place
    return path.read_text(encoding="utf-8") if path.is_file() else None
