"""Every form of a report begins with what visitors can do; in an outage with the one command that ends it."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dr_checks.core.model import Severity
from dr_checks.posture.posture import PostureName
from dr_checks.posture.visitor_access import Access, VisitorAccess
from reports.page.render import render
from reports.publish import print_report
from reports.render import github_report, json_report
from reports.values.report import Report
from tests.dr_checks.worlds import NOW
from tests.reports.test_reports import REPORT

SINCE = NOW - timedelta(hours=2, minutes=49)
OUTAGE = VisitorAccess(
    Access.ALL, Access.NONE, NOW, ("eu-west-1",), SINCE, 2, 2, "it is frozen", "dr_cli.py failback --execute"
)
SAID = f"OUTAGE: nobody can write since {SINCE:%H:%M} UTC (2 h 49 min): it is frozen; "
SPLIT = replace(REPORT, visitors=OUTAGE, posture=PostureName.SPLIT, posture_severity=Severity.BLOCKER)


def _printed(report: Report, form: str) -> str:
    out = io.StringIO()
    print_report(report, form, out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_an_outage_stands_before_the_posture_with_the_command_that_ends_it(form: str) -> None:
    first, second = [line for line in _printed(SPLIT, form).splitlines() if line.strip("* ")][:2]
    assert first.lstrip("*").startswith(SAID)
    assert "failback --execute" in first
    assert "BLOCKER: posture SPLIT" in second


def test_an_outage_is_the_first_error_of_a_pipeline_and_in_the_document() -> None:
    first, second, *_ = github_report.render(SPLIT).splitlines()
    assert first.startswith(f"::error title=what visitors can do::{SAID}")
    assert second.startswith("::error title=posture SPLIT::")
    document = json.loads("".join(json_report.pieces(SPLIT)))["visitors"]
    assert (document["read"], document["write"], document["says"].startswith(SAID)) == ("all", "none", True)


def test_the_page_begins_with_it_in_red_and_quietly_where_all_is_well() -> None:
    well = replace(SPLIT, visitors=VisitorAccess(Access.ALL, Access.ALL, NOW, ("af-south-1",), served=2, tenants=2))
    for report, style, sentence in (
        (SPLIT, "alarm", SAID),
        (well, "visitors", "Visitors read and write in af-south-1"),
    ):
        header = re.search(r"<header>(.*?)</header>", render(report, {}), re.DOTALL)
        assert header is not None
        (first, *_) = re.findall(r'<div class="(alarm|visitors)".*?<p>(.*?)</p>', header[1], re.DOTALL)
        assert first[0] == style
        assert sentence in re.sub("<[^>]+>", "", first[1])
