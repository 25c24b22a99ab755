"""What a page is drawn from is kept beside it, and gives the same page to a later version."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_checks.core.verdict import verdict_of
from dr_estate.model.invocation import Invocation
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from reports.page.render import StoredPageError, pieces, render, report_from
from reports.values.report import Report
from tests.reports.test_reports import REPORT


def stored(report: Report) -> bytes:
    """What ``report`` is kept as."""
    return "".join(pieces(report)).encode("ascii")


def test_a_report_that_was_kept_draws_the_same_page() -> None:
    report = replace(REPORT, invocation=Invocation(("-e", "sit")), next_step="`dr_cli.py doctor` shows why.")
    assert render(report_from(stored(report)), {}) == render(report, {})


def test_a_silent_region_is_one_cause_in_the_page_that_is_drawn_again() -> None:
    silent = Unavailable(UnavailableKind.UNREACHABLE, "no answer", "af-south-1")
    lost = next(result for result in REPORT.verdict.results if result.check == "a.fail")
    finding = replace(lost.findings[0], status=lost.status.UNKNOWN, unseen=silent)
    result = replace(lost, status=lost.status.UNKNOWN, findings=(finding,))
    report = replace(REPORT, verdict=verdict_of((result,), (), 3600.0), silent=frozenset({"af-south-1"}))
    assert [place.region for place in report_from(stored(report)).silent_places] == ["af-south-1"]


def test_what_a_later_version_adds_is_left_aside() -> None:
    document = json.loads(stored(REPORT))
    document["report"] |= {"added_later": 1}
    assert report_from(json.dumps(document).encode()).verdict == REPORT.verdict


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "aws-dr-manager/page/2", "report": {}}'])
def test_what_this_version_cannot_draw_is_said(content: str) -> None:
    with pytest.raises(StoredPageError, match=r"page\.json does not hold"):
        report_from(content.encode())
