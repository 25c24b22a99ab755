"""What CI plays once more, alone: few tests that failed beside all others, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.run_all import MOST_AGAIN, failed_tests, repeatable_tests

FEW, MANY = ["tests/a.py::test_a"], [f"tests/a.py::test_{number}" for number in range(MOST_AGAIN + 1)]


@pytest.mark.parametrize(
    ("code", "failed", "again"), [(0, [], []), (1, FEW, FEW), (1, MANY, []), (2, FEW, []), (5, FEW, [])]
)
def test_few_failed_tests_are_played_once_more(code: int, failed: list[str], again: list[str]) -> None:
    assert again == repeatable_tests(code, failed)


@pytest.mark.proof
def test_pytest_records_what_failed_and_forgets_what_passed_since(tmp_path: Path) -> None:
    cache, file = tmp_path / "cache", tmp_path / "test_b.py"
    assert failed_tests(cache) == []
    for text, failed in (("assert 0", ["test_b.py::test_b"]), ("assert 1", [])):
        file.write_text(f"def test_b() -> None:\n    {text}\n", encoding="utf-8")
        words = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={cache}", "-p", "no:randomly", file.name]
        subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
        assert failed == failed_tests(cache)
