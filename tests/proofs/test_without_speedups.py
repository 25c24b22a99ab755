"""Without its speed-ups the product does the same: DR_NO_SPEEDUPS=1 leaves other libraries as they are.

A third of the core's tests a day; all of them in `make exhaustive`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.client.endpoint import Endpoint
from tests.hosting import DOOR
from tests.sampling import EXHAUSTIVE, every
from tests.utils.running import ROOT, command_of, signed_in

pytestmark = [pytest.mark.proof, pytest.mark.apart]

CORE = (
    ("tests/dr_estate",),
    ("tests/dr_checks", "tests/reports"),
    ("tests/sandbox/moto_ext", "tests/sandbox/server", "tests/sandbox/world"),
)
SPEEDUPS = "tests/sandbox/moto_ext/test_speedups.py"
AGES = re.compile(r"\b[\d.]+ (?:s|min|h|d|days?)\b(?: [\d.]+ (?:s|min|h)\b)*")
OF_THE_RUN = {"observed_at", "files", "rpo", "lags", "visitors"}
PATIENCE_S = 2400


@pytest.mark.parametrize(
    "folders", CORE if EXHAUSTIVE else every(3, CORE), ids=lambda folders: folders[0].rpartition("/")[2]
)
def test_the_core_of_the_suite_passes_without_speedups(folders: tuple[str, ...]) -> None:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_") and name != DOOR}
    variables = {**inherited, "DR_PROOFS": "", "DR_NO_SPEEDUPS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--ignore={SPEEDUPS}", *folders]
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_status_says_the_same_with_and_without_speedups(sandbox_world: Endpoint, tmp_path: Path) -> None:
    assert _status(sandbox_world, tmp_path, "") == _status(sandbox_world, tmp_path, "1")


def _status(world: Endpoint, home: Path, switch: str) -> dict[str, Any]:
    """The report of a process of its own, far from UTC, without what differs in each run: times, ages, lags, files."""
    extra = {"TZ": "Asia/Kolkata", "DR_NO_SPEEDUPS": switch}
    command, variables = command_of("-e sit status --format json", home, **signed_in(world, "reader"), **extra)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(AGES.sub("AGE", done.stdout))
    return {name: part for name, part in report.items() if name not in OF_THE_RUN}
