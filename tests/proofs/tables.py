"""Writes the table disaster x check where a person can read it: reports/out/matrix.txt."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping

from dr_checks.core.model import Status
from dr_checks.core.registry import checks
from sandbox.disasters import catalogue, find
from tests.utils.running import ROOT

Row = Mapping[str, Status]

TABLE = ROOT / "reports" / "out" / "matrix.txt"
_MARK = {Status.FAIL: "F", Status.UNKNOWN: "?", Status.WARN: "w"}
_WIDTH = 34


def write(rows: Mapping[str, Row]) -> None:
    """Put ``rows`` into the table; the rows of other test processes and of earlier runs stay."""
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = {line[:_WIDTH].strip(): line for line in file.read().splitlines()}
        lines |= {name: _line(name, row) for name, row in rows.items()}
        known = [lines[disaster.name] for disaster in catalogue() if disaster.name in lines]
        file.truncate(0)
        file.write("\n".join([*known, "", _sum(known), ""]))


def _line(name: str, row: Row) -> str:
    trips = find(name).trips
    marks = [f"{check}={_MARK[status]}" for check, status in sorted(row.items()) if check in trips]
    marks += [f"({check}={_MARK[status]})" for check, status in sorted(row.items()) if check not in trips]
    return f"{name:{_WIDTH}} {' '.join(marks)}"


def _sum(lines: list[str]) -> str:
    tripped = {word.partition("=")[0] for line in lines for word in line.split()[1:]} & set(checks())
    played, there = f"{len(lines)} of {len(catalogue())} disasters", f"{len(tripped)} of {len(checks())} checks"
    return f"Played: {played}. Tripped: {there}. F is FAIL, w WARN, ? UNKNOWN; in brackets a consequence."
