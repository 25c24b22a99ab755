"""Walks a plan batch by batch: looks, confirms, records, sends, looks again. A run can end anywhere and go on later.

For each batch (one verb of one stage) the world is looked at again and again until every step is as wanted. What is so
already is recorded and not done again; what is neither as before nor as wanted is not touched (T43); what is as the
plan was made upon is sent once, between two records. What is not done or not seen in its time is left in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dr_actions.actions.registry import actions
from dr_actions.execution import rollback, sender
from dr_actions.execution.rollback import RollbackResult
from dr_actions.execution.run import OVERDUE, FailureCause, ManualPending, PlanRun, ReadFailed, StepFailed
from dr_actions.journal.journal import EntryKind, RecordedState
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_actions.planning.planner import batches

_WAITS = "The run looks, and goes on by itself when the change is there. Ctrl-C stops it; it can be resumed."


@dataclass
class Outcome:
    """How a run ended. ``degraded`` steps failed without ending it; ``undone`` is what became of taking steps back."""

    finished: bool = False
    degraded: list[str] = field(default_factory=list)
    undone: list[RollbackResult] = field(default_factory=list)
    trouble: str = ""


@dataclass
class Batch:
    """The steps of one batch that are not done yet, those whose call left already, and since when it is at work.

    ``awaited`` are a person's, told and not seen done; ``since`` is when a step was sent or, a person's, told, or else
    seen done.
    """

    action: Action
    open: dict[str, Step]
    began: datetime
    sent: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)
    since: dict[str, datetime] = field(default_factory=dict)


def execute(run: PlanRun, steps: Sequence[Step], outcome: Outcome) -> None:
    """Take ``steps`` in order; ``outcome`` tells what became of them.

    Raises StepFailed (after compensation), ManualPending, Stopped (the operator's Ctrl-C), and what ``run`` raises
    when the lock is lost. Everything is in the journal then, and the same command goes on from there.
    """
    for steps_at_once in batches(steps):
        try:
            _run_batch(run, actions()[steps_at_once[0].verb], steps_at_once, outcome)
        except ManualPending:
            raise
        except StepFailed as failed:
            outcome.trouble = str(failed)
            run.journal.append(_kind(failed.cause), failed.step, says=str(failed))
            outcome.undone += rollback.roll_back(run, steps_at_once, failed)
            raise
    outcome.finished = True


def _run_batch(run: PlanRun, action: Action, steps: Sequence[Step], outcome: Outcome) -> None:
    not_done = {step.id: step for step in steps if run.journal.state_of(step.id) is not RecordedState.DONE}
    batch = Batch(action, not_done, run.clock())
    if not batch.open:
        return
    run.stop_if_asked()
    run.listener.begins(list(batch.open.values()))
    if not action.observable:
        _send(run, batch, [s for s in batch.open.values() if not _was_sent(run, s)], run.context(action), outcome)
        for step in batch.open.values():
            _confirm(run, step, StepStatus(StepState.DONE, "sent"))
        return
    while True:
        context, statuses = _observe(run, batch)
        if context is not None:
            _record_beginnings(run, batch, statuses, context)
        _settle(run, batch, statuses, outcome)
        ready = [s for s in batch.open.values() if statuses[s.id].state is StepState.READY and s.id not in batch.sent]
        if context is not None:
            _send(run, batch, [step for step in ready if not step.manual], context, outcome)
        for step in ready:
            if step.manual and step.id not in batch.awaited:
                batch.awaited.add(step.id)
                batch.since[step.id] = run.clock()
                run.journal.append(EntryKind.MANUAL_WAIT, step.id, says=step.says)
                run.listener.by_hand(step)
                run.listener.note(_WAITS)
        if not batch.open:
            return
        run.wait()


def _was_sent(run: PlanRun, step: Step) -> bool:
    """Whether the record of this plan says that the call was sent: what no look can tell is not sent twice."""
    entries = run.journal.entries
    begun = max((number for number, entry in enumerate(entries) if entry.kind is EntryKind.BEGIN), default=0)
    outcomes = [entry for entry in entries[begun:] if entry.step == step.id and entry.kind is EntryKind.OUTCOME]
    return bool(outcomes) and outcomes[-1].data.get("result") == "sent"


def _observe(run: PlanRun, batch: Batch) -> tuple[PlanContext | None, dict[str, StepStatus]]:
    """How each open step stands now; where nobody can look at all, each is UNSEEN."""
    try:
        context = run.context(batch.action)
    except ReadFailed as error:
        return None, {step_id: StepStatus(StepState.UNAVAILABLE, str(error)) for step_id in batch.open}
    return context, {step.id: batch.action.observe(step, context) for step in batch.open.values()}


def _record_beginnings(run: PlanRun, batch: Batch, statuses: dict[str, StepStatus], context: PlanContext) -> None:
    """Record when what is under way or done began, where no record says so: ``PlanContext.sent_at`` tells it later
    steps.

    A person's step begins when it is seen; so does one whose call left and whose answer was lost, or never recorded.
    """
    for step in batch.open.values():
        how = statuses[step.id]
        if how.state not in (StepState.IN_PROGRESS, StepState.DONE) or step.id in context.sent_at:
            continue
        if step.manual and how.state is StepState.IN_PROGRESS:
            batch.awaited.discard(step.id)
            batch.since[step.id] = run.clock()
            run.journal.append(EntryKind.MANUAL_DONE, step.id, says=how.message)
        elif not step.manual and run.journal.state_of(step.id) is RecordedState.INTENDED:
            run.journal.append(EntryKind.LOOKED, step.id, says=f"it took effect: {how.message}", took_effect=True)


def _settle(run: PlanRun, batch: Batch, statuses: dict[str, StepStatus], outcome: Outcome) -> None:
    """Record what is done, fail what cannot be done or took too long, and tell of the rest."""
    for step in tuple(batch.open.values()):
        how, age_s = statuses[step.id], (run.clock() - batch.since.get(step.id, batch.began)).total_seconds()
        if how.state is StepState.DONE:
            if step.id in batch.awaited:
                run.journal.append(EntryKind.MANUAL_DONE, step.id, says=how.message)
            _confirm(run, step, how)
        elif how.state is StepState.DRIFTED:
            message = f"{how.message} (the world changed since the plan was made, T43)"
            _fail(run, batch.action, step.id, message, outcome, FailureCause.DRIFTED)
        elif how.state is StepState.FAILED:
            if how.reversing_call is not None:
                run.listener.by_hand(replace(step, id=f"{step.id}.back", says=step.undo, call=how.reversing_call))
            _fail(
                run, batch.action, step.id, how.message, outcome, FailureCause.GATE if how.gate else FailureCause.FAILED
            )
        elif age_s <= (limit_s := _limit_s(run, batch, step)) or _is_ready_to_send(batch, step, how):
            run.listener.waits(step, age_s, limit_s, how.message)
            continue
        elif step.id in batch.awaited:
            raise ManualPending(step.id, f"{step.id} was not done by hand in time: {step.says}")
        else:
            cause = FailureCause.UNAVAILABLE if how.state is StepState.UNAVAILABLE else FailureCause.LATE
            message = (
                f"not {'seen' if cause is FailureCause.UNAVAILABLE else 'done'} within its {step.budget_s} s: "
                f"{how.message}"
            )
            _fail(run, batch.action, step.id, message, outcome, cause)
        del batch.open[step.id]


def _is_ready_to_send(batch: Batch, step: Step, how: StepStatus) -> bool:
    """Whether nobody was asked for the step yet: the look that finds it ready may have taken long."""
    return how.state is StepState.READY and step.id not in batch.sent | batch.awaited


def _limit_s(run: PlanRun, batch: Batch, step: Step) -> float:
    return run.manual_wait.total_seconds() if step.id in batch.awaited else step.budget_s


def _send(run: PlanRun, batch: Batch, steps: list[Step], context: PlanContext, outcome: Outcome) -> None:
    """Send the calls of ``steps``; what was refused fails and leaves the batch."""
    if not steps:
        return
    batch.sent |= {step.id for step in steps}
    batch.since |= {step.id: run.clock() for step in steps}
    for step_id, refused in sender.send_all(run, batch.action, steps, context).items():
        _fail(run, batch.action, step_id, refused.reason, outcome, refused.cause)
        del batch.open[step_id]


def _confirm(run: PlanRun, step: Step, status: StepStatus) -> None:
    run.journal.append(EntryKind.CONFIRMED, step.id, says=status.message, facts=dict(status.evidence))
    run.listener.done(step, status.message)


def _fail(
    run: PlanRun, action: Action, step_id: str, reason: str, outcome: Outcome, cause: FailureCause = FailureCause.FAILED
) -> None:
    """An essential step's failure ends the run; another's is recorded, told, and leaves the run degraded."""
    if action.essential:
        raise StepFailed(step_id, f"{step_id}: {reason}", cause)
    run.journal.append(_kind(cause), step_id, says=reason)
    outcome.degraded.append(f"{step_id}: {reason}")
    run.listener.degraded(step_id, reason)


def _kind(cause: FailureCause) -> EntryKind:
    return EntryKind.LATE if cause in OVERDUE else EntryKind.FAILED
