"""What report.html is drawn from, kept beside it: an earlier run's page is drawn again without AWS, keys or rules."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from reports.values.report import Report

VALUES = "page.json"
SCHEMA = "aws-dr-manager/page/1"


class StoredPageError(ValueError):
    """The values are none of this tool, or of a version that knew other ones."""


@cache
def _codec() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def stored(report: Report) -> bytes:
    """The report as JSON in ASCII, so that nothing is hidden in it, without what no page shows."""
    shown = replace(report, unseen=(), gate=None, database=None, scheduled_tests=None)
    return f"{json.dumps({'schema': SCHEMA, 'report': to_jsonable_python(shown, by_alias=True)})}\n".encode()


def restored(content: bytes) -> Report:
    """The report that ``stored`` wrote. Raises StoredPageError."""
    try:
        document = json.loads(content)
        known, report = document["schema"] == SCHEMA, document["report"]
        return _codec().validate_python(report if known else None)
    except (ValueError, KeyError, TypeError) as wrong:  # pydantic's ValidationError is a ValueError
        raise StoredPageError(f"{VALUES} does not hold the values that this version draws from") from wrong
