"""What CI plays once more, alone: few tests that failed beside all others, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.run_all import MOST_AGAIN, repeatable_tests

FEW, MANY = ["tests/a.py::test_a"], [f"tests/a.py::test_{number}" for number in range(MOST_AGAIN + 1)]


@pytest.mark.parametrize(
    ("code", "failed", "again"), [(0, [], []), (1, FEW, FEW), (1, MANY, []), (2, FEW, []), (5, FEW, [])]
)
def test_few_failed_tests_are_played_once_more(code: int, failed: list[str], again: list[str], tmp_path: Path) -> None:
    last_failed = tmp_path / "lastfailed"
    last_failed.write_text(json.dumps(dict.fromkeys(failed, True)), encoding="utf-8")
    assert again == repeatable_tests(code, last_failed)


def test_where_nothing_is_on_record_nothing_is_played(tmp_path: Path) -> None:
    assert repeatable_tests(1, tmp_path / "lastfailed") == []
