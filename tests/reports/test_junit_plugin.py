"""Bare `pytest features --junitxml` names scenarios as people do, with and without workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from dr_estate.config.environment import load_environment
from reports.render.scenario_places import place_of
from tests.utils.running import ROOT, at_endpoint
from tests.worlds import borrowed


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("evidence")
    with borrowed(load_environment(ROOT / "environments", "sit"), 1) as world:
        at_endpoint(world, home, f"-e sit status --replication --save-evidence {home / 'evidence.json'}")
    return home / "evidence.json"


@pytest.mark.proof
@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["in this process", "with a worker"])
def test_a_case_is_named_by_its_feature_and_scenario(evidence: Path, tmp_path: Path, workers: list[str]) -> None:
    file = tmp_path / "junit.xml"
    words = ["-m", "pytest", "-q", "features", "-m", "dns", f"--dr-evidence={evidence}", f"--junitxml={file}", *workers]
    subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, timeout=600, check=False)
    text = file.read_text(encoding="utf-8")
    cases = [(case.get("classname"), case.get("name")) for case in ET.fromstring(text.encode()).iter("testcase")]  # noqa: S314 - pytest wrote it
    assert len(cases) > 20
    assert [] == [case for case in cases if place_of(str(case[0]), str(case[1])).line == 1], "each is a scenario's"
    assert "dr-result" not in text
