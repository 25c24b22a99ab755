"""Every disaster of the sandbox turns the checks it names, and beside them only its named consequences.

The table disaster x check is written to reports/out/matrix.txt. One disaster of each area of checks is played for
every change, and the dark regions; the others are proofs. ``DR_FULL_MATRIX=1`` reads the whole estate after each
disaster and after each mending, which takes minutes; without it only what a disaster can have reached is read again.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from dr_checks.core.model import Area, Status
from dr_checks.core.registry import checks
from dr_estate.model.unavailable import DataUnavailable
from sandbox.disasters import ANYTHING, Disaster, catalogue, find
from tests.proofs.watching import FULL, Watch, not_passed, readiness
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


NO_DISASTER = {
    "prerequisites.contacts-named": "the contacts stand in the environment file, which no disaster of AWS can change",
}
OF_PROD_ALONE = {"customer-stays-behind", "customer-without-tenant"}
DARK = ("primary-dark", "primary-hangs", "primary-throttled", "dr-dark", "us-east-1-dark")
CRAWLS = ("primary-throttled", "sites-crawl")
PROBED_FROM_OUTSIDE = {"health-checks.healthy-now"}
"""Route 53's probes of a dark region do see it: they fail."""


@dataclass
class Matrix:
    """The rows of the table, each played out when it is first asked for."""

    watch: Watch
    rows: dict[str, Row] = field(default_factory=dict)

    def row(self, disaster: Disaster) -> Row:
        """Status by check of all that did not pass under ``disaster``; of every check where nothing can be seen."""
        if disaster.name not in self.rows:
            touched = self.watch.world.inject(disaster.name)
            try:
                self.rows[disaster.name] = not_passed(self.watch.judged(touched))
            except DataUnavailable:
                self.rows[disaster.name] = dict.fromkeys(readiness(), Status.UNKNOWN)
            finally:
                self.watch.world.repair(disaster.name)
            if FULL:
                self.assert_whole(disaster.name)
        return self.rows[disaster.name]

    def assert_whole(self, latest: str) -> None:
        """Prove that mending left nothing behind."""
        assert not_passed(self.watch.judged_whole()) == {}, f"{latest} left something behind"


@pytest.fixture(scope="module")
def matrix(sit_watch: Watch) -> Iterator[Matrix]:
    """The matrix of this run; in the end the mended world is whole again, and the table is written down."""
    check_matrix = Matrix(sit_watch)
    yield check_matrix
    write(check_matrix.rows)
    check_matrix.assert_whole("one of the disasters")


def _row(disaster: Disaster, matrix: Matrix, request: pytest.FixtureRequest) -> Row:
    if disaster.name not in OF_PROD_ALONE:
        return matrix.row(disaster)
    prod = Matrix(request.getfixturevalue("prod_watch"), matrix.rows)
    return prod.row(disaster)


def areas(disaster: Disaster) -> set[Area]:
    """The areas of the checks that it trips."""
    return {checks()[check].area for check in disaster.trips}


def sampled() -> set[str]:
    """One disaster for each area of checks that SIT can meet, and the dark regions; what is only slow is a proof."""
    sample, met = {*DARK}, set[Area]()
    for disaster in catalogue():
        if disaster.name not in {*DARK, *CRAWLS, *OF_PROD_ALONE} and areas(disaster) - met:
            sample.add(disaster.name)
            met |= areas(disaster)
    return sample - {*CRAWLS}


def _played() -> list[Any]:
    sample, proof = sampled(), (pytest.mark.proof,)
    return [
        pytest.param(disaster, id=disaster.name, marks=() if disaster.name in sample else proof)
        for disaster in catalogue()
    ]


@pytest.mark.parametrize("disaster", _played())
def test_a_disaster_turns_what_it_names_and_beside_it_only_its_consequences(
    disaster: Disaster, matrix: Matrix, request: pytest.FixtureRequest
) -> None:
    row = _row(disaster, matrix, request)
    assert set(disaster.trips) <= set(row), "the disaster went unseen"
    if disaster.consequences != ANYTHING:
        assert set(row) <= {*disaster.trips, *disaster.consequences}, "a check cries wolf, or a consequence is unnamed"
    if disaster.name in DARK:
        known_checks = {check for check, status in row.items() if status is not Status.UNKNOWN}
        assert known_checks <= PROBED_FROM_OUTSIDE, "what a dark region hides is unknown, and never a gap"


def test_no_area_of_checks_is_left_to_the_proofs_alone() -> None:
    sample = [disaster for disaster in catalogue() if disaster.name in sampled() - {*DARK}]
    assert {*Area} - {Area.VALIDATION} == {area for disaster in sample for area in areas(disaster)}


def test_every_check_is_tripped_by_a_disaster() -> None:
    tripped = {check for disaster in catalogue() for check in disaster.trips}
    assert sorted(set(readiness()) - tripped) == sorted(NO_DISASTER)


def test_a_disaster_names_checks_that_exist() -> None:
    named = {check for disaster in catalogue() for check in (*disaster.trips, *disaster.consequences)} - {*ANYTHING}
    assert sorted(named - set(checks())) == []


def test_every_disaster_trips_something() -> None:
    assert [disaster.name for disaster in catalogue() if not disaster.trips] == []
