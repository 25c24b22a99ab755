"""Tables are in sync once both replicas hold the same items: both are read; of large ones the counts are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions import tables as tables_verify_primary_in_sync
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import dynamodb
from dr_estate.readers.dynamodb import Contents, TableTooLarge
from sandbox.core.state import Outage
from tests.dr_actions.actions.estates import failed_over, home_sight
from tests.dr_actions.actions.failback_world import Home
from tests.dr_actions.plain import dark, with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy

ACTION = tables_verify_primary_in_sync.VERIFY_PRIMARY_IN_SYNC
TABLE = "sit-tenant-state"
ITEM = {"tenant_id": {"S": "tenant1"}, "item_id": {"S": "cart"}, "tags": {"SS": ["b", "a"]}, "n": {"N": "1"}}


def step_of(context: PlanContext) -> Step:
    return {step.subject: step for step in ACTION.plan_steps(context)}[TABLE]


def contents(**changes: Any) -> Contents:
    """What is kept of the table while it holds one item, changed so."""
    found = read(dynamodb.contents, Side.PRIMARY, {"scan": {"Items": [{**ITEM, **changes}]}}, failed_over())
    return next(row for row in found if isinstance(row, Contents) and row.table == TABLE)


@pytest.mark.proof
def test_writes_stranded_in_the_primary_arrive_and_are_proven_to_have(away: Home) -> None:
    step = step_of(away.sight())
    away.endpoint.begin(Outage(away.env.regions.primary, "refuse"))
    away.send(Side.DR, "dynamodb:PutItem", TableName=TABLE, Item=ITEM)
    assert StepState.UNAVAILABLE is away.confirm(ACTION, step).state
    away.endpoint.end()
    status = away.until(StepState.DONE, ACTION, step)
    assert StepState.DONE is status.state
    assert ("2", "2") == (
        dict(status.evidence)["items in the primary region"],
        dict(status.evidence)["items in the DR region"],
    )


def test_the_digest_knows_every_value_and_no_order() -> None:
    assert contents() == contents(tags={"SS": ["a", "b"]}), "a set has no order"
    other = contents(n={"N": "2"})
    assert (contents().items, False) == (other.items, contents().digest == other.digest)
    assert "cart" not in str(contents())


def judged(home: Any = None, away: Any = None, **tables: Any) -> tuple[StepState, str]:
    """How the step stands where the sides hold this, and the primary's table is changed so."""
    snapshot = failed_over()
    for side, contents in ((Side.PRIMARY, home), (Side.DR, away)):
        value = (contents or Contents(TABLE, 3, "d"),)
        snapshot = with_part(snapshot, dynamodb.contents, side, value)
    rows = [row for row in snapshot.get(dynamodb.tables, Side.PRIMARY) if isinstance(row, dynamodb.Table)]
    changed = tuple(replace(row, **tables) if row.name == TABLE else row for row in rows)
    seen = home_sight(with_part(snapshot, dynamodb.tables, Side.PRIMARY, changed))
    status = ACTION.observe(step_of(seen), seen)
    return status.state, status.message


LARGE = TableTooLarge(TABLE)
DENIED = Unavailable(UnavailableKind.DENIED, "the call is denied (AccessDenied).")


@pytest.mark.parametrize(
    ("case", "state"),
    [
        ({}, StepState.DONE),
        ({"home": Contents(TABLE, 2, "e")}, StepState.IN_PROGRESS),
        ({"home": Contents(TABLE, 3, "e")}, StepState.IN_PROGRESS),
        ({"home": LARGE, "away": LARGE}, StepState.DONE),
        ({"home": LARGE, "away": LARGE, "items": 99}, StepState.IN_PROGRESS),
        ({"home": DENIED}, StepState.UNAVAILABLE),
        ({"status": "UPDATING"}, StepState.IN_PROGRESS),
        ({"status": "ARCHIVED"}, StepState.FAILED),
        ({"status": "absent"}, StepState.FAILED),
        ({"replicas": ()}, StepState.FAILED),
    ],
    ids=[
        *("alike", "fewer", "other items", "too large", "too large, and other counts"),
        *("denied", "updating", "archived", "absent", "no replica"),
    ],
)
def test_both_replicas_must_be_active_and_hold_the_same(case: dict[str, Any], state: StepState) -> None:
    found, message = judged(**case)
    assert state is found, message


def test_while_the_primary_serves_no_table_is_read_and_nothing_is_claimed() -> None:
    assert () == read(dynamodb.contents, Side.PRIMARY, {}), "a call would find no answer"
    seen = home_sight(healthy())
    assert StepState.UNAVAILABLE is ACTION.observe(step_of(seen), seen).state


def test_a_note_names_the_window_of_conflicts_and_other_goals_have_none() -> None:
    assert any("T31" in note for note in ACTION.notes(home_sight()))
    assert [] == list(ACTION.plan_steps(home_sight(goal=Goal.FAILOVER)))
    step = step_of(home_sight())
    assert step.call is None
    unseen = home_sight(dark(failed_over(), Side.DR))
    assert StepState.UNAVAILABLE is ACTION.observe(step, unseen).state
