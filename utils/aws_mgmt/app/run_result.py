"""How a run ended, in one word, one sentence and one exit code; what it was is in the journal already."""

from __future__ import annotations

from dataclasses import dataclass

from dr_actions.actions.notifications.messages import critical, run_failed
from dr_actions.actions.registry import verbs
from dr_actions.clients.mutating_client import Guarded, SendFailed
from dr_actions.control_table.control import Fenced, IncidentOpen
from dr_actions.control_table.heartbeat import LockLost
from dr_actions.execution.executor import Outcome
from dr_actions.execution.run import OVERDUE, Cause, LookFailed, ManualPending, Run, StepFailed, Stopped
from dr_actions.journal.journal import JournalBroken, Kind, MirrorFailed
from dr_estate.model.invocation import Invocation
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import NextStep


@dataclass(frozen=True)
class Ending:
    """``outcome`` as docs/json.md lists them; ``alarms``: tell the critical topic."""

    outcome: str
    says: str
    exit: Exit
    step: str = ""
    alarms: bool = False


def ended(outcome: Outcome, passed: bool, again: NextStep, validated: bool = True) -> Ending:
    """The ending of a run that went through every step; ``validated``: and what serves now was judged then.

    ``again`` is the command for a run that is not over.
    """
    if passed and not outcome.degraded:
        proven = ", and what serves now was validated" if validated else ""
        return Ending("done", f"Every step is done{proven}.", Exit.READY)
    if outcome.degraded:
        says = f"Done, but degraded: {len(outcome.degraded)} steps failed. {again}"
        return Ending("degraded", says, Exit.VALIDATION_FAILED, "validate", alarms=True)
    says = f"Every step is done, but the validation failed: see what it found. {again}"
    return Ending("invalid", says, Exit.VALIDATION_FAILED, "validate", alarms=True)


def ending_of(trouble: Exception, outcome: Outcome, again: NextStep) -> Ending | None:
    """The ending that an exception means; None for a defect of this tool, which is no ending."""
    if isinstance(trouble, Stopped):
        return Ending("stopped", f"Stopped between two calls, as asked. {again}", Exit.INTERRUPTED)
    if isinstance(trouble, ManualPending):
        return Ending("waiting", f"{trouble}. {again}", Exit.ACTION_FAILED, trouble.step)
    if isinstance(trouble, StepFailed) and trouble.cause in OVERDUE and not outcome.undone:
        says = f"{str(trouble).rstrip('.')}. Nothing was taken back for that. {again}"
        code = Exit.COULD_NOT_SEE if trouble.cause is Cause.UNSEEN else Exit.ACTION_FAILED
        return Ending("late", says, code, trouble.step, alarms=True)
    if isinstance(trouble, StepFailed):
        if trouble.cause is Cause.GATE:
            back = f" {outcome.undone[0].says}." if outcome.undone else ""
            says = f"A gate failed, and {_where_traffic_is(outcome)}: {str(trouble).rstrip('.')}.{back} {again}"
            return Ending("stepped back", says, Exit.VALIDATION_FAILED, trouble.step, alarms=True)
        taken_back = sum(rollback.undone for rollback in outcome.undone)
        undone = f" Taken back: {taken_back} of {len(outcome.undone)} steps." if outcome.undone else ""
        says = f"{str(trouble).rstrip('.')}.{undone} {again}"
        return Ending("failed", says, Exit.ACTION_FAILED, trouble.step, alarms=True)
    if isinstance(trouble, (LockLost, Fenced)):
        return Ending("lost", f"{trouble} Nothing more was changed by this run.", Exit.ACTION_FAILED)
    if isinstance(trouble, OSError):
        says = f"{trouble.filename or 'The system'}: {trouble.strerror or trouble}."
        return Ending("failed", f"{says} {again}", Exit.ACTION_FAILED, "run", alarms=True)
    if isinstance(trouble, (MirrorFailed, JournalBroken, LookFailed, SendFailed, Guarded, IncidentOpen)):
        return Ending("failed", f"{trouble} {again}", Exit.ACTION_FAILED, "run", alarms=True)
    return None


def of_a_defect(trouble: Exception) -> Ending:
    """The ending of a run that a defect of this tool cut off; the error wall tells it to the operator."""
    says = f"Cut off by a defect of this tool ({type(trouble).__name__}: {trouble})."
    return Ending("failed", says, Exit.ACTION_FAILED, "run")


def _where_traffic_is(outcome: Outcome) -> str:
    """What became of the visitors whose stage failed."""
    if not outcome.undone:
        return "this run changed no weights"
    if all(rollback.undone for rollback in outcome.undone):
        return "traffic went back to the last good weights"
    return "traffic could NOT be led back to the last good weights"


def raise_the_alarm(run: Run, ending: Ending, again: NextStep, invocation: Invocation) -> None:
    """Tell the critical topic of the DR region; a failed delivery is recorded and never stops anything (T40)."""
    why, needed = invocation.complete(ending.says), invocation.complete(str(again))
    message = run_failed(run.env, run.clearance.incident, run.plan.goal, ending.step, why, needed, run.journal.run)
    for call in critical(run.env, message):
        try:
            with run.hands.permitting(run.guard_context(verbs()["notifications/start"].writes)):
                run.hands.send(call)
            run.journal.append(Kind.NOTIFIED, says=f"{call.params['TopicArn']} was notified: {ending.says}")
        except Exception as failed:  # noqa: BLE001 - whatever it was, the run's own account matters more
            run.tell.note(f"The alarm could not be sent to {call.params['TopicArn']}: {failed}")
