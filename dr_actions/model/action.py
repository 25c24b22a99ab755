"""What an action is: the exact calls it may make, and how its steps are planned, sent, observed and undone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NotRequired, Protocol, TypedDict, TypeVar, Unpack

from dr_actions.model.plan import Call, Danger, Goal, Params, Step, step_id
from dr_actions.model.sequence import PLANES, goals_of, row_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.playbook import Plane
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot

T = TypeVar("T")
R = TypeVar("R")


class StepDetails(TypedDict):
    """What an action says of its step; its row of the table has the rest. One that changes nothing lacks ``undo``."""

    side: Side
    says: str
    budget_s: int
    danger: NotRequired[Danger]
    undo: NotRequired[str]
    call: NotRequired[Call | None]
    tenant: NotRequired[str | None]
    before: NotRequired[Params]
    after: NotRequired[Params]
    planes: NotRequired[tuple[Plane, ...]]
    manual: NotRequired[bool]


@dataclass(frozen=True)
class PlanContext:
    """What an action decides from: the rules, what was seen, and what is to be reached.

    ``primary_answers`` is whether the primary region's API answers; ``is_switchover`` whether the primary is to be left
    healthy and fenced (a switchover). ``only_tenants`` narrows to some tenants, empty means all. ``incident`` is the
    ticket that a run is for, "" in an assessment; it is no part of a recovery's Step, so the digest does not know it.
    ``sent_at`` is when each step's call was answered in this run (UTC), for what takes its time, ``begun_sending_at``
    when it first left, ``confirmed_at`` when it was last seen done, ``begun_at`` when the run began, None in an
    assessment. ``recorded`` gives the before-values of each step of the incident's failover, so that a failback
    restores exactly those. ``split_ended_at`` is when its fence stopped a second writer, None where there was none.
    ``renamed_databases`` names the databases of the DR region that the incident's own failback
    set aside, by resource id. ``changes`` are the ids under which Route 53 took the changes of this run's steps,
    ``deployments`` those of the ECS deployments that they made, ``tasks`` the ARNs of the tasks that they ran.
    ``confirmed_facts`` are the evidence upon which each step was last seen done. ``accepted`` are the gates that are
    set aside by name now. ``fence`` is the side that a fence stops, or a release lets write again. ``journal_head`` is
    number and digest of the journal's last entry, ``rules`` the digest of the rules that the run goes by, both for
    messages. Only what a drill makes bears, in its steps, a name made of ``incident``.
    """

    env: Environment
    snapshot: Snapshot
    goal: Goal
    primary_answers: bool
    only_tenants: frozenset[str] = frozenset()
    incident: str = ""
    sent_at: Mapping[str, datetime] = field(default_factory=dict)
    begun_sending_at: Mapping[str, datetime] = field(default_factory=dict)
    confirmed_at: Mapping[str, datetime] = field(default_factory=dict)
    begun_at: datetime | None = None
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    split_ended_at: datetime | None = None
    renamed_databases: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    deployments: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    confirmed_facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fence: Side = Side.PRIMARY
    accepted: frozenset[str] = frozenset()
    journal_head: str = ""
    rules: str = ""

    @property
    def fence_part(self) -> str:
        """What distinguishes the steps of a fence of the DR region from those of the primary's, in the sequence."""
        return "" if self.fence is Side.PRIMARY else self.fence

    def before_fence(self, action: str, label: str) -> Mapping[str, Any]:
        """The values before the step of ``action`` in the incident's fence of this side; empty where there was none."""
        return self.before(f"{action}.{self.fence_part}" if self.fence_part else action, label)

    @property
    def fenced_answers(self) -> bool:
        """Whether the API of the side to be fenced is worth asking.

        Always so for the DR region: its parts show by themselves whether it answers.
        """
        return self.fence is Side.DR or self.primary_answers

    @property
    def is_switchover(self) -> bool:
        """Whether this is a switchover with a healthy primary."""
        return self.goal is Goal.SWITCHOVER

    def before(self, action: str, label: str) -> Mapping[str, Any]:
        """The values before the failover's step of ``action``; empty where it had none, or nothing was recorded."""
        return self.recorded.get(step_id(action, label), {})

    def step(
        self,
        action: str,
        subject: str,
        *,
        label: str = "",
        part: str = "",
        nth: int = 0,
        last: bool = False,
        **details: Unpack[StepDetails],
    ) -> Step:
        """Return the step of ``action`` (its id) on ``subject``, with all that its row in the table gives.

        ``label`` ends its id where ``subject`` does not. ``part`` distinguishes rows of the same action; ``nth`` is its
        stage within the row, ``last`` whether that ends the row. Raises ValueError where the table has no such place.
        """
        row = row_of(self.goal, action, part)
        if nth >= row.most:
            raise ValueError(f"{row.action} takes {row.most} stages of a {self.goal} at most")
        playbook = row.last if last and row.last else row.playbook
        sends = details.get("call") or details.get("manual")
        if not sends:
            details.setdefault("danger", Danger.REVERSIBLE)
            details.setdefault("undo", "Nothing is changed.")
        details.setdefault("planes", row.planes or ((PLANES[details["side"]],) if sends else ()))
        return Step(
            id=step_id(row.prefix, label or subject),
            number=playbook.number,
            stage=row.stage + nth,
            action=row.action,
            subject=subject,
            owner=row.owner or playbook.owner,
            **details,
        )


class StepState(StrEnum):
    """How a step stands in the world, as seen now.

    READY: as the plan was made upon, the call may be sent. IN_PROGRESS: the call was made and is not finished.
    DONE: the world is as the step wants it. DRIFTED: the world is neither as before nor as wanted: stop (T43).
    FAILED: AWS gave the work up. UNAVAILABLE: could not look.
    """

    READY = "ready"
    IN_PROGRESS = "waiting"
    DONE = "done"
    DRIFTED = "changed"
    FAILED = "failed"
    UNAVAILABLE = "unseen"


@dataclass(frozen=True)
class StepStatus:
    """The state of a step, and the sentence that describes it.

    ``evidence`` is kept in the journal (hosts, ARNs, counts). ``gate``: a gate of the stage decides it, and not the
    step's own work. ``reversing_call`` is the call by which a person reverts a failed manual step. ``progress`` is what
    changes while AWS works on the step: its word for the state, a percentage, counts, bytes. While it shows values not
    seen before, the step is not given up, however long it takes. ``works``: AWS's own word says that it works on the
    step and will end that by itself (`creating`, `modifying`): no timer of the step's own ends the wait.
    """

    state: StepState
    message: str
    evidence: tuple[tuple[str, str], ...] = ()
    gate: bool = False
    reversing_call: Call | None = None
    progress: tuple[str, ...] = ()
    works: bool = False


class CallDeclined(Exception):
    """AWS answered a call with success and yet did not do as asked; the message is its reason (RunTask's failures)."""


class Drifted(ValueError):
    """The estate differs from the one that was planned for; the message is a sentence that says how."""


def present(found: T | None, message: str) -> T:
    """What was planned upon. Raises Drifted, whose message says what became of it, where it is gone."""
    if found is None:
        raise Drifted(message)
    return found


class Sender(Protocol):
    """The guarded sender, which an action's own ``send`` may use. Raises what ``MutatingClient.send`` raises."""

    def send(self, call: Call) -> dict[str, Any]:
        """Send one call that the action declared; returns AWS's answer."""
        ...


class BulkSender(Sender, Protocol):
    """What an action that makes very many calls may use beside: several at once, and a place to go on from.

    ``cursor`` is what was recorded last for the step, "" where nothing was. ``attempts`` are those of a call that
    failed in passing.
    """

    @property
    def cursor(self) -> str:
        """Where a run that ended on the way came to."""
        ...

    @property
    def attempts(self) -> int:
        """How often a call is sent in all."""
        ...

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do ``work`` for every item, some at once; each may send what the action may. Never nest it."""
        ...

    def record(self, cursor: str, message: str) -> None:
        """Record that all up to ``cursor`` is done ("": as before); report ``message``. Raises what ends a run."""
        ...

    def pause(self, attempt: int) -> None:
        """Wait before a call is sent again. Raises what ends a run between calls."""
        ...


@dataclass(frozen=True)
class ProgramContext:
    """Where a program that a step runs finds what it needs: the run's own folder, and its whole environment.

    ``variables`` gives the environment as it is when the program begins: a new login changes it.
    """

    env: Environment
    folder: Path
    variables: Callable[[], Mapping[str, str]]


PlanSteps = Callable[[PlanContext], Iterator[Step]]
Observe = Callable[[Step, PlanContext], StepStatus]
BuildCall = Callable[[Step, PlanContext], Call]
Send = Callable[[Step, Call, Sender], dict[str, Any]]
SendMany = Callable[[Step, Call, BulkSender], dict[str, Any]]
RunProgram = Callable[[Step, ProgramContext], None]
RollbackCall = Callable[[Step], "Call | None"]
AsSeen = Callable[[Step, Call, PlanContext], Call]
IsRolledBack = Callable[[Step, PlanContext], bool]
Notes = Callable[[PlanContext], Iterator[str]]


def planned_call(step: Step, _context: PlanContext) -> Call:
    """The call exactly as planned. Raises ValueError for a step without one."""
    return step.planned_call


def send_call(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Send the one call."""
    return sender.send(call)


def no_notes(_context: PlanContext) -> Iterator[str]:
    """Nothing was left out."""
    return iter(())


def no_rollback(_step: Step) -> Call | None:
    """Nothing to send: the step says why in ``undo``."""
    return None


def if_seen(yields: Callable[[PlanContext], Iterator[T]]) -> Callable[[PlanContext], Iterator[T]]:
    """``yields`` that yields nothing at all where it cannot see: other notes say why."""

    def seen_results(context: PlanContext) -> Iterator[T]:
        try:
            found = list(yields(context))
        except DataUnavailable:
            return
        yield from found

    return seen_results


TO_DR = frozenset({Goal.FAILOVER, Goal.SWITCHOVER})
TO_PRIMARY = frozenset({Goal.FAILBACK})


@dataclass(frozen=True, slots=True)
class Waits:
    """How long an action's steps take beside the time that AWS takes for their calls, for the estimate.

    ``operations`` are the rows of aws_durations.toml that a step without a call waits for; None where that is not
    known: then its budget counts. ``minutes`` are those that the environment file lets each step wait, after its call
    or, ``with_call``, from the call on. ``stands_in``: nothing is sent while the primary region does its part.
    ``task_runs``: its task was started before.
    """

    operations: tuple[str, ...] | None = None
    minutes: Callable[[Environment], float] = lambda _env: 0.0
    with_call: bool = False
    stands_in: bool = False
    task_runs: bool = False


@dataclass(frozen=True, eq=False)
class Action:
    """One thing the client can do: a value that is declared beside its functions, several of a subject in one file.

    ``name`` is its id, which journals, approvals and the sequence know it by: it never changes. ``does`` is the
    sentence of docs/sequence.md. ``writes`` are the exact ``service:Operation`` names it may send; ``parts`` the parts
    of the snapshot that ``status`` reads. ``steps`` yields its steps for what was seen. ``status`` says how a step
    stands. ``build_call`` gives the exact call right before it is sent, from what is seen then. ``rollback`` gives the
    call that rolls back a done step, None where there is none; ``rollback_as_seen`` adapts it to the
    ``rollback_parts`` as seen right before it is sent (raises DataUnavailable). ``essential``: when one of its steps
    fails the run stops; else the run continues, is degraded, and reports it. ``omissions`` gives in sentences what it
    leaves out of the plan, and why; ``leftovers`` what is left to people to clean up. ``send_many`` is ``send`` for
    very many calls. ``reads`` are reads its ``send`` needs. ``observable`` is False where no observation can show
    whether the call was made (a message that was sent): then the journal's recorded outcome confirms the step, and
    after a crash between sending and recording it is sent once more. ``run_program`` is what a step without a call does
    instead of ``build_call`` and ``send``: it runs a program, which itself checks what is there and so may be run
    again. It raises ``terraform.TerraformFailed``. ``rolled_back`` returns whether the world is as before a step, where
    READY from ``status`` alone does not show it. ``waits`` is what the estimate knows of its steps.

    Ask by the methods: an action's own functions may raise where they cannot see, its methods answer.
    """

    name: str
    does: str
    writes: Set[str]
    parts: tuple[Reader[Any], ...]
    steps: PlanSteps
    status: Observe
    build_call: BuildCall = planned_call
    send: Send = send_call
    send_many: SendMany | None = None
    rollback: RollbackCall = no_rollback
    rollback_as_seen: AsSeen | None = None
    rollback_parts: tuple[Reader[Any], ...] = ()
    essential: bool = True
    omissions: Notes = no_notes
    leftovers: Notes = no_notes
    reads: Set[str] = frozenset()
    observable: bool = True
    run_program: RunProgram | None = None
    rolled_back: IsRolledBack | None = None
    waits: Waits = Waits()

    @property
    def reads_parts(self) -> tuple[str, ...]:
        """The names of its parts."""
        return tuple(part.name for part in self.parts)

    @property
    def goals(self) -> frozenset[Goal]:
        """The goals in whose plans it takes part: those in whose table it is."""
        return goals_of(self.name)

    def plan_steps(self, context: PlanContext) -> Iterator[Step]:
        """Its steps; none in another goal, or where it cannot see."""
        return self._results_if_seen(self.steps, context)

    def notes(self, context: PlanContext) -> Iterator[str]:
        """What it leaves out of the plan, and why; nothing in another goal, or where it cannot see."""
        return self._results_if_seen(self.omissions, context)

    def cleanup_notes(self, context: PlanContext) -> Iterator[str]:
        """What is left to people to clean up; nothing in another goal, or where it cannot see."""
        return self._results_if_seen(self.leftovers, context)

    def _results_if_seen(self, yields: Callable[[PlanContext], Iterator[T]], context: PlanContext) -> Iterator[T]:
        return if_seen(yields)(context) if context.goal in self.goals else iter(())

    def observe(self, step: Step, context: PlanContext) -> StepStatus:
        """How the step stands: UNAVAILABLE where it could not be seen, DRIFTED where the world was found Drifted."""
        try:
            return self.status(step, context)
        except DataUnavailable as error:
            return StepStatus(StepState.UNAVAILABLE, f"{step.subject} could not be seen: {error.unavailable.why}")
        except Drifted as drifted:
            return StepStatus(StepState.DRIFTED, str(drifted))

    def rollback_call(self, step: Step) -> Call | None:
        """The call that rolls the step back; None where there is none, or a person took the step."""
        return self.rollback(step) if step.call else None

    def is_rolled_back(self, step: Step, context: PlanContext) -> bool:
        """Whether the world is as it was before ``step``. Raises DataUnavailable."""
        if self.rolled_back is not None:
            return self.rolled_back(step, context)
        return self.observe(step, context).state is StepState.READY
