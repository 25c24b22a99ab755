"""Write docs/performance.md and its picture from what was measured: ``python -m benchmarks.page FILE``.

FILE is the JSON of ``python -m benchmarks.status --json FILE``. Each row is set against the floor of the same size and
latency: the same requests, sent by bare asyncio.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.status import BenchmarkRow

DOCS = Path(__file__).parents[1] / "docs"
FLOOR = "the floor: the same requests, bare asyncio"
_WIDTH, _LABEL, _BAR, _GAP = 720, 330, 18, 6
_ABOUT = """# Performance

{when}, {machine}, Python {python}: `{command}`.
Each row is a process of its own, the median of several runs that were taken in turn with those of the other rows; a row
whose note begins with "once" ran once. The answers are canned, so the rows show the reader and not the emulator; the
latency is added to each. **The floor** is the reader's own requests again, signed, sent and parsed by bare asyncio.
Columns with `x` are ratios to the floor of the same size and latency.

CI asserts counts of calls and of modules (`tests/dr_estate/test_call_growth.py`,
`tests/benchmarks/test_start_up.py`), never how long a look takes.

![CPU seconds by number of tenants](pictures/performance.svg)
"""


def ratio(value: float, floor: float | None) -> str:
    """How many times the floor; "" where that was not measured."""
    return f"{value / floor:.1f}" if floor else ""


def table(rows: Sequence[BenchmarkRow]) -> list[str]:
    """The rows as a Markdown table, those of one size and latency together."""
    lines = [
        "| tenants | latency ms | what | wall s | x | CPU s | x | peak MiB | API calls | note |",
        "|---:|---:|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        floor = floor_of(row, rows)
        cells = (
            f"{row.tenants:,}",
            str(row.latency_ms),
            row.what,
            f"{row.wall_s:.1f}",
            ratio(row.wall_s, floor.wall_s if floor else None),
            f"{row.cpu_s:.1f}",
            ratio(row.cpu_s, floor.cpu_s if floor else None),
            f"{row.peak_mib:.0f}",
            f"{row.calls:,}",
            row.note,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def floor_of(row: BenchmarkRow, rows: Iterable[BenchmarkRow]) -> BenchmarkRow | None:
    """The floor of the row's size and latency."""
    found = (o for o in rows if o.what == FLOOR and (o.tenants, o.latency_ms) == (row.tenants, row.latency_ms))
    return next(found, None)


def picture(rows: Sequence[BenchmarkRow]) -> str:
    """A bar of CPU seconds for each row, as SVG."""
    longest = max(row.cpu_s for row in rows)
    bars = [
        _bar(
            place,
            f"{row.tenants:,} tenants, {_short(row.what)}",
            row.cpu_s,
            longest,
        )
        for place, row in enumerate(rows)
    ]
    height = len(rows) * (_BAR + _GAP) + _GAP
    style = "text{font:12px sans-serif;fill:#777}rect{fill:#3f7fbf}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="CPU seconds"><style>{style}</style>{"".join(bars)}</svg>\n'
    )


def _short(what: str) -> str:
    """What a row is, without its kind before it and the remark after it."""
    return what.removeprefix("baseline: ").removeprefix("peer: ").partition(": ")[0]


def _bar(place: int, label: str, value_s: float, longest_s: float) -> str:
    top, length = _GAP + place * (_BAR + _GAP), max(1.0, value_s / longest_s * (_WIDTH - _LABEL - 60))
    return (
        f'<text x="{_LABEL - 8}" y="{top + 13}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LABEL}" y="{top}" width="{length:.0f}" height="{_BAR}"/>'
        f'<text x="{_LABEL + length + 6:.0f}" y="{top + 13}">{value_s:.1f} s</text>'
    )


def page(rows: Sequence[BenchmarkRow], words: str, when: str) -> str:
    """The whole page."""
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    about = _ABOUT.format(
        when=when,
        machine=machine,
        python=platform.python_version(),
        command=f"python -m benchmarks.status {words}".rstrip(),
    )
    return "\n".join([about, *table([row for row in rows if row.tenants]), ""])


def main() -> None:
    """Read the rows, write the page and its picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--measured-with", default="", metavar="WORDS", help="the words after benchmarks.status")
    arguments = parser.parse_args()
    rows = [BenchmarkRow(**row) for row in json.loads(arguments.file.read_text(encoding="utf-8"))]
    canned = [row for row in rows if row.world == "canned"]
    when = f"{datetime.fromtimestamp(arguments.file.stat().st_mtime, UTC):%Y-%m-%d}"
    (DOCS / "performance.md").write_text(page(canned, arguments.measured_with, when), encoding="utf-8")
    # One latency: bars of two would read as one series.
    drawn = [row for row in canned if row.latency_ms == max(r.latency_ms for r in canned)]
    (DOCS / "pictures" / "performance.svg").write_text(picture(drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
