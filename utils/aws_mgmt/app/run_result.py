"""How a run ended, in one word, one sentence and one exit code; what it was is in the journal already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dr_actions.actions.notifications import break_glass_message, run_failure_message
from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.control_table.control import Fenced, IncidentOpen, MalformedItem
from dr_actions.control_table.heartbeat import LockLost
from dr_actions.execution.executor import Outcome
from dr_actions.execution.run import (
    CredentialsLost,
    FailureCause,
    ManualPending,
    NotConfirmed,
    PlanRun,
    ReadFailed,
    RunStopped,
    StepFailed,
)
from dr_actions.execution.write_pause_watch import raise_alarm
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.mirror import MirrorFailed
from dr_actions.model.plan import SendFailed
from dr_checks.posture.visitor_access import VisitorAccess
from dr_estate.model.invocation import Invocation
from dr_estate.model.journal_chain import JournalBroken
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, STANDS_NOW, NextStep

_OVERDUE = {
    FailureCause.LATE: ("late", Exit.ACTION_FAILED),
    FailureCause.UNDER_WAY: ("under way", Exit.UNDER_WAY),
    FailureCause.UNAVAILABLE: ("late", Exit.COULD_NOT_SEE),
}


@dataclass(frozen=True)
class RunResult:
    """``outcome`` as docs/json.md lists them; ``alarms``: notify the critical topic; ``to_confirm``: steps.

    ``stands_otherwise``: the estate is in a posture in which the same command does not continue.
    """

    outcome: str
    message: str
    exit: Exit
    step: str = ""
    alarms: bool = False
    to_confirm: tuple[str, ...] = ()
    stands_otherwise: bool = False


def result_of(
    outcome: Outcome, passed: bool, again: NextStep, validated: bool = True, by_health: str = "", serves: bool = True
) -> RunResult:
    """Return the result of a run that went through every step; ``validated``: what serves now was judged after them.

    ``passed`` is the result of the steps and the validation, ``serves`` of the validation alone.
    ``again`` is the command for a run that is not over. ``by_health`` states what us-east-1 did not take or show.
    """
    unfenced = "".join(f" {caveat}" for caveat in (outcome.unfenced, by_health) if caveat)
    if passed and outcome.under_way and not outcome.degraded:
        steps = f"{_steps(outcome.under_way)} still: {outcome.under_way[0]}"
        message = f"Done, but AWS works on {steps}.{unfenced} {again}"
        return RunResult("under way", message, Exit.UNDER_WAY, alarms=True)
    if passed and not outcome.degraded:
        proven = ", and what serves now was validated" if validated else ""
        if outcome.unseen:
            unseen = f"but not seen: {'; '.join(outcome.unseen).rstrip('.')}"
            message = f"Every step is done{proven}, {unseen}.{unfenced} {again}"
            return RunResult("unconfirmed", message, Exit.COULD_NOT_SEE, "validate", alarms=True)
        every = f"Every step is done but {len(outcome.owed)}" if outcome.owed else "Every step is done"
        return RunResult("done", f"{every}{proven}.{unfenced}", Exit.READY, alarms=bool(by_health))
    if outcome.degraded:
        found = "" if serves else ", and so did the validation: see what it found"
        first = outcome.degraded[0].rstrip(".")
        message = f"Done, but degraded: {_steps(outcome.degraded)} failed{found}. {first}.{unfenced} {again}"
        return RunResult("degraded", message, Exit.VALIDATION_FAILED, "validate", alarms=True)
    message = f"Every step is done, but the validation failed: see what it found.{unfenced} {again}"
    return RunResult("invalid", message, Exit.VALIDATION_FAILED, "validate", alarms=True)


def _steps(found: Sequence[str]) -> str:
    return f"{len(found)} {'step' if len(found) == 1 else 'steps'}"


def _before(outcome: Outcome) -> str:
    """What was not done earlier, with the reason of the first: a later step may have waited in vain for that."""
    found = (*outcome.degraded, *outcome.under_way)
    return f" Not done before, {_steps(found)}: {found[0].rstrip('.')}." if found else ""


def result_of_error(trouble: Exception, outcome: Outcome, again: NextStep) -> RunResult | None:
    """The ending that an exception means; None for a defect of this tool, which is no ending."""
    if isinstance(trouble, RunStopped):
        return RunResult("stopped", f"Stopped between two calls, as asked. {again}", Exit.INTERRUPTED)
    if isinstance(trouble, ManualPending):
        message = f"{str(trouble).rstrip('.')}. {again}"
        return RunResult("waiting", message, Exit.ACTION_FAILED, trouble.step)
    if isinstance(trouble, CredentialsLost):
        return RunResult("waiting", f"{trouble} {again}", Exit.COULD_NOT_SEE, "run")
    # Where steps were taken back, the plain failure below says what became of them.
    if isinstance(trouble, StepFailed) and trouble.cause in _OVERDUE and not outcome.undone:
        message = f"{str(trouble).rstrip('.')}.{_before(outcome)} Nothing was taken back for that. {again}"
        word, code = _OVERDUE[trouble.cause]
        return RunResult(word, message, code, trouble.step, alarms=True)
    if isinstance(trouble, StepFailed):
        if trouble.cause is FailureCause.GATE:
            back = f" {outcome.undone[0].message}." if outcome.undone else ""
            message = f"A gate failed, and {_where_traffic_is(outcome)}: {str(trouble).rstrip('.')}.{back} {again}"
            return RunResult("stepped back", message, Exit.VALIDATION_FAILED, trouble.step, alarms=True)
        taken_back = sum(rollback.rolled_back for rollback in outcome.undone)
        undone = f" Taken back: {taken_back} of {len(outcome.undone)} steps." if outcome.undone else ""
        to_confirm = trouble.steps if isinstance(trouble, NotConfirmed) else ()
        otherwise = trouble.cause is FailureCause.POSTURE and again.command != DRILL_CLEAN  # that is refused in none
        after = STANDS_NOW if otherwise else again.confirming(to_confirm)
        message = f"{str(trouble).rstrip('.')}.{_before(outcome)}{undone} {after}"
        return RunResult("failed", message, Exit.ACTION_FAILED, trouble.step, True, to_confirm, otherwise)
    # No alarm: the run that took the lock reports, and two would contradict each other.
    if isinstance(trouble, (LockLost, Fenced)):
        return RunResult("lost", f"{trouble} Nothing more was changed by this run.", Exit.ACTION_FAILED)
    if isinstance(trouble, OSError):
        message = f"{trouble.filename or 'The system'}: {trouble.strerror or trouble}."
        return RunResult("failed", f"{message} {again}", Exit.ACTION_FAILED, "run", alarms=True)
    if isinstance(
        trouble, (MirrorFailed, JournalBroken, ReadFailed, SendFailed, GuardRefused, IncidentOpen, MalformedItem)
    ):
        return RunResult("failed", f"{trouble} {again}", Exit.ACTION_FAILED, "run", alarms=True)
    return None


def result_of_defect(trouble: Exception) -> RunResult:
    """Return the result of a run that a defect of this tool cut off; the error boundary reports it."""
    message = f"Cut off by a defect of this tool ({type(trouble).__name__}: {trouble})."
    return RunResult("failed", message, Exit.ACTION_FAILED, "run")


def _where_traffic_is(outcome: Outcome) -> str:
    """What became of the visitors whose stage failed."""
    if not outcome.undone:
        return "this run changed no weights"
    if all(rollback.rolled_back for rollback in outcome.undone):
        return "traffic went back to the last good weights"
    return "traffic could NOT be led back to the last good weights"


def send_alarm(
    run: PlanRun, result: RunResult, again: NextStep, invocation: Invocation, visitors: VisitorAccess | None = None
) -> None:
    """Notify the critical topic of the DR region, in an outage by that first."""
    needed = invocation.complete(str(STANDS_NOW if result.stands_otherwise else again.confirming(result.to_confirm)))
    reason = invocation.complete(result.message)
    message = run_failure_message(
        run.env, run.clearance.incident, run.plan.goal, result.step, reason, needed, run.journal.run
    )
    if visitors and visitors.is_urgent:
        message = replace(message, happened=f"{visitors.sentence} {message.happened}")
    raise_alarm(run, message, result.message)


def notify_broken_glass(run: PlanRun, who: str, invocation: Invocation) -> None:
    """Notify everybody, and record in the journal, that ``who`` runs by the break-glass role."""
    message = break_glass_message(run.env, run.clearance.incident, run.plan.goal, who, run.journal.run)
    message = replace(message, needed=invocation.complete(message.needed))
    run.journal.append(EntryKind.NOTE, says=f"{message.happened}.")
    raise_alarm(run, message, message.happened)
