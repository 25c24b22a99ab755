"""A run whose step is late or unseen leaves everything in place and goes on later; a contradiction is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr_actions.actions.traffic import pins, shift_to_dr, shift_to_primary
from dr_actions.execution.run import FailureCause, StepFailed
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Danger, Goal, Plan, Step, to_json
from dr_actions.planning.planner import in_order
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import Command
from sandbox.core.state import Outage
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.actions.compute.failback_world import (
    records_sight,
    weights,
    with_failback,
    write_weights,
)
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.execution.walks import INCIDENT, Walk
from tests.dr_actions.hearing import RecordingListener
from tests.dr_actions.plain import SIT, with_traffic
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import NextStep
from utils.aws_mgmt.app.run_result import result_of_error

SHIFT = f"traffic/shift_to_dr:{SIT.traffic.zone}"
ENV = with_failback(
    SIT.model_copy(
        update={
            "execution": SIT.execution.model_copy(update={"poll_s": 0.2}),
            "observation": SIT.observation.model_copy(update={"attempts": 1, "connect_timeout_s": 1}),
        }
    ),
    dns_samples=20,
    stages=(50, 100),
)
TAKEN_BACK = (EntryKind.UNDONE, EntryKind.COMPENSATION)
NO_DNS = Outage("", "hang", "dns")
NO_RECORDS = Outage("us-east-1", "refuse", "route53", "ListResourceRecordSets", person="operator")
NO_METRICS = Outage("us-east-1", "deny", "cloudwatch", "GetMetricData", person="operator")


@pytest.fixture(scope="module")
def whole() -> Iterator[World]:
    with world_of(ENV) as world:
        world.endpoint.timing(transition_s=0.1)
        world.endpoint.keep("whole")
        yield world


@pytest.fixture
def world(whole: World) -> World:
    whole.endpoint.end()
    whole.endpoint.return_to("whole")
    return whole


def _hurried(steps: Sequence[Step], seconds: int) -> tuple[Step, ...]:
    return tuple(replace(step, budget_s=seconds) for step in steps)


def _walk(
    world: World, folder: Path, goal: Goal = Goal.FAILOVER, env: Environment = ENV, more: Sequence[Step] = ()
) -> Walk:
    """The shift and the pin, with two seconds each."""
    context = replace(records_sight(world, env), goal=goal)
    steps = in_order(goal, [*shift_to_dr.SHIFT_TO_DR.plan_steps(context), *pins.PIN_PRIMARY.plan_steps(context)])
    return Walk(world, env, folder, Plan(env.name, env.account, goal, "PRIMARY_LOST", (*more, *_hurried(steps, 2))))


def _is_pinned(world: World, walk: Walk) -> bool:
    step = next(step for step in walk.plan.steps if step.action == pins.PIN_PRIMARY.name)
    health_check = world.send(Side.GLOBAL, "route53:GetHealthCheck", HealthCheckId=step.subject)["HealthCheck"]
    return bool(health_check["HealthCheckConfig"]["Port"] == step.after["Port"])


def _once_led_away(world: World, outage: Outage) -> RecordingListener:
    """As soon as the records lead to the DR region, what the outage names cannot be read."""

    def blind(_step: Step) -> None:
        if not world.endpoint.state()["faults"] and weights(world) == (0, 100):
            world.endpoint.begin(outage)

    return RecordingListener(waiting=blind)


@pytest.mark.proof
def test_a_shift_that_nobody_sees_in_time_stays_and_the_same_plan_goes_on(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path)
    world.endpoint.timing(transition_s=0.1, dns_lag_s=1)
    with pytest.raises(StepFailed) as late:
        walk.run(_once_led_away(world, NO_RECORDS))
    assert (late.value.step, late.value.cause) == (SHIFT, FailureCause.UNAVAILABLE)
    world.endpoint.end()
    assert weights(world) == (0, 100)
    assert [entry.step for entry in walk.entries(EntryKind.LATE)] == [SHIFT]
    assert walk.entries(*TAKEN_BACK) == []
    result = result_of_error(late.value, walk.outcome, NextStep(Command(("log",)), "tells more"))
    assert result is not None
    assert (result.outcome, result.exit, result.alarms) == ("late", Exit.COULD_NOT_SEE, True)
    assert "Nothing was taken back for that." in result.message
    assert walk.run(RecordingListener()).finished
    assert len(walk.entries(EntryKind.OUTCOME)) == len(walk.plan.steps), "nothing is sent twice"


@pytest.mark.proof
def test_a_pin_whose_health_cannot_be_read_in_time_stays_set(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path)
    world.endpoint.begin(NO_METRICS)
    with pytest.raises(StepFailed) as late:
        walk.run(RecordingListener())
    world.endpoint.end()
    assert late.value.step.startswith(pins.PIN_PRIMARY.name)
    assert late.value.cause is FailureCause.UNAVAILABLE
    assert _is_pinned(world, walk)
    assert weights(world) == (0, 100)
    assert walk.entries(*TAKEN_BACK, EntryKind.FAILED) == []
    assert walk.run(RecordingListener()).finished


@pytest.mark.proof
def test_a_change_that_route_53_is_slow_to_spread_is_late_and_stays(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path)
    world.endpoint.timing(transition_s=0.1, dns_lag_s=6)
    with pytest.raises(StepFailed, match="is PENDING") as late:
        walk.run(RecordingListener())
    result = result_of_error(late.value, walk.outcome, NextStep(Command(("log",)), "tells more"))
    assert result is not None
    assert (late.value.cause, result.exit) == (FailureCause.UNDER_WAY, Exit.UNDER_WAY)
    assert (weights(world), walk.entries(*TAKEN_BACK)) == ((0, 100), [])


@pytest.mark.proof
def test_records_written_back_are_a_contradiction_and_the_next_run_retries(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path)
    world.endpoint.timing(transition_s=0.1, dns_lag_s=1)

    def write_back(_step: Step) -> None:
        if weights(world) == (0, 100):
            write_weights(world, 100, 0)

    with pytest.raises(StepFailed, match="somebody wrote them back") as failed:
        walk.run(RecordingListener(waiting=write_back))
    assert failed.value.cause is FailureCause.FAILED
    assert [entry.step for entry in walk.entries(EntryKind.UNDONE)] == [SHIFT]
    assert weights(world) == (100, 0)
    assert walk.run(RecordingListener()).finished
    assert (weights(world), _is_pinned(world, walk)) == ((0, 100), True)


@pytest.mark.proof
def test_records_that_somebody_changed_otherwise_are_left_to_them(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path)
    world.endpoint.timing(transition_s=0.1, dns_lag_s=1)

    def share(_step: Step) -> None:
        if weights(world) == (0, 100):
            write_weights(world, 50, 50)

    with pytest.raises(StepFailed, match="T43") as failed:
        walk.run(RecordingListener(waiting=share))
    assert failed.value.cause is FailureCause.DRIFTED
    assert weights(world) == (50, 50)


@pytest.mark.proof
def test_a_switchover_that_can_still_return_goes_home_when_a_step_is_late(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path, Goal.SWITCHOVER)
    world.endpoint.begin(NO_METRICS)
    with pytest.raises(StepFailed) as late:
        walk.run(RecordingListener())
    assert late.value.step.startswith(pins.PIN_PRIMARY.name)
    assert {str(entry.step).partition(":")[0] for entry in walk.entries(EntryKind.UNDONE)} == {
        "traffic/shift_to_dr",
        "traffic/pin_primary",
    }
    assert (weights(world), _is_pinned(world, walk)) == ((100, 0), False)


@pytest.mark.proof
def test_a_switchover_past_its_point_of_no_return_keeps_what_is_late(world: World, tmp_path: Path) -> None:
    promoted = replace(
        _walk(world, tmp_path).plan.steps[0], id="database/restore_dr:x", danger=Danger.IRREVERSIBLE, stage=40
    )
    walk = _walk(world, tmp_path, Goal.SWITCHOVER, more=[promoted])
    with Journal.open(tmp_path, ENV.name, INCIDENT, "before", lambda: datetime.now(UTC), world=WORLD) as journal:
        journal.append(EntryKind.BEGIN, plan=to_json(walk.plan))
        journal.append(EntryKind.INTENT, promoted.id, call="rds:RestoreDBInstanceToPointInTime", region="eu-west-1")
        journal.append(EntryKind.OUTCOME, promoted.id, result="sent")
        journal.append(EntryKind.CONFIRMED, promoted.id, says="it is promoted")
    world.endpoint.begin(NO_METRICS)
    with pytest.raises(StepFailed) as late:
        walk.run(RecordingListener())
    assert late.value.cause is FailureCause.UNAVAILABLE
    assert (weights(world), _is_pinned(world, walk)) == ((0, 100), True)
    assert walk.entries(*TAKEN_BACK) == []


@pytest.mark.proof
def test_a_stage_whose_answers_nobody_can_see_is_held_and_not_stepped_back(world: World, tmp_path: Path) -> None:
    write_weights(world, 0, 100)
    steps = _hurried(in_order(Goal.FAILBACK, shift_to_primary.plan_steps(records_sight(world, ENV))), 4)
    home = Walk(world, ENV, tmp_path, Plan(ENV.name, ENV.account, Goal.FAILBACK, "ON_DR", steps))
    world.endpoint.begin(NO_DNS)
    with pytest.raises(StepFailed, match=r"gate\.answers: no name server answered") as late:
        home.run(RecordingListener())
    result = result_of_error(late.value, home.outcome, NextStep(Command(("log",)), "tells more"))
    assert result is not None
    assert (late.value.cause, result.outcome) == (FailureCause.LATE, "late"), result.message
    assert (weights(world), home.entries(*TAKEN_BACK)) == ((50, 50), [])
    world.endpoint.end()
    unhurried = replace(home, plan=replace(home.plan, steps=_hurried(steps, 60)))
    assert unhurried.run(RecordingListener()).finished
    assert weights(world) == (100, 0)


@pytest.mark.proof
def test_a_person_whose_change_shows_in_its_records_is_not_waited_for(world: World, tmp_path: Path) -> None:
    walk = _walk(world, tmp_path, env=with_traffic(ENV, dns_step="manual"))
    world.endpoint.begin(NO_DNS)
    assert walk.run(RecordingListener(asked=lambda _: write_weights(world, 0, 100))).finished
    message = next(entry.data["says"] for entry in walk.entries(EntryKind.CONFIRMED) if entry.step == SHIFT)
    assert "its records, read back" in message
    assert "Route 53 (TestDNSAnswer)" in message, "no name server was asked"
    assert walk.entries(*TAKEN_BACK, EntryKind.LATE) == []
