"""What a journal proves for the guard: backups since the last begin, a whole freeze, and renamed databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dr_actions.guard.context import GuardContext, Proof, renamed_databases_in
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Goal, Plan, Step, step_id
from dr_actions.model.sequence import SEQUENCE, Role
from dr_estate.config.environment import Side
from tests.dr_actions.deciding import NOW, plan, step
from tests.dr_checks.worlds import SIT

SECOND = timedelta(seconds=1)


def of(role: Role, name: str, **changed: Any) -> Step:
    """A failback's step of a role."""
    row = next(row for row in SEQUENCE[Goal.FAILBACK] if row.role is role)
    return step(name, row.stage, row.action, id=step_id(row.prefix, name), **changed)


FREEZES = (of(Role.FREEZE, "mysql"), of(Role.FREEZE, "efs"))
BACKUPS = tuple(
    of(Role.BACKUP, f"{side}-{store}", side=side, before={"store": store})
    for side, store in ((Side.DR, "database"), (Side.DR, "files"), (Side.PRIMARY, "database"))
)
RENAMES = (
    of(Role.RENAME, "here", side=Side.DR, after={"resource": "db-1", "name": "sit-mysql-before-1"}),
    of(Role.RENAME, "there", side=Side.PRIMARY, after={"resource": "db-2", "name": "sit-mysql-before-2"}),
)
PLAN = plan(*FREEZES, *BACKUPS, *RENAMES, goal=Goal.FAILBACK)


def journal(*rows: tuple[EntryKind, Step | None, dict[str, Any], datetime]) -> list[Entry]:
    return [
        Entry(seq, at, "run", kind, found.id if found else None, data, "", "")
        for seq, (kind, found, data, at) in enumerate(rows, start=1)
    ]


def begin(goal: Goal = Goal.FAILBACK) -> tuple[EntryKind, None, dict[str, Any], datetime]:
    steps = [{"id": s.id, "action": s.action, "side": str(s.side), "after": dict(s.after)} for s in PLAN.steps]
    return (EntryKind.BEGIN, None, {"plan": {"goal": str(goal), "steps": steps}}, NOW)


def confirmed(found: Step, at: datetime = NOW, **facts: str) -> tuple[EntryKind, Step, dict[str, Any], datetime]:
    return (EntryKind.CONFIRMED, found, {"facts": facts}, at)


def backed_up(found: Step, store: str) -> tuple[EntryKind, Step, dict[str, Any], datetime]:
    return confirmed(found, side=str(found.side), store=store, arn=f"arn:{found.subject}", created_at=NOW.isoformat())


def proven(*rows: Any, of_plan: Plan = PLAN) -> GuardContext:
    """What the guard knows right before a call of the plan."""
    return GuardContext(SIT).before_call(frozenset(), of_plan, journal(*rows))


def test_backups_that_were_confirmed_in_the_last_run_are_proven() -> None:
    found = proven(begin(), backed_up(BACKUPS[1], "files"), begin(), backed_up(BACKUPS[0], "database"))
    assert (Proof(Side.DR, "database", "arn:dr-database", NOW),) == found.proofs
    assert ((Side.PRIMARY, "files"),) == found.absent
    assert Goal.FAILBACK is found.goal


@pytest.mark.parametrize("facts", [{}, {"side": "dr"}, {"side": "dr", "store": "x", "arn": "a", "created_at": "now"}])
def test_a_backup_without_its_facts_proves_nothing(facts: dict[str, str]) -> None:
    assert () == proven(begin(), confirmed(BACKUPS[0], NOW, **facts)).proofs
    assert () == proven(begin(), (EntryKind.CONFIRMED, BACKUPS[0], {}, NOW)).proofs


def test_what_was_sent_and_not_confirmed_proves_nothing() -> None:
    kind, found, data, at = backed_up(BACKUPS[0], "database")
    others = [(other, found, data, at) for other in EntryKind if other not in (EntryKind.BEGIN, kind)]
    found_proven = proven(begin(), *others)
    assert ((), None, frozenset()) == (found_proven.proofs, found_proven.frozen_at, found_proven.own_resources)
    assert ((Side.PRIMARY, "files"),) == found_proven.absent


def test_a_freeze_counts_from_the_second_of_its_last_step_and_only_whole() -> None:
    first = confirmed(FREEZES[0], NOW + timedelta(milliseconds=1))
    last = confirmed(FREEZES[1], NOW + 3 * SECOND + timedelta(milliseconds=900))
    assert proven(begin(), first, last).frozen_at == NOW + 3 * SECOND
    assert proven(begin(), last, first).frozen_at == NOW + 3 * SECOND
    assert proven(begin(), first).frozen_at is None
    assert proven(first, last, begin()).frozen_at is None
    assert proven(begin(), of_plan=plan(*BACKUPS, goal=Goal.FAILBACK)).frozen_at is None


def test_a_run_began_with_its_last_plan() -> None:
    kind, none, data, _ = begin()
    assert proven(begin(), (kind, none, data, NOW + SECOND)).begun_at == NOW + SECOND
    assert proven(confirmed(FREEZES[0])).begun_at is None


def test_the_databases_that_failbacks_renamed_are_known_by_their_resource() -> None:
    rows = (begin(), confirmed(RENAMES[0]), confirmed(RENAMES[1]), begin(), confirmed(FREEZES[0]))
    assert {"db-1": "sit-mysql-before-1"} == renamed_databases_in(journal(*rows))
    assert proven(*rows).own_resources == {"sit-mysql-before-1"}
    assert {"db-2": "sit-mysql-before-2"} == renamed_databases_in(journal(*rows), Side.PRIMARY)
    assert {} == renamed_databases_in(journal(begin()))
    assert {} == renamed_databases_in(journal(begin(Goal.FAILOVER), confirmed(RENAMES[0])))
