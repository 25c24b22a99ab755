"""Tests fail where a part is missing, measure no machine, wait for no full second, and have few helpers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py"))}
# Skipped by intent: proofs in `make test`, whole matrices in both, and what needs a machine without an Allure, or with
# the recordings of other projects.
SKIPPING = {
    "tests/conftest.py",
    "tests/dr_estate/contracts/recorded.py",
    "tests/dr_estate/speed/test_protocols.py",
    "tests/proofs/test_home_again.py",
    "tests/proofs/test_markers.py",
    "tests/proofs/test_training.py",
    "tests/proofs/test_write_pause_at_size.py",
    "tests/utils/cli/commands/test_report.py",
}


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"pytest\.skip\(|mark\.skip|importorskip", SKIPPING),
        (r"\bdeadline=|suppress_health_check=", {"tests/conftest.py"}),
        (r"\b(?:sleep|wait)\([^\n]*(?:time\(\)|now\(|microsecond)", set()),
        (r"\bwhile [^\n]*(?:int\(time|\.second\b|microsecond)", set()),
    ],
    ids=["skips", "deadlines of properties", "sleeps to a full second", "loops to a full second"],
)
def test_only_these_files_have(pattern: str, allowed: set[str]) -> None:
    using = {str(path.relative_to(ROOT)) for path, text in FILES.items() if re.search(pattern, text)}
    assert allowed == using - {str(Path(__file__).relative_to(ROOT))}


def test_helper_modules_are_at_most_12_percent_of_the_lines() -> None:
    """What no test file is, is a helper module; examples of checks are cases, not helpers."""
    lines = {path: text.count("\n") for path, text in FILES.items()}
    helpers = {path for path in lines if not path.name.startswith("test_") and "examples" not in path.parts}
    percent = 100 * sum(lines[path] for path in helpers) / sum(lines.values())
    assert percent <= 12, f"{percent:.1f}%: what one test file alone uses belongs into that file"


def test_a_test_is_named_in_at_most_70_characters() -> None:
    named = [
        name for text in FILES.values() for name in re.findall(r"^\s*(?:async )?def (test_\w+)", text, re.MULTILINE)
    ]
    assert [name for name in named if len(name) > 70] == []
