"""The page on performance sets each row against the floor of its own size and latency."""

from __future__ import annotations

import re

from benchmarks.page import FLOOR, page, picture, table
from benchmarks.status import BenchmarkRow


def _row(what: str, tenants: int, latency_ms: int, wall_s: float, cpu_s: float) -> BenchmarkRow:
    return BenchmarkRow(what, "canned", tenants, latency_ms, wall_s, cpu_s, 100, 341)


ROWS = [
    _row("the reader alone", 12, 40, 2.0, 1.0),
    _row(FLOOR, 12, 40, 0.5, 0.2),
    _row("the reader alone", 200, 40, 3.0, 2.0),
]


def test_a_row_is_a_ratio_to_the_floor_of_its_size_where_one_was_measured() -> None:
    reader, floor, larger = table(ROWS)[2:]
    assert "| 2.0 | 4.0 | 1.0 | 5.0 |" in reader
    assert "| 0.5 | 1.0 | 0.2 | 1.0 |" in floor
    assert "| 3.0 |  | 2.0 |  |" in larger


def test_the_page_names_the_command_that_measured() -> None:
    assert "`python -m benchmarks.status --tenants 12 200`" in page(ROWS, "--tenants 12 200", "2026-11-27")


def test_the_longest_bar_is_the_dearest_row() -> None:
    lengths = [int(width) for width in re.findall(r'<rect .*?width="(\d+)"', picture(ROWS))]
    assert lengths[2] == max(lengths) == 2 * lengths[0]
