"""Takes back what can be taken back after a failure (T46), and says of each step what became of it.

What was only late or not seen is left in place: nothing speaks against it, and the same command goes on from there. A
switchover is the exception until its first irreversible step: its primary region is well, and the way back is open, so
every step is undone, the latest first, down to the first that nothing can undo. With a lost primary there is no home to
go back to: only the step that was seen to fail is undone. On the way home the whole batch is, for a stage is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr_actions.actions.registry import verbs
from dr_actions.clients.mutating_client import Guarded, SendFailed, Trouble
from dr_actions.execution.run import CONTRADICTIONS, Cause, LookFailed, Run, StepFailed
from dr_actions.journal.journal import Kind, MirrorFailed, State
from dr_actions.model.action import Verb
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.model.unseen import CannotSee

_MAY_HAVE_WORKED = ("sent", Trouble.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Undoing:
    """What became of one step that this plan had touched: whether it was undone, and a sentence."""

    step: str
    undone: bool
    says: str


def compensate(run: Run, failed_batch: Sequence[Step], failed: StepFailed) -> list[Undoing]:
    """Undo as far as it goes what this plan did: nothing that it found, or that somebody else changed (T43).

    Returns and records what became of each step that it had touched. Raises Fenced alone.
    """
    undoings: list[Undoing] = []
    for step in reversed(_to_be_undone(run, failed_batch, failed)):
        if not _touched(run, step):
            continue
        if step.danger is Danger.IRREVERSIBLE:
            says = f"{step.id}: cannot be undone ({step.undo}); nothing before it was undone either"
            run.journal.append(Kind.COMPENSATION, step.id, says=says, undone=False)
            undoings.append(Undoing(step.id, False, says))
            break
        others = failed.cause is Cause.CHANGED and step.id == failed.step
        undoings.append(_left_to_others(run, step) if others else _undo(run, step))
    return undoings


def _to_be_undone(run: Run, failed_batch: Sequence[Step], failed: StepFailed) -> Sequence[Step]:
    """The steps whose effects speak against going on, in the plan's order."""
    goal = run.plan.goal
    if failed.cause not in CONTRADICTIONS and (goal is not Goal.SWITCHOVER or _is_past_return(run)):
        return ()
    if goal is Goal.SWITCHOVER:
        return run.plan.steps
    return [step for step in failed_batch if step.id == failed.step] if goal is Goal.FAILOVER else failed_batch


def _is_past_return(run: Run) -> bool:
    """Whether a step that nothing can undo took effect, or may have."""
    return any(step.danger is Danger.IRREVERSIBLE and _touched(run, step) for step in run.plan.steps)


def _left_to_others(run: Run, step: Step) -> Undoing:
    says = f"{step.id}: left as it is (somebody else changed it meanwhile)"
    run.journal.append(Kind.COMPENSATION, step.id, says=says, undone=False)
    return Undoing(step.id, False, says)


def _touched(run: Run, step: Step) -> bool:
    """Whether a call of the step, as the record of this plan has it, took effect or may have."""
    if run.journal.state_of(step.id) is State.UNDONE:
        return False
    entries = run.journal.entries
    begun = max((number for number, entry in enumerate(entries) if entry.kind is Kind.BEGIN), default=0)
    own = [entry for entry in entries[begun:] if entry.step == step.id]
    outcomes = [entry for entry in own if entry.kind is Kind.OUTCOME]
    unanswered = sum(entry.kind is Kind.INTENT and not entry.data.get("undo") for entry in own) > len(outcomes)
    return unanswered or any(entry.data.get("result") in _MAY_HAVE_WORKED for entry in outcomes)


def _undo(run: Run, step: Step) -> Undoing:
    verb = verbs()[step.verb]
    call = verb.undo(step)
    if call is None:
        says, undone = f"{step.id}: left as it is ({step.undo})", False
    elif _was_taken_back(run, verb, step):
        says, undone = f"{step.id}: undone already ({step.undo})", True
    else:
        says, undone = _send(run, verb, step, call)
    run.journal.append(Kind.UNDONE if undone else Kind.COMPENSATION, step.id, says=says, undone=undone)
    return Undoing(step.id, undone, says)


def _was_taken_back(run: Run, verb: Verb, step: Step) -> bool:
    """Whether an undo left before, from a run that died before it was recorded, and the world shows that it worked."""
    intents = [entry for entry in run.journal.entries if entry.step == step.id and entry.kind is Kind.INTENT]
    if not intents or not intents[-1].data.get("undo"):
        return False
    try:
        return verb.is_undone(step, run.sight(verb))
    except (LookFailed, CannotSee):
        return False  # what cannot be seen is sent again: it leads to the same


def _send(run: Run, verb: Verb, step: Step, call: Call) -> tuple[str, bool]:
    try:
        run.journal.append(Kind.INTENT, step.id, call=call.name, region=call.region, undo=True)
        with run.hands.permitting(run.guard_context(verb.writes)):
            run.hands.send(call)
    except (SendFailed, Guarded, MirrorFailed) as failed:
        return f"{step.id}: could NOT be undone: {failed}", False
    return f"{step.id}: undone ({step.undo})", True
