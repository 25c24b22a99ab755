"""What a drill left: kept by rule, with the command that removes it, or left over, which no drill may."""

from __future__ import annotations

from typing import Any

from dr_actions.drills.inventory import Inventory, Residue, ResidueState, is_clean, residue
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Goal, to_json
from dr_estate.config.environment import Side
from tests.dr_actions.deciding import SIT, plan, step
from tests.dr_actions.drills.test_phases import record

ASIDE = "sit-mysql-before-db-abcde"
OLD = step(
    "sit-mysql", 25, "database/rename_old_primary", side=Side.PRIMARY, after={"name": ASIDE, "resource": "db-ABCDE"}
)
BACKED_UP = {"side": "dr", "store": "files", "arn": "arn:point", "created_at": "2026-01-07T03:00:00+00:00"}


def entries(*confirmed: tuple[str, dict[str, Any]]) -> tuple[Entry, ...]:
    began = (EntryKind.BEGIN, None, {"plan": to_json(plan(OLD, goal=Goal.FAILBACK))})
    return record(began, *((EntryKind.CONFIRMED, of, {"facts": facts}) for of, facts in confirmed))


SET_ASIDE: tuple[str, dict[str, Any]] = ("database/rename_old_primary:sit-mysql", {})


def left(*lines: str, part: str = "rds.instances.primary", by: tuple[Entry, ...] = ()) -> tuple[Residue, ...]:
    before, after = Inventory({part: ()}), Inventory({part: lines})
    return residue(before, after, SIT, by)


def test_nothing_left_is_clean() -> None:
    assert () == left()
    assert is_clean(())


def test_the_old_primary_database_is_kept_with_the_command_that_deletes_it() -> None:
    (row,) = left(f'{{"identifier":"{ASIDE}"}}', by=entries(SET_ASIDE))
    assert (ResidueState.KEPT, ASIDE) == (row.fate, row.subject)
    assert f"--db-instance-identifier {ASIDE}" in row.command
    assert "af-south-1" in row.command
    assert is_clean([row])


def test_the_same_name_is_left_over_unless_a_failback_of_the_drill_made_it() -> None:
    (row,) = left(f'{{"identifier":"{ASIDE}"}}')
    assert ResidueState.LEFT is row.fate
    assert not is_clean([row])


def test_nothing_in_the_dr_region_is_kept_by_that_rule() -> None:
    (row,) = left(f'{{"identifier":"{ASIDE}"}}', part="rds.instances.dr", by=entries(SET_ASIDE))
    assert ResidueState.LEFT is row.fate


def test_recovery_points_of_a_drill_are_kept_and_reported() -> None:
    (row,) = left(by=entries(("backup/create_backups:dr-files", BACKED_UP)))
    assert ("arn:point", ResidueState.KEPT) == (row.subject, row.fate)


def test_what_was_not_seen_is_never_clean() -> None:
    rows = residue(Inventory({"rds.instances.dr": ()}), Inventory({"rds.instances.dr": None}), SIT, ())
    assert [ResidueState.UNSEEN] == [row.fate for row in rows]
    assert not is_clean(rows)
