"""What a run has in its hands: plan, clearance, journal, lock, eyes and clock; how it naps, looks and is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from dr_actions.authorization.clearance import Clearance
from dr_actions.clients.mutating_client import Hands
from dr_actions.guard.context import GuardContext
from dr_actions.journal.journal import Entry, Journal, Kind, State
from dr_actions.model.action import Sight, Verb, Workshop
from dr_actions.model.plan import Plan, Step
from dr_actions.planning.planner import sight_of
from dr_estate.config.environment import Environment
from dr_estate.model.unseen import CannotSee
from dr_estate.reading.reader import Followed
from dr_estate.snapshot.snapshot import Snapshot


class Cause(StrEnum):
    """Why a step failed.

    FAILED: AWS or the guard answered no. GATE: its work was done, and a gate of its stage did not hold. CHANGED:
    somebody else changed its subject (T43). LATE: not done in its time. UNSEEN: not seen in its time. HALTED: the run
    must not go on. The last three say nothing against what was sent, so nothing is taken back for them.
    """

    FAILED = "failed"
    GATE = "gate"
    CHANGED = "changed"
    LATE = "late"
    UNSEEN = "unseen"
    HALTED = "halted"


CONTRADICTIONS = frozenset({Cause.FAILED, Cause.GATE, Cause.CHANGED})
OVERDUE = frozenset({Cause.LATE, Cause.UNSEEN})


class StepFailed(Exception):
    """A step could not be taken; the run ends here. ``step`` is its id."""

    def __init__(self, step: str, why: str, cause: Cause = Cause.FAILED) -> None:
        super().__init__(why)
        self.step, self.cause = step, cause


class ManualPending(StepFailed):
    """A step that a person takes was not taken in time. Nothing is undone: the same command goes on from here."""


class Stopped(Exception):
    """The operator asked the run to stop; it stopped between two calls."""


class LookFailed(Exception):
    """The eyes could not look at all (no region proved the account)."""


class Tell(Protocol):
    """Who hears how a run goes: the terminal, a log, a test."""

    def begins(self, steps: Sequence[Step]) -> None:
        """These steps are next."""
        ...

    def waits(self, step: Step, age_s: float, limit_s: float, says: str) -> None:
        """A step is under way for ``age_s`` seconds; after ``limit_s`` it is given up."""
        ...

    def done(self, step: Step, says: str) -> None:
        """A step is as wanted."""
        ...

    def degraded(self, step_id: str, why: str) -> None:
        """A step failed, and the run goes on without it."""
        ...

    def by_hand(self, step: Step) -> None:
        """A person is to make the change of this step now."""
        ...

    def note(self, sentence: str) -> None:
        """Anything else worth saying."""
        ...

    def confirm(self, step: Step, stop: threading.Event) -> bool:
        """Ask the operator to type the subject of an irreversible step; whether that was done.

        The question ends when ``stop`` is set, and sets it where nobody can answer any more.
        """
        ...


Looking = Callable[[frozenset[str], "Snapshot | None"], Snapshot]


@dataclass
class Run:
    """One execution of one plan. ``look`` reads parts of the snapshot anew, upon an earlier one.

    ``workshop`` is where a step that runs a program (Terraform) finds what it needs. ``held`` raises where the lock is
    not ours any more; ``standing_order`` says who paused all runs, "" where nobody;
    ``stop_condition`` why this one is to stop (a drill's alarm), "" while it is not. ``seen`` is what the guard knows
    of the snapshots so far.
    """

    env: Environment
    plan: Plan
    clearance: Clearance
    hands: Hands[GuardContext]
    journal: Journal
    look: Looking
    tell: Tell
    clock: Callable[[], datetime]
    held: Callable[[], None]
    standing_order: Callable[[], str]
    snapshot: Snapshot
    workshop: Workshop
    stop_condition: Callable[[], str] = str
    confirmed: frozenset[str] = frozenset()
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    set_aside: Mapping[str, str] = field(default_factory=dict)
    only_tenants: frozenset[str] = frozenset()
    witnessed_at: datetime | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    seen: GuardContext = field(init=False)

    def __post_init__(self) -> None:
        self.seen = GuardContext.upon(self.snapshot, self.env)

    def guard_context(self, allowed: frozenset[str]) -> GuardContext:
        """What the guard weighs a call of ``allowed`` by, from what is seen and on record now."""
        return self.seen.before_call(allowed, self.plan, self.journal.entries)

    @property
    def manual_wait(self) -> timedelta:
        """How long a person may take for a step."""
        return timedelta(minutes=self.env.execution.manual_wait_minutes)

    def sight(self, verb: Verb) -> Sight:
        """What ``verb`` decides from, its own parts read just now. Raises LookFailed."""
        return self.sight_after(frozenset(verb.watches))

    def sight_after(self, parts: frozenset[str]) -> Sight:
        """What is seen with ``parts`` read just now; the others as they were. Raises LookFailed."""
        sent, changes = self._sent_at(), self._made("change")
        if parts:
            try:
                self.snapshot = self.look(parts, self._following(sent, changes))
            except CannotSee as blind:
                raise LookFailed(str(blind)) from blind
            self.seen = self.seen.having_seen(self.snapshot)  # what a trial has made meanwhile is its own
        sight = sight_of(self.env, self.snapshot, self.plan.goal, self.only_tenants, self.clearance.incident)
        sight = replace(sight, sent_at=sent, recorded=self.recorded, set_aside=self.set_aside, changes=changes)
        return replace(sight, deployments=self._made("deployment"))

    def _following(self, sent: Mapping[str, datetime], changes: Mapping[str, str]) -> Snapshot:
        """The snapshot, with what the eyes cannot know by themselves: the changes and names that are followed now.

        A person's change is followed from when it was seen: until then nobody is asked about it.
        """
        steps = [step for step in self.plan.steps if self.journal.state_of(step.id) is not State.DONE]
        named = {name for step in steps if step.id in sent or not step.manual for name in step.after.get("asks", ())}
        change_ids = {changes[step.id] for step in steps if step.id in changes}
        return replace(self.snapshot, followed=Followed(tuple(sorted(change_ids)), tuple(sorted(named))))

    def _made(self, key: str) -> dict[str, str]:
        """The id of what each step's last call of this plan made, as the journal has it under ``key``.

        A ``change`` is one that Route 53 took, a ``deployment`` one of an ECS service. A step that failed is tried
        anew: what it made earlier says nothing of the next try.
        """
        ids: dict[str, str] = {}
        for entry in self.journal.entries:
            if entry.kind is Kind.BEGIN:
                ids.clear()
            elif entry.step and entry.kind in (Kind.UNDONE, Kind.FAILED):
                ids.pop(entry.step, None)
            elif entry.step and entry.kind is Kind.OUTCOME and key in entry.data:
                ids[entry.step] = str(entry.data[key])
        return ids

    def _sent_at(self) -> dict[str, datetime]:
        """When the last call of each step of this plan took effect, or was seen done by hand, as the journal has it."""
        sent: dict[str, datetime] = {}
        for entry in self.journal.entries:
            if entry.kind is Kind.BEGIN:
                sent.clear()
            elif entry.step and _went_well(entry):
                sent[entry.step] = entry.at
            elif entry.step and entry.kind in (Kind.MANUAL_WAIT, Kind.UNDONE):
                sent.pop(entry.step, None)
        return sent

    def stop_if_asked(self) -> None:
        """Raises Stopped once the operator asked for it, and LockLost or Fenced once the lock is not ours."""
        if self.stop.is_set():
            raise Stopped
        self.held()

    def nap(self) -> None:
        """Wait for the next look; wakes at once, and raises, when the operator stops the run."""
        self.stop.wait(self.env.execution.poll_s)
        self.stop_if_asked()

    def pause(self, attempt: int) -> None:
        """Wait before trying again: twice as long each time, a minute at most."""
        self.stop.wait(min(0.2 * 2**attempt, 60.0))
        self.stop_if_asked()


def _went_well(entry: Entry) -> bool:
    seen = entry.kind is Kind.MANUAL_DONE or (entry.kind is Kind.LOOKED and entry.data.get("took_effect") is True)
    return seen or (entry.kind is Kind.OUTCOME and entry.data.get("result") == "sent")
