"""A failback leads the visitors back: it bakes from the record, goes on after a stop, steps back when a gate fails."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from dr_actions.actions.compute import scaling
from dr_actions.actions.files.failback import policy_with_freeze
from dr_actions.actions.traffic import shift_to_primary
from dr_actions.execution.run import FailureCause, ManualPending, PlanRun, RunStopped, StepFailed
from dr_actions.journal.entries import EntryKind, shown_step
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import FailureKind, Goal, Plan, SendFailed, Step, to_json
from dr_actions.planning.planner import in_order
from dr_estate.aws.clock import WORLD_CLOCK, WorldClock
from dr_estate.config.environment import Environment, Side
from sandbox.core.state import Outage
from tests.dr_actions.actions.compute.compute_world import World
from tests.dr_actions.actions.compute.failback_world import (
    BAKE_MINUTES,
    check_of_primary,
    give_another_check,
    led_away,
    records_sight,
    weights,
    with_failback,
    write_weights,
)
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.execution.walks import INCIDENT, Walk
from tests.dr_actions.hearing import RecordingListener
from tests.dr_actions.plain import LAST, SIT, led, recorded, sight, with_traffic

TENTH, HALF, WHOLE = "traffic/shift_to_primary:10", "traffic/shift_to_primary:50", "traffic/shift_to_primary:100"
STAGED = [HALF, WHOLE]
# few questions, for how visitors are shared out is proved elsewhere
ENV = with_failback(
    SIT.model_copy(update={"execution": SIT.execution.model_copy(update={"poll_s": 0.4})}),
    dns_samples=20,
    stages=(50, 100),
)
BY_HAND = with_traffic(ENV, dns_step="manual")


@pytest.fixture(scope="module")
def away() -> Iterator[World]:
    with led_away(ENV) as world:
        yield world


@pytest.fixture
def world(away: World) -> World:
    away.endpoint.end()
    away.endpoint.return_to("away")
    return away


class Home(Walk):
    """One plan that leads the visitors back to the primary region."""

    @classmethod
    def of(cls, world: World, env: Environment, folder: Path) -> Self:
        steps = in_order(Goal.FAILBACK, shift_to_primary.plan_steps(records_sight(world, env)))
        return cls(world, env, folder, _plan(env, steps))


def _plan(env: Environment, steps: tuple[Step, ...]) -> Plan:
    return Plan(env.name, env.account, Goal.FAILBACK, "ON_DR", steps)


def _changes(world: World) -> int:
    """How often anybody changed records since the counts were reset."""
    return sum(n for key, n in world.endpoint.calls().items() if key.endswith("ChangeResourceRecordSets"))


def _stop_tenant(world: World) -> None:
    cluster = SIT.named(SIT.names.cluster)
    world.send(Side.PRIMARY, "ecs:UpdateService", cluster=cluster, service=LAST, desiredCount=0)


def _start_tenant(world: World) -> None:
    """The tenant's tasks run again, at once."""
    world.endpoint.timing(transition_s=0)
    cluster, desired = SIT.named(SIT.names.cluster), SIT.capacity.tasks_per_service
    world.send(Side.PRIMARY, "ecs:UpdateService", cluster=cluster, service=LAST, desiredCount=desired)


def _bakes_s(home: Home, began: EntryKind) -> list[float]:
    """Seconds from the record that a stage began to the record that it was confirmed, by stage."""
    first = {entry.step: entry.at for entry in home.entries(began)}
    done = {entry.step: entry.at for entry in home.entries(EntryKind.CONFIRMED)}
    return [(done[step] - first[step]).total_seconds() for step in STAGED]


@pytest.mark.proof
def test_every_stage_is_sent_once_and_confirmed_no_sooner_than_its_bake(world: World, tmp_path: Path) -> None:
    home = Home.of(world, ENV, tmp_path)
    world.endpoint.reset_calls()
    assert home.run(RecordingListener()).finished
    assert (weights(world), _changes(world)) == ((100, 0), len(STAGED))
    assert min(_bakes_s(home, EntryKind.OUTCOME)) >= 60 * BAKE_MINUTES
    facts_by_step = {entry.step: entry.data["facts"] for entry in home.entries(EntryKind.CONFIRMED)}
    assert all("sites visited" in facts for facts in facts_by_step.values()), (
        "what the gates measured is in the journal"
    )


@pytest.mark.proof
def test_a_run_stopped_in_a_bake_goes_on_and_sends_nothing_twice(world: World, tmp_path: Path) -> None:
    home = Home.of(world, ENV, tmp_path)
    world.endpoint.reset_calls()

    def stop(step: Step) -> None:
        if step.id == HALF:
            home.stop.set()

    with pytest.raises(RunStopped):
        home.run(RecordingListener(baking=stop))
    assert weights(world) == (50, 50)
    assert home.run(RecordingListener()).finished
    assert (weights(world), _changes(world)) == ((100, 0), len(STAGED))


@pytest.mark.proof
def test_a_change_whose_answer_was_lost_bakes_from_when_it_was_seen(world: World, tmp_path: Path) -> None:
    home = Home.of(world, ENV, tmp_path)
    world.endpoint.reset_calls()
    lost = Outage("us-east-1", "lost", "route53", "ChangeResourceRecordSets", times=1)
    world.endpoint.begin(lost)
    assert home.run(RecordingListener()).finished
    assert _changes(world) == len(STAGED)
    (seen,) = [entry for entry in home.entries(EntryKind.LOOKED) if entry.data.get("took_effect")]
    done = next(entry for entry in home.entries(EntryKind.CONFIRMED) if entry.step == seen.step)
    assert (done.at - seen.at).total_seconds() >= 60 * BAKE_MINUTES


@pytest.mark.proof
def test_what_is_found_done_after_a_death_has_its_moment_on_record(world: World, tmp_path: Path) -> None:
    """Later steps count from there: a backup, for one, must be younger than the freeze."""
    action = scaling.FENCE_AGAIN
    step = next(iter(action.plan_steps(records_sight(world))))
    home = Home(world, ENV, tmp_path, _plan(ENV, (step,)))
    with Journal.open(tmp_path, ENV.name, INCIDENT, "died", lambda: datetime.now(UTC), world=WORLD) as journal:
        journal.append(EntryKind.BEGIN, plan=to_json(home.plan))
        journal.append(EntryKind.INTENT, step.id, call="application-autoscaling:RegisterScalableTarget")
    world.act(action, step)
    assert home.run(RecordingListener()).finished
    (seen,) = home.entries(EntryKind.LOOKED)
    assert (step.id, True) == (seen.step, seen.data["took_effect"])
    assert home.entries(EntryKind.OUTCOME) == []


@pytest.mark.proof
def test_a_gate_that_fails_at_half_returns_to_a_tenth_and_goes_on_later(world: World, tmp_path: Path) -> None:
    home = Home.of(world, with_failback(ENV, stages=(10, 50, 100)), tmp_path)
    with pytest.raises(
        StepFailed, match=r"traffic/shift_to_primary:50: gate\.targets: .*sit-tenant2-service"
    ) as failed:
        home.run(RecordingListener(baking=lambda step: _stop_tenant(world) if step.id == HALF else None))
    assert (failed.value.step, weights(world)) == (HALF, (10, 90))
    assert [entry.step for entry in home.entries(EntryKind.UNDONE)] == [HALF]
    with pytest.raises(StepFailed, match=r"gate\.targets"):
        home.run(RecordingListener())
    assert weights(world) == (10, 90), "nobody is led to where a gate fails"
    _start_tenant(world)
    assert home.run(RecordingListener()).finished
    assert weights(world) == (100, 0)
    assert {entry.step for entry in home.entries(EntryKind.CONFIRMED)} == {TENTH, HALF, WHOLE}


@pytest.mark.proof
def test_a_step_back_names_the_health_check_that_the_record_has_by_then(world: World, tmp_path: Path) -> None:
    """Route 53 takes no record whose check is gone: visitors would stay where the gate fails."""
    home = Home.of(world, with_failback(ENV, stages=(10, 50, 100)), tmp_path)

    def replace_check(step: Step) -> None:
        if step.id == HALF:
            given.append(give_another_check(world))
            _stop_tenant(world)

    given: list[str] = []
    with pytest.raises(StepFailed, match=r"gate\.targets"):
        home.run(RecordingListener(baking=replace_check))
    assert (weights(world), check_of_primary(world)) == ((10, 90), given[0])
    assert [entry.step for entry in home.entries(EntryKind.UNDONE)] == [HALF]


@pytest.mark.proof
def test_a_return_that_was_not_recorded_is_not_sent_again(world: World, tmp_path: Path) -> None:
    home = Home.of(world, with_failback(ENV, stages=(10, 50, 100)), tmp_path)
    with pytest.raises(RunStopped):
        home.run(RecordingListener(baking=lambda step: home.stop.set() if step.id == HALF else None))
    with Journal.open(tmp_path, SIT.name, INCIDENT, "died", lambda: datetime.now(UTC), world=WORLD) as journal:
        journal.append(EntryKind.INTENT, HALF, call="route53:ChangeResourceRecordSets", region="us-east-1", undo=True)
    write_weights(world, 10, 90)
    _stop_tenant(world)
    world.endpoint.reset_calls()
    with pytest.raises(StepFailed, match=r"gate\.targets") as failed:
        home.run(RecordingListener())
    assert (failed.value.cause, _changes(world)) == (FailureCause.GATE, 0)
    assert [entry.step for entry in home.entries(EntryKind.UNDONE)] == [HALF]


@pytest.mark.proof
def test_where_the_dr_region_writes_again_no_other_zone_is_led_back(world: World, tmp_path: Path) -> None:
    """Who is led to the DR region again would write beside those who are in the primary region."""
    (half, _) = Home.of(world, ENV, tmp_path).plan.steps
    beside = replace(half, id=f"{half.id}.customer.example")
    home = Home(world, ENV, tmp_path, _plan(ENV, (half, beside)))
    (row,) = world.send(Side.DR, "efs:DescribeFileSystems")["FileSystems"]
    system, text = row["FileSystemId"], policy_with_freeze("", row["FileSystemArn"], datetime.now(UTC))
    world.send(Side.DR, "efs:PutFileSystemPolicy", FileSystemId=system, Policy=text)
    with Journal.open(tmp_path, ENV.name, INCIDENT, "froze", lambda: datetime.now(UTC), world=WORLD) as journal:
        journal.append(EntryKind.BEGIN, plan=to_json(home.plan))
        journal.append(EntryKind.CONFIRMED, "files/freeze:sit-efs", says="it holds", facts={})

    def let_files_in(_step: Step) -> None:
        world.send(Side.DR, "efs:DeleteFileSystemPolicy", FileSystemId=system)

    with pytest.raises(StepFailed, match=r"gate\.writers: .* can take writes again") as failed:
        home.run(RecordingListener(baking=let_files_in))
    assert FailureCause.HALTED is failed.value.cause
    assert (weights(world), home.entries(EntryKind.UNDONE, EntryKind.COMPENSATION)) == ((50, 50), [])


@pytest.mark.proof
def test_weights_that_somebody_else_set_during_a_bake_are_left_as_they_are(world: World, tmp_path: Path) -> None:
    home = Home.of(world, ENV, tmp_path)
    with pytest.raises(StepFailed, match="T43"):
        home.run(RecordingListener(baking=lambda _: write_weights(world, 20, 80)))
    assert weights(world) == (20, 80)
    (left,) = home.entries(EntryKind.COMPENSATION)
    assert left.data["says"] == "traffic/shift_to_primary:50: left as it is (somebody else changed it meanwhile)"


@pytest.mark.proof
@pytest.mark.parametrize("baking", [False, True], ids=["before the first stage", "during the bake at half"])
def test_visitors_whom_somebody_led_home_are_watched_and_the_run_ends(
    world: World, tmp_path: Path, baking: bool
) -> None:
    """More of them reach the primary region than the stage leads there, as the run wants: nothing more is changed."""
    home = Home.of(world, ENV, tmp_path)
    if not baking:
        write_weights(world, 100, 0)
    world.endpoint.reset_calls()

    def lead_to_primary(step: Step) -> None:
        if step.id == HALF and baking:
            write_weights(world, 100, 0)

    assert home.run(RecordingListener(baking=lead_to_primary)).finished
    assert (weights(world), _changes(world)) == ((100, 0), 2 if baking else 0)
    (seen,) = [entry for entry in home.entries(EntryKind.LOOKED) if entry.data.get("took_effect")]
    done = next(entry for entry in home.entries(EntryKind.CONFIRMED) if entry.step == WHOLE)
    assert (seen.step, (done.at - seen.at).total_seconds() >= 60 * BAKE_MINUTES) == (WHOLE, True)


@pytest.mark.proof
def test_the_change_of_a_person_bakes_once_seen_and_the_run_writes_nothing(world: World, tmp_path: Path) -> None:
    home = Home.of(world, BY_HAND, tmp_path)
    world.endpoint.reset_calls()

    def change(step: Step) -> None:
        home_percent = step.after["percent"]
        write_weights(world, home_percent, 100 - home_percent)

    assert home.run(RecordingListener(asked=change)).finished
    assert weights(world) == (100, 0)
    assert _changes(world) == len(STAGED), "the person's own"
    assert home.entries(EntryKind.INTENT) == []
    waits, seen = home.entries(EntryKind.MANUAL_WAIT), home.entries(EntryKind.MANUAL_DONE)
    assert [entry.step for entry in waits] == [entry.step for entry in seen] == STAGED
    assert min(_bakes_s(home, EntryKind.MANUAL_DONE)) >= 60 * BAKE_MINUTES


@pytest.mark.proof
def test_a_person_sees_the_change_with_the_health_check_of_that_time(world: World, tmp_path: Path) -> None:
    """Of one that was deleted since the plan Route 53 takes no record."""
    home, shown, given = Home.of(world, BY_HAND, tmp_path), list[Step](), list[str]()

    def change(step: Step) -> None:
        shown.append(step)
        world.send(Side.GLOBAL, "route53:ChangeResourceRecordSets", **step.planned_call.params)
        if step.id == HALF:
            given.append(give_another_check(world))

    given.append(give_another_check(world))
    assert home.run(RecordingListener(asked=change)).finished
    assert [_primary_check(step) for step in shown] == given
    waits = home.entries(EntryKind.MANUAL_WAIT)
    watched = [shown_step(step, entry) for step, entry in zip(home.plan.steps, waits, strict=True)]
    assert [_primary_check(step) for step in watched] == given, "what another terminal shows, by the record"


def _primary_check(step: Step) -> str:
    rows = [change["ResourceRecordSet"] for change in step.planned_call.params["ChangeBatch"]["Changes"]]
    return next(str(row["HealthCheckId"]) for row in rows if row["SetIdentifier"] == SIT.traffic.primary_set_identifier)


@pytest.mark.proof
def test_a_change_that_a_person_made_while_nobody_ran_bakes_too(world: World, tmp_path: Path) -> None:
    home = Home.of(world, BY_HAND, tmp_path)
    with pytest.raises(RunStopped):
        home.run(RecordingListener(asked=lambda _: home.stop.set()))
    write_weights(world, 50, 50)

    def stop_later(step: Step) -> None:
        home.stop.set() if step.id == WHOLE else None

    with pytest.raises(RunStopped):
        home.run(RecordingListener(asked=stop_later))
    first = next(entry for entry in home.entries(EntryKind.CONFIRMED) if entry.step == HALF)
    (seen,) = home.entries(EntryKind.MANUAL_DONE)
    assert (first.at - seen.at).total_seconds() >= 60 * BAKE_MINUTES


@pytest.mark.proof
def test_a_gate_that_fails_after_a_manual_change_leaves_the_records(world: World, tmp_path: Path) -> None:
    home, shown = Home.of(world, BY_HAND, tmp_path), list[Step]()

    def asked(step: Step) -> None:
        shown.append(step)
        write_weights(world, 50, 50)

    with pytest.raises(StepFailed, match="back by hand") as failed:
        home.run(RecordingListener(asked=asked, baking=lambda _: _stop_tenant(world)))
    assert not isinstance(failed.value, ManualPending)
    there, back = shown
    assert (back.id, back.call) == (f"{HALF}.back", shift_to_primary.SHIFT_TO_PRIMARY.rollback_call(there))
    (note,) = [entry for entry in home.entries(EntryKind.NOTE) if entry.step == HALF]
    assert shown_step(there, note) == back, "what another terminal shows, by the record"
    assert weights(world) == (50, 50)
    assert home.entries(EntryKind.UNDONE) == []


@pytest.mark.proof
def test_a_person_who_never_comes_leaves_the_run_pending(world: World, tmp_path: Path) -> None:
    hurried = BY_HAND.execution.model_copy(update={"manual_wait_minutes": 1})
    home = Home.of(world, BY_HAND.model_copy(update={"execution": hurried}), tmp_path)
    listener, hurried_clock = RecordingListener(), WorldClock()
    moment_s = hurried_clock.steady()
    hurried_clock.correct({WORLD_CLOCK: f"{time.time()} 60"}, moment_s, moment_s, loopback=True)
    with pytest.raises(ManualPending):
        home.run(listener, hurried_clock)
    assert weights(world) == (0, 100)
    assert 60.0 in listener.limits_s, "a person has the minutes of the environment file, not the step's own time"
    assert [entry.data["limit_s"] for entry in home.entries(EntryKind.MANUAL_WAIT)] == [60], "and sees them count down"


class PausedHome(Home):
    """A failback in whose write pause a person is asked; ``written`` is what others hear of it."""

    def fitted(self, run: PlanRun) -> PlanRun:
        """Nobody can write for a minute by now, as the run before this one recorded."""
        self.since = run.clock.now() - timedelta(minutes=1)
        self.written: list[tuple[datetime | None, datetime | None]] = []
        run.no_writes_since, run.report_writes = self.since, lambda *moments: self.written.append(moments)
        return run


class StoppedHome(Home):
    """A failback that somebody pauses once a person was asked; the control table is silent for one look before."""

    def fitted(self, run: PlanRun) -> PlanRun:
        """``pauses`` is what the table says at each look."""
        self.pauses = iter((SendFailed(FailureKind.REFUSED, "silent"), "", "anna: storm"))

        def reason() -> str:
            answer = next(self.pauses)
            if isinstance(answer, Exception):
                raise answer
            return answer

        run.pause_reason = reason
        return run


@pytest.mark.proof
def test_a_pause_ends_a_run_that_waits_for_a_person_at_its_next_look(world: World, tmp_path: Path) -> None:
    home, steps = StoppedHome.of(world, BY_HAND, tmp_path), list[Step]()
    with pytest.raises(StepFailed, match=r"authority\.paused: all runs are stopped: anna: storm") as failed:
        home.run(RecordingListener(asked=steps.append))
    assert (failed.value.step, failed.value.cause) == (HALF, FailureCause.HALTED)
    assert ([step.id for step in steps], list(home.pauses)) == ([HALF], [])
    assert (weights(world), home.entries(EntryKind.UNDONE)) == ((0, 100), [])


@pytest.mark.proof
def test_no_wait_ends_a_run_in_a_write_pause_and_people_are_notified(world: World, tmp_path: Path) -> None:
    home = PausedHome.of(world, BY_HAND, tmp_path)
    asked_at, given = dict[str, datetime](), {HALF: (50, 50), WHOLE: (100, 0)}

    def comes_late(step: Step) -> None:
        now = datetime.now(UTC)
        if step.id in given and now - asked_at.setdefault(step.id, now) > timedelta(seconds=1.5):
            write_weights(world, *given.pop(step.id))

    listener = RecordingListener(waiting=comes_late)
    assert home.run(listener).finished
    assert (weights(world), given) == ((100, 0), {})
    wait_s = BY_HAND.execution.manual_wait_minutes * 60.0
    assert (math.inf in listener.limits_s, wait_s in listener.limits_s) == (True, False)
    assert [] == [entry for entry in home.entries(EntryKind.MANUAL_WAIT) if "limit_s" in entry.data], "no countdown"
    notified = [str(entry.data["says"]) for entry in home.entries(EntryKind.NOTIFIED)]
    assert len(notified) == len(STAGED)
    assert all(f"OUTAGE: nobody can write since {home.since:%H:%M} UTC" in sentence for sentence in notified)
    *paused, over = home.written
    assert [since for since, _ in paused] == [home.since] * len(STAGED)
    assert over == (None, None)
    assert any("Every visitor is led to a region that takes writes" in sentence for sentence in listener.said)


def test_what_is_kept_of_a_stage_is_plain_json() -> None:
    away = sight(led(recorded("healthy"), 0), env=ENV, goal=Goal.FAILBACK)
    first, second = (_plan(ENV, in_order(Goal.FAILBACK, shift_to_primary.plan_steps(away))) for _ in range(2))
    assert [step["id"] for step in json.loads(json.dumps(to_json(first)))["steps"]] == STAGED
    assert first.digest == second.digest
