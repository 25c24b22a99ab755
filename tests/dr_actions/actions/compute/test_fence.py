"""The old primary is fenced as far as it answers, and where it does not, that is said (T41). Nothing is deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.compute import fence, scaling
from dr_actions.actions.compute.scaling import SUSPENSIONS
from dr_actions.actions.shared import unfenced_reason, unfenced_sentence, unfenced_services
from dr_actions.model.action import StepState
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, ecs_stopped_tasks
from dr_estate.readers.application_autoscaling import targets
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import FIRST, LAST, SIT, dark, recorded, sight, steps_of, with_part, with_rows

MINIMUM, SERVICES = scaling.FENCE, fence.FENCE
HEALTHY, PRIMARY = recorded("healthy"), Side.PRIMARY
SUSPENDED: dict[str, Any] = {"out_suspended": True, "in_suspended": True, "schedule_suspended": True}


def _services(**changes: Any) -> Snapshot:
    return with_rows(HEALTHY, ecs.services, PRIMARY, **changes)


def _stopped(*tasks: ecs.Task) -> Snapshot:
    """The primary after its services stopped; only ``tasks`` run there."""
    return with_part(_services(desired=0, running=0, pending=0), ecs.tasks, PRIMARY, tasks)


def _task(service: str) -> ecs.Task:
    return next(task for task in HEALTHY.get(ecs.tasks, PRIMARY) if task.group == f"service:{service}")


def _standing(action: Any, snapshot: Snapshot, service: str = FIRST) -> StepState:
    state: StepState = action.observe(steps_of(action, sight())[service], sight(snapshot)).state
    return state


@pytest.mark.parametrize("goal", [Goal.FAILOVER, Goal.SWITCHOVER])
def test_auto_scaling_is_fenced_first_and_the_services_after_it(goal: Goal) -> None:
    bounds, services = steps_of(MINIMUM, sight(goal=goal)), steps_of(SERVICES, sight(goal=goal))
    assert {FIRST, LAST} == set(bounds) == set(services)
    assert max(step.stage for step in bounds.values()) < min(step.stage for step in services.values())
    calls = [step.call for step in (*bounds.values(), *services.values())]
    assert {SIT.regions.primary} == {call.region for call in calls if call}
    assert {"application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"} == {c.name for c in calls if c}


def test_a_fenced_target_can_be_started_by_no_policy_and_no_schedule() -> None:
    step = steps_of(MINIMUM, sight())[FIRST]
    undoing = MINIMUM.rollback_call(step)
    assert step.call is not None
    assert undoing is not None
    asleep = {"MinCapacity": 0, "MaxCapacity": 0, "SuspendedState": dict.fromkeys(SUSPENSIONS, True)}
    assert asleep.items() <= step.call.params.items()
    awake = {"MinCapacity": 2, "MaxCapacity": 4, "SuspendedState": dict.fromkeys(SUSPENSIONS, False)}
    assert awake.items() <= undoing.params.items()
    assert StepState.READY is _standing(MINIMUM, HEALTHY)
    assert StepState.DONE is _standing(MINIMUM, with_rows(HEALTHY, targets, PRIMARY, minimum=0, maximum=0, **SUSPENDED))


@pytest.mark.parametrize("awake", SUSPENDED)
def test_a_target_of_which_one_kind_of_scaling_goes_on_is_not_fenced(awake: str) -> None:
    nearly = SUSPENDED | {awake: False}
    assert StepState.DONE is not _standing(
        MINIMUM, with_rows(HEALTHY, targets, PRIMARY, minimum=0, maximum=0, **nearly)
    )


def test_bounds_that_somebody_set_otherwise_are_changed() -> None:
    assert StepState.DRIFTED is _standing(MINIMUM, with_rows(HEALTHY, targets, PRIMARY, minimum=3, maximum=5))


def test_a_service_stops_and_is_started_again_at_its_count() -> None:
    step = steps_of(SERVICES, sight())[FIRST]
    undoing = SERVICES.rollback_call(step)
    assert undoing is not None
    assert ({"desiredCount": 2}, 2) == (step.before, undoing.params["desiredCount"])
    assert StepState.READY is _standing(SERVICES, HEALTHY)
    ended = SERVICES.observe(step, sight(_stopped()))
    assert StepState.DONE is ended.state
    assert {"desired": "0", "running": "0", "pending": "0"} == dict(ended.evidence)


@pytest.mark.parametrize(("runs", "starts"), [(1, 0), (0, 1)])
def test_a_task_that_still_starts_or_runs_keeps_the_fence_waiting(runs: int, starts: int) -> None:
    assert StepState.IN_PROGRESS is _standing(SERVICES, _services(desired=0, running=runs, pending=starts))


def test_a_task_that_drains_its_last_requests_keeps_the_fence_waiting() -> None:
    """DEACTIVATING tasks are in no count of the service, and answer the requests they have."""
    leaving = (replace(_task(FIRST), status="DEACTIVATING"),)
    draining = with_part(_stopped(), ecs_stopped_tasks.tasks, PRIMARY, leaving)
    confirmed = SERVICES.observe(steps_of(SERVICES, sight())[FIRST], sight(draining))
    assert StepState.IN_PROGRESS is confirmed.state
    assert "(DEACTIVATING)" in confirmed.message


def test_a_job_of_the_tenant_outside_its_service_keeps_the_fence_waiting() -> None:
    group = f"family:{LAST.removesuffix('-service')}"
    job = _stopped(replace(_task(LAST), group=group))
    assert StepState.IN_PROGRESS is _standing(SERVICES, job, LAST)
    (note,) = SERVICES.cleanup_notes(sight(job))
    assert f"Tasks of {group} run in {SIT.regions.primary}" in note
    assert StepState.DONE is _standing(SERVICES, _stopped(), LAST)


def test_a_count_that_scaling_moved_since_is_no_reason_to_stop() -> None:
    assert StepState.READY is _standing(SERVICES, _services(desired=3))


def test_a_service_that_is_gone_is_changed() -> None:
    assert StepState.DRIFTED is _standing(SERVICES, with_part(HEALTHY, ecs.services, PRIMARY, ()))


def test_a_primary_that_answers_is_not_unfenced() -> None:
    assert unfenced_reason(sight()) == ""
    assert [] == [*SERVICES.cleanup_notes(sight()), *SERVICES.notes(sight())]


def test_a_silent_primary_is_said_to_be_unfenced_and_no_step_is_made() -> None:
    silent = sight(dark(HEALTHY, PRIMARY), primary_answers=False)
    assert {} == steps_of(MINIMUM, silent) == steps_of(SERVICES, silent)
    (note,) = SERVICES.notes(silent)
    assert unfenced_sentence(SIT, unfenced_reason(silent)) == note
    assert f"UNFENCED: the API of {SIT.regions.primary} does not answer" in note


def test_a_primary_whose_ecs_alone_is_dark_is_unfenced_too() -> None:
    throttled = sight(
        with_part(HEALTHY, ecs.services, PRIMARY, Unavailable(UnavailableKind.ERROR, "ecs:ListServices is throttled."))
    )
    assert {} == steps_of(SERVICES, throttled)
    assert unfenced_reason(throttled) == "ecs:ListServices is throttled"


def test_writers_are_counted_by_services_tasks_and_scaling_bounds() -> None:
    fenced = with_rows(_stopped(), targets, PRIMARY, minimum=0, maximum=0)
    assert unfenced_services(sight(HEALTHY)) == (FIRST, LAST)
    assert unfenced_services(sight(fenced)) == ()
    assert unfenced_services(sight(_stopped())) == (FIRST, LAST)
    assert unfenced_services(sight(with_part(fenced, ecs.tasks, PRIMARY, (_task(LAST),)))) == (LAST,)


def test_what_cannot_be_seen_later_is_unseen() -> None:
    blind = dark(HEALTHY, PRIMARY)
    assert [StepState.UNAVAILABLE, StepState.UNAVAILABLE] == [
        _standing(action, blind) for action in (MINIMUM, SERVICES)
    ]
    assert any("may start its services again" in note for note in MINIMUM.notes(sight(blind)))


def test_a_failback_fences_nothing_here() -> None:
    back = sight(goal=Goal.FAILBACK)
    assert {} == steps_of(MINIMUM, back) == steps_of(SERVICES, back)
    assert unfenced_reason(back) == ""
