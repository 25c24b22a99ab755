"""The primary's services come back at their recorded counts and bounds, and the DR region shrinks to its standby."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.compute import fence, scaling, service_counts, task_revisions
from dr_actions.actions.compute.scaling import SUSPENSIONS
from dr_actions.model.action import TO_PRIMARY, Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import SEQUENCE
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, elbv2
from dr_estate.readers.application_autoscaling import targets
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import FIRST, LAST, SIT, dark, recorded, sight, steps_of, with_part, with_rows

AWAY = (scaling.FENCE, fence.FENCE, scaling.RAISE_DR, service_counts.SCALE_DR)
BACK = (
    scaling.RESTORE_PRIMARY,
    service_counts.START_PRIMARY,
    scaling.RESTORE_DR,
    service_counts.STOP_DR,
)
HEALTHY, PRIMARY, DR = recorded("healthy"), Side.PRIMARY, Side.DR
RECORDED = {step.id: dict(step.before) for action in AWAY for step in action.plan_steps(sight())}
"""The before-values of the failover's steps, as the journal keeps them."""


def _failed_over() -> Snapshot:
    """The primary fenced, the DR region at its failover size."""
    asleep: dict[str, Any] = {"out_suspended": True, "in_suspended": True, "schedule_suspended": True}
    fenced = with_rows(HEALTHY, targets, PRIMARY, minimum=0, maximum=0, **asleep)
    fenced = with_rows(fenced, ecs.services, PRIMARY, desired=0, running=0)
    raised = with_rows(fenced, targets, DR, minimum=2)
    return with_rows(raised, ecs.services, DR, desired=2, running=2)


FAILED_OVER = _failed_over()


def _sight(snapshot: Snapshot = FAILED_OVER, **changes: Any) -> PlanContext:
    return sight(snapshot, **{"goal": Goal.FAILBACK, "recorded": RECORDED, **changes})


def _confirm(action: Action, snapshot: Snapshot) -> StepStatus:
    """How the step of the first tenant, planned upon the failed-over estate, stands in another."""
    return action.observe(steps_of(action, _sight())[FIRST], _sight(snapshot))


def _definition() -> ecs.TaskDefinition:
    found = HEALTHY.find(ecs.task_definitions, PRIMARY, family=FIRST.removesuffix("-service"))
    assert isinstance(found, ecs.TaskDefinition)
    return found


@pytest.mark.parametrize("action", BACK, ids=lambda action: action.name)
def test_each_belongs_to_a_failback_alone_and_ends_with_the_state_before(action: Action) -> None:
    assert action.goals == TO_PRIMARY
    assert set(steps_of(action, _sight())) == {FIRST, LAST}
    assert _confirm(action, FAILED_OVER).state is StepState.READY
    assert _confirm(action, HEALTHY).state is StepState.DONE


@pytest.mark.parametrize("action", BACK, ids=lambda action: action.name)
def test_what_is_taken_back_is_what_was_there(action: Action) -> None:
    step = steps_of(action, _sight())[LAST]
    undoing = action.rollback_call(step)
    assert undoing is not None
    assert {key: undoing.params[key] for key in step.after} == {key: step.before[key] for key in step.after}


@pytest.mark.parametrize("action", BACK, ids=lambda action: action.name)
def test_a_dark_part_is_unseen(action: Action) -> None:
    blind = _sight(dark(dark(FAILED_OVER, PRIMARY), DR))
    assert action.observe(steps_of(action, _sight())[FIRST], blind).state is StepState.UNAVAILABLE
    assert list(action.plan_steps(blind)) == []
    assert list(action.notes(blind))


def test_a_failed_primary_deployment_is_repeated_unless_it_is_undone() -> None:
    failed = with_rows(FAILED_OVER, ecs.services, PRIMARY, rollout="FAILED")
    step = steps_of(service_counts.START_PRIMARY, _sight(failed))[LAST]
    call, undoing = (
        service_counts.START_PRIMARY.build_call(step, _sight(failed)),
        service_counts.START_PRIMARY.rollback_call(step),
    )
    assert "its newest deployment failed" in step.says
    assert True is call.params["forceNewDeployment"]
    assert undoing is not None
    assert "forceNewDeployment" not in undoing.params
    newest = next(service.deployment for service in failed.get(ecs.services, PRIMARY) if service.name == LAST)
    scaled = with_rows(failed, ecs.services, PRIMARY, desired=step.after["desiredCount"])
    sent = _sight(scaled, deployments={step.id: newest})
    assert StepState.FAILED is service_counts.START_PRIMARY.observe(step, sent).state
    assert StepState.READY is service_counts.START_PRIMARY.observe(step, _sight(scaled)).state


def test_a_service_is_done_once_its_targets_are_healthy() -> None:
    ill = _confirm(service_counts.START_PRIMARY, with_rows(HEALTHY, elbv2.healthy_hosts, PRIMARY, value=0.0))
    assert (ill.state, "sees 0 healthy" in ill.message) == (StepState.IN_PROGRESS, True)
    assert _confirm(service_counts.START_PRIMARY, HEALTHY).state is StepState.DONE


def test_what_was_not_recorded_comes_from_the_environment_file() -> None:
    unrecorded = _sight(recorded={})
    home = steps_of(service_counts.START_PRIMARY, unrecorded)[FIRST]
    bounds = steps_of(scaling.RESTORE_PRIMARY, unrecorded)[FIRST]
    standby = steps_of(service_counts.STOP_DR, unrecorded)[FIRST]
    needed = SIT.capacity.tasks_per_service
    assert home.after == {"desiredCount": needed}
    assert (bounds.after["MinCapacity"], bounds.after["MaxCapacity"] >= needed) == (needed, True)
    assert not any(bounds.after["SuspendedState"].values())
    assert standby.after == {"desiredCount": SIT.standby.tasks_per_service}


def test_a_primary_that_was_never_fenced_keeps_what_it_has() -> None:
    unfenced = _sight(HEALTHY, recorded={})
    for action in (scaling.RESTORE_PRIMARY, service_counts.START_PRIMARY):
        for step in action.plan_steps(unfenced):
            assert {key: step.before[key] for key in step.after} == step.after
            assert action.observe(step, unfenced).state is StepState.DONE


def test_bounds_that_somebody_set_since_are_not_overwritten() -> None:
    otherwise = with_rows(FAILED_OVER, targets, DR, minimum=7, maximum=9)
    assert _confirm(scaling.RESTORE_DR, otherwise).state is StepState.DRIFTED


def test_a_schedule_that_the_failover_suspended_goes_on_once_home() -> None:
    suspended = with_rows(FAILED_OVER, targets, DR, schedule_suspended=True)
    awake = {"SuspendedState": dict.fromkeys(SUSPENSIONS, False)}
    key = f"compute/raise_dr_scaling:{FIRST}"
    context = _sight(suspended, recorded=RECORDED | {key: RECORDED[key] | awake})
    step = steps_of(scaling.RESTORE_DR, context)[FIRST]
    assert step.call is not None
    assert awake.items() <= step.call.params.items()
    assert scaling.RESTORE_DR.observe(step, context).state is StepState.READY
    lowered = with_rows(suspended, targets, DR, minimum=SIT.standby.tasks_per_service)
    assert scaling.RESTORE_DR.observe(step, _sight(lowered)).state is not StepState.DONE
    home = with_rows(suspended, targets, DR, minimum=step.after["MinCapacity"], schedule_suspended=False)
    assert scaling.RESTORE_DR.observe(step, _sight(home)).state is StepState.DONE


def test_a_dr_service_that_scaled_by_its_load_is_stopped_all_the_same() -> None:
    for desired, state in ((5, StepState.READY), (0, StepState.DRIFTED)):
        resized = with_rows(FAILED_OVER, ecs.services, DR, desired=desired)
        assert _confirm(service_counts.STOP_DR, resized).state is state


def test_bounds_are_lowered_before_services_so_scaling_starts_no_task() -> None:
    rows = {row.action: row.stage for row in SEQUENCE[Goal.FAILBACK]}
    assert rows[scaling.RESTORE_DR.name] < rows[service_counts.STOP_DR.name]
    assert rows[scaling.RESTORE_PRIMARY.name] < rows[service_counts.START_PRIMARY.name]


def test_a_primary_definition_that_names_the_dr_region_is_replaced() -> None:
    assert list(task_revisions.REPOINT_PRIMARY.plan_steps(_sight())) == []
    (container,) = _definition().containers
    family = _definition().arn.rpartition(":")[0]
    away = replace(_definition(), containers=(replace(container, log_region=SIT.regions.dr),), arn=f"{family}:2")
    moved = with_rows(FAILED_OVER, ecs.services, PRIMARY, lambda entry: entry.name == FIRST, task_definition=away.arn)
    unfit = _definitions(moved, away)
    step = steps_of(task_revisions.REPOINT_PRIMARY, _sight(unfit))[FIRST]
    assert (step.side, step.call.region if step.call else "") == (PRIMARY, SIT.regions.primary)
    moving = steps_of(service_counts.START_PRIMARY, _sight(unfit))[FIRST]
    assert "taskDefinition" in moving.after
    fit = replace(_definition(), arn=f"{family}:3")
    registered = _sight(with_part(unfit, ecs.newest_definitions, PRIMARY, (fit,)))
    assert task_revisions.REPOINT_PRIMARY.observe(step, registered).state is StepState.DONE
    assert service_counts.START_PRIMARY.build_call(moving, registered).params["taskDefinition"] == fit.arn


def _definitions(snapshot: Snapshot, newest: ecs.TaskDefinition) -> Snapshot:
    """The snapshot with one more revision in the primary region, the family's newest."""
    known = (*snapshot.get(ecs.task_definitions, PRIMARY), newest)
    return with_part(
        with_part(snapshot, ecs.task_definitions, PRIMARY, known), ecs.newest_definitions, PRIMARY, (newest,)
    )
