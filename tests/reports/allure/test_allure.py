"""Allure has the verdict in its name, one table a scenario, categories by verdict, and a way back to the report."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from reports.allure.html import CATEGORIES, build_html, scenario_ids, with_way_back
from reports.allure.plugin import findings_html
from reports.allure.results import finish_results, title_of
from tests.reports.test_reports import REPORT, RESULTS
from tests.reports.values.test_drill_summary import STEPPED_BACK, WHOLE
from tests.utils.running import ROOT

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def test_the_verdict_is_in_the_page_s_name() -> None:
    assert title_of("sit", "NOT_READY", 49) == "DR of SIT: NOT READY, score 49 of 100"
    assert title_of("sit", "READY", 100, 230) == "DR of SIT: READY (230 checks left out), score 100 of 100"


def test_a_run_or_drill_that_ended_badly_is_the_verdict(tmp_path: Path) -> None:
    stopped = replace(WHOLE, parts=(STEPPED_BACK,), residue=None)
    for report, ended in (
        (replace(REPORT, ran=STEPPED_BACK), "failback stepped back"),
        (replace(REPORT, drills=(stopped, WHOLE)), "full drill stepped back, full drill done"),
    ):
        finish_results(report, tmp_path, html=False)
        rows = (tmp_path / "allure-results" / "environment.properties").read_text(encoding="utf-8")
        assert f"Verdict = {ended}\n" in rows
        assert title_of("sit", ended, None) == f"DR of SIT: {ended}"


def test_our_numbers_stand_first_in_the_environment(tmp_path: Path) -> None:
    finish_results(REPORT, tmp_path, html=False)
    lines = (tmp_path / "allure-results" / "environment.properties").read_text(encoding="utf-8").splitlines()
    names = [line.partition(" = ")[0] for line in lines]
    assert names[:4] == ["Verdict", "Posture", "Readiness_score", "Oldest_copy"]
    assert f"Readiness_score = {REPORT.verdict.score} of 100" in lines


def test_findings_are_a_table_with_the_worst_first_and_all_text_escaped() -> None:
    failed = next(result for result in RESULTS if result.check == "a.fail")
    table = findings_html(failed)
    assert table.index("<td>fail</td>") < table.index("=cmd59")
    odd = REPORT.verdict.results[0].findings[0]
    harmless = findings_html(type(failed)("a.b", failed.severity, failed.area, failed.status, (odd,)))
    hostile = type(odd)(odd.check, odd.side, HOSTILE, None, odd.status, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    found = findings_html(type(failed)("a.b", failed.severity, failed.area, failed.status, (hostile,)))
    assert found.count("<") == harmless.count("<"), "no tag came with the text"
    assert "\u202e" not in found


def test_a_category_is_matched_by_status_and_verdict_and_never_by_words() -> None:
    assert len({str(category["matchers"]) for category in CATEGORIES}) == len(CATEGORIES)
    assert "message" not in json.dumps(CATEGORIES)


def test_a_scenario_leads_back_to_its_check(tmp_path: Path) -> None:
    result = {"uuid": "u", "labels": [{"name": "story", "value": "efs.last-replicated"}]}
    (tmp_path / "a-result.json").write_text(json.dumps(result), encoding="utf-8")
    ids = scenario_ids(tmp_path)
    assert ids == {"efs.last-replicated": "7b774effe4a349c6dd82ad4f4f21d34c"}, "the MD5 of its uuid"
    page = with_way_back("<html><body>x</body></html>", {"</script>": "a"})
    assert page.count("</script>") == 1
    assert page.endswith("</body></html>")


@pytest.mark.proof
def test_bare_pytest_reports_steps_severity_and_suite_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "features", "-k", "control_table_is_active"]
    done = subprocess.run([*command, f"--alluredir={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False)
    (file,) = tmp_path.glob("*-result.json")
    result = json.loads(file.read_text(encoding="utf-8"))
    assert [step["name"].split()[0] for step in result["steps"]] == ["Given", "Then"], done.stdout
    labels = {label["name"]: label["value"] for label in result["labels"]}
    assert (labels["severity"], labels["parentSuite"], labels["verdict"]) == ("blocker", "Assessment", "pass")
    assert "<table>" in result["descriptionHtml"]


def test_a_page_that_has_nowhere_to_be_made_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allure = tmp_path / "allure"
    allure.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    report = build_html(tmp_path, tmp_path / "page.html", "t")
    assert report.path is None
    assert "gone" in report.notes[0]
