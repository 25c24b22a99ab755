"""Auto scaling of the DR region is raised before the services are, and put back exactly (T36)."""

from __future__ import annotations

from typing import Any

from dr_actions.actions.compute.scaling import RAISE_DR
from dr_actions.model.action import StepState
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.readers.application_autoscaling import ScheduledAction, scheduled_actions, targets
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import FIRST, LAST, SIT, dark, recorded, sight, steps_of, with_part, with_rows

HEALTHY, DR = recorded("healthy"), Side.DR
TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": f"service/sit-cluster/{FIRST}",
    "ScalableDimension": "ecs:service:DesiredCount",
}
NIGHT = with_part(
    HEALTHY, scheduled_actions, DR, (ScheduledAction(LAST, "night", "cron(0 19 * * ? *)", minimum=0, maximum=0),)
)


def _bounds(minimum: int, maximum: int, snapshot: Snapshot = HEALTHY, **changes: Any) -> Snapshot:
    return with_rows(snapshot, targets, DR, minimum=minimum, maximum=maximum, **changes)


def _standing(snapshot: Snapshot, service: str = FIRST, planned_upon: Snapshot = HEALTHY) -> StepState:
    return RAISE_DR.observe(steps_of(RAISE_DR, sight(planned_upon))[service], sight(snapshot)).state


def test_the_minimum_is_raised_and_a_higher_maximum_is_kept() -> None:
    steps = steps_of(RAISE_DR, sight())
    assert {FIRST, LAST} == set(steps)
    call, undoing = steps[FIRST].call, RAISE_DR.rollback_call(steps[FIRST])
    assert call is not None
    assert undoing is not None
    assert ("application-autoscaling:RegisterScalableTarget", SIT.regions.dr) == (call.name, call.region)
    assert {**TARGET, "MinCapacity": 2, "MaxCapacity": 4} == call.params
    assert {"MinCapacity": 1, "MaxCapacity": 4} == steps[FIRST].before
    assert {**TARGET, "MinCapacity": 1, "MaxCapacity": 4} == undoing.params


def test_a_dark_primary_changes_nothing_of_what_is_planned() -> None:
    in_the_dark = sight(dark(HEALTHY, Side.PRIMARY), primary_answers=False)
    assert steps_of(RAISE_DR, sight()) == steps_of(RAISE_DR, in_the_dark)


def test_bounds_are_ready_then_done_and_are_not_raised_again() -> None:
    raised = _bounds(2, 4)
    assert (StepState.READY, StepState.DONE) == (_standing(HEALTHY), _standing(raised))
    assert {} == steps_of(RAISE_DR, sight(raised))


def test_a_cap_below_the_failover_size_is_lifted_too() -> None:
    step = steps_of(RAISE_DR, sight(_bounds(1, 1)))[LAST]
    assert ({"MinCapacity": 1, "MaxCapacity": 1}, {"MinCapacity": 2, "MaxCapacity": 2}) == (step.before, step.after)
    assert StepState.DONE is _standing(_bounds(2, 2), LAST, planned_upon=_bounds(1, 1))


def test_bounds_that_somebody_set_otherwise_are_changed() -> None:
    assert StepState.DRIFTED is _standing(_bounds(0, 1))


def test_a_service_that_does_not_scale_is_left_out_and_named() -> None:
    scaling = tuple(target for target in HEALTHY.get(targets, DR) if target.service == FIRST)
    without = with_part(HEALTHY, targets, DR, scaling)
    assert {FIRST} == set(steps_of(RAISE_DR, sight(without)))
    assert [f"No auto scaling in {SIT.regions.dr}: {LAST} would stay as large, whatever the load."] == list(
        RAISE_DR.notes(sight(without))
    )
    assert StepState.DRIFTED is _standing(without, LAST)


def test_a_schedule_against_a_service_is_suspended_and_resumed_by_the_undo() -> None:
    assert [] == list(RAISE_DR.notes(sight()))
    (note,) = RAISE_DR.notes(sight(NIGHT))
    assert f"'night' at cron(0 19 * * ? *) in {SIT.regions.dr} would push {LAST} below 2 tasks" in note
    steps = steps_of(RAISE_DR, sight(NIGHT))
    assert "SuspendedState" not in steps[FIRST].after, "it has no schedule"
    undoing = RAISE_DR.rollback_call(steps[LAST])
    assert undoing is not None
    assert steps[LAST].after["SuspendedState"]["ScheduledScalingSuspended"] is True
    assert undoing.params["SuspendedState"]["ScheduledScalingSuspended"] is False
    assert StepState.READY is _standing(NIGHT, LAST, planned_upon=NIGHT)
    suspended = _bounds(2, 4, NIGHT, schedule_suspended=True)
    assert StepState.DONE is _standing(suspended, LAST, planned_upon=NIGHT)
    assert {} == steps_of(RAISE_DR, sight(suspended)), "a schedule that is suspended shrinks nothing"


def test_bounds_alone_do_not_do_where_a_schedule_still_runs() -> None:
    assert StepState.DRIFTED is _standing(_bounds(2, 4, NIGHT), LAST, planned_upon=NIGHT)


def test_what_cannot_be_seen_is_said_and_never_done() -> None:
    blind = dark(HEALTHY, DR)
    assert {} == steps_of(RAISE_DR, sight(blind))
    assert ["Auto scaling of the DR region was planned without this: the region does not answer."] == list(
        dict.fromkeys(RAISE_DR.notes(sight(blind)))
    )
    assert StepState.UNAVAILABLE is _standing(blind)


def test_a_failback_raises_nothing_here() -> None:
    assert {} == steps_of(RAISE_DR, sight(goal=Goal.FAILBACK))
