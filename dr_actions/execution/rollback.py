"""Undoes what can be undone after a failure (T46), and reports the result for each step.

What was only late or not seen is left in place: nothing contradicts it, and the same command continues from there. A
switchover is the exception until its first irreversible step: its primary region is healthy, and a return is possible,
so every step is undone, the latest first, down to the first that nothing can undo. With a lost primary there is no
region to return to: only the step that was seen to fail is undone. In a failback the whole batch is undone, because a
stage is one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr_actions.actions.registry import actions
from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.execution.run import CONTRADICTIONS, FailureCause, PlanRun, ReadFailed, StepFailed
from dr_actions.journal.entries import EntryKind, RecordedState, of_last_plan
from dr_actions.journal.mirror import MirrorFailed
from dr_actions.model.action import Action
from dr_actions.model.plan import Call, Danger, FailureKind, Goal, SendFailed, Step
from dr_estate.model.unavailable import DataUnavailable

# What of a batch is done stays done when one step of it fails: these goals have no earlier state to return to.
_KEEP_DONE = (Goal.FAILOVER, Goal.FENCE, Goal.RELEASE, Goal.ABORT)
_MAY_HAVE_WORKED = ("sent", FailureKind.UNCERTAIN)
_TRANSIENT = (FailureKind.THROTTLED, FailureKind.BUSY, FailureKind.UNCERTAIN)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 60.0


@dataclass(frozen=True, slots=True)
class RollbackResult:
    """Whether one step whose call took effect, or may have, was undone; ``message`` says how, or why not."""

    step: str
    rolled_back: bool
    message: str


def roll_back(run: PlanRun, failed_batch: Sequence[Step], failed: StepFailed) -> list[RollbackResult]:
    """Undo the steps of this plan that took effect, or may have, the latest first.

    Nothing is undone that was there before, or that somebody else changed (T43). Returns and records the result for
    each such step. Raises nothing but Fenced.
    """
    results: list[RollbackResult] = []
    # Backwards, and never past an irreversible step: what came before it may be what it now rests on.
    for step in reversed(_steps_to_roll_back(run, failed_batch, failed)):
        if not _took_effect(run, step):
            continue
        if step.danger is Danger.IRREVERSIBLE:
            reason = f"cannot be undone ({step.undo}); nothing before it was undone either"
            results.append(_leave_as_is(run, step, reason))
            break
        # Somebody else changed it: taking it "back" would overwrite their change (T43).
        others = failed.cause is FailureCause.DRIFTED and step.id == failed.step
        reason = "left as it is (somebody else changed it meanwhile)"
        results.append(_leave_as_is(run, step, reason) if others else _roll_back_step(run, step))
    return results


def _steps_to_roll_back(run: PlanRun, failed_batch: Sequence[Step], failed: StepFailed) -> Sequence[Step]:
    """The steps to be undone after ``failed``, in the plan's order; none where nothing contradicts what was done."""
    goal = run.plan.goal
    # Past a step that nothing can undo, and that took effect or may have, a switchover is not taken back.
    is_past_return = any(step.danger is Danger.IRREVERSIBLE and _took_effect(run, step) for step in run.plan.steps)
    if failed.cause not in CONTRADICTIONS and (goal is not Goal.SWITCHOVER or is_past_return):
        return ()
    if goal is Goal.SWITCHOVER:
        return run.plan.steps
    return [step for step in failed_batch if step.id == failed.step] if goal in _KEEP_DONE else failed_batch


def _leave_as_is(run: PlanRun, step: Step, reason: str) -> RollbackResult:
    message = f"{step.id}: {reason}"
    run.journal.append(EntryKind.COMPENSATION, step.id, says=message, undone=False)
    return RollbackResult(step.id, False, message)


def _took_effect(run: PlanRun, step: Step) -> bool:
    """Whether a call of the step, as the record of this plan has it, took effect or may have."""
    if run.journal.state_of(step.id) is RecordedState.UNDONE:
        return False
    own = [entry for entry in of_last_plan(run.journal.entries) if entry.step == step.id]
    outcomes = [entry for entry in own if entry.kind is EntryKind.OUTCOME]
    # An intent without an outcome is a call whose answer nobody has: it may have worked.
    unanswered = sum(entry.kind is EntryKind.INTENT and not entry.data.get("undo") for entry in own) > len(outcomes)
    return unanswered or any(entry.data.get("result") in _MAY_HAVE_WORKED for entry in outcomes)


def _roll_back_step(run: PlanRun, step: Step) -> RollbackResult:
    action = actions()[step.action]
    call = action.rollback_call(step)
    if call is None:
        message, undone = f"{step.id}: left as it is ({step.undo})", False
    elif _was_rolled_back(run, action, step):
        message, undone = f"{step.id}: undone already ({step.undo})", True
    else:
        message, undone = _send(run, action, step, _current_call(run, action, step, call))
    run.journal.append(EntryKind.UNDONE if undone else EntryKind.COMPENSATION, step.id, says=message, undone=undone)
    return RollbackResult(step.id, undone, message)


def _current_call(run: PlanRun, action: Action, step: Step, call: Call) -> Call:
    """The call for the state that is seen now; as planned where that cannot be seen."""
    if action.rollback_as_seen is None:
        return call
    # These parts alone: no site of a sick region is visited.
    parts = frozenset(part.name for part in action.rollback_parts)
    try:
        return action.rollback_as_seen(step, call, run.context_with(parts))
    except (ReadFailed, DataUnavailable):
        return call


def _was_rolled_back(run: PlanRun, action: Action, step: Step) -> bool:
    """Whether an undo left before, from a run that died before it was recorded, and the world shows that it worked."""
    intents = [entry for entry in run.journal.entries if entry.step == step.id and entry.kind is EntryKind.INTENT]
    if not intents or not intents[-1].data.get("undo"):
        return False
    try:
        return action.is_rolled_back(step, run.context(action))
    except (ReadFailed, DataUnavailable):
        return False  # what cannot be seen is sent again: it leads to the same


def _send(run: PlanRun, action: Action, step: Step, call: Call, attempt: int = 1) -> tuple[str, bool]:
    """Send the call, again where AWS did not take it in passing or there are new credentials.

    One whose answer was lost is sent again too: it sets what was there before, and twice leads to the same.
    """
    # Not `run.hold`: that hears Ctrl-C, and a rollback is finished once it has begun (T46).
    run.clock.sleep(run.rate_delay_s([call]))
    try:
        # `undo` marks the intent: _took_effect must not count it as a call of the step itself.
        run.journal.append(EntryKind.INTENT, step.id, call=call.name, region=call.region, undo=True)
        with run.client.permitting(run.guard_context(action.writes)):
            run.client.send(call)
    # A mirror that does not answer fails this undo alone: the next step is still tried (T46).
    except (SendFailed, GuardRefused, MirrorFailed) as failed:
        trouble = failed.trouble if isinstance(failed, SendFailed) else None
        if trouble is FailureKind.CREDENTIALS and run.sign_in.recover():
            return _send(run, action, step, call, attempt)
        if trouble in _TRANSIENT and attempt < run.env.execution.attempts:
            run.clock.sleep(min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
            return _send(run, action, step, call, attempt + 1)
        return f"{step.id}: could NOT be undone: {failed}", False
    return f"{step.id}: undone ({step.undo})", True
