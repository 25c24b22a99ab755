"""The crosswalk is kept as Markdown, CSV and OSCAL, and all three say the same."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks
from dr_checks.core.verdict import verdict_of
from reports.allure.results import CROSSWALKS, finish_results
from reports.render import crosswalk
from tests.reports.test_reports import REPORT

SERVED = [check for check in checks().values() if "NIST CP-10" in check.rules][:4]
STATUSES = (Status.PASS, Status.PASS, Status.FAIL, Status.NOT_APPLICABLE)
RESULTS = tuple(
    CheckResult(check.id, check.severity, check.area, status, (), "=a scenario", "a feature")
    for check, status in zip(SERVED, STATUSES, strict=True)
)
WALKED = replace(REPORT, verdict=verdict_of(RESULTS, (), 3600.0), evidence="ab" * 32)


def _assessed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(crosswalk.oscal(WALKED))["assessment-results"]
    return document


def test_markdown_counts_and_names_what_did_not_pass() -> None:
    text = crosswalk.markdown(WALKED)
    assert f"| CP-10 System recovery and reconstitution | 2 of 3 pass | `{SERVED[2].id}` (fail) |" in text
    assert "| CP-13 Alternative security mechanisms | no scenario speaks about it |  |" in text
    assert "abab" in text


def test_csv_has_a_row_for_each_scenario_with_evidence_and_no_formula() -> None:
    rows = [row for row in csv.DictReader(io.StringIO(crosswalk.as_csv(WALKED))) if row["control"] == "CP-10"]
    assert sorted((row["check"], row["status"]) for row in rows) == sorted((r.check, str(r.status)) for r in RESULTS)
    assert {row["scenario"] for row in rows} == {"'=a scenario"}
    assert {row["evidence"] for row in rows} == {"ab" * 32}
    assert {row["at"] for row in rows} == {"2026-03-02T10:00:00+00:00"}


def test_oscal_finds_each_control_satisfied_or_not_upon_its_observations() -> None:
    (result,) = _assessed()["results"]
    (found,) = [row for row in result["findings"] if row["target"]["target-id"] == "cp-10"]
    assert found["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    observed = {row["uuid"]: row["title"] for row in result["observations"]}
    related = [observed[row["observation-uuid"]] for row in found["related-observations"]]
    assert sorted(related) == sorted(check.id for check in SERVED)


def test_oscal_points_to_the_evidence_and_every_reference_has_its_resource() -> None:
    document = _assessed()
    resources = {f"#{row['uuid']}": row for row in document["back-matter"]["resources"]}
    hrefs = {row["relevant-evidence"][0]["href"] for row in document["results"][0]["observations"]}
    assert {*hrefs, document["import-ap"]["href"]} == set(resources)
    (evidence,) = hrefs
    assert resources[evidence]["rlinks"][0]["hashes"][0]["value"] == "ab" * 32


def test_the_same_evidence_has_the_same_ids_and_another_has_others() -> None:
    assert crosswalk.oscal(WALKED) == crosswalk.oscal(WALKED)
    assert _assessed()["uuid"] not in crosswalk.oscal(replace(WALKED, evidence="cd" * 32))


def test_a_run_keeps_all_three(tmp_path: Path) -> None:
    finish_results(WALKED, tmp_path, html=False)
    assert set(CROSSWALKS) <= {path.name for path in tmp_path.iterdir()}
