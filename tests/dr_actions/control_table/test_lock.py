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

from dr_actions.control_table.control import ControlStore, Fenced
from dr_actions.control_table.heartbeat import Heartbeat, LockLost
from dr_actions.control_table.lock import (
    CoolingDown,
    Lock,
    LockDecision,
    LockHeld,
    Owner,
    may_take,
    release,
    renew,
    take,
)
from dr_actions.model.plan import Call
from dr_estate.config.recovery_settings import Execution
from dr_estate.readers.control_table import LockHolder
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import Clock, Plain, store

ALICE, BOB = Owner("Alice", "arn:aws:iam::1:user/alice"), Owner("Bob", "arn:aws:iam::1:user/bob")
LIMITS = Execution(lease_s=120, cool_down_minutes=30)
NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)


def _last(ended: bool = False, incident: str = "INC-1", lease_s: float = 120) -> LockHolder:
    until = NOON + timedelta(seconds=lease_s)
    return LockHolder("run-1", "Alice", ALICE.arn, incident, 7, NOON, NOON, until, NOON if ended else None, "")


@pytest.mark.parametrize(
    ("last", "after_s", "incident", "leave"),
    [
        (None, 0, "INC-1", LockDecision.FREE),
        (_last(), 119, "INC-1", LockDecision.HELD),
        (_last(), 119, "INC-2", LockDecision.HELD),
        (_last(), 120, "INC-1", LockDecision.TAKEOVER),
        (_last(), 120, "INC-2", LockDecision.COOLING),
        (_last(), 120 + 1799, "INC-2", LockDecision.COOLING),
        (_last(), 120 + 1800, "INC-2", LockDecision.TAKEOVER),
        (_last(ended=True), 0, "INC-1", LockDecision.FREE),
        (_last(ended=True), 1799, "INC-2", LockDecision.COOLING),
        (_last(ended=True), 1800, "INC-2", LockDecision.FREE),
    ],
)
def test_the_lock_is_free_held_cooling_or_to_be_taken_over(
    last: LockHolder | None, after_s: int, incident: str, leave: LockDecision
) -> None:
    assert leave is may_take(last, NOON + timedelta(seconds=after_s), "run-2", incident, LIMITS)


DRILL, TRIAL = "DRILL-20260107-110000", "TRIAL-20260107-110000"


@pytest.mark.parametrize(
    ("last", "incident", "leave"),
    [
        (_last(incident=TRIAL), "INC-1", LockDecision.TAKEOVER),
        (_last(incident=TRIAL), DRILL, LockDecision.HELD),
        (_last(incident=DRILL), "INC-1", LockDecision.HELD),
        (_last(ended=True, incident=TRIAL), "INC-1", LockDecision.FREE),
        (_last(ended=True, incident=DRILL), "INC-1", LockDecision.FREE),
        (_last(ended=True), TRIAL, LockDecision.COOLING),
    ],
)
def test_an_emergency_waits_for_no_trial_and_no_drill_cools_it_down(
    last: LockHolder, incident: str, leave: LockDecision
) -> None:
    assert leave is may_take(last, NOON, "run-2", incident, LIMITS)


@given(some.integers(0, 7200), some.booleans(), some.sampled_from(["INC-1", "INC-2"]))
def test_a_live_run_is_never_overtaken_and_a_dead_one_never_blocks_for_good(
    after_s: int, ended: bool, incident: str
) -> None:
    leave = may_take(_last(ended), NOON + timedelta(seconds=after_s), "run-2", incident, LIMITS)
    if not ended and after_s < LIMITS.lease_s:
        assert leave is LockDecision.HELD
    if after_s >= LIMITS.lease_s + 60 * LIMITS.cool_down_minutes:
        assert leave in (LockDecision.FREE, LockDecision.TAKEOVER)
    if incident == "INC-1":
        assert leave is not LockDecision.COOLING, "the same incident goes on at once"


def test_a_second_operator_is_told_who_runs_what_since_when(control: ControlStore, clock: Clock) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", LIMITS)
    clock.move(seconds=40)
    renew(control, lock, LIMITS)
    clock.move(seconds=20)
    with pytest.raises(LockHeld) as refused:
        take(control, BOB, "run-2", "INC-2", LIMITS)
    message = str(refused.value)
    for text in ("run-1", "Alice", ALICE.arn, "INC-1", "03:00:00", "03:00:40", "in 100 s"):
        assert text in message


def test_each_take_raises_the_token(control: ControlStore) -> None:
    tokens = []
    for number in range(3):
        lock = take(control, ALICE, f"run-{number}", "INC-1", LIMITS)
        release(control, lock, "done")
        tokens.append(lock.token)
    assert [1, 2, 3] == tokens


def test_another_incident_waits_for_the_cool_down_unless_it_was_waived_by_name(
    control: ControlStore, clock: Clock
) -> None:
    release(control, take(control, ALICE, "run-1", "INC-1", LIMITS), "validated")
    clock.move(minutes=29)
    with pytest.raises(CoolingDown, match="run-1 of Alice for INC-1 ended at 2026-01-07 03:00:00 UTC \\(validated\\)"):
        take(control, BOB, "run-2", "INC-2", LIMITS)
    release(control, take(control, BOB, "run-2", "INC-1", LIMITS), "done")
    assert 3 == take(control, BOB, "run-3", "INC-2", LIMITS, cool_down_waived=True).token


def test_a_dead_owners_lock_is_taken_over_after_its_lease_and_its_late_writes_are_refused(
    control: ControlStore, clock: Clock
) -> None:
    dead = take(control, ALICE, "run-1", "INC-1", LIMITS)
    clock.move(seconds=119)
    with pytest.raises(LockHeld):
        take(control, BOB, "run-2", "INC-1", LIMITS)
    clock.move(seconds=1)
    lock = take(control, BOB, "run-2", "INC-1", LIMITS)
    assert (dead.token + 1, "run-1") == (lock.token, lock.taken_from.run if lock.taken_from else None)
    for late in (lambda: renew(control, dead, LIMITS), lambda: release(control, dead, "done")):
        with pytest.raises(Fenced):
            late()
    stands = control.in_force().run
    assert stands is not None
    assert ("run-2", None, "") == (stands.run, stands.ended_at, stands.outcome)
    assert ["run-1", "run-2"] == [row["run"] for row in control.table.query("RUN#INC-1")]


def test_a_released_lock_is_not_renewed(control: ControlStore) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", LIMITS)
    release(control, lock, "done")
    release(control, lock, "done")
    with pytest.raises(Fenced):
        renew(control, lock, LIMITS)


def test_of_many_who_take_it_at_once_one_does(table_world: Endpoint, table_name: str, clock: Clock) -> None:
    senders = [Plain(table_world) for _ in range(6)]
    together = threading.Barrier(len(senders))

    def try_it(number: int) -> Lock | str:
        together.wait()
        try:
            return take(store(senders[number], table_name, clock), ALICE, f"run-{number}", "INC-1", LIMITS)
        except LockHeld as refused:
            return refused.run.run

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
    with pytest.raises(LockHeld):
        take(control, ALICE, "run-1b", "INC-1", LIMITS)


BEAT = Execution(lease_s=3, cool_down_minutes=0)


def _now() -> datetime:
    return datetime.now(UTC)


def _wait_until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def test_the_heartbeat_keeps_the_lock_and_its_thread_ends_with_it(sender: Plain, table_name: str) -> None:
    control = store(sender, table_name, _now)
    first = take(control, ALICE, "run-beat", "INC-1", BEAT)
    with Heartbeat(control, first, BEAT) as heartbeat:
        _wait_until(lambda: heartbeat.lock.lease_until > first.lease_until)
        heartbeat.check()
    assert "heartbeat-run-beat" not in {thread.name for thread in threading.enumerate()}
    stands = control.in_force().run
    assert stands is not None
    assert stands.lease_until > first.lease_until


def test_a_run_whose_lock_was_taken_over_hears_of_it(sender: Plain, table_name: str) -> None:
    control = store(sender, table_name, _now)
    mine = take(control, ALICE, "run-1", "INC-1", BEAT)
    later = store(sender, table_name, lambda: _now() + timedelta(seconds=BEAT.lease_s))
    take(later, BOB, "run-2", "INC-1", BEAT)
    with Heartbeat(control, mine, BEAT) as heartbeat:
        _wait_until(lambda: heartbeat.lost)
        with pytest.raises(LockLost, match="run-1"):
            heartbeat.check()


def test_a_lock_that_cannot_be_renewed_is_lost_when_its_lease_ends_and_not_before(
    control: ControlStore, sender: Plain, clock: Clock
) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", BEAT)

    def unplugged(_call: Call) -> None:
        raise ConnectionError("unplugged")

    sender.before = unplugged
    with Heartbeat(control, lock, BEAT) as heartbeat:
        _wait_until(lambda: heartbeat.trouble)
        heartbeat.check()
        clock.move(seconds=BEAT.lease_s)
        with pytest.raises(LockLost, match="unplugged"):
            heartbeat.check()


def test_a_machine_that_slept_through_its_lease_has_lost_the_lock_before_any_beat(
    control: ControlStore, clock: Clock
) -> None:
    with Heartbeat(control, take(control, ALICE, "run-1", "INC-1", LIMITS), LIMITS) as heartbeat:
        clock.move(hours=1)
        with pytest.raises(LockLost, match="slept"):
            heartbeat.check()
