"""Each tenant's DR service reaches its failover size, and is done only when the load balancer sees it healthy (T07)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.compute.service_counts import SCALE_DR
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, ecs_stopped_tasks, elbv2, elbv2_targets
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.elbv2_targets import GroupHealth, dimension_of
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import FIRST, LAST, SIT, dark, recorded, sight, steps_of, with_part, with_rows

HEALTHY, DR = recorded("healthy"), Side.DR
LARGE: dict[str, Any] = {"desired": 2, "running": 2}


def _services(snapshot: Snapshot = HEALTHY, **changes: Any) -> Snapshot:
    return with_rows(snapshot, ecs.services, DR, **changes)


def _healthy_targets(snapshot: Snapshot, number: float, age: timedelta = timedelta(minutes=1)) -> Snapshot:
    return with_rows(snapshot, elbv2.healthy_hosts, DR, value=number, at=HEALTHY.taken_at - age)


def _confirm(snapshot: Snapshot, planned_upon: Snapshot = HEALTHY, **changes: Any) -> tuple[StepState, dict[str, str]]:
    confirmed = SCALE_DR.observe(steps_of(SCALE_DR, sight(planned_upon))[FIRST], sight(snapshot, **changes))
    return confirmed.state, dict(confirmed.evidence)


def _fill(snapshot: Snapshot, planned_upon: Snapshot = HEALTHY) -> Any:
    return SCALE_DR.build_call(steps_of(SCALE_DR, sight(planned_upon))[FIRST], sight(snapshot)).params


def test_every_tenant_gets_one_step_with_the_exact_call() -> None:
    steps = steps_of(SCALE_DR, sight())
    assert {FIRST, LAST} == set(steps)
    call = steps[FIRST].call
    assert call is not None
    assert ("ecs:UpdateService", SIT.regions.dr) == (call.name, call.region)
    assert {"cluster": "sit-cluster", "service": FIRST, "desiredCount": 2} == call.params
    assert 1 == steps[FIRST].before["desiredCount"]
    assert f"compute/scale_dr_services:{FIRST}" == steps[FIRST].id


def test_a_dark_primary_changes_nothing_of_what_is_planned() -> None:
    in_the_dark = sight(dark(HEALTHY, Side.PRIMARY), primary_answers=False)
    assert steps_of(SCALE_DR, sight()) == steps_of(SCALE_DR, in_the_dark)


def test_one_tenant_alone_can_be_asked_for() -> None:
    assert {LAST} == set(steps_of(SCALE_DR, sight(only_tenants=frozenset({"tenant2"}))))


def test_a_failback_scales_nothing_here() -> None:
    assert {} == steps_of(SCALE_DR, sight(goal=Goal.FAILBACK))
    assert [] == list(SCALE_DR.notes(sight(goal=Goal.FAILBACK)))


def test_a_dark_dr_region_yields_no_step_and_says_why() -> None:
    blind = sight(dark(HEALTHY, DR))
    assert {} == steps_of(SCALE_DR, blind)
    assert ["No service of the DR region can be scaled: the region does not answer."] == list(SCALE_DR.notes(blind))


def test_a_service_is_ready_then_waiting_then_done() -> None:
    assert StepState.READY is _confirm(HEALTHY)[0]
    state, facts = _confirm(_services(desired=2, running=1, rollout="IN_PROGRESS"))
    assert (StepState.IN_PROGRESS, "2", "1") == (state, facts["desired"], facts["running"])
    state, facts = _confirm(_healthy_targets(_services(**LARGE), 2))
    assert StepState.DONE is state
    assert {"running": "2", "healthy": "2"}.items() <= facts.items()


@pytest.mark.parametrize(("minutes", "shown"), [(1, True), (90, False)])
def test_the_newest_recent_event_of_ecs_is_shown_while_tasks_start(minutes: int, shown: bool) -> None:
    why = f"(service {FIRST}) was unable to place a task. Reason: Capacity is unavailable at this time."
    waiting: dict[str, Any] = {"desired": 2, "running": 1, "rollout": "IN_PROGRESS"}
    scarce = _services(event=why, event_at=HEALTHY.taken_at - timedelta(minutes=minutes), **waiting)
    confirmed = SCALE_DR.observe(steps_of(SCALE_DR, sight())[FIRST], sight(scarce))
    assert shown is confirmed.message.endswith(f" ECS says: {why}")


def test_the_stop_reason_of_the_same_service_is_shown_while_tasks_fail() -> None:
    waiting = _services(desired=2, running=0, rollout="IN_PROGRESS", event="Steady.", event_at=HEALTHY.taken_at)
    why, at = "CannotPullContainerError: image 'wordpress@sha256:1' not found", HEALTHY.taken_at
    failed = [ecs_stopped_tasks.FailedTask(f"service:{FIRST}", at, why)]
    shown = with_part(waiting, ecs_stopped_tasks.failures, DR, tuple(failed))
    steps = steps_of(SCALE_DR, sight())
    assert SCALE_DR.observe(steps[FIRST], sight(shown)).message.endswith(f" ECS says of its newest task: {why}")
    assert SCALE_DR.observe(steps[LAST], sight(shown)).message.endswith(" ECS says: Steady.")


def test_a_service_that_somebody_shrank_since_is_changed() -> None:
    assert StepState.DRIFTED is _confirm(_services(desired=0))[0]


def test_a_failed_deployment_is_forced_once_and_then_fails_one_tenant() -> None:
    """A failure before the call does not count. One after it is FAILED, and the run goes on without the tenant."""
    broken = _services(rollout="FAILED")
    step = steps_of(SCALE_DR, sight(broken))[FIRST]
    assert "its newest deployment failed" in step.says
    assert StepState.READY is _confirm(broken, planned_upon=broken)[0]
    call = _fill(broken, planned_upon=broken)
    assert (True, 2) == (call["forceNewDeployment"], call["desiredCount"])
    still_broken = _services(broken, **LARGE)
    assert StepState.FAILED is _confirm(still_broken, planned_upon=broken, deployments={step.id: _newest(broken)})[0]
    assert not SCALE_DR.essential
    assert any(f"deployment of {FIRST}, {LAST} in {SIT.regions.dr} failed" in n for n in SCALE_DR.notes(sight(broken)))
    undoing = SCALE_DR.rollback_call(step)
    assert undoing is not None
    assert "forceNewDeployment" not in undoing.params


def _newest(snapshot: Snapshot) -> str:
    """The id of the service's newest deployment."""
    return next(service.deployment for service in snapshot.get(ecs.services, DR) if service.name == FIRST)


def test_a_service_of_the_right_size_is_redeployed_once_for_newer_secrets() -> None:
    large = _healthy_targets(_services(**LARGE), 2)
    assert "forceNewDeployment" not in _fill(large)
    rotated = with_rows(large, readers_secretsmanager.secrets, DR, changed_at=HEALTHY.taken_at)
    step = steps_of(SCALE_DR, sight())[FIRST]
    confirmed = SCALE_DR.observe(step, sight(rotated))
    assert (StepState.READY, True) == (confirmed.state, "before its secrets changed" in confirmed.message)
    assert _fill(rotated)["forceNewDeployment"] is True
    assert StepState.DONE is _confirm(rotated, deployments={step.id: _newest(rotated)})[0], "its own deployment"
    replaced = with_rows(rotated, ecs.tasks, DR, created_at=HEALTHY.taken_at + timedelta(seconds=1))
    assert StepState.DONE is _confirm(replaced)[0], "its tasks are newer than the secrets now"


def test_unreadable_secrets_replace_no_tasks_and_a_note_gives_the_cause() -> None:
    denied = Unavailable(UnavailableKind.DENIED, "secrets are denied.")
    unseen = sight(with_part(HEALTHY, readers_secretsmanager.secrets, DR, denied))
    step = steps_of(SCALE_DR, unseen)[FIRST]
    assert step.call is not None
    assert "forceNewDeployment" not in step.call.params
    message = "are not replaced for secrets that changed since they started: secrets are denied."
    assert [note for note in SCALE_DR.notes(unseen) if note.endswith(message)]
    assert not [note for note in SCALE_DR.notes(sight()) if "not replaced" in note]


def test_a_tenant_without_a_service_is_left_out_and_named() -> None:
    others = tuple(service for service in HEALTHY.get(ecs.services, DR) if service.name == LAST)
    without = sight(with_part(HEALTHY, ecs.services, DR, others))
    assert {LAST} == set(steps_of(SCALE_DR, without))
    assert any(f"There is no service {FIRST} in {SIT.regions.dr}" in note for note in SCALE_DR.notes(without))
    assert StepState.DRIFTED is _confirm(without.snapshot)[0]


@pytest.mark.parametrize(
    "readings",
    [with_part(HEALTHY, elbv2.healthy_hosts, DR, ()), _healthy_targets(HEALTHY, 2, timedelta(days=1))],
    ids=["none", "old ones"],
)
def test_tasks_that_run_are_not_done_before_their_targets_are_healthy(readings: Snapshot) -> None:
    state, facts = _confirm(_services(readings, **LARGE))
    assert (StepState.IN_PROGRESS, "0") == (state, facts["healthy"])


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (2, StepState.DONE),
        (1, StepState.IN_PROGRESS),
        (Unavailable(UnavailableKind.DENIED, "it is denied."), StepState.IN_PROGRESS),
    ],
)
def test_while_cloudwatch_has_no_reading_the_load_balancer_itself_is_asked(
    answer: int | Unavailable, state: StepState
) -> None:
    silent = _services(with_part(HEALTHY, elbv2.healthy_hosts, DR, ()), **LARGE)
    groups = [arn for service in silent.get(ecs.services, DR) for arn in service.target_groups]
    health = (
        answer if isinstance(answer, Unavailable) else tuple(GroupHealth(dimension_of(arn), answer) for arn in groups)
    )
    assert state is _confirm(with_part(silent, elbv2_targets.health, DR, health))[0]


def test_why_no_target_is_healthy_is_shown_as_the_load_balancer_reports_it() -> None:
    silent = _services(with_part(HEALTHY, elbv2.healthy_hosts, DR, ()), **LARGE)
    groups = [arn for service in silent.get(ecs.services, DR) for arn in service.target_groups]
    unused = tuple(GroupHealth(dimension_of(arn), 0, "Target.NotInUse: no listener") for arn in groups)
    context = sight(with_part(silent, elbv2_targets.health, DR, unused))
    message = SCALE_DR.observe(steps_of(SCALE_DR, sight())[FIRST], context).message
    assert "the load balancer sees 0 healthy (Target.NotInUse: no listener)." in message


def test_what_cannot_be_seen_is_unseen_with_the_reason() -> None:
    confirmed = SCALE_DR.observe(steps_of(SCALE_DR, sight())[FIRST], sight(dark(HEALTHY, DR)))
    assert StepState.UNAVAILABLE is confirmed.state
    assert "the region does not answer" in confirmed.message


def test_the_budget_grows_with_what_aws_lets_start() -> None:
    def budget_s(seen: PlanContext) -> float:
        return steps_of(SCALE_DR, seen)[FIRST].budget_s

    capacity = SIT.capacity.model_copy(update={"tasks_per_service": 1000, "launch_per_s": 1})
    many = sight(env=SIT.model_copy(update={"capacity": capacity}))
    assert 1998 - capacity.launch_burst == budget_s(many) - budget_s(sight())
