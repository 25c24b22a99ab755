"""The post-incident review lists what people have to clean up by what the plan says it leaves, not by its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dr_actions.journal.journal import EntryKind, Journal, read
from dr_actions.model.plan import to_json
from reports.incident.log import incident_log
from reports.incident.review import review
from tests.dr_actions.control_tables import WORLD, Clock
from tests.dr_actions.deciding import PLAN

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
