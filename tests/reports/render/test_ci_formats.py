"""JUnit, SARIF and GitHub's annotations hold what the report holds; proofs check the first two by their schemas."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dr_checks.core.model import Severity, Status
from dr_checks.core.readiness_gate import Baseline, GateRules, subjects_of, weigh_gate
from dr_checks.core.registry import checks
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import PostureName
from reports.publish import announce, print_report
from reports.render import github_report, junit_report, sarif_report
from reports.render.scenario_places import FEATURES, place_of
from reports.terminal import console
from reports.values.report import Report
from tests.dr_checks.worlds import NOW
from tests.reports.test_reports import LAGS, REPORT, RESULTS

RUNNERS = "##[stop-commands]x ##vso[task.complete result=Succeeded] ##teamcity[x]"
HOSTILE = f"</failure>\x1b[2J\u202e ]]> & \uffff % , : \n::warning::x\r{RUNNERS}"


def hostile(name: str = HOSTILE) -> Report:
    """The report with a subject that would end an element, a command, or a line."""
    (finding, *_), check = RESULTS[1].findings, RESULTS[1]
    results = (replace(check, findings=(replace(finding, subject=name, because=name),)),)
    return replace(REPORT, verdict=verdict_of(results, LAGS, 3600.0), world=name)


def gated(fixed: tuple[str, ...] = ()) -> Report:
    """The report against a baseline in which the checks ``fixed`` passed."""
    before = [replace(r, findings=()) if r.check in fixed else r for r in RESULTS]
    rules = GateRules(baseline=Baseline("before.json", NOW, subjects_of(before)))
    return replace(REPORT, gate=weigh_gate(REPORT.verdict, rules, faulty_posture=False))


def test_junit_has_a_case_a_check_and_neither_a_gap_nor_blindness_is_green() -> None:
    root = ET.fromstring(junit_report.render(REPORT).encode())  # noqa: S314 - what this tool wrote
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert ("1", "1", "6") == (root.get("failures"), root.get("errors"), root.get("tests"))
    assert {"a scenario", "a.lost"} == set(cases)
    assert {"a feature"} == {case.get("classname") for case in root.iter("testcase")}
    kinds = [child.tag for case in root.iter("testcase") for child in case]
    assert sorted(kinds) == ["error", "failure", "skipped", "skipped", "system-out"]
    (failure,) = root.iter("failure")
    assert "(and 59 more)" in str(failure.get("message"))
    assert 60 == len(str(failure.text).splitlines())


def test_sarif_has_each_finding_but_passes_and_suppresses_accepted_ones() -> None:
    (run,) = json.loads(sarif_report.render(REPORT))["runs"]
    levels = [(row["ruleId"], row["level"], bool(row.get("suppressions"))) for row in run["results"]]
    assert [("a.fail", "error", False)] * 60 == levels[:60]
    assert levels[60:] == [
        ("a.lost", "error", False),
        ("a.warn", "warning", False),
        ("a.excepted", "warning", True),
    ]
    prints = [row["partialFingerprints"]["subject/v1"] for row in run["results"]]
    assert len(prints) == len(set(prints)), "each finding is known again by its own"
    assert (run["invocations"][0]["exitCode"], run["properties"]["score"]) == (3, REPORT.verdict.score)


def test_sarif_says_what_is_new_against_a_baseline() -> None:
    (run,) = json.loads(sarif_report.render(gated(fixed=("a.fail",))))["runs"]
    states = {row["ruleId"]: row["baselineState"] for row in run["results"]}
    assert states == {"a.fail": "new", "a.lost": "unchanged", "a.warn": "unchanged", "a.excepted": "unchanged"}


def test_every_check_of_a_scenario_links_to_its_line() -> None:
    check = checks()["efs.replicated"] if "efs.replicated" in checks() else next(iter(checks().values()))
    (path,) = [p for p in FEATURES.glob("*.feature") if check.says in p.read_text(encoding="utf-8")]
    lines = path.read_text(encoding="utf-8").splitlines()
    spoken = next(number for number, line in enumerate(lines) if line.strip() == f"Then {check.says}")
    feature = next(line.partition("Feature: ")[2] for line in lines if "Feature: " in line)
    place = place_of(feature, lines[spoken - 1].partition("Scenario: ")[2])
    assert (place.file, place.line) == (f"features/{path.name}", spoken)
    assert place_of("no feature", "no scenario").file == "features"


def test_github_annotates_each_check_once_the_worst_first() -> None:
    lines = github_report.render(REPORT).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice", "DR"]
    assert "title=a.fail (critical) fail::" in lines[0]
    assert "(and 59 more)" in lines[0]


def test_against_a_baseline_known_gaps_are_warnings_and_new_ones_errors() -> None:
    kinds = {
        line.split("title=")[1].split(" ")[0]: line.split(" ")[0]
        for line in github_report.render(gated(fixed=("a.fail",))).splitlines()
        if "title=" in line
    }
    assert (kinds["a.fail"], kinds["a.lost"]) == ("::error", "::warning")


def test_a_posture_that_is_a_fault_by_itself_is_the_first_annotation() -> None:
    split = replace(REPORT, posture=PostureName.SPLIT, posture_says="both write.", posture_severity=Severity.BLOCKER)
    first, *others = github_report.render(split).splitlines()
    assert first == "::error title=posture SPLIT::BLOCKER: posture SPLIT: both write."
    assert len([line for line in others if line.startswith("::error")]) < 10


def test_at_most_ten_annotations_of_a_kind_which_is_what_github_shows() -> None:
    results = [replace(RESULTS[1], check=f"a.n{n}", severity=Severity.BLOCKER) for n in range(30)]
    lines = github_report.render(replace(REPORT, verdict=verdict_of(results, LAGS, 3600.0))).splitlines()
    assert 10 == sum(line.startswith("::error") for line in lines)


def test_no_name_of_a_resource_ends_an_element_or_begins_a_command() -> None:
    root = ET.fromstring(junit_report.render(hostile()).encode())  # noqa: S314 - what this tool wrote
    assert 1 == len(list(root.iter("failure")))
    json.loads(sarif_report.render(hostile()))
    commands = [line for line in github_report.render(hostile()).splitlines() if line.startswith("::")]
    assert 1 == len(commands), "a newline in a name begins no command"
    assert not any(character in "".join(commands) for character in "\x1b\u202e\r")


@pytest.mark.parametrize("name", [HOSTILE, RUNNERS], ids=["with what is hidden", "of plain characters"])
@pytest.mark.parametrize("form", ["terminal", "markdown", "csv", "json", "junit", "sarif", "github"])
def test_no_name_gives_a_runner_a_command_in_the_middle_of_a_line(form: str, name: str) -> None:
    """GitHub finds ``##[stop-commands]`` anywhere in a job's output: nothing is annotated after it."""
    page = io.StringIO()
    print_report(hostile(name), form, page)
    text = page.getvalue()
    assert ("stop-commands" in text, []) == (True, re.findall(r"##[a-z]*\[", text))
    own = 1 if form == "github" else 0
    assert own == sum(line.lstrip().startswith("::") for line in text.splitlines())
    if form == "json":
        assert json.loads(text)["world"] == name


@pytest.mark.parametrize("line", ["::stop-commands::x", "  ::error::x", "a\n\t::add-mask::READY"])
def test_no_sentence_for_people_is_a_command_of_a_runner(line: str) -> None:
    page = io.StringIO()
    console.complain(f"It is paused: {line}" if "\n" in line else line, page)
    assert [] == [row for row in page.getvalue().splitlines() if row.lstrip().startswith("::")]


def _announced(report: Report, folder: Path, form: str = "terminal", **more: str) -> dict[str, Any]:
    file = folder / "summary.md"
    announce(report, form, {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file), **more})
    return {"summary": file.read_text(encoding="utf-8") if file.exists() else ""}


def test_on_github_the_summary_has_the_report_and_stderr_the_annotations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "summary.md").write_text("before\n")
    assert _announced(REPORT, tmp_path)["summary"].startswith("before\n")
    assert "# SANDBOX REHEARSAL: DR status of SIT: CANNOT_SAY" in (tmp_path / "summary.md").read_text()
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", github_report.render(REPORT))
    _announced(REPORT, tmp_path, "github")
    assert "" == capsys.readouterr().err, "they stand on stdout already"


def test_elsewhere_nothing_is_announced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "" == _announced(REPORT, tmp_path, GITHUB_ACTIONS="")["summary"]
    assert "" == capsys.readouterr().err


def test_a_summary_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _announced(REPORT, tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path))
    assert f"The job's summary {tmp_path} was not written: Is a directory." in capsys.readouterr().err


def test_a_summary_is_never_longer_than_github_takes() -> None:
    finding = replace(RESULTS[1].findings[0], because="long " * 400)
    results = [replace(RESULTS[1], check=f"a.n{n}", findings=(finding,) * 50) for n in range(20)]
    text = github_report.summary(replace(REPORT, verdict=verdict_of(results, LAGS, 3600.0)))
    assert len(text.encode()) < 1024 * 1024
    assert "The report is longer than a summary may be" in text


@pytest.mark.parametrize("status", [Status.PASS, Status.WARN])
def test_what_passes_is_no_failure_in_any_of_them(status: Status) -> None:
    results = [result for result in RESULTS if result.status is status]
    report = replace(REPORT, verdict=verdict_of(results, LAGS, 3600.0), exit=0)
    assert "<failure" not in junit_report.render(report)
    assert "::error" not in github_report.render(report)
    assert '"level": "error"' not in sarif_report.render(report).partition('"results"')[2]
