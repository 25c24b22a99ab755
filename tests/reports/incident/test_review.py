"""The post-incident review names what went wrong, what is open, and nothing that is settled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dr_actions.journal.entries import Chain, EntryKind
from dr_actions.journal.journal import Journal, read
from dr_actions.model.gates import FENCE
from dr_actions.model.plan import to_json
from dr_estate.model.dynamodb_values import instant
from reports.incident.log import incident_log
from reports.incident.review import review
from tests.dr_actions.control_tables import WORLD, Clock
from tests.dr_actions.deciding import PLAN
from tests.dr_actions.journal.test_timeline import BEFORE, WALK, EntryRow, at, entries, failback

OLD, KEPT = "sit-mysql-old in af-south-1: delete it once nobody needs it.", "Backups are kept; nothing is done by hand."


def _clean_ups(folder: Path, plan: dict[str, Any]) -> list[str]:
    with Journal.open(folder, "sit", "INC-1", "run-1", Clock(), world=WORLD) as journal:
        journal.append(EntryKind.BEGIN, plan=plan, goal="failback")
    log = incident_log(read(journal.path, "sit", "INC-1"), "sit", "INC-1", str(journal.path), 60)
    section = review(log).partition("## Still to be cleaned up by hand\n")[2].partition("## ")[0]
    return [line.removeprefix("- ") for line in section.splitlines() if line]


def test_the_clean_ups_are_what_the_plan_leaves(tmp_path: Path) -> None:
    plan = to_json(PLAN) | {"notes": [KEPT, OLD], "leaves": [OLD]}
    assert _clean_ups(tmp_path, plan) == [OLD]


def reviewed(rows: Sequence[EntryRow]) -> str:
    chain = entries(rows)
    return review(incident_log(Chain(tuple(chain), chain[-1].digest), "sit", "INC-1", "here", 4 * 3600))


def section(text: str, title: str) -> list[str]:
    part = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [line for line in part.splitlines() if line]


def test_the_review_names_what_went_otherwise_than_promised() -> None:
    moved: EntryRow = (27, EntryKind.CONFIRMED, "traffic/shift_to_primary:zone", {})
    waiting: EntryRow = (18, EntryKind.END, None, {"outcome": "waiting", "says": "not done by hand in time"})
    found = section(reviewed(failback(waiting, moved)), "What went wrong on the way")
    assert any("ended unfinished, waiting: not done by hand in time" in line for line in found)
    assert any("was late: a person took 20 min, and the run waits 10 min" in line for line in found)
    assert "- nobody could write for 22 min, and at most 10 min was promised" in found
    assert "| 22 min |" in "\n".join(section(reviewed(failback(moved)), "Objectives"))


def test_a_failback_has_no_recovery_time_objective() -> None:
    later: list[EntryRow] = [
        (500, EntryKind.CONFIRMED, "traffic/shift_to_primary:zone", {}),
        (501, EntryKind.VALIDATED, None, {"passed": True}),
        (502, EntryKind.END, None, {"outcome": "done", "says": "Every step is done."}),
    ]
    ordered: EntryRow = (0, EntryKind.DETECTED, None, {"moment": instant(at(0))})
    found = reviewed([ordered, *failback(*later)]).splitlines()
    assert [] == [line for line in found if "objective 4 h" in line or "**NO**" in line]
    assert [line for line in found if line.startswith("## failback: reached in 8 h 21 min")]


def test_a_write_pause_without_an_end_lasts_by_the_last_entry_at_least() -> None:
    waiting: EntryRow = (18, EntryKind.END, None, {"outcome": "waiting", "says": "not done by hand in time"})
    found = reviewed(failback(waiting))
    assert "- nobody could write for 13 min, and at most 10 min was promised" in section(
        found, "What went wrong on the way"
    )
    (row,) = [line for line in section(found, "Objectives") if "13 min" in line]
    assert "13 min when the last entry was written, " in row
    assert "`status` shows whether it lasts" in row


def test_an_unfenced_primary_is_open_until_a_failback_is_done() -> None:
    unfenced: list[EntryRow] = [
        *BEFORE,
        (21, EntryKind.LOOKED, None, {"gate": FENCE, "says": "UNFENCED: silent."}),
        *WALK,
    ]
    title = "Still to be cleaned up by hand"
    assert section(reviewed(unfenced), title) == ["- UNFENCED: silent."]
    done: EntryRow = (28, EntryKind.END, None, {"outcome": "done", "says": "all"})
    assert section(reviewed([*unfenced, *failback(done)]), title) == ["- nothing is recorded"]
