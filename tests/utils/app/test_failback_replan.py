"""Whether a failback stands in its pause: by the freeze of its last plan, and by what refuses writes now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.database import failback
from dr_actions.journal.entries import EntryKind
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.engines import MYSQL
from dr_estate.readers import rds_groups
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.journal.test_point_of_no_return import HOME, begins, row
from tests.dr_actions.journal.test_timeline import EntryRow, entries
from tests.dr_actions.plain import SIT, recorded, with_part
from utils.aws_mgmt.app.failback_abort import froze, frozen_stores

FREEZE, UPLOADS, PROMOTE = "database/freeze:sit-mysql", "files/freeze:sit-efs", "database/promote_primary:sit-mysql"
FROZEN = row(EntryKind.INTENT, FREEZE)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([HOME, FROZEN], True),
        ([HOME, row(EntryKind.INTENT, UPLOADS)], True),
        ([HOME, row(EntryKind.CONFIRMED, FREEZE)], True),
        ([HOME, row(EntryKind.INTENT, "database/write_marker:sit-mysql")], False),
        ([HOME, FROZEN, row(EntryKind.INTENT, PROMOTE)], False),
        ([HOME, FROZEN, row(EntryKind.END, None, outcome="done")], False),
        ([HOME, FROZEN, begins(Goal.ABORT)], False),
        ([begins(Goal.FENCE), FROZEN], False),
        ([], False),
    ],
    ids=["frozen", "uploads", "found so", "hot phase", "promoted", "done", "given up", "a fence", "nothing"],
)
def test_a_failback_keeps_its_freeze_until_it_is_aborted_promoted_or_done(rows: list[EntryRow], expected: bool) -> None:
    assert froze(entries(rows)) is expected


def refuses(value: str) -> Snapshot:
    seen = recorded("on-dr")
    groups = seen.get(rds_groups.parameter_groups, Side.DR)
    return with_part(
        seen,
        rds_groups.parameter_groups,
        Side.DR,
        tuple(replace(group, parameters=((failback.READ_ONLY, value),)) for group in groups),
    )


@pytest.mark.parametrize(("value", "expected"), [("1", ["the database sit-mysql"]), (MYSQL.writable, [])])
def test_what_was_thawed_since_stands_in_no_pause(value: str, expected: list[str]) -> None:
    context = PlanContext(SIT, refuses(value), Goal.FAILBACK, primary_answers=True)
    assert expected == [name for name in frozen_stores(context) if name.startswith("the database")]
