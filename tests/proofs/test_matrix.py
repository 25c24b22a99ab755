"""Every disaster of the sandbox turns the checks it names, and beside them only its named consequences.

The table disaster x check is written to reports/out/matrix.txt. ``DR_FULL_MATRIX=1`` reads the whole estate after each
disaster and after each mending, which takes minutes; without it only what a disaster can have reached is read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from dr_checks.model import Status
from dr_checks.registry import checks
from dr_estate.unseen import CannotSee
from sandbox.disasters import ANYTHING, Disaster, catalogue
from tests.proofs.watching import FULL, Watch, not_passed
from tests.utils.running import ROOT

TABLE = ROOT / "reports" / "out" / "matrix.txt"
NO_DISASTER = {
    "prerequisites.contacts-named": "the contacts stand in the environment file, which no disaster of AWS can change",
}
BLIND = Status.UNKNOWN
_MARK = {Status.FAIL: "F", Status.UNKNOWN: "?", Status.WARN: "w"}


@dataclass
class Matrix:
    """The rows of the table, each played out when it is first asked for."""

    watch: Watch
    rows: dict[str, dict[str, Status]] = field(default_factory=dict)

    def row(self, disaster: Disaster) -> dict[str, Status]:
        """Status by check of all that did not pass under ``disaster``; of every check where nothing can be seen."""
        if disaster.name not in self.rows:
            touched = self.watch.world.break_(disaster.name)
            try:
                self.rows[disaster.name] = not_passed(self.watch.judged(touched))
            except CannotSee:
                self.rows[disaster.name] = dict.fromkeys(checks(), BLIND)
            finally:
                self.watch.world.mend(disaster.name)
            if FULL:
                assert not_passed(self.watch.judged(touched)) == {}, f"{disaster.name} left something behind"
        return self.rows[disaster.name]

    def whole(self) -> dict[str, dict[str, Status]]:
        """Every row."""
        return {disaster.name: self.row(disaster) for disaster in catalogue()}


@pytest.fixture(scope="module")
def matrix(sit_watch: Watch) -> Iterator[Matrix]:
    """The matrix of this run, written down at its end."""
    made = Matrix(sit_watch)
    yield made
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(table(made.rows), encoding="utf-8")


def table(rows: dict[str, dict[str, Status]]) -> str:
    """The table disaster x check: F is FAIL, w is WARN, ? is UNKNOWN, brackets mark a consequence."""
    known = {disaster.name: disaster for disaster in catalogue()}
    lines = []
    for name, row in rows.items():
        marks = [
            f"{check}={_MARK[status]}" if check in known[name].trips else f"({check}={_MARK[status]})"
            for check, status in sorted(row.items())
        ]
        lines.append(f"{name:34} {' '.join(marks)}")
    covered = {check for name, row in rows.items() for check in known[name].trips if check in row}
    return "\n".join([*lines, "", f"{len(rows)} disasters trip {len(covered)} of {len(checks())} checks.", ""])


@pytest.mark.parametrize("disaster", catalogue(), ids=lambda disaster: disaster.name)
def test_a_disaster_turns_what_it_names_and_beside_it_only_its_consequences(matrix: Matrix, disaster: Disaster) -> None:
    row = matrix.row(disaster)
    assert set(disaster.trips) <= set(row), "the disaster went unseen"
    if disaster.consequences != ANYTHING:
        assert set(row) <= {*disaster.trips, *disaster.consequences}, "a check cries wolf, or a consequence is unnamed"


@pytest.mark.parametrize("name", ["primary-dark", "primary-throttled", "dr-dark", "us-east-1-dark"])
def test_what_a_dark_region_hides_is_unknown_and_never_a_gap(matrix: Matrix, name: str) -> None:
    row = matrix.row(next(disaster for disaster in catalogue() if disaster.name == name))
    assert BLIND in row.values()
    assert {check: status for check, status in row.items() if status is not BLIND} == {}


def test_every_check_is_tripped_by_a_disaster(matrix: Matrix) -> None:
    rows = matrix.whole()
    tripped = {check for d in catalogue() for check in d.trips if check in rows[d.name]}
    assert sorted(set(checks()) - tripped) == sorted(NO_DISASTER)


def test_a_disaster_names_checks_that_exist() -> None:
    named = {check for d in catalogue() for check in (*d.trips, *d.consequences)} - {*ANYTHING}
    assert sorted(named - set(checks())) == []


def test_the_mended_world_is_whole_again(matrix: Matrix) -> None:
    matrix.whole()
    assert not_passed(matrix.watch.judged_whole()) == {}
