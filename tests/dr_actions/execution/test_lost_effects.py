"""A step whose effect is gone is reported and open again; one that AWS merely forgets is not: plain values.

In a failback the copy, and what it is a copy of, are looked for until it is to write.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dr_actions.actions.database import promotion, replication
from dr_actions.execution import lost_effects
from dr_actions.execution.run import PlanRun
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.action import StepState
from dr_actions.model.plan import Goal, Plan
from tests.dr_actions.actions.database.test_failback import COPY, SERVED, sight, the
from tests.dr_actions.actions.files.test_copies import AFTER, MOVE, seen
from tests.dr_actions.control_tables import WORLD, Clock
from tests.dr_actions.hearing import RecordingListener
from tests.dr_checks.worlds import SIT

HERE: dict[str, Any] = {"instances_primary": (COPY,), "instances_dr": (SERVED,)}


def _reopened(folder: Path, promoted: bool = False, **rows: Any) -> tuple[str, list[EntryKind]]:
    """What is reported of a copy whose step was done, and which entries its step has in the journal."""
    steps = (the(replication.REPLICATE_TO_PRIMARY), the(promotion.PROMOTE_PRIMARY))
    plan, listener = Plan(SIT.name, SIT.account, Goal.FAILBACK, "ON_DR", steps), RecordingListener()
    with Journal.open(folder, SIT.name, "INC-1", "run", Clock().now, world=WORLD) as journal:
        journal.append(EntryKind.CONFIRMED, steps[0].id, says="it replicates")
        if promoted:
            journal.append(EntryKind.INTENT, steps[1].id, call="rds:PromoteReadReplica", region="af-south-1")
        known: dict[str, Any] = {"plan": plan, "journal": journal, "listener": listener, "env": SIT}
        run = cast(PlanRun, SimpleNamespace(**known, context_with=lambda _parts, _sides: sight(**{**HERE, **rows})))
        return lost_effects.reopen(run, steps).message, [
            entry.kind for entry in journal.entries if entry.step == steps[0].id
        ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"instances_dr": ()}, f"The database {SERVED.resource_id} is gone from the DR region."),
        ({"instances_primary": ()}, "is absent and can be made."),
    ],
    ids=["what serves was deleted", "the copy was deleted"],
)
def test_a_database_that_is_deleted_during_the_failback_is_reported(tmp_path: Path, rows: Any, message: str) -> None:
    text, kinds = _reopened(tmp_path, **rows)
    assert text.startswith("database/replicate_to_primary:sit-mysql was done, and is no longer:")
    assert message in text
    assert kinds == [EntryKind.CONFIRMED, EntryKind.UNDONE]


@pytest.mark.parametrize(
    "rows",
    [{}, {"promoted": True, "instances_dr": ()}, {"promoted": True, "instances_primary": ()}],
    ids=["all is there", "once the copy is to write", "its record, too"],
)
def test_a_copy_that_is_there_or_writes_by_now_is_not_made_again(tmp_path: Path, rows: Any) -> None:
    assert _reopened(tmp_path, **rows) == ("", [EntryKind.CONFIRMED])


def test_a_task_that_ecs_shows_no_longer_was_run_all_the_same(tmp_path: Path) -> None:
    """ECS shows a stopped task for an hour; a second one would meet what visitors have written since."""
    (step,) = MOVE.plan_steps(seen())
    forgotten = seen(**AFTER)
    assert StepState.READY is MOVE.observe(step, forgotten).state, "no look tells it from one that never ran"
    plan, listener = Plan(SIT.name, SIT.account, Goal.FAILOVER, "PRIMARY_LOST", (step,)), RecordingListener()
    with Journal.open(tmp_path, SIT.name, "INC-1", "run", Clock().now, world=WORLD) as journal:
        journal.append(EntryKind.CONFIRMED, step.id, says="every folder holds something")
        known: dict[str, Any] = {"plan": plan, "journal": journal, "listener": listener, "env": SIT}
        run = cast(PlanRun, SimpleNamespace(**known, context_with=lambda _parts, _sides: forgotten))
        assert "" == lost_effects.reopen(run, (step,)).message
        assert [EntryKind.CONFIRMED] == [entry.kind for entry in journal.entries]
