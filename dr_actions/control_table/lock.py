"""One run at a time (T42): the lock in the control table, with a lease, a heartbeat and a fencing token.

``may_take`` is the rule, pure. Of two who take the lock at once the table's condition lets one through. A lock is taken
over only when its lease is over, and each take raises the token: a run that lost the lock writes nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dr_actions.control_table.control import ControlStore, Fence, Fenced
from dr_actions.control_table.table import ConditionFailed, Put, Update, WriteCondition
from dr_estate.config.recovery_settings import Execution
from dr_estate.model.drill_names import is_drill, is_trial
from dr_estate.model.dynamodb_values import instant
from dr_estate.readers.control_table import LOCK, RUN, LockHolder, run_of

KEY = (LOCK, RUN)
RUNS = "RUN#"

_TRIES = 3


class LockDecision(StrEnum):
    """Whether the lock may be taken, and how."""

    FREE = "free"
    OURS = "ours"
    TAKEOVER = "takeover"
    HELD = "held"
    COOLING = "cooling"


class LockHeld(Exception):
    """Another run holds the lock. Carries it."""

    def __init__(self, run: LockHolder, now: datetime) -> None:
        left_s = max(0, round((run.lease_until - now).total_seconds()))
        super().__init__(
            f"Run {run.run} of {run.person} ({run.arn}) is at work on {run.incident} since {_clock(run.taken_at)}; its "
            f"last heartbeat was at {_clock(run.heartbeat_at)}. Let it finish, or ask {run.person} to stop it. If it "
            f"died, its lock can be taken over in {left_s} s, when its lease is over: run the same command then."
        )
        self.run = run


class CoolingDown(Exception):
    """A run of another incident ended a short while ago. Carries it, and when the cool-down is over."""

    def __init__(self, run: LockHolder, until: datetime) -> None:
        super().__init__(
            f"Run {run.run} of {run.person} for {run.incident} ended at {_clock(ended_at(run))} "
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
    """The lock as this run holds it. ``taken_from`` is the dead run it was taken over from, None where it was free."""

    run: str
    incident: str
    owner: Owner
    token: int
    lease_until: datetime
    taken_from: LockHolder | None = None

    @property
    def fence(self) -> Fence:
        """What the run's writes are checked against."""
        return Fence(self.run, self.token)


def ended_at(run: LockHolder) -> datetime:
    """When the run ended; one that died ended when its lease did."""
    return run.ended_at or run.lease_until


def cool_down_until(run: LockHolder, limits: Execution) -> datetime:
    """When a run of another incident may start: the cool-down counts from the end."""
    return ended_at(run) + timedelta(minutes=limits.cool_down_minutes)


def may_take(last: LockHolder | None, now: datetime, run: str, incident: str, limits: Execution) -> LockDecision:
    """Whether ``run`` for ``incident`` may take the lock that ``last`` holds or held.

    An emergency waits for no practice: a trial at work, which touches nothing of the estate, gives way at once, and
    after a drill there is no cool-down.
    """
    if last is None:
        return LockDecision.FREE
    if last.ended_at is None and last.run == run:
        return LockDecision.OURS
    if last.holds(now):
        return LockDecision.TAKEOVER if is_trial(last.incident) and not is_drill(incident) else LockDecision.HELD
    if last.incident != incident and not is_drill(last.incident) and now < cool_down_until(last, limits):
        return LockDecision.COOLING
    return LockDecision.FREE if last.ended_at else LockDecision.TAKEOVER


def take(
    control: ControlStore, owner: Owner, run: str, incident: str, limits: Execution, cool_down_waived: bool = False
) -> Lock:
    """Take the lock for ``run``, whose id is new for each process. Raises LockHeld, CoolingDown.

    ``cool_down_waived``: the cool-down was overridden by name.
    """
    if cool_down_waived:
        limits = limits.model_copy(update={"cool_down_minutes": 0})
    for _ in range(_TRIES):
        item = control.table.get(KEY)
        last = run_of(item) if item else None
        now = control.now()
        leave = may_take(last, now, run, incident, limits)
        if last and leave is LockDecision.HELD:
            raise LockHeld(last, now)
        if last and leave is LockDecision.COOLING:
            raise CoolingDown(last, cool_down_until(last, limits))
        if last and leave is LockDecision.OURS:  # its answer was lost
            return renew(control, Lock(run, incident, owner, last.token, last.lease_until), limits)
        until = now + timedelta(seconds=limits.lease_s)
        token = last.token + 1 if last else 1
        lock = Lock(run, incident, owner, token, until, last if leave is LockDecision.TAKEOVER else None)
        try:
            control.write([_taken(lock, now, item), _listed(lock, now)])
        except ConditionFailed:
            continue
        return lock
    raise ConditionFailed((0,))


def renew(control: ControlStore, lock: Lock, limits: Execution) -> Lock:
    """The heartbeat: the lock with a new lease. Raises Fenced where it was taken over or released."""
    now = control.now()
    until = now + timedelta(seconds=limits.lease_s)
    values = {"heartbeat_at": instant(now), "lease_until": instant(until)}
    try:
        control.table.update(Update(KEY, values, _mine(lock, " AND #ended_at = :none", {"none": ""})))
    except ConditionFailed as refused:
        raise _lost(lock) from refused
    return replace(lock, lease_until=until)


def release(control: ControlStore, lock: Lock, outcome: str) -> None:
    """End the run: the cool-down counts from now. Raises Fenced where another run took the lock over."""
    values = {"ended_at": instant(control.now()), "outcome": outcome}
    listed = Update((RUNS + lock.incident, lock.run), values, WriteCondition("attribute_exists(#pk)"))
    try:
        control.write([Update(KEY, values, _mine(lock)), listed])
    except ConditionFailed as refused:
        raise _lost(lock) from refused


def _taken(lock: Lock, now: datetime, before: Mapping[str, Any] | None) -> Put:
    item = {"pk": LOCK, "sk": RUN, **_as_item(lock, now)}
    if before is None:
        return Put(item, WriteCondition("attribute_not_exists(#pk)"))
    names = ("token", "heartbeat_at", "ended_at")
    unchanged = WriteCondition(
        " AND ".join(f"#{name} = :{name}" for name in names), {name: before[name] for name in names}
    )
    return Put(item, unchanged)


def _listed(lock: Lock, now: datetime) -> Put:
    return Put({"pk": RUNS + lock.incident, "sk": lock.run, **_as_item(lock, now)})


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


def _mine(lock: Lock, more: str = "", values: Mapping[str, Any] | None = None) -> WriteCondition:
    check = lock.fence.check().when
    return WriteCondition(check.text + more, {**check.values, **(values or {})})


def _lost(lock: Lock) -> Fenced:
    return Fenced(f"Run {lock.run} no longer holds the lock: it was taken over by another run, or released.")


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
