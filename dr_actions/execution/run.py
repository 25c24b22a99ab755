"""State of one plan execution: plan, clearance, journal, lock, readers and clock; how it waits, reads and is stopped.

What a step decides from is read just now, or stands in the plan and the journal: so another process, on another
machine, goes on from the same point. A stop is heard in every wait and before every call, never within one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from dr_actions.authorization.clearance import Clearance
from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.guard.context import GuardContext, begin_time, confirmations
from dr_actions.journal.entries import Entry, EntryKind, RecordedState, of_last_plan
from dr_actions.journal.journal import Journal
from dr_actions.model.action import Action, PlanContext, ProgramContext
from dr_actions.model.gates import accepted_gates
from dr_actions.model.plan import Call, Goal, Plan, Step
from dr_actions.planning.planner import context_of
from dr_estate.aws.clock import WorldClock
from dr_estate.aws.pace import Pace
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import is_trial
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.reading.reader import TrackedChanges
from dr_estate.snapshot.snapshot import Snapshot


class FailureCause(StrEnum):
    """Why a step failed.

    FAILED: AWS or the guard answered no. GATE: its work was done, and a gate of its stage did not hold. DRIFTED:
    somebody else changed its subject (T43). LATE: nothing of it moved for its time. UNDER_WAY: AWS works on it still,
    and it holds nothing up, or a person gave up the wait. UNAVAILABLE: not seen in its time. HALTED: the run
    must not go on. POSTURE: the estate stands otherwise than a run of this goal may begin a change in. The last five
    say nothing against what was sent, so nothing is taken back for them.
    """

    FAILED = "failed"
    GATE = "gate"
    DRIFTED = "changed"
    LATE = "late"
    UNDER_WAY = "under way"
    UNAVAILABLE = "unseen"
    HALTED = "halted"
    POSTURE = "posture"


ALL_SIDES = frozenset(Side)
CONTRADICTIONS = frozenset({FailureCause.FAILED, FailureCause.GATE, FailureCause.DRIFTED})
OVERDUE = frozenset({FailureCause.LATE, FailureCause.UNDER_WAY, FailureCause.UNAVAILABLE})


class StepFailed(Exception):
    """A step could not be taken; the run ends here. ``step`` is its id."""

    def __init__(self, step: str, reason: str, cause: FailureCause = FailureCause.FAILED) -> None:
        super().__init__(reason)
        self.step, self.cause = step, cause

    def add(self, sentence: str) -> None:
        """Say one sentence more of why; "" is none."""
        if sentence:
            self.args = (f"{str(self).rstrip('.')}. {sentence}",)


class ManualPending(StepFailed):
    """A step that a person takes was not taken in time. Nothing is undone: the same command goes on from here."""


class NotConfirmed(StepFailed):
    """An irreversible step was not confirmed. ``steps``: itself and those to come, where nobody could be asked."""

    def __init__(self, step: Step, steps: Sequence[str]) -> None:
        message = f"authority.irreversible: {step.id} was not confirmed: {step.says}"
        super().__init__(step.id, message, FailureCause.HALTED)
        self.steps = tuple(steps)


class CredentialsLost(Exception):
    """No new credentials came in time. Nothing is undone: the same command goes on from here."""


class RunStopped(Exception):
    """The operator asked the run to stop; it stopped between two calls."""


class ReadFailed(Exception):
    """The read client could not read anything (no region proved the account)."""


class RunListener(Protocol):
    """Who hears how a run goes: the terminal, a log, a test."""

    def begins(self, steps: Sequence[Step]) -> None:
        """These steps are next."""
        ...

    def waits(self, step: Step, age_s: float, limit_s: float, message: str) -> None:
        """A step is under way for ``age_s`` seconds; at the age of ``limit_s`` it is given up if nothing moves."""
        ...

    def done(self, step: Step, message: str) -> None:
        """A step is as wanted."""
        ...

    def degraded(self, step_id: str, reason: str) -> None:
        """A step failed, and the run goes on without it."""
        ...

    def by_hand(self, step: Step, unread: str = "") -> None:
        """A person is to make the change of this step now, and to compare it first where ``unread`` says why."""
        ...

    def note(self, sentence: str) -> None:
        """Anything else worth saying."""
        ...

    def gives_up(self, step: Step, reason: str, stop: threading.Event) -> bool:
        """Ask the operator whether to wait no longer for a step that is still under way; False where nobody answers."""
        ...

    def confirm(self, step: Step, stop: threading.Event) -> bool | None:
        """Ask the operator to type the subject of an irreversible step; whether that was done. None: nobody is there.

        The question ends when ``stop`` is set, and sets it where nobody can answer any more.
        """
        ...


class CredentialRecovery(Protocol):
    """Waits for new credentials where a run lost its own."""

    @property
    def lost_s(self) -> float:
        """Seconds that this run has waited for credentials so far."""
        ...

    def recover(self) -> bool:
        """Wait until AWS takes the credentials again, where it does not; whether they were lost.

        Raises CredentialsLost where none came in time, RunStopped, LockLost.
        """
        ...


class NeverLost:
    """The credential recovery of a caller that does not wait for credentials."""

    lost_s = 0.0

    def recover(self) -> bool:
        """Nothing is waited for."""
        return False


ReportWrites = Callable[[datetime | None, datetime | None], None]
ReadParts = Callable[[frozenset[str], "Snapshot | None", frozenset[Side]], Snapshot]


@dataclass
class PlanRun:
    """One execution of one plan.

    ``read`` reads parts of the snapshot again, based on an earlier snapshot, on some sides. ``program_context`` is
    where a step that runs a program (Terraform) finds what it needs. ``check_lock`` raises where this run no longer
    holds the lock; ``pause_reason`` says who paused all runs, "" where nobody; ``stop_condition`` why this run is to
    stop (a drill's alarm), "" while it is not. ``seen`` is what the guard knows of the snapshots so far. ``sign_in``
    waits for lost credentials. ``pace`` holds calls to AWS's published rates, None where nothing throttles (a sandbox);
    ``paced_s`` is how long that has taken so far. ``rto_ends_at`` is when the recovery time objective is over, None
    where no outage is known; ``estimate_s`` says how long these steps take. ``started_by_aws``: it is a task that AWS
    started, nobody sits at it, and another needs another approval. ``awaits_rest``: all else is done. ``person`` is who
    runs it, and confirms. ``no_writes_since`` is when nobody can write any more; ``report_writes`` hears that, from
    when on others are to notify people of it, and None, None once all can write again. ``fence_began_s`` is when the
    first step of the old primary's fence began, by the clock; ``fence_weighed`` whether its result was judged.
    """

    env: Environment
    plan: Plan
    clearance: Clearance
    client: MutatingClient[GuardContext]
    journal: Journal
    read: ReadParts
    listener: RunListener
    clock: WorldClock
    check_lock: Callable[[], None]
    pause_reason: Callable[[], str]
    snapshot: Snapshot
    program_context: ProgramContext
    stop_condition: Callable[[], str] = str
    confirmed: frozenset[str] = frozenset()
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    renamed_databases: Mapping[str, str] = field(default_factory=dict)
    only_tenants: frozenset[str] = frozenset()
    witnessed_at: datetime | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    sign_in: CredentialRecovery = field(default_factory=NeverLost)
    pace: Pace | None = None
    paced_s: float = 0.0
    rto_ends_at: datetime | None = None
    estimate_s: Callable[[Sequence[Step]], float] = lambda _steps: 0.0
    started_by_aws: bool = False
    awaits_rest: bool = False
    person: str = "the operator"
    no_writes_since: datetime | None = None
    report_writes: ReportWrites = lambda _since, _alarm_from: None
    fence_began_s: float | None = None
    fence_weighed: bool = False
    seen: GuardContext = field(init=False)

    def __post_init__(self) -> None:
        self.seen = GuardContext.upon(self.snapshot, self.env)

    def guard_context(self, allowed: Set[str]) -> GuardContext:
        """What the guard weighs a call of ``allowed`` by, from what is seen and on record now."""
        return self.seen.before_call(allowed, self.plan, self.journal.entries)

    def endangers_rto(self, step: Step) -> bool:
        """Whether what comes after ``step`` takes longer than is left of the recovery time objective."""
        if self.rto_ends_at is None:
            return False
        steps = self.plan.steps
        later = [other for other in steps[steps.index(step) + 1 :] if other.action != step.action]
        return self.clock.now() + timedelta(seconds=self.estimate_s(later)) > self.rto_ends_at

    def context(self, action: Action, sides: frozenset[Side] = ALL_SIDES) -> PlanContext:
        """What ``action`` decides from, its own parts read just now. Raises ReadFailed."""
        return self.context_with(frozenset(action.reads_parts), sides)

    def context_with(self, parts: frozenset[str], sides: frozenset[Side] = ALL_SIDES) -> PlanContext:
        """What is seen with ``parts`` read on ``sides`` just now; the others as they were. Raises ReadFailed."""
        # From the journal, not from memory: a run that another process continues must decide alike.
        sent, changes = self._send_times(), self._created_ids("change")
        if parts:
            try:
                self.snapshot = self.read(parts, self._snapshot_with_changes(sent, changes), sides)
            except DataUnavailable as error:
                raise ReadFailed(str(error)) from error
            self.seen = self.seen.with_snapshot(self.snapshot)  # what a trial has made meanwhile is its own
        context = context_of(self.env, self.snapshot, self.plan.goal, self.only_tenants, self.clearance.incident)
        entries = self.journal.entries
        return replace(
            context,
            sent_at=sent,
            begun_sending_at=self._first_send_times(),
            recorded=self.recorded,
            renamed_databases=self.renamed_databases,
            changes=changes,
            deployments=self._created_ids("deployment"),
            accepted=accepted_gates(self.clearance.overrides, self.clock.now()),
            journal_head=self.journal.head,
            rules=self.clearance.rules,
            begun_at=begin_time(entries),
            tasks=self._created_ids("task"),
            confirmed_at={step: entry.at for step, entry in confirmations(entries).items()},
            confirmed_facts={step: entry.data.get("facts", {}) for step, entry in confirmations(entries).items()},
        )

    def _snapshot_with_changes(self, sent: Mapping[str, datetime], changes: Mapping[str, str]) -> Snapshot:
        """The snapshot, with what the readers cannot know by themselves: the changes and names that are followed now.

        A person's change is followed from when it was seen: until then nobody is asked about it.
        """
        steps = [step for step in self.plan.steps if self.journal.state_of(step.id) is not RecordedState.DONE]
        named = {name for step in steps if step.id in sent or not step.manual for name in step.after.get("asks", ())}
        change_ids = {changes[step.id] for step in steps if step.id in changes}
        families = {str(step.before["marked by"]) for step in self.plan.steps if "marked by" in step.before}
        tables = {str(step.before["marked table"]) for step in self.plan.steps if "marked table" in step.before}
        trial = self.clearance.incident if is_trial(self.clearance.incident) else ""
        ids = [tuple(sorted(known)) for known in (change_ids, named, families, tables)]
        tracked = TrackedChanges(ids[0], ids[1], ids[2], ids[3], trial, self.plan.goal is Goal.FAILBACK)
        return replace(self.snapshot, followed=tracked)

    def _created_ids(self, key: str) -> dict[str, str]:
        """Return the id of what each step's last call of this plan created, as the journal has it under ``key``.

        A ``change`` is a change that Route 53 took, a ``deployment`` that of an ECS service, a ``task`` its ARN. A step
        that failed is tried again: what it created earlier says nothing of the next try.
        """
        ids: dict[str, str] = {}
        for entry in of_last_plan(self.journal.entries):
            if entry.step and entry.kind in (EntryKind.UNDONE, EntryKind.FAILED):
                ids.pop(entry.step, None)
            elif entry.step and entry.kind is EntryKind.OUTCOME and key in entry.data:
                ids[entry.step] = str(entry.data[key])
        return ids

    def _send_times(self) -> dict[str, datetime]:
        """When the last call of each step of this plan took effect, or was seen done by hand, as the journal has it."""
        sent: dict[str, datetime] = {}
        for entry in of_last_plan(self.journal.entries):
            if entry.step and _took_effect(entry):
                sent[entry.step] = entry.at
            # A person is asked again only where the earlier change is gone: its time counts no more.
            elif entry.step and entry.kind in (EntryKind.MANUAL_WAIT, EntryKind.UNDONE):
                sent.pop(entry.step, None)
        return sent

    def _first_send_times(self) -> dict[str, datetime]:
        """When the call of each step of this plan first left, as the journal has it."""
        begun: dict[str, datetime] = {}
        for entry in of_last_plan(self.journal.entries):
            if entry.step and entry.kind is EntryKind.UNDONE:
                begun.pop(entry.step, None)
            elif entry.step and entry.kind is EntryKind.INTENT:
                # The first intent, not the last: what an unanswered call made may be as old as that.
                begun.setdefault(entry.step, entry.at)
        return begun

    def stop_if_asked(self) -> None:
        """Raises RunStopped once the operator asked for it, and LockLost or Fenced once the lock is not ours."""
        if self.stop.is_set():
            raise RunStopped
        self.check_lock()

    def stop_if_paused(self, step_id: str) -> None:
        """Raise StepFailed where somebody stopped all runs, and SendFailed where that cannot be read."""
        if paused := self.pause_reason():
            message = f"authority.paused: all runs are stopped: {paused.rstrip('.')}. `dr_cli.py unpause` lets them run"
            raise StepFailed(step_id, message, FailureCause.HALTED)

    def wait(self) -> None:
        """Wait for the next look; wakes at once, and raises, when the operator stops the run."""
        self.clock.wait(self.stop, self.env.execution.poll_s)
        self.stop_if_asked()

    def hold(self, seconds: float) -> None:
        """Wait for AWS's published rates. Raises RunStopped, LockLost, Fenced."""
        self.clock.wait(self.stop, seconds)
        self.paced_s += seconds
        if self.fence_began_s is not None and not self.fence_weighed:
            self.fence_began_s += seconds  # that the primary region was not asked sooner is not its silence
        self.stop_if_asked()

    def rate_delay_s(self, calls: Iterable[Call]) -> float:
        """Reserve AWS's rate for ``calls``; return in how many seconds all of them may leave."""
        if self.pace is None:
            return 0.0
        return max((self.pace.reserve(call.name, call.region) for call in calls), default=0.0)

    def pause(self, attempt: int) -> None:
        """Wait before trying again: twice as long each time, a minute at most."""
        # 2 ** 10 is past the minute already: the exponent stops there, for the attempts may have no end.
        self.clock.wait(self.stop, min(0.2 * 2 ** min(attempt, 10), 60.0))
        self.stop_if_asked()


def _took_effect(entry: Entry) -> bool:
    looked = entry.kind is EntryKind.LOOKED and entry.data.get("took_effect") is True
    sent = entry.kind is EntryKind.OUTCOME and entry.data.get("result") == "sent"
    return looked or sent or entry.kind is EntryKind.MANUAL_DONE
