"""What report.html is drawn from, kept beside it: an earlier run's page is drawn again without AWS, keys or rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from reports.values.report import Report

VALUES = "page.json"
SCHEMA = "aws-dr-manager/page/1"


class StoredPageError(ValueError):
    """The values are none of this tool, or of a version that knew other ones."""


@cache
def _codec() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def pieces(report: Report) -> Iterator[str]:
    """The report as JSON in ASCII, so that nothing is hidden in it, without what no page shows; piece by piece.

    Plain values take several times the memory of their text, so those of one result are there at a time.
    """
    # The results are most of a report of 2,000 tenants: they are written one at a time, between the head and the end.
    verdict = replace(report.verdict, results=())
    shown = replace(report, unseen=(), gate=None, database=None, scheduled_tests=None, verdict=verdict)
    before, results, after = _text({"schema": SCHEMA, "report": shown}).partition('"results":[]')
    yield before + results.removesuffix("]")
    start = ""
    for result in report.verdict.results:
        yield start + _text(result)
        start = ","
    yield f"]{after}\n"


def _text(value: object) -> str:
    try:
        return to_json(value, ensure_ascii=True).decode("ascii")
    except PydanticSerializationError:  # half a character, which JSON can escape and its encoder cannot
        return json.dumps(to_jsonable_python(value), separators=(",", ":"))


def report_from(content: bytes) -> Report:
    """The report whose ``pieces`` were written. Raises StoredPageError."""
    try:
        document = json.loads(content)
        known, report = document["schema"] == SCHEMA, document["report"]
        return _codec().validate_python(report if known else None)
    except (ValueError, KeyError, TypeError) as wrong:  # pydantic's ValidationError is a ValueError
        raise StoredPageError(f"{VALUES} does not hold the values that this version draws from") from wrong
