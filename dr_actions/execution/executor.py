"""Walks a plan batch by batch: looks, confirms, records, sends, looks again. A run can end anywhere and go on later.

For each batch (one verb of one stage) the world is looked at again and again until every step is as wanted. What is so
already is recorded and not done again; what is neither as before nor as wanted is not touched (T43); what is as the
plan was made upon is sent once, between two records. What is not done or not seen in its time is left in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dr_actions.actions.registry import verbs
from dr_actions.execution import rollback, sender
from dr_actions.execution.rollback import Undoing
from dr_actions.execution.run import OVERDUE, Cause, LookFailed, ManualPending, Run, StepFailed
from dr_actions.journal.journal import Kind, State
from dr_actions.model.action import Confirmation, Sight, Standing, Verb
from dr_actions.model.plan import Step
from dr_actions.planning.planner import batches

_WAITS = "The run looks, and goes on by itself when the change is there. Ctrl-C stops it; it can be resumed."


@dataclass
class Outcome:
    """How a run ended. ``degraded`` steps failed without ending it; ``undone`` is what became of taking steps back."""

    finished: bool = False
    degraded: list[str] = field(default_factory=list)
    undone: list[Undoing] = field(default_factory=list)
    trouble: str = ""


@dataclass
class Batch:
    """The steps of one batch that are not done yet, those whose call left already, and since when it is at work.

    ``awaited`` are a person's, told and not seen done; ``since`` is when a step was sent or, a person's, told, or else
    seen done.
    """

    verb: Verb
    open: dict[str, Step]
    began: datetime
    sent: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)
    since: dict[str, datetime] = field(default_factory=dict)


def execute(run: Run, steps: Sequence[Step], outcome: Outcome) -> None:
    """Take ``steps`` in order; ``outcome`` tells what became of them.

    Raises StepFailed (after compensation), ManualPending, Stopped (the operator's Ctrl-C), and what ``run`` raises
    when the lock is lost. Everything is in the journal then, and the same command goes on from there.
    """
    for steps_at_once in batches(steps):
        try:
            _take(run, verbs()[steps_at_once[0].verb], steps_at_once, outcome)
        except ManualPending:
            raise
        except StepFailed as failed:
            outcome.trouble = str(failed)
            run.journal.append(_kind(failed.cause), failed.step, says=str(failed))
            outcome.undone += rollback.compensate(run, steps_at_once, failed)
            raise
    outcome.finished = True


def _take(run: Run, verb: Verb, steps: Sequence[Step], outcome: Outcome) -> None:
    not_done = {step.id: step for step in steps if run.journal.state_of(step.id) is not State.DONE}
    batch = Batch(verb, not_done, run.clock())
    if not batch.open:
        return
    run.stop_if_asked()
    run.tell.begins(list(batch.open.values()))
    if not verb.seeable:
        _send(run, batch, [s for s in batch.open.values() if not _was_sent(run, s)], run.sight(verb), outcome)
        for step in batch.open.values():
            _confirm(run, step, Confirmation(Standing.DONE, "sent"))
        return
    while True:
        sight, statuses = _look(run, batch)
        if sight is not None:
            _record_beginnings(run, batch, statuses, sight)
        _settle(run, batch, statuses, outcome)
        ready = [s for s in batch.open.values() if statuses[s.id].standing is Standing.READY and s.id not in batch.sent]
        if sight is not None:
            _send(run, batch, [step for step in ready if not step.manual], sight, outcome)
        for step in ready:
            if step.manual and step.id not in batch.awaited:
                batch.awaited.add(step.id)
                batch.since[step.id] = run.clock()
                run.journal.append(Kind.MANUAL_WAIT, step.id, says=step.says)
                run.tell.by_hand(step)
                run.tell.note(_WAITS)
        if not batch.open:
            return
        run.nap()


def _was_sent(run: Run, step: Step) -> bool:
    """Whether the record of this plan says that the call was sent: what no look can tell is not sent twice."""
    entries = run.journal.entries
    begun = max((number for number, entry in enumerate(entries) if entry.kind is Kind.BEGIN), default=0)
    outcomes = [entry for entry in entries[begun:] if entry.step == step.id and entry.kind is Kind.OUTCOME]
    return bool(outcomes) and outcomes[-1].data.get("result") == "sent"


def _look(run: Run, batch: Batch) -> tuple[Sight | None, dict[str, Confirmation]]:
    """How each open step stands now; where nobody can look at all, each is UNSEEN."""
    try:
        sight = run.sight(batch.verb)
    except LookFailed as blind:
        return None, {step_id: Confirmation(Standing.UNSEEN, str(blind)) for step_id in batch.open}
    return sight, {step.id: batch.verb.confirm(step, sight) for step in batch.open.values()}


def _record_beginnings(run: Run, batch: Batch, statuses: dict[str, Confirmation], sight: Sight) -> None:
    """Record when what is under way or done began, where no record says so: ``Sight.sent_at`` tells it later steps.

    A person's step begins when it is seen; so does one whose call left and whose answer was lost, or never recorded.
    """
    for step in batch.open.values():
        how = statuses[step.id]
        if how.standing not in (Standing.WAITING, Standing.DONE) or step.id in sight.sent_at:
            continue
        if step.manual and how.standing is Standing.WAITING:
            batch.awaited.discard(step.id)
            batch.since[step.id] = run.clock()
            run.journal.append(Kind.MANUAL_DONE, step.id, says=how.says)
        elif not step.manual and run.journal.state_of(step.id) is State.INTENDED:
            run.journal.append(Kind.LOOKED, step.id, says=f"it took effect: {how.says}", took_effect=True)


def _settle(run: Run, batch: Batch, statuses: dict[str, Confirmation], outcome: Outcome) -> None:
    """Record what is done, fail what cannot be done or took too long, and tell of the rest."""
    for step in tuple(batch.open.values()):
        how, age_s = statuses[step.id], (run.clock() - batch.since.get(step.id, batch.began)).total_seconds()
        if how.standing is Standing.DONE:
            if step.id in batch.awaited:
                run.journal.append(Kind.MANUAL_DONE, step.id, says=how.says)
            _confirm(run, step, how)
        elif how.standing is Standing.CHANGED:
            says = f"{how.says} (the world changed since the plan was made, T43)"
            _fail(run, batch.verb, step.id, says, outcome, Cause.CHANGED)
        elif how.standing is Standing.FAILED:
            if how.back is not None:
                run.tell.by_hand(replace(step, id=f"{step.id}.back", says=step.undo, call=how.back))
            _fail(run, batch.verb, step.id, how.says, outcome, Cause.GATE if how.gate else Cause.FAILED)
        elif age_s <= (limit_s := _limit_s(run, batch, step)) or _is_to_be_taken(batch, step, how):
            run.tell.waits(step, age_s, limit_s, how.says)
            continue
        elif step.id in batch.awaited:
            raise ManualPending(step.id, f"{step.id} was not done by hand in time: {step.says}")
        else:
            cause = Cause.UNSEEN if how.standing is Standing.UNSEEN else Cause.LATE
            says = f"not {'seen' if cause is Cause.UNSEEN else 'done'} within its {step.budget_s} s: {how.says}"
            _fail(run, batch.verb, step.id, says, outcome, cause)
        del batch.open[step.id]


def _is_to_be_taken(batch: Batch, step: Step, how: Confirmation) -> bool:
    """Whether nobody was asked for the step yet: the look that finds it ready may have taken long."""
    return how.standing is Standing.READY and step.id not in batch.sent | batch.awaited


def _limit_s(run: Run, batch: Batch, step: Step) -> float:
    return run.manual_wait.total_seconds() if step.id in batch.awaited else step.budget_s


def _send(run: Run, batch: Batch, steps: list[Step], sight: Sight, outcome: Outcome) -> None:
    """Send the calls of ``steps``; what was refused fails and leaves the batch."""
    if not steps:
        return
    batch.sent |= {step.id for step in steps}
    batch.since |= {step.id: run.clock() for step in steps}
    for step_id, refused in sender.send_all(run, batch.verb, steps, sight).items():
        _fail(run, batch.verb, step_id, refused.why, outcome, refused.cause)
        del batch.open[step_id]


def _confirm(run: Run, step: Step, status: Confirmation) -> None:
    run.journal.append(Kind.CONFIRMED, step.id, says=status.says, facts=dict(status.facts))
    run.tell.done(step, status.says)


def _fail(run: Run, verb: Verb, step_id: str, why: str, outcome: Outcome, cause: Cause = Cause.FAILED) -> None:
    """An essential step's failure ends the run; another's is recorded, told, and leaves the run degraded."""
    if verb.essential:
        raise StepFailed(step_id, f"{step_id}: {why}", cause)
    run.journal.append(_kind(cause), step_id, says=why)
    outcome.degraded.append(f"{step_id}: {why}")
    run.tell.degraded(step_id, why)


def _kind(cause: Cause) -> Kind:
    return Kind.LATE if cause in OVERDUE else Kind.FAILED
