"""The marker item of each replicated table: where it goes, what it replaces, and when the move stops. Plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions import tables
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import dynamodb
from dr_estate.readers.dynamodb import MarkerItem
from dr_estate.reading.reader import TrackedChanges
from tests.dr_actions.actions.database.test_markers import MARKER, failback
from tests.dr_actions.guard.test_failback_exemptions import judged
from tests.dr_actions.plain import SIT, dark, with_part, with_rows
from tests.dr_checks.aws_answers import read

TABLE = "sit-tenant-state"
WRITTEN = f"tables/write_marker:{TABLE}"


def step_of(action: Any, context: PlanContext) -> Step:
    steps: dict[str, Step] = {step.subject: step for step in action.plan_steps(context)}
    return steps[TABLE]


def with_items(context: PlanContext, **items: MarkerItem) -> PlanContext:
    """The context in which the table of each side holds that."""
    snapshot = context.snapshot
    for side in (Side.PRIMARY, Side.DR):
        item = items.get(side.value, MarkerItem(TABLE, there=False))
        snapshot = with_part(snapshot, dynamodb.markers, side, (item,))
    return replace(context, snapshot=snapshot)


def marked(name: str = MARKER) -> MarkerItem:
    return MarkerItem(TABLE, there=True, marker=name)


def keys(context: PlanContext, *names: str) -> PlanContext:
    chosen = {"keys": names}
    snapshot = with_rows(context.snapshot, dynamodb.tables, Side.DR, lambda row: row.name == TABLE, **chosen)
    return replace(context, snapshot=snapshot)


def test_the_item_has_a_key_of_its_own_and_replaces_nothing_but_a_marker() -> None:
    context = keys(failback(), "tenant_id:S", "at:N")
    call = tables.WRITE.build_call(step_of(tables.WRITE, context), context)
    assert (call.name, call.region) == ("dynamodb:PutItem", SIT.regions.dr)
    assert call.params["Item"] == {"tenant_id": {"S": "dr-marker"}, "at": {"N": "0"}, "dr_marker": {"S": MARKER}}
    assert call.params["ConditionExpression"] == "attribute_not_exists(#key) OR attribute_exists(dr_marker)"


@pytest.mark.parametrize("names", [("id:N",), ("id:B",), ("id:S", "at:B")])
def test_a_table_whose_key_cannot_take_it_is_named_and_left_alone(names: tuple[str, ...]) -> None:
    context = keys(failback(), *names)
    assert TABLE not in {step.subject for step in tables.WRITE.plan_steps(context)}
    assert any(TABLE in note and "No marker item" in note for note in tables.WRITE.notes(context))


@pytest.mark.parametrize(
    ("item", "state"),
    [
        (MarkerItem(TABLE, there=False), StepState.READY),
        (marked("INC-7/earlier"), StepState.READY),
        (marked(), StepState.DONE),
        (MarkerItem(TABLE, there=True), StepState.DRIFTED),
        (replace(marked(), table="sit-other"), StepState.DRIFTED),
    ],
)
def test_it_is_written_once_the_dr_region_s_table_shows_it(item: MarkerItem, state: StepState) -> None:
    context = with_items(failback(), dr=item)
    assert tables.WRITE.observe(step_of(tables.WRITE, context), context).state is state


@pytest.mark.parametrize(
    ("item", "waited_s", "state"),
    [
        (marked(), 1, StepState.DONE),
        (marked("INC-7/earlier"), 1, StepState.IN_PROGRESS),
        (MarkerItem(TABLE, there=False), tables.ARRIVES_S, StepState.IN_PROGRESS),
        (MarkerItem(TABLE, there=False), tables.ARRIVES_S + 1, StepState.FAILED),
    ],
)
def test_a_marker_that_does_not_arrive_in_the_replica_stops_the_move(
    item: MarkerItem, waited_s: int, state: StepState
) -> None:
    context = with_items(failback(confirmed_facts={WRITTEN: {"marker": MARKER}}), primary=item, dr=marked())
    since = context.snapshot.taken_at - timedelta(seconds=waited_s)
    context = replace(context, confirmed_at={WRITTEN: since})
    status = tables.VERIFY.observe(step_of(tables.VERIFY, context), context)
    assert (status.state, "Nothing is promoted" in status.message) == (state, state is StepState.FAILED)


@pytest.mark.parametrize(
    ("items", "state"),
    [
        ({"dr": marked(), "primary": marked()}, StepState.READY),
        ({"primary": marked()}, StepState.IN_PROGRESS),
        ({}, StepState.DONE),
    ],
)
def test_it_is_gone_once_no_replica_holds_it(items: dict[str, MarkerItem], state: StepState) -> None:
    context = with_items(failback(), **items)
    assert tables.REMOVE.observe(step_of(tables.REMOVE, context), context).state is state


def test_an_abort_removes_it_where_it_is_even_if_the_primary_is_unseen() -> None:
    left = with_items(failback(), dr=marked())
    recorded = {WRITTEN: step_of(tables.WRITE, left).before}
    aborted = replace(left, goal=Goal.ABORT, recorded=recorded, snapshot=dark(left.snapshot, Side.PRIMARY))
    (step,) = tables.REMOVE.plan_steps(aborted)
    assert tables.REMOVE.observe(step, aborted).state is StepState.READY
    assert list(tables.REMOVE.plan_steps(replace(left, goal=Goal.ABORT))) == []


def refused(goal: Goal = Goal.FAILBACK, region: str = SIT.regions.dr, **changes: Any) -> str:
    """The rule that refuses to delete the marker's item, changed so, in that goal and region."""
    key = {"tenant_id": {"S": "dr-marker"}, "at": {"N": "0"}}
    params = {"TableName": TABLE, "Key": key, "ConditionExpression": "attribute_exists(dr_marker)", **changes}
    return judged("dynamodb:DeleteItem", region, params, goal=goal)


def test_the_guard_lets_a_marker_be_removed_and_no_other_item() -> None:
    assert {""} == {refused(goal) for goal in (Goal.FAILBACK, Goal.ABORT)}
    others = (
        refused(Key={"tenant_id": {"S": "tenant1"}}),
        refused(ConditionExpression=""),
        refused(TableName="sit-dr-control"),
        refused(region=SIT.regions.primary),
        refused(Goal.FAILOVER),
    )
    assert {"guard.never-delete"} == set(others)


def test_the_reader_reads_run_tables_alone_and_knows_foreign_items() -> None:
    assert () == read(dynamodb.markers, Side.DR, {}, failback().snapshot)
    snapshot = replace(failback().snapshot, followed=TrackedChanges(tables=(TABLE,)))
    item = {"tenant_id": {"S": "dr-marker"}, "dr_marker": {"S": MARKER}}
    for answer, found in (
        ({"Item": item}, marked()),
        ({"Item": {"tenant_id": {"S": "dr-marker"}}}, MarkerItem(TABLE, there=True)),
        ({}, MarkerItem(TABLE, there=False)),
    ):
        assert (found,) == read(dynamodb.markers, Side.DR, {"get_item": answer}, snapshot)
