"""A switchover promotes nothing before all that was written has arrived: proven by two times that AWS reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dr_actions.actions.database import verify_zero_loss
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import ecs, ecs_stopped_tasks, efs, rds
from tests.dr_actions.actions.failback_world import Home, past_the_second
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT, service
from tests.dr_checks.worlds import world as values_of

ACTION = verify_zero_loss.VERIFY_ZERO_LOSS
STOPPED = NOW - timedelta(minutes=10)
OFF = tuple(service(f"sit-{tenant}-service", desired=0, running=0) for tenant in ("tenant1", "tenant2"))


def _sight(env: Environment = SIT, at: datetime = STOPPED, goal: Goal = Goal.SWITCHOVER, **parts: Any) -> PlanContext:
    extra = {
        "services": OFF,
        "tasks": (),
        "leaving": (),
        "stops": (ecs_stopped_tasks.TaskStop("service:sit-tenant1-service", at),),
        "replications": (),
    } | {name: parts.pop(name) for name in ("services", "tasks", "leaving", "stops", "replications") if name in parts}
    values = plain.database(**parts) | {
        (ecs.services, Side.PRIMARY): extra["services"],
        (ecs.tasks, Side.PRIMARY): extra["tasks"],
        (ecs_stopped_tasks.tasks, Side.PRIMARY): extra["leaving"],
        (ecs_stopped_tasks.stops, Side.PRIMARY): extra["stops"],
        (efs.file_systems, Side.DR): (),
        (efs.replications, Side.DR): extra["replications"],
    }
    return PlanContext(env, values_of(values, env=env), goal, primary_answers=True)


def _step(context: PlanContext) -> Step:
    return next(iter(ACTION.plan_steps(context)))


def _standing(context: PlanContext, step: Step | None = None) -> StepState:
    return ACTION.observe(step or _step(context), context).state


def _latest(minutes_ago: float) -> dict[str, Any]:
    return {"automated_backups_dr": (replace(plain.REPLICATED, latest=NOW - timedelta(minutes=minutes_ago)),)}


def test_an_emergency_proves_nothing() -> None:
    assert list(ACTION.plan_steps(_sight(goal=Goal.FAILOVER))) == []


def test_no_call_is_made() -> None:
    assert _step(_sight()).call is None
    assert ACTION.writes == frozenset()


@pytest.mark.parametrize(
    ("minutes_ago", "state"), [(11, StepState.IN_PROGRESS), (10, StepState.DONE), (7, StepState.DONE)]
)
def test_the_newest_restorable_time_must_reach_the_stop_of_the_writers(minutes_ago: float, state: StepState) -> None:
    assert _standing(_sight(**_latest(minutes_ago))) is state


TASK = ecs.Task("arn:t", "family:sit-tenant1", "RUNNING", "arn:aws:ecs:r:1:task-definition/sit-tenant1:4", "a", ())


@pytest.mark.parametrize(
    "writing",
    [
        {"services": (service("sit-tenant1-service", desired=0, running=1), OFF[1])},
        {"services": (replace(OFF[0], pending=1), OFF[1])},
        {"services": (service("sit-tenant1-service", desired=1, running=0), OFF[1])},
        {"tasks": (TASK,)},
        {"leaving": (replace(TASK, status="DEACTIVATING"),)},
    ],
    ids=["a task runs", "one starts", "one is wanted", "one runs beside the service", "one is still stopping"],
)
def test_while_anybody_may_write_it_waits(writing: dict[str, Any]) -> None:
    status = ACTION.observe(_step(_sight()), _sight(**writing))
    assert status.state is StepState.IN_PROGRESS
    assert "not stopped" in status.message


def test_a_stop_that_ecs_no_longer_reports_was_an_hour_ago_at_least() -> None:
    step = _step(_sight())
    assert _standing(_sight(stops=(), **_latest(59)), step) is StepState.DONE
    assert _standing(_sight(stops=(), **_latest(61)), step) is StepState.IN_PROGRESS


def test_the_stop_of_somebody_else_does_not_count() -> None:
    stops = (
        ecs_stopped_tasks.TaskStop("service:sit-batch", NOW),
        ecs_stopped_tasks.TaskStop("service:sit-tenant1-service", STOPPED),
    )
    assert _standing(_sight(stops=stops, **_latest(9))) is StepState.DONE


REPLICA_FIRST = plain.accepting("read-replica")


@pytest.mark.parametrize(
    ("lag", "state"),
    [
        (plain.LAG, StepState.DONE),
        (replace(plain.LAG, value=0.0, at=STOPPED), StepState.DONE),
        (replace(plain.LAG, value=600.0), StepState.IN_PROGRESS),
        (replace(plain.LAG, at=STOPPED - timedelta(minutes=2)), StepState.IN_PROGRESS),
        (replace(plain.LAG, value=-1.0), StepState.IN_PROGRESS),
        (plain.SILENT, StepState.IN_PROGRESS),
    ],
    ids=["caught up", "at the stop", "behind", "measured before the stop", "does not run", "absent"],
)
def test_a_replica_must_have_been_measured_after_the_stop(lag: Any, state: StepState) -> None:
    step = _step(_sight(REPLICA_FIRST, instances_dr=(plain.REPLICA,), lags_dr=(plain.LAG,)))
    assert _standing(_sight(REPLICA_FIRST, instances_dr=(plain.REPLICA,), lags_dr=(lag,)), step) is state


def test_a_replica_that_was_promoted_unproven_is_a_change() -> None:
    step = _step(_sight(REPLICA_FIRST, instances_dr=(plain.REPLICA,), lags_dr=(plain.LAG,)))
    promoted = replace(plain.REPLICA, source="")
    assert _standing(_sight(REPLICA_FIRST, instances_dr=(promoted,)), step) is StepState.DRIFTED


def test_a_backup_copy_cannot_prove_it_and_says_so() -> None:
    context = _sight(plain.accepting("backup-copy"))
    status = ACTION.observe(_step(context), context)
    assert status.state is StepState.FAILED
    assert any("T25" in note for note in ACTION.notes(context))


def test_what_cannot_be_seen_proves_nothing() -> None:
    step = _step(_sight())
    assert _standing(_sight(automated_backups_dr=None), step) is StepState.UNAVAILABLE


@pytest.mark.proof
def test_in_the_sandbox_it_waits_for_the_stop_and_then_for_the_copies(stores: Home) -> None:
    context = stores.sight(goal=Goal.SWITCHOVER)
    steps = {step.subject: step for step in ACTION.plan_steps(context)}
    assert set(steps) == {"sit-mysql", "sit-efs"}
    for step in steps.values():
        assert "Writers are not stopped" in stores.confirm(ACTION, step).message
    for ecs_service in stores.healthy.get(ecs.services, Side.PRIMARY):
        stores.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service=ecs_service.name, desiredCount=0)
    stopped_then = _once_stopped(stores, steps["sit-mysql"])
    assert stopped_then.state is StepState.IN_PROGRESS
    assert "Not all has arrived" in stopped_then.message
    stores.endpoint.timing(log_upload_s=0, files_lag_s=0)
    try:
        for step in steps.values():
            done = stores.until(StepState.DONE, ACTION, step)
            assert done.state is StepState.DONE, done.message
            assert dict(done.evidence)["writers stopped"] <= dict(done.evidence)["copy reaches"]
    finally:
        stores.endpoint.timing(log_upload_s=None, files_lag_s=None)
    assert stores.whole("rds.instances").get(rds.instances, Side.DR) == ()


def _once_stopped(stores: Home, step: Step) -> StepStatus:
    """How the step stands once no writer is left: a stopping task takes a moment."""
    for _ in range(20):
        if "not stopped" not in (status := stores.confirm(ACTION, step)).message:
            break
        past_the_second(stores)
    return status
