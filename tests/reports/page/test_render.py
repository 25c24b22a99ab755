"""The page is one file that asks nobody, says what the report says, and lets no foreign text become markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dr_checks.core.exceptions import ExceptionRule
from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status
from dr_checks.core.registry import checks
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Side
from dr_estate.model.visible import visible
from dr_estate.readers.control_table import ControlState, RecordedOverride
from reports.allure.results import finish_results
from reports.page.content import verdict_line
from reports.page.render import render
from reports.values.report import Report
from tests.dr_checks.worlds import NOW, SIT
from tests.reports.values.test_drill_summary import STEPPED_BACK

HOSTILE = (
    "<script>alert(1)</script>",
    "\" onmouseover='alert(1)' x=\"",
    "</style><img src=http://elsewhere.example/x>",
    "\u202egnp.exe",
    "\x1b[31mred\x07",
    "مستأجر",
    "{{ 7 * 7 }}{% include 'page.css' %}",
)


def _result(check: str, *findings: Finding, status: Status = Status.FAIL) -> CheckResult:
    known = checks()[check]
    return CheckResult(check, known.severity, known.area, status, findings, known.says, "a feature")


def _finding(check: str, subject: str, status: Status = Status.FAIL, tenant: str | None = None) -> Finding:
    return Finding(check, Side.DR, subject, tenant, status, "2 h", "1 h", "it is late", "`aws backup x --copy`; wait")


def _report(*results: CheckResult, lags: tuple[Lag, ...] = (), tenants: tuple[str, ...] = ("tenant1",)) -> Report:
    return Report(
        command="status",
        environment=SIT,
        world="live",
        observed_at=NOW,
        posture=PostureName.NORMAL,
        posture_says="all is well.",
        tenants=tenants,
        verdict=verdict_of(results, lags, 3600.0),
        unseen=(),
        exceptions=(),
        api_calls=1,
        exit=1,
        evidence="ab" * 32,
    )


FAILED = _report(_result("efs.last-replicated", _finding("efs.last-replicated", "sit-efs")))


class _Seen(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]


def _flat(report: Report) -> str:
    return " ".join(_Seen(render(report, {})).words.split())


def test_the_page_asks_nobody_and_its_policy_forbids_to() -> None:
    seen = _Seen(render(FAILED, {}))
    loaders = [row for tag in ("link", "img", "iframe", "object") for row in seen.of(tag)]
    assert loaders == [row for row in seen.of("script") if "src" in row] == []
    (policy,) = [row["content"] for row in seen.of("meta") if row.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def _named(name: str) -> str:
    """The page of a report in which everything that somebody may name is called so."""
    rule = ExceptionRule("efs.last-replicated", name, name, name, date(2026, 9, 9))
    override = RecordedOverride(name, name, name, datetime(2027, 1, 1, tzinfo=UTC), name, name, name)
    finding = Finding("efs.last-replicated", Side.DR, name, name, Status.FAIL, name, name, name, name)
    lag = Lag("files", name, name, Side.DR, 7200.0, name)
    report = _report(_result("efs.last-replicated", finding), lags=(lag,), tenants=(name,))
    control = ControlState(overrides=(override,))
    report = replace(report, posture_says=name, writers=name, next_step=name, exceptions=(rule,), standing=control)
    return render(report, {"efs.last-replicated": name})


@pytest.mark.parametrize("name", HOSTILE)
def test_no_foreign_text_becomes_markup(name: str) -> None:
    page, harmless = _named(name), _Seen(_named("plain"))
    seen = _Seen(page)
    shape = [[(tag, sorted(attributes)) for tag, attributes in found.elements] for found in (seen, harmless)]
    assert shape[0] == shape[1]
    assert visible(name) in seen.words
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page), "nothing is hidden in the page"


def test_the_first_heading_is_the_verdict() -> None:
    assert "SIT is not ready to fail over: 1 check fails (1 blocker)." in _flat(FAILED)
    passed = _report(_result("efs.last-replicated", status=Status.PASS))
    assert "SIT could fail over now: all 1 checks that apply pass." in _flat(passed)


@pytest.mark.parametrize(
    ("outcome", "heading"),
    [
        ("stepped back", "The failback of SIT for INC-1 stepped back."),
        ("failed", "The failback of SIT for INC-1 failed."),
        ("done", "The failback of SIT for INC-1 is done."),
    ],
)
def test_what_became_of_a_run_is_a_sentence(outcome: str, heading: str) -> None:
    report = replace(FAILED, ran=replace(STEPPED_BACK, incident="INC-1", outcome=outcome))
    assert verdict_line(report).sentence == heading


def test_a_score_by_the_prerequisites_alone_says_so() -> None:
    known = "prerequisites.control-table"
    alone = _report(_result(known, _finding(known, "x", Status.PASS), status=Status.PASS))
    assert ("by the prerequisites alone" in _flat(alone), alone.title) == (True, "Prerequisites")
    assert "by the prerequisites alone" not in _flat(_report(*alone.verdict.results, *FAILED.verdict.results))


def test_a_failed_blocker_caps_the_score_and_the_page_says_so() -> None:
    good = [_result(check, status=Status.PASS) for check in list(checks())[:30] if check != "efs.last-replicated"]
    text = _flat(_report(*good, *FAILED.verdict.results))
    assert "capped: 1 blocker did not pass (" in text
    assert "capped" not in _flat(_report(*good))


def test_a_gap_has_its_anchor_its_allure_scenario_and_a_command_to_copy() -> None:
    seen = _Seen(render(FAILED, {"efs.last-replicated": "allure.html#abc"}))
    (gap,) = seen.of("article")
    assert gap["id"] == "check-efs.last-replicated"
    assert "allure.html#abc" in {link["href"] for link in seen.of("a")}
    copied = [button["data-copy"] for button in seen.of("button") if "data-copy" in button]
    assert copied == ["aws backup x --copy"], "the command alone, without the sentence around it"


def test_every_link_within_the_page_leads_somewhere() -> None:
    quiet = _result("efs.file-system-exists", status=Status.PASS)
    seen = _Seen(render(_report(quiet, *FAILED.verdict.results), {}))
    targets = {attributes["id"] for _, attributes in seen.elements if "id" in attributes}
    links = {str(link["href"])[1:] for link in seen.of("a") if str(link.get("href")).startswith("#")}
    assert links
    assert links <= targets


def test_a_copy_that_was_not_measured_is_no_copy_that_is_fresh() -> None:
    lags = (Lag("files", "sit-efs", None, Side.DR, None, "not seen"), Lag("tables", "t", None, Side.DR, 5.0, "lag"))
    text = _flat(_report(_result("efs.last-replicated", status=Status.PASS), lags=lags))
    assert "files not measured not known" in text
    assert "tables 5 s met" in text


def test_while_the_dr_region_serves_no_age_of_its_data_is_a_recovery_point() -> None:
    lags = (Lag("files", "sit-efs", None, Side.DR, 7200.0, "backup-copy"),)
    away = replace(_report(_result("efs.last-replicated"), lags=lags), posture=PostureName.ON_DR)
    assert ("2 h" in _flat(away), "serves: its data is no copy" in _flat(away)) == (False, True)


def test_a_tenant_s_own_failure_stands_in_its_row_and_what_is_shared_first() -> None:
    own = _finding("sites.every-site-answers", "tenant2.example", tenant="tenant2")
    shared = _finding("efs.last-replicated", "sit-efs")
    report = _report(
        _result("sites.every-site-answers", own), _result("efs.last-replicated", shared), tenants=("tenant1", "tenant2")
    )
    rows = re.findall(r"<tr.*?</tr>", render(report, {}).split('class="matrix"')[1].split("</table>")[0], re.DOTALL)
    texts = [" ".join(_Seen(row.replace("&ndash;", "-")).words.split()) for row in rows]
    assert texts[1] == "shared by all fail -"
    assert texts[2] == "tenant2 - fail"
    assert texts[3] == "tenant1 - -"


def test_an_exception_and_an_override_stand_with_owner_and_end() -> None:
    rule = ExceptionRule("efs.last-replicated", "*", "jane", "moved soon", date(2026, 3, 1))
    override = RecordedOverride("check.x", "joe", "we know", datetime(2027, 1, 1, tzinfo=UTC), "INC-1", "d")
    text = _flat(replace(FAILED, exceptions=(rule,), standing=ControlState(overrides=(override,))))
    assert "efs.last-replicated * jane 2026-03-01 expired moved soon" in text
    assert "check.x INC-1 joe 2027-01-01 00:00 UTC in force we know" in text


def test_the_page_is_written_beside_allure_s_results_without_allure_too(tmp_path: Path) -> None:
    written = finish_results(FAILED, tmp_path, html=False)
    assert written.files["Report"] == tmp_path / "report.html"
    assert "SIT is not ready" in written.files["Report"].read_text(encoding="utf-8")


def test_a_control_says_how_many_of_its_scenarios_pass() -> None:
    rule = "NIST CP-9"
    served = [check for check in checks().values() if rule in check.rules][:3]
    results = [_result(check.id, status=Status.PASS) for check in served[1:]]
    text = _flat(_report(_result(served[0].id, _finding(served[0].id, "x")), *results))
    assert "CP-9 System backup 2 of 3 pass" in text
    assert "CP-13 Alternative security mechanisms no scenario speaks about it" in text


def test_severity_and_area_of_the_example_are_the_registry_s() -> None:
    result = FAILED.verdict.results[0]
    assert (result.severity, result.area) == (Severity.BLOCKER, Area.REPLICATION)
