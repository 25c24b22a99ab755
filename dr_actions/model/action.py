"""What an action is: the exact calls it may make, and how its steps are planned, sent, observed and undone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NotRequired, Protocol, TypedDict, TypeVar, Unpack

from dr_actions.model.action_ids import name_of, step_id
from dr_actions.model.plan import Call, Danger, Goal, Params, Step
from dr_actions.model.sequence import PLANES, goals_of, row_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.playbook import Plane
from dr_estate.model.unseen import CannotSee
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot

T = TypeVar("T")


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
class Sight:
    """What a verb decides from: the rules, what was seen, and what is to be reached.

    ``primary_answers`` is whether the primary region's API answers; ``planned`` whether the primary is to be left
    healthy and fenced (a switchover). ``only_tenants`` narrows to some tenants, empty means all. ``incident`` is the
    ticket that a run is for, "" in an assessment; it is no part of a recovery's Step, so the digest does not know it.
    ``sent_at`` is when each step's call was answered in this run (UTC), for what takes its time. ``recorded`` gives the
    before-values of each step of the incident's failover, so that a failback restores exactly those. ``set_aside``
    names the databases of the DR region that the incident's own failback set aside, by resource id. ``changes`` are
    the ids under which Route 53 took the changes of this run's steps, ``deployments`` those of the ECS deployments that
    they made. Only what a drill makes bears, in its steps, a
    name made of ``incident``.
    """

    env: Environment
    snapshot: Snapshot
    goal: Goal
    primary_answers: bool
    only_tenants: frozenset[str] = frozenset()
    incident: str = ""
    sent_at: Mapping[str, datetime] = field(default_factory=dict)
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    set_aside: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    deployments: Mapping[str, str] = field(default_factory=dict)

    @property
    def planned(self) -> bool:
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
        """The step of ``action`` (its module or name) on ``subject``, with all that its row in the table gives.

        ``label`` ends its id where ``subject`` does not. ``part`` tells rows of one action apart; ``nth`` is its stage
        within the row, ``last`` whether that ends the row. Raises ValueError where the table has no such place.
        """
        row = row_of(self.goal, name_of(action), part)
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
            verb=row.action,
            subject=subject,
            owner=row.owner or playbook.owner,
            **details,
        )


class Standing(StrEnum):
    """How a step stands in the world, as seen now.

    READY: as the plan was made upon, the call may be sent. WAITING: the call was made and is not finished.
    DONE: the world is as the step wants it. CHANGED: the world is neither as before nor as wanted: stop (T43).
    FAILED: AWS gave the work up. UNSEEN: could not look.
    """

    READY = "ready"
    WAITING = "waiting"
    DONE = "done"
    CHANGED = "changed"
    FAILED = "failed"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Confirmation:
    """How a step stands, and the sentence that says so. ``facts`` are kept in the journal (hosts, ARNs, counts).

    ``gate``: a gate of the stage decides it, and not the step's own work.
    ``back`` is the call by which a person takes back a failed step that was theirs.
    """

    standing: Standing
    says: str
    facts: tuple[tuple[str, str], ...] = ()
    gate: bool = False
    back: Call | None = None


class Declined(Exception):
    """AWS answered a call with success and yet did not do as asked; the message is its reason (RunTask's failures)."""


class Drifted(ValueError):
    """The world is not as the plan was made upon; the message says how, as a sentence."""


def present(found: T | None, says: str) -> T:
    """What was planned upon. Raises Drifted, which ``says`` what became of it, where it is gone."""
    if found is None:
        raise Drifted(says)
    return found


class Hand(Protocol):
    """What a verb's own ``act`` may use: the guarded sender. Raises what ``hands.Hands.send`` raises."""

    def send(self, call: Call) -> dict[str, Any]:
        """Send one call that the verb declared; returns AWS's answer."""
        ...


@dataclass(frozen=True)
class Workshop:
    """Where a program that a step runs finds what it needs: the run's own folder, and its whole environment."""

    env: Environment
    folder: Path
    variables: Mapping[str, str]


Foresee = Callable[[Sight], Iterator[Step]]
Confirm = Callable[[Step, Sight], Confirmation]
Fill = Callable[[Step, Sight], Call]
Act = Callable[[Step, Call, Hand], dict[str, Any]]
Work = Callable[[Step, Workshop], None]
Undo = Callable[[Step], "Call | None"]
Undone = Callable[[Step, Sight], bool]
Notes = Callable[[Sight], Iterator[str]]


def planned_call(step: Step, _sight: Sight) -> Call:
    """The call exactly as planned. Raises ValueError for a step without one."""
    return step.planned_call


def send_it(_step: Step, call: Call, hand: Hand) -> dict[str, Any]:
    """Send the one call."""
    return hand.send(call)


def no_notes(_sight: Sight) -> Iterator[str]:
    """Nothing was left out."""
    return iter(())


def no_undo(_step: Step) -> Call | None:
    """Nothing to send: the step says why in ``undo``."""
    return None


def if_seen(yields: Callable[[Sight], Iterator[T]]) -> Callable[[Sight], Iterator[T]]:
    """``yields`` that yields nothing at all where it cannot see: other notes say why."""

    def yielded(sight: Sight) -> Iterator[T]:
        try:
            found = list(yields(sight))
        except CannotSee:
            return
        yield from found

    return yielded


def _careful(confirm: Confirm) -> Confirm:
    """``confirm`` that answers UNSEEN, with the reason, where a part of the snapshot could not be seen."""

    def answered(step: Step, sight: Sight) -> Confirmation:
        try:
            return confirm(step, sight)
        except CannotSee as dark:
            return Confirmation(Standing.UNSEEN, f"{step.subject} could not be seen: {dark.unseen.why}")
        except Drifted as drifted:
            return Confirmation(Standing.CHANGED, str(drifted))

    return answered


AWAY = frozenset({Goal.FAILOVER, Goal.SWITCHOVER})
HOME = frozenset({Goal.FAILBACK})


@dataclass(frozen=True)
class Verb:
    """One thing the hands can do. ``module`` is its own: the path is its name.

    ``writes`` are the exact ``service:Operation`` names it may send; ``parts`` the parts of the snapshot that
    ``confirm`` reads. ``foresee`` yields its steps for what was seen; like ``notes`` and ``leaves`` it is asked in the
    goals of the action alone, and yields nothing where it cannot see. ``confirm`` is UNSEEN there, and CHANGED where
    it finds the world Drifted. ``fill`` gives the exact call right before it is sent, from what is seen then. ``undo``
    gives the call that takes a done step back, None where there is none.
    ``essential``: when one of its steps fails the run stops; else the run goes on, degraded, and says so.
    ``notes`` says in sentences what it leaves out of the plan, and why; ``leaves`` what is left to people to clean up
    after the run. ``reads`` are reads its ``act`` needs.
    ``seeable`` is False where no look can tell whether the call was made (a message that was sent): then the journal's
    recorded outcome confirms the step, and after a crash between sending and recording it is sent once more.
    ``work`` is what a step without a call does instead of ``fill`` and ``act``: it runs a program, which looks itself
    at what is there and so may be run again. It raises ``terraform.TerraformFailed``.
    ``undone`` tells whether the world is as before a step, where ``confirm`` does not say so by READY alone.
    """

    module: str
    writes: frozenset[str]
    parts: tuple[Reader[Any], ...]
    foresee: Foresee
    confirm: Confirm
    fill: Fill = planned_call
    act: Act = send_it
    undo: Undo = no_undo
    essential: bool = True
    notes: Notes = no_notes
    leaves: Notes = no_notes
    reads: frozenset[str] = frozenset()
    seeable: bool = True
    work: Work | None = None
    undone: Undone | None = None

    def __post_init__(self) -> None:
        """Let each function answer where it cannot see."""
        object.__setattr__(self, "foresee", self._asked(self.foresee))
        object.__setattr__(self, "notes", self._asked(self.notes))
        object.__setattr__(self, "leaves", self._asked(self.leaves))
        object.__setattr__(self, "confirm", _careful(self.confirm))
        undo = self.undo
        object.__setattr__(self, "undo", lambda step: undo(step) if step.call else None)

    def _asked(self, yields: Callable[[Sight], Iterator[T]]) -> Callable[[Sight], Iterator[T]]:
        return lambda sight: if_seen(yields)(sight) if sight.goal in self.goals else iter(())

    @property
    def watches(self) -> tuple[str, ...]:
        """The names of its parts."""
        return tuple(part.name for part in self.parts)

    @property
    def name(self) -> str:
        """Its folder and file."""
        return name_of(self.module)

    @property
    def goals(self) -> frozenset[Goal]:
        """The goals in whose plans it takes part: those in whose table it is."""
        return goals_of(self.name)

    def is_undone(self, step: Step, sight: Sight) -> bool:
        """Whether the world is as it was before ``step``. Raises CannotSee."""
        if self.undone is not None:
            return self.undone(step, sight)
        return self.confirm(step, sight).standing is Standing.READY


def action(own: Mapping[str, Any], writes: Iterable[str], parts: tuple[Reader[Any], ...], **given: Any) -> Verb:
    """The action of the module whose globals are ``own``: what it names as a field is that field, but for ``given``."""
    named = {field.name: own[field.name] for field in fields(Verb) if field.name in own} | given
    return Verb(own["__name__"], frozenset(writes), parts, **named)
