"""OSCAL's own models (NIST's schema, as compliance-trestle carries it) read the crosswalk that a run keeps."""

from __future__ import annotations

import lzma
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dr_checks.core.verdict import verdict_of
from reports.render.crosswalk import oscal
from reports.values.report import Report
from tests.reports.test_reports import REPORT
from tests.utils.running import ROOT, dr_cli

PYTHON = ROOT / ".tools" / "oscal" / "bin" / "python"
READ = (
    "import sys, pathlib; from trestle.oscal.assessment_results import AssessmentResults; "
    "print(len(AssessmentResults.oscal_read(pathlib.Path(sys.argv[1])).results[0].findings or []))"
)

pytestmark = [pytest.mark.proof, pytest.mark.judge("oscal")]


def _findings(file: Path) -> int:
    """How many findings OSCAL's models read in ``file``."""
    command = [str(PYTHON), "-c", READ, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


@pytest.mark.parametrize("name", ["sit-healthy", "sit-primary-dark"])
def test_the_files_of_a_run_are_valid_with_a_finding_for_each_control(name: str, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence.json"
    evidence.write_bytes(lzma.decompress((ROOT / "tests" / "golden" / "evidence" / f"{name}.json.xz").read_bytes()))
    dr_cli(f"-e sit status --from-evidence {evidence}", tmp_path)
    (file,) = (tmp_path / "out").glob("*/controls.oscal.json")
    assert _findings(file) > 15


@pytest.mark.parametrize("report", [REPORT, replace(REPORT, verdict=verdict_of((), (), 1.0))], ids=["odd", "nothing"])
def test_what_serves_no_control_is_valid_too(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "controls.json"
    file.write_text(oscal(report), encoding="utf-8")
    assert _findings(file) == 0
