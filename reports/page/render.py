"""The report as one HTML file that asks nobody for anything: jinja2 templates, styles and script inside.

All text is escaped by the template engine, and what cannot be seen is written out. The page's own policy (CSP) allows
its one script and its one style sheet by their hashes, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from dr_checks.core.model import Status
from dr_estate.model.durations import duration
from dr_estate.model.visible import visible
from dr_estate.model.world_id import is_sandbox
from dr_estate.speed import template_cache
from reports.page import charts
from reports.page.content import content_of
from reports.values import assessment as values_assessment
from reports.values import drill_summary, run_summary
from reports.values.report import Report

TEMPLATES = Path(__file__).parent / "templates"
_CODE = re.compile("`([^`]+)`")
_WORDS = {
    Status.PASS: "pass",
    Status.WARN: "warning",
    Status.FAIL: "fail",
    Status.UNKNOWN: "unknown",
    Status.EXCEPTED: "accepted",
    Status.NOT_APPLICABLE: "not applicable",
}


def render(report: Report, scenarios: Mapping[str, str]) -> str:
    """The page. ``scenarios`` are the addresses of the checks' scenarios in Allure, empty where there is no Allure."""
    template = engine().get_template("page.html")
    page = template.render(
        report=report,
        env=report.environment,
        page=content_of(report),
        scenarios=scenarios,
        complete=report.invocation.complete,
        rehearsed=is_sandbox(report.world),
        policy=policy(),
    )
    return visible(page)


@cache
def engine() -> Environment:
    """The template engine of the pages: everything is escaped, and nothing undefined is drawn."""
    engine = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        # A field that a template misspells fails the test that draws it, and no operator reads a gap as nothing found.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=template_cache((__file__, inspect.getfile(duration))),
    )
    engine.filters |= {"duration": duration, "moment": _moment, "prose": _prose, "anchor": _anchor}
    engine.globals |= {
        "Status": Status,
        "word": _WORDS.__getitem__,
        "charts": charts,
        "assessments": values_assessment,
        "drills": drill_summary,
        "records": run_summary,
        "style": Markup(_read("page.css")),  # noqa: S704 - a file of this folder
        "script": Markup(_read("page.js")),  # noqa: S704 - a file of this folder
    }
    return engine


def _moment(value: date | None) -> str:
    if value is None:
        return "not recorded"
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else value.isoformat()


def _prose(text: str) -> list[tuple[bool, str]]:
    """A sentence in parts: each is code (between backticks in ``text``) or not."""
    return [(bool(number % 2), part) for number, part in enumerate(_CODE.split(text)) if part]


def _anchor(check: str) -> str:
    return f"check-{check}"


@cache
def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def policy() -> str:
    """The content security policy of a page with the style sheet and the script of this folder."""
    return "; ".join(_directives())


def _directives() -> Iterator[str]:
    yield "default-src 'none'"
    yield f"style-src '{_hash('page.css')}'"
    yield f"script-src '{_hash('page.js')}'"
    yield "base-uri 'none'"
    yield "form-action 'none'"


def _hash(name: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(_read(name).encode()).digest()).decode()}"


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
    before, results, after = _json_text({"schema": SCHEMA, "report": shown}).partition('"results":[]')
    yield before + results.removesuffix("]")
    start = ""
    for result in report.verdict.results:
        yield start + _json_text(result)
        start = ","
    yield f"]{after}\n"


def _json_text(value: object) -> str:
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
