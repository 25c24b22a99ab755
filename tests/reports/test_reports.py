"""The report of a run: every format holds the same results, and is safe to open."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dr_checks.core.exceptions import ExceptionRule
from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Side
from dr_estate.model.durations import duration
from dr_estate.snapshot.snapshot import SnapshotPart
from reports.allure.html import without_analytics
from reports.allure.results import finish_results
from reports.page.content import gap_groups
from reports.publish import print_report
from reports.render import markdown_report
from reports.values.escaping import spreadsheet
from reports.values.report import Report
from tests.dr_checks.worlds import DENIED, NOW, SIT

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text()))


def _finding(status: Status, subject: str = "sit-efs") -> Finding:
    remedy = "mend | it" if status in {Status.FAIL, Status.WARN} else ""
    return Finding("a.b", Side.DR, subject, "tenant1", status, "2 h", "1 h", "it is too old", remedy)


def _result(check: str, status: Status, *findings: Finding, reason: str = "") -> CheckResult:
    return CheckResult(check, Severity.CRITICAL, Area.DNS, status, findings, "a scenario", "a feature", reason)


RESULTS = (
    _result("a.pass", Status.PASS, _finding(Status.PASS)),
    _result("a.fail", Status.FAIL, *(_finding(Status.FAIL, f"=cmd{n}") for n in range(60))),
    _result("a.warn", Status.WARN, _finding(Status.WARN)),
    _result("a.excepted", Status.EXCEPTED, _finding(Status.EXCEPTED)),
    _result("a.skip", Status.NOT_APPLICABLE, reason="not expected in sit"),
    replace(_result("a.lost", Status.UNKNOWN, reason="its scenario did not report"), scenario=""),
)
LAGS = (
    Lag("files", "sit-efs", None, Side.DR, 600.0, "replication"),
    Lag("tables", "t", None, Side.DR, None, "no metric"),
)
REPORT = Report(
    command="status",
    environment=SIT,
    world="sandbox",
    observed_at=NOW,
    posture=PostureName.NORMAL,
    posture_says="all is well.",
    tenants=("tenant1",),
    verdict=verdict_of(RESULTS, LAGS, 3600.0),
    unseen=(SnapshotPart("ecs.services", Side.DR, "eu-west-1", NOW, DENIED),),
    exceptions=(ExceptionRule("a.excepted", "*", "jane", "why", date(2026, 3, 31)),),
    api_calls=12,
    exit=3,
)


def _printed(form: str, report: Report = REPORT) -> str:
    out = io.StringIO()
    print_report(report, form, out)
    return out.getvalue()


def _terminal(report: Report = REPORT) -> str:
    return _printed("terminal", report)


def test_json_is_what_its_schema_promises() -> None:
    document = json.loads(_printed("json"))
    assert [] == [error.message for error in SCHEMA.iter_errors(document)]
    assert document["rpo"] == {"target_s": 3600.0, "worst_s": 600.0, "compliant": None, "blocked_by": []}
    assert document["exceptions"][0]["state"] == "applied"
    assert document["unseen"][0]["why"] == DENIED.why


class _Discarded(io.StringIO):
    """A file that counts what is written, and keeps nothing."""

    size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        return len(text)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_report_of_many_tenants_is_written_result_by_result(form: str) -> None:
    """As a whole, JSON took 2.4 times its text, and CSV 2.6 times."""
    findings = tuple(_finding(Status.PASS, f"sit-tenant{number}") for number in range(200))
    rows = [_result(f"a.{number}", Status.PASS, *findings) for number in range(50)]
    report = replace(REPORT, verdict=verdict_of(rows, (), 3600.0))
    print_report(REPORT, form, _Discarded())
    out = _Discarded()
    tracemalloc.start()
    print_report(report, form, out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert out.size > 1_000_000
    assert peak < out.size / 4


def test_a_report_without_results_is_json_as_well() -> None:
    document = json.loads(_printed("json", replace(REPORT, verdict=replace(REPORT.verdict, results=()))))
    assert document["results"] == []


@pytest.mark.parametrize(
    ("until", "check", "state"),
    [(date(2026, 3, 1), "a.excepted", "expired"), (date(2026, 3, 2), "a.other", "unused")],
)
def test_an_exception_says_whether_it_is_used_or_over(until: date, check: str, state: str) -> None:
    rule = ExceptionRule(check, "*", "jane", "why", until)
    document = json.loads(_printed("json", replace(REPORT, exceptions=(rule,))))
    assert state == document["exceptions"][0]["state"]


@pytest.mark.parametrize("form", ["terminal", "markdown", "github", "junit", "sarif"])
def test_what_failed_is_shown_beside_what_was_not_seen(form: str) -> None:
    half = _result(
        "a.half", Status.UNKNOWN, _finding(Status.UNKNOWN, "unseen-one"), _finding(Status.FAIL, "failed-one")
    )
    report = replace(REPORT, verdict=verdict_of([half], (), 3600.0), every_finding=True)
    assert "failed-one" in _printed(form, report)
    assert [card.findings[0].subject for group in gap_groups(report) for card in group.cards] == ["failed-one"]


def test_csv_has_a_row_a_finding_and_no_cell_runs_as_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(_printed("csv"))))
    assert len(rows) == 65
    assert {row["subject"] for row in rows if row["check"] == "a.fail"} >= {"'=cmd0", "'=cmd59"}
    assert [row["because"] for row in rows if row["check"] == "a.lost"] == ["its scenario did not report"]


@pytest.mark.parametrize("blank", ["", " ", "\n", "\u3000", "\xa0"])
def test_no_cell_runs_as_a_formula_where_a_spreadsheet_trims_it(blank: str) -> None:
    assert f"'{blank}=cmd" == spreadsheet(f"{blank}=cmd")


def test_markdown_escapes_tables_and_counts_what_it_does_not_list() -> None:
    text = markdown_report.render(REPORT)
    assert "mend \\| it" in text
    assert "... and 10 more" in text
    assert "worst 10 min against 1 h: not known" in text
    assert "still works when the control plane" in text


@pytest.mark.parametrize("every", [True, False])
def test_the_terminal_says_every_status_and_every_blind_spot(every: bool) -> None:
    text = _terminal(replace(REPORT, every_finding=every))
    for sentence in ("CANNOT_SAY", "a.fail", "... and 55 more" if every else "(and 59 more)", "a.warn", "a.excepted"):
        assert sentence in text
    assert "its scenario did not report" in text
    assert DENIED.why.rstrip(".") in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_check_that_never_reported_is_a_broken_allure_result(tmp_path: Path) -> None:
    finish_results(REPORT, tmp_path, html=False)
    results = [json.loads(path.read_text()) for path in (tmp_path / "allure-results").glob("*-result.json")]
    assert [(r["status"], r["name"]) for r in results] == [("broken", "a.lost was not judged")]
    properties = (tmp_path / "allure-results" / "environment.properties").read_text()
    assert "Readiness_score = " in properties


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (None, "not measured"),
        (0, "0 s"),
        (59.6, "1 min"),
        (290, "4 min 50 s"),
        (3900, "1 h 5 min"),
        (183600, "2 d 3 h"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float | None, message: str) -> None:
    assert message == duration(seconds)


def test_the_analytics_of_the_page_generator_are_taken_out() -> None:
    page = (
        '<head><script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
        "<script>window.dataLayer = window.dataLayer || [];</script></head><body><script>app()</script></body>"
    )
    assert without_analytics(page) == "<head></head><body><script>app()</script></body>"
