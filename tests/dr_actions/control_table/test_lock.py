"""One run at a time: the rule by values, the lock in a table of the sandbox, and the heartbeat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dr_actions.control_table.control import ControlStore, Fenced, MalformedItem
from dr_actions.control_table.heartbeat import Heartbeat, LockLost
from dr_actions.control_table.lock import (
    CoolingDown,
    Lock,
    LockDecision,
    LockHeld,
    Owner,
    Watch,
    may_take,
    release,
    renew,
    take,
)
from dr_actions.control_table.table import Put
from dr_actions.model.plan import Call
from dr_estate.aws.clock import WORLD_CLOCK, WorldClock
from dr_estate.config.recovery_settings import Execution
from dr_estate.readers.control_table import LockHolder
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import Clock, Plain, store

ALICE, BOB = Owner("Alice", "arn:aws:iam::1:user/alice"), Owner("Bob", "arn:aws:iam::1:user/bob")
LIMITS = Execution(lease_s=120, cool_down_minutes=30)
BEAT = Execution(lease_s=3, cool_down_minutes=0)
NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)


def _last(ended: bool = False, incident: str = "INC-1", lease_s: float = 120) -> LockHolder:
    until = NOON + timedelta(seconds=lease_s)
    return LockHolder("run-1", "Alice", ALICE.arn, incident, 7, NOON, NOON, until, NOON if ended else None, "")


@pytest.mark.parametrize(
    ("last", "after_s", "incident", "stood_still", "leave"),
    [
        (None, 0, "INC-1", False, LockDecision.FREE),
        (_last(), 119, "INC-1", False, LockDecision.WATCH),
        (_last(), 119, "INC-2", False, LockDecision.WATCH),
        (_last(), 86400, "INC-1", False, LockDecision.WATCH),
        (_last(), 0, "INC-1", True, LockDecision.TAKEOVER),
        (_last(), 120, "INC-2", True, LockDecision.COOLING),
        (_last(), 120 + 1799, "INC-2", True, LockDecision.COOLING),
        (_last(), 120 + 1800, "INC-2", True, LockDecision.TAKEOVER),
        (_last(ended=True), 0, "INC-1", False, LockDecision.FREE),
        (_last(ended=True), 1799, "INC-2", False, LockDecision.COOLING),
        (_last(ended=True), 1800, "INC-2", False, LockDecision.FREE),
    ],
)
def test_the_lock_is_free_watched_cooling_or_to_be_taken_over(
    last: LockHolder | None, after_s: int, incident: str, stood_still: bool, leave: LockDecision
) -> None:
    moment = NOON + timedelta(seconds=after_s)
    assert leave is may_take(last, moment, "run-2", incident, LIMITS, stood_still=stood_still)


DRILL, TRIAL = "DRILL-20260107-110000", "TRIAL-20260107-110000"


@pytest.mark.parametrize(
    ("last", "incident", "leave"),
    [
        (_last(incident=TRIAL), "INC-1", LockDecision.TAKEOVER),
        (_last(incident=TRIAL), DRILL, LockDecision.WATCH),
        (_last(incident=DRILL), "INC-1", LockDecision.WATCH),
        (_last(ended=True, incident=TRIAL), "INC-1", LockDecision.FREE),
        (_last(ended=True, incident=DRILL), "INC-1", LockDecision.FREE),
        (_last(ended=True), TRIAL, LockDecision.COOLING),
    ],
)
def test_an_emergency_waits_for_no_trial_and_no_drill_cools_it_down(
    last: LockHolder, incident: str, leave: LockDecision
) -> None:
    assert leave is may_take(last, NOON, "run-2", incident, LIMITS)


def test_a_trial_takes_a_lock_of_its_own_and_gives_way_to_a_recovery(control: ControlStore, clock: Clock) -> None:
    trial = take(control, BOB, "run-1", TRIAL, LIMITS)
    control.write([Put({"pk": "JOURNAL#TRIAL", "sk": "1"})], trial.fence)
    assert control.table.get(("LOCK", "RUN")) is None, "it writes nothing that a recovery reads"
    recovery = take(control, ALICE, "run-2", "INC-1", LIMITS)
    assert recovery.taken_from is None
    with pytest.raises(Fenced, match="run-1 gives way: a recovery took the lock"):
        control.write([Put({"pk": "JOURNAL#TRIAL", "sk": "2"})], trial.fence)
    clock.waited = lambda: renew(control, recovery, LIMITS)
    with pytest.raises(LockHeld):
        take(control, BOB, "run-3", TRIAL, LIMITS)
    clock.waited = lambda: None
    release(control, recovery, "done")
    with pytest.raises(CoolingDown):
        take(control, BOB, "run-4", TRIAL, LIMITS)
    assert take(control, BOB, "run-5", TRIAL, LIMITS, cool_down_waived=True).taken_from is not None


def test_a_trials_lock_that_cannot_be_read_holds_up_no_recovery(control: ControlStore) -> None:
    control.table.put(Put({"pk": "DRILL#LOCK", "sk": "RUN", "token": "x"}))
    assert take(control, ALICE, "run-2", "INC-1", LIMITS).token == 1
    with pytest.raises(MalformedItem, match="DRILL#LOCK"):
        take(control, BOB, "run-3", TRIAL, LIMITS, cool_down_waived=True)


@given(some.integers(-7200, 7200), some.booleans(), some.booleans(), some.sampled_from(["INC-1", "INC-2"]))
def test_no_clock_ends_a_run_that_beats_and_none_blocks_it_for_good(
    after_s: int, ended: bool, stood_still: bool, incident: str
) -> None:
    moment = NOON + timedelta(seconds=after_s)
    leave = may_take(_last(ended), moment, "run-2", incident, LIMITS, stood_still=stood_still)
    if not ended and not stood_still:
        assert leave is LockDecision.WATCH
    elif after_s >= LIMITS.lease_s + 60 * LIMITS.cool_down_minutes or incident == "INC-1":
        assert leave in (LockDecision.FREE, LockDecision.TAKEOVER), "the same incident goes on at once"


def test_a_second_operator_watches_and_is_shown_who_runs_what_since_when(control: ControlStore, clock: Clock) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", LIMITS)
    clock.move(seconds=30)
    heard: list[str] = []
    clock.waited = lambda: renew(control, lock, LIMITS) if len(heard) > 1 else None
    with pytest.raises(LockHeld) as refused:
        take(control, BOB, "run-2", "INC-2", LIMITS, watch=Watch(heard.append))
    message = str(refused.value)
    for text in ("run-1", "Alice", ALICE.arn, "INC-1", "03:00:00", "03:00:56"):
        assert text in message
    for text in ("run-1 of Alice", ALICE.arn, "INC-1", "until 2026-01-07 03:02:30 UTC", "Ctrl-C stops waiting"):
        assert text in heard[0], "said before anything is waited for"
    assert heard[1:] == ["No heartbeat of run run-1 for 13 of 120 s."]


def test_a_watch_can_be_ended_and_nothing_is_taken_then(control: ControlStore, clock: Clock) -> None:
    take(control, ALICE, "run-1", "INC-1", LIMITS)
    watch = Watch()
    clock.waited = watch.stop.set
    with pytest.raises(KeyboardInterrupt):
        take(control, BOB, "run-2", "INC-1", LIMITS, watch=watch)
    stands = control.in_force().known_run
    assert (stands.run, stands.token) == ("run-1", 1) if stands else False


def test_a_run_that_ends_while_it_is_watched_frees_the_lock_at_once(control: ControlStore, clock: Clock) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", LIMITS)
    clock.waited = lambda: release(control, lock, "done")
    began = clock.monotonic()
    assert take(control, BOB, "run-2", "INC-1", LIMITS).taken_from is None
    assert clock.monotonic() - began < LIMITS.lease_s / 3


@pytest.mark.parametrize("wrong", [timedelta(hours=2), timedelta(hours=-2)])
def test_a_clock_two_hours_off_takes_dead_locks_in_time_and_no_live_one(
    sender: Plain, table_name: str, control: ControlStore, clock: Clock, wrong: timedelta
) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", LIMITS)
    other = Clock(clock.at + wrong)
    elsewhere = store(sender, table_name, other)

    def beat() -> None:
        clock.move(seconds=14)
        renew(control, lock, LIMITS)

    other.waited = beat
    with pytest.raises(LockHeld):
        take(elsewhere, BOB, "run-2", "INC-1", LIMITS)
    other.waited = lambda: None
    began = other.monotonic()
    assert take(elsewhere, BOB, "run-2", "INC-1", LIMITS).token == lock.token + 1
    assert other.monotonic() - began == pytest.approx(LIMITS.lease_s, abs=0.1)


def test_in_a_fast_world_a_lease_is_five_real_seconds_at_least(control: ControlStore, clock: Clock) -> None:
    clock.correct({WORLD_CLOCK: f"{clock.at.timestamp()} 100"}, 0, 0, loopback=True)
    take(control, ALICE, "run-1", "INC-1", LIMITS)
    began, real_s = clock.monotonic(), clock.passed_s
    take(control, BOB, "run-2", "INC-1", LIMITS)
    assert (clock.passed_s - real_s, clock.monotonic() - began) == pytest.approx((5, 500), abs=2)


def test_a_holder_that_may_beat_more_seldom_is_watched_for_its_own_lease(control: ControlStore, clock: Clock) -> None:
    take(control, ALICE, "run-1", "INC-1", Execution(lease_s=600))
    began = clock.monotonic()
    take(control, BOB, "run-2", "INC-1", LIMITS)
    assert clock.monotonic() - began == pytest.approx(600, abs=0.1)


def test_each_take_raises_the_token(control: ControlStore) -> None:
    tokens = []
    for number in range(3):
        lock = take(control, ALICE, f"run-{number}", "INC-1", LIMITS)
        release(control, lock, "done")
        tokens.append(lock.token)
    assert [1, 2, 3] == tokens


def test_another_incident_waits_for_the_cool_down_unless_waived_by_name(control: ControlStore, clock: Clock) -> None:
    release(control, take(control, ALICE, "run-1", "INC-1", LIMITS), "validated")
    clock.move(minutes=29)
    with pytest.raises(CoolingDown, match="run-1 of Alice for INC-1 ended at 2026-01-07 03:00:00 UTC \\(validated\\)"):
        take(control, BOB, "run-2", "INC-2", LIMITS)
    release(control, take(control, BOB, "run-2", "INC-1", LIMITS), "done")
    assert 3 == take(control, BOB, "run-3", "INC-2", LIMITS, cool_down_waived=True).token


def test_a_dead_lock_is_taken_after_its_lease_and_its_late_writes_refused(control: ControlStore, clock: Clock) -> None:
    dead = take(control, ALICE, "run-1", "INC-1", LIMITS)
    began = clock.monotonic()
    lock = take(control, BOB, "run-2", "INC-1", LIMITS)
    assert clock.monotonic() - began == pytest.approx(LIMITS.lease_s, abs=0.1)
    assert (dead.token + 1, "run-1") == (lock.token, lock.taken_from.run if lock.taken_from else None)
    for late in (lambda: renew(control, dead, LIMITS), lambda: release(control, dead, "done")):
        with pytest.raises(Fenced):
            late()
    stands = control.in_force().known_run
    assert stands is not None
    assert ("run-2", None, "") == (stands.run, stands.ended_at, stands.outcome)
    assert ["run-1", "run-2"] == [row["run"] for row in control.table.query("RUN#INC-1")]


def test_a_released_lock_is_not_renewed(control: ControlStore) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", LIMITS)
    release(control, lock, "done")
    release(control, lock, "done")
    with pytest.raises(Fenced):
        renew(control, lock, LIMITS)


@pytest.mark.proof
def test_of_many_who_take_it_at_once_one_does(table_world: Endpoint, table_name: str) -> None:
    senders = [Plain(table_world) for _ in range(6)]
    together, all_answered = threading.Barrier(len(senders)), threading.Barrier(len(senders))

    def try_it(number: int) -> Lock | str:
        control = store(senders[number], table_name, WorldClock())
        together.wait()
        try:
            lock = take(control, ALICE, f"run-{number}", "INC-1", BEAT)
        except LockHeld as refused:
            all_answered.wait()
            return refused.run.run
        with Heartbeat(control, lock, BEAT):
            all_answered.wait()
        return lock

    with ThreadPoolExecutor(len(senders)) as pool:
        found = list(pool.map(try_it, range(len(senders))))
    winners = [lock for lock in found if isinstance(lock, Lock)]
    assert 1 == len(winners)
    assert {winners[0].run} == {holder for holder in found if isinstance(holder, str)}, "the others are told who"


def test_a_take_whose_answer_was_lost_is_recognised_as_ones_own(control: ControlStore, sender: Plain) -> None:
    lost = iter([True])

    def lose(call: Call) -> None:
        if call.operation == "TransactWriteItems" and next(lost, False):
            raise ConnectionError("the answer was lost")

    sender.after = lose
    with pytest.raises(ConnectionError):
        take(control, ALICE, "run-1", "INC-1", LIMITS)
    assert 1 == take(control, ALICE, "run-1", "INC-1", LIMITS).token


def _wait_until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


@pytest.mark.proof
def test_the_heartbeat_keeps_the_lock_and_its_thread_ends_with_it(sender: Plain, table_name: str) -> None:
    control = store(sender, table_name, WorldClock())
    first = take(control, ALICE, "run-beat", "INC-1", BEAT)
    with Heartbeat(control, first, BEAT) as heartbeat:
        _wait_until(lambda: heartbeat.lock.lease_until > first.lease_until)
        heartbeat.check()
    assert "heartbeat-run-beat" not in {thread.name for thread in threading.enumerate()}
    stands = control.in_force().known_run
    assert stands is not None
    assert stands.lease_until > first.lease_until


@pytest.mark.proof
def test_a_run_whose_lock_was_taken_over_hears_of_it(sender: Plain, table_name: str) -> None:
    control = store(sender, table_name, WorldClock())
    mine = take(control, ALICE, "run-1", "INC-1", BEAT)
    later = store(sender, table_name, Clock(datetime.now(UTC)))
    take(later, BOB, "run-2", "INC-1", BEAT)
    with Heartbeat(control, mine, BEAT) as heartbeat:
        _wait_until(lambda: heartbeat.loss)
        with pytest.raises(LockLost, match="run-1"):
            heartbeat.check()


def test_a_lock_without_renewal_is_lost_when_its_lease_ends_and_not_before(
    control: ControlStore, sender: Plain, clock: Clock
) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", BEAT)

    def unplugged(_call: Call) -> None:
        raise ConnectionError("unplugged")

    sender.before = unplugged
    tried = threading.Event()
    clock.waited = lambda: tried.wait(10)
    with Heartbeat(control, lock, BEAT) as heartbeat:
        heartbeat.check()
        tried.set()
        _wait_until(lambda: heartbeat.loss)
        assert clock.monotonic() - lock.beat_s >= BEAT.lease_s
        with pytest.raises(LockLost, match="unplugged"):
            heartbeat.check()


def test_a_machine_asleep_past_its_lease_has_lost_the_lock_before_any_beat(control: ControlStore, clock: Clock) -> None:
    lock, awake = take(control, ALICE, "run-1", "INC-1", LIMITS), threading.Event()
    clock.waited = lambda: awake.wait(10)
    with Heartbeat(control, lock, LIMITS) as heartbeat:
        clock.move(hours=1)
        with pytest.raises(LockLost, match="slept"):
            heartbeat.check()
        awake.set()


def test_a_heartbeat_without_an_answer_is_not_reported_as_sleep(
    control: ControlStore, sender: Plain, clock: Clock
) -> None:
    lock, sent, answered = take(control, ALICE, "run-1", "INC-1", LIMITS), threading.Event(), threading.Event()

    def hang(_call: Call) -> None:
        sent.set()
        answered.wait(10)
        raise ConnectionError("unplugged")

    sender.before = hang
    with Heartbeat(control, lock, LIMITS) as heartbeat:
        assert sent.wait(10)
        clock.move(hours=1)
        with pytest.raises(LockLost, match=r"the control table did not answer its heartbeat in time\.$"):
            heartbeat.check()
        answered.set()


@pytest.mark.proof
def test_a_lock_that_nobody_took_is_regained_after_its_lease(sender: Plain, table_name: str) -> None:
    control = store(sender, table_name, WorldClock())

    def refused(_call: Call) -> None:
        raise ConnectionError("no credentials")

    with Heartbeat(control, take(control, ALICE, "run-1", "INC-1", BEAT), BEAT) as heartbeat:
        sender.before = refused
        _wait_until(lambda: heartbeat.loss)
        sender.before = lambda _call: None
        heartbeat.regain()
        heartbeat.check()
        regained = heartbeat.lock
        _wait_until(lambda: heartbeat.lock.lease_until > regained.lease_until)


def test_a_lock_that_another_run_took_meanwhile_is_not_regained(control: ControlStore) -> None:
    mine = take(control, ALICE, "run-1", "INC-1", LIMITS)
    heartbeat = Heartbeat(control, mine, LIMITS)
    release(control, mine, "failed")
    take(control, BOB, "run-2", "INC-1", LIMITS)
    with pytest.raises(LockLost, match="run-1"):
        heartbeat.regain()
    with pytest.raises(LockLost):
        heartbeat.check()
