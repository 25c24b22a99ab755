"""One run at a time (T42): the lock in the control table, with a lease, a heartbeat and a fencing token.

``may_take`` is the rule, pure. Of two who take the lock at once the table's condition lets one through. A lock is taken
over only after its heartbeat was seen to stand still for a whole lease, by the steady clock of who watches: no moment
that another machine wrote is compared with a clock here. Each take raises the token: a run that lost the lock writes
nothing any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dr_actions.control_table.control import ControlStore, Fence, Fenced, MalformedItem
from dr_actions.control_table.table import ConditionFailed, Key, Put, Update, WriteCondition
from dr_estate.config.recovery_settings import Execution
from dr_estate.model.control_items import DRILL_LOCK, LOCK, RUN, RUNS, unreadable
from dr_estate.model.dynamodb_values import instant
from dr_estate.model.recovery_names import is_drill, is_trial
from dr_estate.readers.control_table import LockHolder, run_of

KEY = (LOCK, RUN)

# Each try answers a write of somebody else in between; three in a row are reported, not waited out.
_TRIES = 3
_SHORTEST_S = 0.01
_REPEATED_AFTER_S = 1.0
_LEAST_REAL_S = 5.0
_LOOKS = 9  # at a heartbeat within a lease, in which its owner beats three times


class LockDecision(StrEnum):
    """Whether the lock may be taken, and how."""

    FREE = "free"
    OURS = "ours"
    WATCH = "watch"
    TAKEOVER = "takeover"
    COOLING = "cooling"


class LockHeld(Exception):
    """Another run holds the lock: its heartbeat moved while it was watched. Carries it."""

    def __init__(self, run: LockHolder) -> None:
        super().__init__(
            f"Run {run.run} of {run.person} ({run.arn}) is at work on {run.incident} since {_clock(run.taken_at)}; its "
            f"heartbeat of {_clock(run.heartbeat_at)} came while this command watched. Let it finish, or ask "
            f"{run.person} to stop it: `dr_cli.py log --incident {run.incident}` shows how far it is, and `dr_cli.py "
            "pause` stops all runs between two calls. If it dies, run the same command: it takes the lock over once "
            "no heartbeat has come for a whole lease."
        )
        self.run = run


# The gates of the lock.
HELD, COOL_DOWN = "lock.held", "lock.cool-down"


class CoolingDown(Exception):
    """A run of another incident ended a short while ago. Carries it, and when the cool-down is over."""

    def __init__(self, run: LockHolder, until: datetime) -> None:
        super().__init__(
            f"Run {run.run} of {run.person} for {run.incident} ended at {_clock(end_time(run))} "
            f"({run.outcome or 'without a word: its lease ran out'}). Another incident may start at {_clock(until)}. "
            f"If this is the same event, go on with --incident {run.incident}."
        )
        self.run, self.until = run, until


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose run it is: the person, and the identity that AWS knows."""

    person: str
    arn: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock as this run holds it. ``taken_from`` is the dead run it was taken over from, None where it was free.

    ``beat_s`` is when its last heartbeat was sent, by the steady clock of this process (seconds of the world).
    ``recoveries`` as in ``Fence``.
    """

    run: str
    incident: str
    owner: Owner
    token: int
    lease_until: datetime
    beat_s: float
    taken_from: LockHolder | None = None
    recoveries: int | None = None

    @property
    def key(self) -> Key:
        """The key of its item: trials have a lock of their own."""
        return key_of(self.incident)

    @property
    def fence(self) -> Fence:
        """What the run's writes are checked against."""
        return Fence(self.run, self.token, self.recoveries)


def key_of(incident: str) -> Key:
    """The key of the lock that a run for ``incident`` takes: a driller's keys write nowhere that a recovery locks."""
    return (DRILL_LOCK, RUN) if is_trial(incident) else KEY


def lease_of(limits: Execution, speed: float) -> float:
    """The lease in seconds of a world that runs at ``speed``: no fewer than five real ones where that is fast.

    The machine that has to send a heartbeat is no faster for it.
    """
    return max(float(limits.lease_s), _LEAST_REAL_S * speed if speed > 1 else 0.0)


def end_time(run: LockHolder) -> datetime:
    """When the run ended; one that died ended when its lease did."""
    return run.ended_at or run.lease_until


def cool_down_until(run: LockHolder, limits: Execution) -> datetime:
    """When a run of another incident may start: the cool-down counts from the end."""
    return end_time(run) + timedelta(minutes=limits.cool_down_minutes)


def cool_down_end(last: LockHolder | None, now: datetime, incident: str, limits: Execution) -> datetime | None:
    """When a run for ``incident`` may start that the cool-down of ``last`` holds up; None where it holds up none."""
    if last is None or may_take(last, now, "", incident, limits, stood_still=True) is not LockDecision.COOLING:
        return None
    return cool_down_until(last, limits)


def may_take(
    last: LockHolder | None, now: datetime, run: str, incident: str, limits: Execution, stood_still: bool = False
) -> LockDecision:
    """Whether ``run`` for ``incident`` may take the lock that ``last`` holds or held.

    ``stood_still``: its heartbeat was watched for a whole lease and did not move. Until then a run that has not ended
    is to be watched.

    An emergency waits for no practice: a trial at work, which touches nothing of the estate, gives way at once, and
    after a drill there is no cool-down.
    """
    if last is None:
        return LockDecision.FREE
    if last.ended_at is None and last.run == run:
        return LockDecision.OURS
    if last.ended_at is None and not stood_still:
        return LockDecision.TAKEOVER if is_trial(last.incident) and not is_drill(incident) else LockDecision.WATCH
    if last.incident != incident and not is_drill(last.incident) and now < cool_down_until(last, limits):
        return LockDecision.COOLING
    return LockDecision.FREE if last.ended_at else LockDecision.TAKEOVER


def _ignore_message(_message: str) -> None:
    """Nobody hears how long a heartbeat is watched."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How a lock is watched that another run holds: who hears of it, and what ends it early (Ctrl-C)."""

    listener: Callable[[str], None] = _ignore_message
    stop: threading.Event = field(default_factory=threading.Event)


def take(
    control: ControlStore,
    owner: Owner,
    run: str,
    incident: str,
    limits: Execution,
    cool_down_waived: bool = False,
    watch: Watch | None = None,
) -> Lock:
    """Take the lock for ``run``, whose id is new for each process.

    Raises LockHeld, CoolingDown, KeyboardInterrupt, MalformedItem. Where another run holds it, its heartbeat is
    watched, for a whole lease at most. ``cool_down_waived``: the cool-down was overridden by name.
    """
    limits = limits.model_copy(update={"cool_down_minutes": 0}) if cool_down_waived else limits
    still: LockHolder | None = None
    key, watch = key_of(incident), watch or Watch()
    # Before the trial's own lock: a recovery that begins later raises the token, and the fence refuses the trial.
    recoveries = _last_recovery(control, run, incident, limits, watch) if key != KEY else None
    for _ in range(_TRIES):
        item: Mapping[str, Any] | None = control.table.get(key)
        last = _holder(item)
        leave = may_take(last, control.now(), run, incident, limits, stood_still=still is not None and last == still)
        if last and leave is LockDecision.WATCH:
            item = _watch_heartbeat(control, key, item, limits, watch)
            last = still = _holder(item)
            leave = may_take(last, control.now(), run, incident, limits, stood_still=True)
        if last and leave is LockDecision.COOLING:
            raise CoolingDown(last, cool_down_until(last, limits))
        # Before the write: who watches counts a lease from its arrival, which is no earlier.
        now, beat_s = control.now(), control.clock.monotonic()
        until = now + timedelta(seconds=limits.lease_s)
        if last and leave is LockDecision.OURS:  # its answer was lost
            return renew(control, Lock(run, incident, owner, last.token, until, beat_s, None, recoveries), limits)
        token, before = last.token + 1 if last else 1, last if leave is LockDecision.TAKEOVER else None
        lock = Lock(run, incident, owner, token, until, beat_s, before, recoveries)
        try:
            listed = Put({"pk": RUNS + lock.incident, "sk": lock.run, **_as_item(lock, now)})
            control.write([_lock_put(lock, now, item), listed])
        except ConditionFailed:
            continue
        return lock
    raise ConditionFailed((0,))


def _last_recovery(control: ControlStore, run: str, incident: str, limits: Execution, watch: Watch) -> int:
    """The token of the last recovery that is over and cooled down, 0 without one. Raises as ``take``."""
    item: Mapping[str, Any] | None = control.table.get(KEY)
    last = _holder(item)
    if may_take(last, control.now(), run, incident, limits) is LockDecision.WATCH:
        last = _holder(_watch_heartbeat(control, KEY, item, limits, watch))
    if may_take(last, control.now(), run, incident, limits, stood_still=True) is LockDecision.COOLING and last:
        raise CoolingDown(last, cool_down_until(last, limits))
    return last.token if last else 0


def _holder(item: Mapping[str, Any] | None) -> LockHolder | None:
    """The run of the lock's item. Raises MalformedItem."""
    if item is None:
        return None
    if odd := unreadable(item):
        raise MalformedItem(odd)
    return run_of(item)


def _watch_heartbeat(
    control: ControlStore, key: Key, item: Mapping[str, Any] | None, limits: Execution, watch: Watch
) -> Mapping[str, Any] | None:
    """The lock's item once its run showed no heartbeat for a whole lease, its own or ours, or has ended.

    Raises LockHeld as soon as the heartbeat moves, KeyboardInterrupt where the watch is ended.
    """
    clock, run = control.clock, _holder(item)
    if run is None:
        return item
    # The longer of both leases: the other run may have been started with another setting.
    lease_s = max(lease_of(limits, clock.speed), (run.lease_until - run.heartbeat_at).total_seconds())
    since_s = clock.monotonic()  # after the first look: a heartbeat that came before it is not waited for again
    watch.listener(_waits(run, control.now() + timedelta(seconds=lease_s)))
    while True:
        still_s = clock.monotonic() - since_s
        if still_s >= lease_s:
            return item
        if still_s >= _REPEATED_AFTER_S:
            watch.listener(f"No heartbeat of run {run.run} for {still_s:.0f} of {lease_s:.0f} s.")
        if clock.wait(watch.stop, min(lease_s / _LOOKS, max(lease_s - still_s, _SHORTEST_S))):
            raise KeyboardInterrupt
        item = control.table.get(key)
        last = _holder(item)
        if last is None or last.ended_at is not None:
            return item
        if (last.token, last.heartbeat_at) != (run.token, run.heartbeat_at):
            raise LockHeld(last)


def _waits(run: LockHolder, until: datetime) -> str:
    """Say who holds the lock, until when this run waits for it, and how to stop."""
    return (
        f"Run {run.run} of {run.person} ({run.arn}) holds the lock for {run.incident} since {_clock(run.taken_at)}. "
        f"This command waits for its next heartbeat, until {_clock(until)} at most: if one comes, that run is alive, "
        "and this command ends and changes nothing; if none comes, it takes the lock over. Ctrl-C stops waiting."
    )


def renew(control: ControlStore, lock: Lock, limits: Execution) -> Lock:
    """The heartbeat: the lock with a new lease. Raises Fenced where it was taken over or released."""
    now, beat_s = control.now(), control.clock.monotonic()
    until = now + timedelta(seconds=limits.lease_s)
    values = {"heartbeat_at": instant(now), "lease_until": instant(until)}
    # `ended_at` too: a heartbeat under way must not revive a run that was released.
    try:
        not_ended = _own_lock_condition(lock, " AND #ended_at = :none", {"none": ""})
        control.table.update(Update(lock.key, values, not_ended))
    except ConditionFailed as refused:
        raise _lock_loss(control, lock) from refused
    return replace(lock, lease_until=until, beat_s=beat_s)


def release(control: ControlStore, lock: Lock, outcome: str) -> None:
    """End the run: the cool-down counts from now. Raises Fenced where another run took the lock over."""
    values = {"ended_at": instant(control.now()), "outcome": outcome}
    # UpdateItem makes the item where there is none (DynamoDB API Reference): the condition keeps it from that.
    listed = Update((RUNS + lock.incident, lock.run), values, WriteCondition("attribute_exists(#pk)"))
    try:
        control.write([Update(lock.key, values, _own_lock_condition(lock)), listed])
    except ConditionFailed as refused:
        raise _lock_loss(control, lock) from refused


def _lock_put(lock: Lock, now: datetime, before: Mapping[str, Any] | None) -> Put:
    item = {"pk": lock.key[0], "sk": lock.key[1], **_as_item(lock, now)}
    if before is None:
        return Put(item, WriteCondition("attribute_not_exists(#pk)"))
    # One of the three differs after a heartbeat, an end or another take since the read.
    names = ("token", "heartbeat_at", "ended_at")
    text = " AND ".join(f"#{name} = :{name}" for name in names)
    return Put(item, WriteCondition(text, {name: before[name] for name in names}))


def _as_item(lock: Lock, now: datetime) -> dict[str, Any]:
    return {
        "run": lock.run,
        "person": lock.owner.person,
        "arn": lock.owner.arn,
        "incident": lock.incident,
        "token": lock.token,
        "taken_at": instant(now),
        "heartbeat_at": instant(now),
        "lease_until": instant(lock.lease_until),
        "ended_at": "",
        "outcome": "",
    }


def _own_lock_condition(lock: Lock, more: str = "", values: Mapping[str, Any] | None = None) -> WriteCondition:
    check = lock.fence.checks()[0].when
    return WriteCondition(check.text + more, {**check.values, **(values or {})})


def _lock_loss(control: ControlStore, lock: Lock) -> Fenced:
    """Why the lock is no longer this run's."""
    odd = unreadable(control.table.get(lock.key) or {"pk": lock.key[0], "sk": lock.key[1]})
    if odd is not None:
        return Fenced(f"Run {lock.run} cannot prove that it holds the lock. {odd.says}")
    return Fenced(f"Run {lock.run} no longer holds the lock: it was taken over by another run, or released.")


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
