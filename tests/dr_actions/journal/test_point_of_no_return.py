"""From which entry on a failback cannot be aborted: a promotion that left, or may have left, and none that did not."""

from __future__ import annotations

from typing import Any

import pytest

from dr_actions.journal.entries import EntryKind
from dr_actions.journal.point_of_no_return import last_reversible_step, point_of_no_return
from dr_actions.model.plan import Goal, from_json
from tests.dr_actions.journal.test_timeline import EntryRow, entries, plan

PROMOTE = "database/promote_primary:sit-mysql"
INTENT, OUTCOME, CONFIRMED = EntryKind.INTENT, EntryKind.OUTCOME, EntryKind.CONFIRMED


def row(kind: EntryKind, step: str | None = PROMOTE, **data: Any) -> EntryRow:
    return (1, kind, step, data)


def begins(goal: Goal) -> EntryRow:
    return row(EntryKind.BEGIN, None, plan=plan(goal))


HOME = begins(Goal.FAILBACK)
SENT, REFUSED, UNCERTAIN = (row(OUTCOME, result=result) for result in ("sent", "refused", "uncertain"))


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([HOME, row(INTENT, "database/freeze:sit-mysql"), row(CONFIRMED, "database/freeze:sit-mysql")], None),
        ([HOME, row(INTENT)], 2),
        ([HOME, row(INTENT), SENT], 2),
        ([HOME, row(INTENT), UNCERTAIN], 2),
        ([HOME, row(INTENT), REFUSED], None),
        ([HOME, row(INTENT), SENT, row(INTENT), REFUSED], 2),
        ([HOME, row(INTENT), REFUSED, row(INTENT)], 4),
        ([HOME, row(CONFIRMED)], 2),
        ([HOME, row(INTENT), HOME], 2),
        ([HOME, row(INTENT), SENT, row(CONFIRMED), begins(Goal.FAILOVER), HOME], None),
        ([begins(Goal.FAILOVER), HOME, begins(Goal.ABORT)], None),
    ],
    ids=[
        *(
            "frozen",
            "about to leave",
            "sent",
            "no answer",
            "refused",
            "refused when sent again",
            "sent when tried again",
        ),
        *("found promoted", "planned anew after it", "of an earlier failback", "being aborted"),
    ],
)
def test_the_point_is_the_entry_by_which_the_promotion_may_have_begun(rows: list[EntryRow], number: int | None) -> None:
    entry = point_of_no_return(entries(rows))
    assert number == (entry.seq if entry else None)


def test_no_other_plan_has_a_step_before_which_it_can_be_aborted() -> None:
    assert [last_reversible_step(from_json(plan(goal))) for goal in Goal] == [None] * len(Goal)
