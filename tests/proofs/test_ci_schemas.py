"""What CI systems read is what their schemas ask for: JUnit by Jenkins' (from pytest's source), SARIF by its own.

`make schemas` fetches both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import xmlschema
from jsonschema import Draft7Validator

from reports.render import junit_report, sarif_report
from reports.values.report import Report
from tests.reports.render.test_ci_formats import gated, hostile
from tests.reports.test_reports import REPORT
from tests.utils.running import ROOT

pytestmark = [pytest.mark.proof, pytest.mark.judge("schemas")]
SCHEMAS = ROOT / ".tools" / "schemas"
REPORTS = pytest.mark.parametrize(
    "make", [lambda: REPORT, hostile, gated], ids=["every status", "hostile names", "with a baseline"]
)


@REPORTS
def test_the_junit_report_is_valid(make: Callable[[], Report], tmp_path: Path) -> None:
    schema = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))
    file = tmp_path / "junit.xml"
    file.write_text(junit_report.render(make()), encoding="utf-8")
    assert [] == [error.reason for error in schema.iter_errors(str(file))]
    file.write_text(file.read_text(encoding="utf-8").replace("<testcase", "<testcase unknown='1'"), encoding="utf-8")
    assert not schema.is_valid(str(file)), "the schema says no to what is none"


@REPORTS
def test_the_sarif_report_is_valid(make: Callable[[], Report]) -> None:
    schema = Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8")))
    log = json.loads(sarif_report.render(make()))
    assert [] == [error.message for error in schema.iter_errors(log)]
    del log["runs"][0]["tool"]
    assert not schema.is_valid(log), "the schema says no to what is none"
