"""A run as a person watches it, from its journal alone: at the run itself, in `attach` and in `status --watch`. Pure.

Every screen reads the same entries in the same order, so that no two of them differ, on whatever machine. An entry is
read once: the journal of 4,000 services has 20,000 entries, and a screen is drawn each second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dr_actions.journal.entries import Entry, EntryKind, is_by_hand, shown_step
from dr_actions.model import plan as plans
from dr_actions.model.plan import Goal, Plan, Step, batches, prefix_of
from dr_actions.model.sequence import announced_step, playbook_step, serving_side
from dr_estate.config.environment import Environment, Side
from dr_estate.model.durations import duration, lost_writes
from dr_estate.model.dynamodb_values import moment
from dr_estate.model.stores import STORES

_TO_DR = (Goal.FAILOVER, Goal.SWITCHOVER)
_MINUTE_S = 60.0
_NAMED = 3
# What a person counts, by the room of the action.
_COUNTED = {
    **{store.id: store.counted for store in STORES if store.counted},
    "backup": "backups",
    "compute": "services",
    "traffic": "records",
}


class LineKind(StrEnum):
    """What a line of the run says, by which a screen chooses its style and what it leaves to others."""

    BEGINS = "begins"
    DONE = "done"
    BY_HAND = "by hand"
    CHECK = "check"
    FAILED = "failed"
    LATE = "late"
    UNDONE = "undone"
    NOTE = "note"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RunLine:
    """One line of the run, in the order of the journal. ``step`` is a person's change, as they are to make it.

    ``place`` is where in the plan a batch begins, "" in every other line.
    """

    kind: LineKind
    text: str
    entry: Entry
    step: Step | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class ManualChange:
    """A change that a person is asked for. ``left_s`` is how long the run still waits, None where nothing limits it."""

    step: Step
    waited_s: float
    left_s: float | None


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How many of a playbook step's steps are over."""

    name: str
    over: int
    steps: int


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known once a run has ended, each as a sentence's end."""

    served: str
    recovered: str
    lost: str
    protected: str

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Each with its label."""
        labels = ("Served", "Recovery", "Lost", "Standby")
        return tuple(zip(labels, (self.served, self.recovered, self.lost, self.protected), strict=True))


@dataclass(frozen=True, slots=True)
class RunView:
    """A run at a moment.

    The batch at work is steps ``first`` to ``last`` of ``steps``, of playbook step ``stage``; ``over`` of its ``size``
    subjects (``noun``) are done. ``outage_s`` is None where the plan is for no outage, ``left_s`` an estimate.
    ``outcome`` and ``facts`` are there once the run has ended, "" and None before.
    """

    goal: str
    incident: str
    steps: int
    first: int
    last: int
    stage_name: str
    says: str
    noun: str
    over: int
    size: int
    stages: tuple[StageProgress, ...]
    run_s: float
    outage_s: float | None
    rto_s: float
    left_s: float
    detail: str
    by_hand: ManualChange | None
    outcome: str
    facts: RunFacts | None

    @property
    def place(self) -> str:
        """Where in the plan the run is: ``step 3 of 17``, ``steps 4 to 7 of 17``."""
        if self.first == self.last:
            return f"step {self.first} of {self.steps}"
        return f"steps {self.first} to {self.last} of {self.steps}"

    @property
    def count(self) -> str:
        """How far the batch is, "" for a single step."""
        return f"{self.noun} {self.over} of {self.size}" if self.size > 1 else ""

    @property
    def clocks(self) -> str:
        """How long the outage and the run last, and about how long the rest takes."""
        parts = [] if self.outage_s is None else [f"outage {duration(self.outage_s)} of {duration(self.rto_s)}"]
        parts.append(f"run {duration(self.run_s)}")
        parts += [] if self.outcome else [f"about {duration(self.left_s)} to go"]
        return ", ".join(parts)


@dataclass
class _BatchProgress:
    """Steps that run at once: their places in the plan, and the estimate of all."""

    steps: tuple[Step, ...]
    first: int
    estimate_s: float
    open: set[str] = field(init=False)
    failed: int = 0

    def __post_init__(self) -> None:
        self.open = {step.id for step in self.steps}

    @property
    def last(self) -> int:
        return self.first + len(self.steps) - 1


class RunFollower:
    """Follows the journal of an incident in ``env``: ``follow`` its entries, and ask for the ``view`` at a time."""

    def __init__(self, env: Environment, incident: str) -> None:
        self._env, self._incident = env, incident
        self._read = 0
        self._plan: Plan | None = None
        self._batches: list[_BatchProgress] = []
        self._batch_of: dict[str, _BatchProgress] = {}
        self._began_at: datetime | None = None
        self._batch_began_at: datetime | None = None
        self._since: datetime | None = None
        self._losses: Sequence[Mapping[str, Any]] = ()
        self._served: Sequence[float] = ()
        self._validated_at: datetime | None = None
        self._by_hand: dict[str, tuple[Step, Entry]] = {}
        self._detail, self._outcome = "", ""
        self._ended_at: datetime | None = None

    def follow(self, entries: Sequence[Entry]) -> list[RunLine]:
        """Read the entries that were not read yet; return their lines. ``entries`` are all of the journal, in order."""
        lines = [line for entry in entries[self._read :] for line in self._lines(entry)]
        self._read = len(entries)
        return lines

    def view(self, now: datetime) -> RunView | None:
        """The run at ``now``; None before a plan began."""
        if self._plan is None or self._began_at is None or not self._batches:
            return None
        until, batch = self._ended_at or now, self._current
        recovered = until if self._validated_at is None else self._validated_at
        to_dr = self._plan.goal in _TO_DR and self._since is not None
        return RunView(
            goal=str(self._plan.goal),
            incident=self._incident,
            steps=len(self._plan.steps),
            first=batch.first,
            last=batch.last,
            stage_name=_stage(self._plan, batch.steps[0]),
            says=batch.steps[0].says,
            noun=_COUNTED.get(batch.steps[0].action.partition("/")[0], "steps"),
            over=len(batch.steps) - len(batch.open),
            size=len(batch.steps),
            stages=tuple(self._stages(self._plan)),
            run_s=(until - self._began_at).total_seconds(),
            outage_s=(recovered - self._since).total_seconds() if to_dr and self._since else None,
            rto_s=self._env.objectives.rto_minutes * _MINUTE_S,
            left_s=self._left_s(now),
            detail=self._detail,
            by_hand=self._manual_change(now),
            outcome=self._outcome,
            facts=self._facts(self._plan) if self._ended_at else None,
        )

    def _lines(self, entry: Entry) -> Iterator[RunLine]:
        handle = self._HANDLERS.get(entry.kind)
        if handle is not None:
            yield from handle(self, entry)

    def _on_detected(self, entry: Entry) -> Iterator[RunLine]:
        self._since = moment(entry.data["since"]) if entry.data.get("since") else None
        self._losses, self._served, self._validated_at = (), (), None
        yield from ()

    def _on_looked(self, entry: Entry) -> Iterator[RunLine]:
        self._losses = entry.data.get("losses", self._losses)
        yield from ()

    def _begin(self, entry: Entry) -> Iterator[RunLine]:
        self._plan, self._batches, self._batch_of = None, [], {}
        with suppress(LookupError, TypeError, ValueError, AttributeError):  # no plan that this version reads
            self._plan = plans.from_json(entry.data["plan"])
        if self._plan is None or not self._plan.steps:
            return
        self._set_batches(self._plan, entry.data.get("estimates_s"))
        self._began_at = self._batch_began_at = entry.at
        self._start()
        yield RunLine(LineKind.NOTE, f"The {self._plan.goal} begins.", entry)
        yield from self._batch_begins(entry)

    def _on_resumed(self, entry: Entry) -> Iterator[RunLine]:
        for batch in self._batches:
            batch.failed = 0
        self._start()
        self._batch_began_at = entry.at
        yield RunLine(LineKind.NOTE, _says(entry), entry)
        yield from self._batch_begins(entry)

    def _start(self) -> None:
        self._by_hand, self._detail, self._outcome, self._ended_at = {}, "", "", None

    def _set_batches(self, plan: Plan, recorded: Any) -> None:
        """The batches with what the run itself estimated of each, or their budgets where it recorded no estimates."""
        groups, first = batches(plan.steps), 1
        estimates = _numbers(recorded, len(groups)) or [float(max(step.budget_s for step in group)) for group in groups]
        for group, estimate_s in zip(groups, estimates, strict=True):
            batch = _BatchProgress(group, first, estimate_s)
            self._batches.append(batch)
            self._batch_of |= dict.fromkeys(batch.open, batch)
            first = batch.last + 1

    def _batch_begins(self, entry: Entry) -> Iterator[RunLine]:
        view, batch = self.view(entry.at), self._current
        if view is None or self._plan is None or not batch.open:
            return
        more = f" (and {len(batch.steps) - 1} alike)" if len(batch.steps) > 1 else ""
        yield RunLine(LineKind.BEGINS, f"{view.says}{more} ({view.clocks})", entry, place=view.place)
        change = announced_step(self._plan, batch.steps[0].id)
        if change is not None and change.call is not None:
            yield RunLine(LineKind.CHECK, change.says, entry, change)

    def _intent(self, entry: Entry) -> Iterator[RunLine]:
        if entry.data.get("undo"):
            yield RunLine(LineKind.UNDONE, f"{entry.step}: is being taken back", entry)

    def _on_confirmed(self, entry: Entry) -> Iterator[RunLine]:
        batch = self._batch_of.get(entry.step or "")
        self._by_hand.pop(entry.step or "", None)
        if batch is None or entry.step not in batch.open:
            return
        yield from self._settle(batch, entry)

    def _on_failed(self, entry: Entry) -> Iterator[RunLine]:
        kind = LineKind.LATE if entry.kind is EntryKind.LATE else LineKind.FAILED
        self._by_hand.pop(entry.step or "", None)
        yield RunLine(kind, _about(entry), entry)
        batch = self._batch_of.get(entry.step or "")
        if batch is not None and entry.step in batch.open:
            batch.failed += 1
            yield from self._settle(batch, entry)

    def _settle(self, batch: _BatchProgress, entry: Entry) -> Iterator[RunLine]:
        """The step of ``entry`` is over; the line of its batch comes with the last of them."""
        batch.open.discard(entry.step or "")
        if batch.open:
            return
        self._detail, self._batch_began_at = "", entry.at
        if len(batch.steps) > 1:
            done = f"{len(batch.steps) - batch.failed} of {len(batch.steps)}"
            yield RunLine(LineKind.DONE, f"{prefix_of(entry.step or '')}: {done}", entry)
        elif not batch.failed:
            yield RunLine(LineKind.DONE, _about(entry), entry)
        yield from self._batch_begins(entry)

    def _manual_wait(self, entry: Entry) -> Iterator[RunLine]:
        batch = self._batch_of.get(entry.step or "")
        step = next((step for step in batch.steps if step.id == entry.step), None) if batch else None
        shown = shown_step(step, entry) if step else None
        if shown is not None and entry.kind is EntryKind.MANUAL_WAIT:
            self._by_hand[entry.step or ""] = (shown, entry)
        yield RunLine(LineKind.BY_HAND, shown.says if shown else _about(entry), entry, shown)

    def _manual_step_end(self, entry: Entry) -> Iterator[RunLine]:
        self._by_hand.pop(entry.step or "", None)
        yield RunLine(LineKind.NOTE, f"{entry.step}: the change is there", entry)

    def _on_undone(self, entry: Entry) -> Iterator[RunLine]:
        if (batch := self._batch_of.get(entry.step or "")) is not None:
            batch.open.add(entry.step or "")
        yield RunLine(LineKind.UNDONE, _about(entry), entry)

    def _compensation(self, entry: Entry) -> Iterator[RunLine]:
        yield RunLine(LineKind.UNDONE, _about(entry), entry)

    def _progress(self, entry: Entry) -> Iterator[RunLine]:
        self._detail = _about(entry)
        yield from ()

    def _note(self, entry: Entry) -> Iterator[RunLine]:
        if is_by_hand(entry):
            yield from self._manual_wait(entry)
        elif _says(entry):
            yield RunLine(LineKind.NOTE, _says(entry), entry)

    def _override(self, entry: Entry) -> Iterator[RunLine]:
        data = entry.data
        yield RunLine(LineKind.NOTE, f"Overridden: {data.get('gate')} by {data.get('by')}: {data.get('why')}", entry)

    def _on_validated(self, entry: Entry) -> Iterator[RunLine]:
        self._served = _numbers(entry.data.get("served"), 2)
        passed = bool(entry.data.get("passed"))
        if passed:
            self._validated_at = entry.at
        text = "validation: passed" if passed else f"validation: {validation_failure(entry.data)}"
        yield RunLine(LineKind.DONE if passed else LineKind.FAILED, text, entry)

    def _end(self, entry: Entry) -> Iterator[RunLine]:
        self._outcome, self._ended_at = str(entry.data.get("outcome", "")), entry.at
        self._by_hand = {}
        yield RunLine(LineKind.ENDED, f"{self._outcome}: {_says(entry)}", entry)

    _HANDLERS: Mapping[EntryKind, Callable[[RunFollower, Entry], Iterator[RunLine]]] = {
        EntryKind.DETECTED: _on_detected,
        EntryKind.LOOKED: _on_looked,
        EntryKind.BEGIN: _begin,
        EntryKind.RESUMED: _on_resumed,
        EntryKind.INTENT: _intent,
        EntryKind.CONFIRMED: _on_confirmed,
        EntryKind.FAILED: _on_failed,
        EntryKind.LATE: _on_failed,
        EntryKind.MANUAL_WAIT: _manual_wait,
        EntryKind.MANUAL_DONE: _manual_step_end,
        EntryKind.UNDONE: _on_undone,
        EntryKind.COMPENSATION: _compensation,
        EntryKind.PROGRESS: _progress,
        EntryKind.NOTE: _note,
        EntryKind.NOTIFIED: _note,
        EntryKind.STOPPED: _note,
        EntryKind.PAUSED: _note,
        EntryKind.UNPAUSED: _note,
        EntryKind.OVERRIDE: _override,
        EntryKind.VALIDATED: _on_validated,
        EntryKind.END: _end,
    }

    @property
    def _current(self) -> _BatchProgress:
        """The first batch that is not over; the last where all are."""
        return next((batch for batch in self._batches if batch.open), self._batches[-1])

    def _stages(self, plan: Plan) -> Iterator[StageProgress]:
        counted: dict[str, list[int]] = {}
        for batch in self._batches:
            row = counted.setdefault(_stage(plan, batch.steps[0]), [0, 0])
            row[0] += len(batch.steps) - len(batch.open)
            row[1] += len(batch.steps)
        return (StageProgress(name, over, steps) for name, (over, steps) in counted.items())

    def _left_s(self, now: datetime) -> float:
        """The estimates of the batches to come, and what is left of the one at work."""
        current = self._current
        to_come_s = sum(batch.estimate_s for batch in self._batches if batch.open and batch is not current)
        if not current.open or self._batch_began_at is None:
            return to_come_s
        return to_come_s + max(0.0, current.estimate_s - (now - self._batch_began_at).total_seconds())

    def _manual_change(self, now: datetime) -> ManualChange | None:
        if not self._by_hand:
            return None
        step, entry = next(iter(self._by_hand.values()))
        waited_s = (now - entry.at).total_seconds()
        limits = _numbers([entry.data.get("limit_s")], 1)
        return ManualChange(step, waited_s, max(0.0, limits[0] - waited_s) if limits else None)

    def _facts(self, plan: Plan) -> RunFacts:
        regions, objectives = self._env.regions, self._env.objectives
        to_dr, done = plan.goal in _TO_DR, self._outcome in ("done", "unconfirmed")
        serves = serving_side(plan)
        region = self._env.region(serves)
        served = f"{self._served[0]:.0f} of {self._served[1]:.0f} tenants by {region}" if self._served else ""
        since = self._since if to_dr and self._since else self._began_at
        took_s = (self._validated_at - since).total_seconds() if self._validated_at and since else None
        rto_s = objectives.rto_minutes * _MINUTE_S
        met = f"of {duration(rto_s)}: {'met' if took_s is not None and took_s <= rto_s else 'NOT MET'}"
        at = f"{self._ended_at:%Y-%m-%d %H:%M} UTC"
        # A failback alone gives the data a copy again: after an abort the DR region serves as before, without one.
        protected = {
            Goal.FAILBACK: f"protected since {at}",
            Goal.ABORT: "NOT PROTECTED, until the failback",
            **dict.fromkeys(_TO_DR, f"NOT PROTECTED since {at}, until the failback"),
        }.get(plan.goal, "as it was before this run")
        lost = _loss(self._losses, objectives.rpo_minutes * _MINUTE_S)
        recovered = "not yet" if took_s is None else f"in {duration(took_s)}" + (f" {met}" if to_dr else "")
        if plan.goal is Goal.FENCE and done:  # it recovers nothing, and what the stopped region took stays there alone
            stopped = regions.primary if serves is Side.DR else regions.dr
            recovered, lost = f"none: {stopped} takes no writes any more", f"what {stopped} took stays in it alone"
        return RunFacts(
            served=served or "not seen: nothing was validated",
            recovered=recovered,
            lost=lost,
            protected=protected if done else f"not known: the run ended {self._outcome or 'without a word'}",
        )


def _loss(losses: Sequence[Mapping[str, Any]], rpo_s: float) -> str:
    """What was lost at most, by the worst store, as it was estimated when the run was decided upon."""
    if not losses:
        return "not estimated"
    measured = [loss["seconds"] for loss in losses if loss["seconds"] is not None]
    unmeasured = sorted({str(loss["store"]) for loss in losses if loss["seconds"] is None})
    worst_s = max(measured, default=None)
    parts = [f"not measured: {', '.join(unmeasured)}"] if unmeasured else []
    if worst_s is not None:
        amount = f"{lost_writes(worst_s)}{' of writes' * bool(worst_s)}"
        parts.insert(0, f"{amount} (of {duration(rpo_s)}: {'met' if worst_s <= rpo_s else 'NOT MET'})")
    return "; ".join(parts)


def _numbers(recorded: Any, count: int) -> list[float]:
    """So many numbers of an entry; empty where it holds anything else: a holder of the lock may write any."""
    if not isinstance(recorded, list) or len(recorded) != count:
        return []
    return [float(number) for number in recorded] if all(type(number) in (int, float) for number in recorded) else []


def _stage(plan: Plan, step: Step) -> str:
    """The playbook step's name; a step that is none of the table's stands for itself."""
    try:
        return playbook_step(plan.goal, step).name
    except ValueError:
        return step.action


def validation_failure(data: Mapping[str, Any]) -> str:
    """That the validation of that entry did not pass, and by which checks, as far as the record names them."""
    names = [str(name) for name in data.get("not_passed", ())]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"NOT passed{': ' if names else ''}{', '.join(names[:_NAMED])}{more}"


def _says(entry: Entry) -> str:
    return str(entry.data.get("says") or "")


def _about(entry: Entry) -> str:
    return f"{entry.step}: {_says(entry)}" if entry.step else _says(entry)
