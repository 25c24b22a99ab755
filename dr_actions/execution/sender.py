"""Sends a batch's calls, each between two records. An answer that was lost is never guessed at: the world is asked.

Right before, what must hold is checked again: the plan was made upon a posture, and a primary that comes back halfway
changes everything (T43). Evidence older than execution.evidence_age_s is read again before the next change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dr_actions.authorization.resumption import EXPECTED
from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.clients.terraform import TerraformFailed, TerraformRefused
from dr_actions.execution import sick_primary, write_pause_watch
from dr_actions.execution.progress import ProgressWatch
from dr_actions.execution.run import FailureCause, NotConfirmed, PlanRun, ReadFailed, StepFailed
from dr_actions.guard.context import GuardContext
from dr_actions.journal.entries import CONFIRMED_BY, EntryKind, of_last_plan
from dr_actions.journal.redaction import redact
from dr_actions.model.action import Action, CallDeclined, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, FailureKind, Goal, SendFailed, Step
from dr_checks.posture.posture import WITNESSES, posture_of
from dr_estate.aws.pace import most_at_once
from dr_estate.model.durations import duration
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import dns_answers, efs, http_sites, rds, route53, route53_health_checks

# Sends very many calls for one step, several at once; a cursor in the journal shows another run where to resume.

R = TypeVar("R")


@dataclass
class StepSender:
    """The sender of ``step`` in ``run``: whatever thread sends may send what ``permission`` allows."""

    run: PlanRun
    step: Step
    permission: GuardContext
    began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_s = self.run.clock.monotonic()

    @property
    def cursor(self) -> str:
        """What was recorded last for the step since its plan began, and since it was done or taken back."""
        cursor = ""
        for entry in (entry for entry in of_last_plan(self.run.journal.entries) if entry.step == self.step.id):
            if entry.kind in (EntryKind.CONFIRMED, EntryKind.UNDONE):
                cursor = ""
            elif entry.kind is EntryKind.PROGRESS:
                cursor = str(entry.data["cursor"])
        return cursor

    @property
    def attempts(self) -> int:
        """How often a call that failed in passing is sent in all."""
        return self.run.env.execution.attempts

    def send(self, call: Call) -> dict[str, Any]:
        """Send one call, from whatever thread. Raises GuardRefused, SendFailed."""
        with self.run.client.permitting(self.permission):
            return self.run.client.send(call)

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do ``work`` for every item, failback.objects_at_once at a time. Raises the first error."""
        with ThreadPoolExecutor(self.run.env.failback.objects_at_once, "bulk") as pool:
            return list(pool.map(work, items))

    def record(self, cursor: str, message: str) -> None:
        """Record ``cursor``, and report ``message``.

        A cursor that looks like a secret is not written: the previous cursor stays good. Raises RunStopped, LockLost,
        Fenced, StepFailed where all runs are paused.
        """
        run, age_s = self.run, self.run.clock.monotonic() - self.began_s
        run.stop_if_asked()
        # A cursor is a key of a tenant's object: one that looks like a secret stays out of the record.
        if cursor and not redact(cursor)[1]:
            run.journal.append(EntryKind.PROGRESS, self.step.id, cursor=cursor, says=message)
        run.listener.waits(self.step, age_s, self.step.budget_s, message)
        # Last: the cursor is on record by now, and the next run goes on behind it.
        run.stop_if_paused(self.step.id)

    def pause(self, attempt: int) -> None:
        """Wait, twice as long each time. Raises RunStopped, LockLost, Fenced."""
        self.run.pause(attempt)


T = TypeVar("T")
_GO_ON = (StepState.IN_PROGRESS, StepState.DONE)
_FAILURE_KINDS: dict[type[Exception], str] = {GuardRefused: "guarded", TerraformFailed: "guarded"}
# Sent again after a look. UNCERTAIN too: the look says whether the call had an effect.
_NOT_NOW = (FailureKind.THROTTLED, FailureKind.BUSY, FailureKind.UNCERTAIN, FailureKind.CREDENTIALS)
_CAUSES = {StepState.DRIFTED: FailureCause.DRIFTED, StepState.UNAVAILABLE: FailureCause.UNAVAILABLE}

# What is read again before a change: all that the posture and the way of visitors follow from.
WITNESSED = frozenset(reader.name for reader in WITNESSES) | {
    route53.records.name,
    route53_health_checks.checks.name,
    route53_health_checks.statuses.name,
    dns_answers.led.name,
    dns_answers.door.name,
    http_sites.visits.name,
    http_sites.edge_visits.name,
    rds.automated_backups.name,
    efs.replications.name,
}
_ANYHOW = (Goal.CLEAN_UP,)  # what a drill left is taken away whatever has happened to the estate meanwhile
_POSTURE_GATE = "posture.expected"


@dataclass(frozen=True, slots=True)
class SendRefusal:
    """Why a step's call did not take effect, or is not known to have."""

    cause: FailureCause
    reason: str


Refusals = dict[str, SendRefusal]
SendResult = dict[str, Any] | Exception


def send_all(run: PlanRun, action: Action, steps: list[Step], context: PlanContext) -> Refusals:
    """Send every step's call, at most execution.at_once at a time. Returns the refusal of each refused step.

    A throttled, unanswered or failed call is sent again only where a fresh look shows that it had no effect; one whose
    subject is busy, until nothing of it moved for the step's time. While nobody can write an essential step is tried
    without an end, and people are notified. As long as AWS takes some of a batch and throttles others, no attempt is
    counted, and the wait for AWS's rates makes no step late. Where the run has lost its credentials it waits for new
    ones first; so has a program that failed while AWS refuses them, whatever it says of its end.
    """
    refused: Refusals = {}
    open_steps, began_s, attempt, tries, watch = steps, run.clock.monotonic(), 0, 0, ProgressWatch()
    paced_s, notified = run.paced_s, set[int]()
    while failures := _send_once(run, action, open_steps, context):
        tries += 1
        # No attempt counts while AWS takes some of a batch and throttles others: that is its rate, not a failure.
        if any(map(_may_lack_credentials, failures.values())) and run.sign_in.recover():
            failures = {step_id: _for_credentials(failed) for step_id, failed in failures.items()}
            began_s, paced_s = run.clock.monotonic(), run.paced_s
        elif len(failures) == len(open_steps) or not any(
            _has_trouble(failed, FailureKind.THROTTLED) for failed in failures.values()
        ):
            attempt += 1
        run.pause(max(0, attempt - 1))
        # A look comes between two sends of the same call: the first may have worked although its answer was lost.
        context, open_steps = _still_open(run, action, open_steps, failures, refused, watch)
        began_s, paced_s, now_s = began_s + run.paced_s - paced_s, run.paced_s, run.clock.monotonic()
        for step in open_steps:
            waited_s, busy = now_s - began_s, _has_trouble(failures[step.id], FailureKind.BUSY)
            tried = sick_primary.is_tried(run.plan, step)
            over = tried and waited_s > sick_primary.limit_s(run, step, waited_s)
            still_s = waited_s if tried else watch.still_s(step.id, began_s, now_s)
            if busy and not over and still_s <= step.budget_s:
                run.listener.waits(step, waited_s, waited_s - still_s + step.budget_s, str(failures[step.id]))
            elif not (busy or over or attempt >= run.env.execution.attempts):
                continue
            elif write_pause_watch.is_waited_on(run, action):
                run.listener.waits(step, waited_s, math.inf, str(failures[step.id]))
                number = 1 + int(waited_s // step.budget_s)
                if number not in notified:
                    text = f"{step.id} was not taken in {tries} attempts, and is tried again: {failures[step.id]}"
                    write_pause_watch.notify_late(run, step, number, text)
                notified.add(number)
            else:
                reason = f"given up after {tries} attempts: {failures[step.id]}"
                lacks_credentials = _has_trouble(failures[step.id], FailureKind.CREDENTIALS)
                cause = FailureCause.FAILED if lacks_credentials else FailureCause.LATE
                refused[step.id] = SendRefusal(cause, reason)
        open_steps = [step for step in open_steps if step.id not in refused]
        if not open_steps:
            break
    return refused


def _has_trouble(failed: Exception, *kinds: FailureKind) -> bool:
    return isinstance(failed, SendFailed) and failed.trouble in kinds


def _may_lack_credentials(failed: Exception) -> bool:
    """Whether lost credentials may be the cause: a program names its own in words, which nothing is decided by."""
    ended = isinstance(failed, TerraformFailed) and not isinstance(failed, TerraformRefused)
    return ended or _has_trouble(failed, FailureKind.CREDENTIALS)


def _for_credentials(failed: Exception) -> Exception:
    """The failure, to be tried again where it was a program's that ran while there were no credentials."""
    return SendFailed(FailureKind.CREDENTIALS, str(failed)) if _may_lack_credentials(failed) else failed


def _send_once(run: PlanRun, action: Action, steps: Sequence[Step], context: PlanContext) -> dict[str, Exception]:
    failures: dict[str, Exception] = {}
    most = most_at_once(step.call.name for step in steps if step.call is not None)
    size = min(run.env.execution.at_once, most or run.env.execution.at_once)
    for start in range(0, len(steps), size):
        chunk = steps[start : start + size]
        # The order matters: ask the person, build the calls, wait for AWS's rates, check lock and posture, record the
        # intent, send. A check before a wait would be as old as the wait.
        _ask_for_irreversible(run, chunk)
        calls = {step.id: _built_call(run, action, step, context) for step in chunk if action.run_program is None}
        lost_s = run.sign_in.lost_s
        _wait_for_rates(run, steps, start, list(calls.values()))
        _check_before_a_change(run, action, chunk[0])
        run.journal.append_many([(EntryKind.INTENT, step.id, _intent(calls.get(step.id))) for step in chunk])
        answers: list[SendResult]
        if run.sign_in.lost_s > lost_s:  # what the calls were made upon was seen before that wait
            answers = [SendFailed(FailureKind.CREDENTIALS, "not sent: the credentials were lost") for _ in chunk]
        else:
            permission = run.guard_context(action.writes | action.reads)
            with ThreadPoolExecutor(max(1, len(chunk))) as pool:
                answers = list(pool.map(lambda step: _send(run, action, step, calls.get(step.id), permission), chunk))  # noqa: B023 - done within
        answered = list(zip(chunk, answers, strict=True))
        failures |= {step.id: answer for step, answer in answered if isinstance(answer, Exception)}
        run.journal.append_many([_outcome(step, answer) for step, answer in answered])
    return failures


def _wait_for_rates(run: PlanRun, steps: Sequence[Step], number: int, calls: Sequence[Call]) -> None:
    """Wait until the next ``calls`` may leave; ``number`` are sent. Raises RunStopped, LockLost, Fenced."""
    seconds = run.rate_delay_s(calls)
    if seconds:
        sent = f"{number} of {len(steps)} calls of this round are sent"
        text = f"{sent}; AWS's published rates allow the next {len(calls)} in {duration(seconds)}"
        run.listener.waits(steps[number], 0.0, seconds, text)
        run.hold(seconds)


def _check_before_a_change(run: PlanRun, action: Action, step: Step) -> None:
    """Check lock, stop switch, digest, evidence and posture. Raises RunStopped, LockLost, Fenced, StepFailed."""
    step_id = step.id
    run.stop_if_asked()
    run.stop_if_paused(step_id)
    ends = run.stop_condition()
    if ends:
        raise StepFailed(step_id, f"drill.alarms: {ends}")
    # The approval is of the digest: a plan that was changed in this process is refused like a forged one.
    if run.plan.digest != run.clearance.digest:
        raise StepFailed(step_id, "the plan is not the one that was cleared: its digest differs", FailureCause.HALTED)
    if run.plan.goal in _ANYHOW:
        return
    _wait_for_view(run, action, step, lambda: _witness_again(run))
    posture = posture_of(run.snapshot, run.env)
    overrides = run.clearance.overrides
    overridden = any(override.gate == _POSTURE_GATE and override.until > run.clock.now() for override in overrides)
    if posture.name not in EXPECTED[run.plan.goal] and not overridden:
        raise StepFailed(
            step_id,
            f"the posture is {posture.name} now ({posture.says}), the plan was made upon {run.plan.posture}: assess "
            f"again, or override {_POSTURE_GATE} by name",
            FailureCause.POSTURE,
        )


def _witness_again(run: PlanRun) -> None:
    # The moment before the read: its answers may be as old as that.
    now = run.clock.now()
    seen_at = run.witnessed_at or run.snapshot.taken_at
    if (now - seen_at).total_seconds() > run.env.execution.evidence_age_s:
        run.context_with(WITNESSED)
        seen_at = now
    run.witnessed_at = seen_at


def _wait_for_view(run: PlanRun, action: Action, step: Step, look: Callable[[], T]) -> T:
    """What ``look`` returns, once anything can be read at all.

    A network that is gone for a while is waited for as it is between two looks of a batch: for the step's time, and
    while nobody can write without an end. Raises StepFailed, RunStopped, LockLost, Fenced.
    """
    began_s = run.clock.monotonic()
    while True:
        try:
            return look()
        except ReadFailed as error:
            waited_s, paused = run.clock.monotonic() - began_s, write_pause_watch.is_waited_on(run, action)
            if waited_s > step.budget_s and not paused:
                reason = f"{step.id}: not seen within its {step.budget_s} s: {error}"
                raise StepFailed(step.id, reason, FailureCause.UNAVAILABLE) from error
            run.listener.waits(step, waited_s, math.inf if paused else step.budget_s, str(error))
        run.wait()


def _built_call(run: PlanRun, action: Action, step: Step, context: PlanContext) -> Call:
    """The call as it is to be sent. What it is made from is looked at again where it could not be read.

    Raises as ``_wait_for_view``, and StepFailed for a ValueError.
    """

    def look() -> Call:
        try:
            return action.build_call(step, run.context(action))
        except DataUnavailable as unseen:
            raise ReadFailed(str(unseen)) from unseen

    try:
        try:
            return action.build_call(step, context)
        except DataUnavailable:
            return _wait_for_view(run, action, step, look)
    except ValueError as wrong:
        raise StepFailed(step.id, f"{step.id}: its call cannot be made: {wrong}") from wrong


def _intent(call: Call | None) -> dict[str, str]:
    """What the record says of a call about to leave; a step that runs a program has none."""
    return {"call": call.name, "region": call.region} if call else {}


def _send(run: PlanRun, action: Action, step: Step, call: Call | None, permission: GuardContext) -> SendResult:
    try:
        # Once more, right before the call leaves: the lease may have ended since the check of the chunk.
        run.check_lock()
        if action.run_program is not None:
            action.run_program(step, run.program_context)
            return {}
        if call is None:
            return {}
        with run.client.permitting(permission):
            if action.send_many is not None:
                return action.send_many(step, call, StepSender(run, step, permission))
            return action.send(step, call, run.client)
    except (SendFailed, GuardRefused, TerraformFailed, CallDeclined) as failed:
        return failed


def _outcome(step: Step, reply: SendResult) -> tuple[EntryKind, str, dict[str, str]]:
    """What the record says of a call's answer, with the id by which what it made is followed.

    That is a change in Route 53 (T02), a deployment of an ECS service (T53), a task or a job of S3; or a restored
    database's class.
    """
    if not isinstance(reply, Exception):
        answer = reply or {}
        ids = {"change": answer.get("ChangeInfo", {}).get("Id"), "job": answer.get("JobId")}
        ids |= {name: answer.get(name) for name in ("deployment", "class")}
        ids["task"] = next((task.get("taskArn") for task in answer.get("tasks", ())), None)
        return EntryKind.OUTCOME, step.id, {"result": "sent"} | {key: str(value) for key, value in ids.items() if value}
    trouble = reply.trouble if isinstance(reply, SendFailed) else _FAILURE_KINDS.get(type(reply), FailureKind.REFUSED)
    return EntryKind.OUTCOME, step.id, {"result": str(trouble), "says": str(reply)}


def _still_open(
    run: PlanRun,
    action: Action,
    steps: Sequence[Step],
    failures: dict[str, Exception],
    refused: Refusals,
    watch: ProgressWatch,
) -> tuple[PlanContext, list[Step]]:
    """The failed steps that had no effect and may be sent again; what cannot be is put into ``refused``."""
    sides = sick_primary.sides_of(run.plan, action.name)
    context = _wait_for_view(run, action, steps[0], lambda: run.context(action, sides))
    again: list[Step] = []
    for step in steps:
        failed = failures.get(step.id)
        if failed is None:
            continue
        status = action.observe(step, context) if action.observable else None
        if status is not None:
            watch.observe(step.id, status, run.clock.monotonic())
        # What took effect in spite of its error is recorded as such, and is not sent again.
        if status is not None and status.state in _GO_ON:
            message = f"it took effect all the same: {status.message}"
            run.journal.append(EntryKind.LOOKED, step.id, says=message, took_effect=True)
        elif _has_trouble(failed, *_NOT_NOW) and (status is None or status.state is StepState.READY):
            again.append(step)
        else:
            refused[step.id] = SendRefusal(_cause(failed, status), str(failed))
    return context, again


def _cause(failed: Exception, status: StepStatus | None) -> FailureCause:
    """What a call's failure means: an answer that was lost says nothing, then the look decides."""
    if status is None or not _has_trouble(failed, *_NOT_NOW):
        return FailureCause.FAILED
    return _CAUSES.get(status.state, FailureCause.FAILED)


def _ask_for_irreversible(run: PlanRun, steps: Sequence[Step]) -> None:
    """Have each irreversible step confirmed, and record who did, once a run. Raises NotConfirmed, RunStopped."""
    for step in (step for step in steps if step.danger is Danger.IRREVERSIBLE):
        if step.id in run.confirmed:
            _record_confirmation(run, step, "beforehand")
            continue
        confirmed = run.listener.confirm(step, run.stop)
        if not confirmed:
            # A stop ends the question too: that is no refusal to confirm.
            run.stop_if_asked()
            raise NotConfirmed(step, _open_confirmations(run, step) if confirmed is None else ())
        run.confirmed |= {step.id}
        _record_confirmation(run, step, "typed at the terminal")


def _record_confirmation(run: PlanRun, step: Step, way: str) -> None:
    own = (entry for entry in run.journal.entries if entry.run == run.journal.run and entry.step == step.id)
    if not any(CONFIRMED_BY in entry.data for entry in own):
        says = f"{run.person} confirmed this irreversible step, {way}"
        run.journal.append(EntryKind.LOOKED, step.id, says=says, **{CONFIRMED_BY: run.person, "way": way})


def _open_confirmations(run: PlanRun, step: Step) -> list[str]:
    """The irreversible steps from ``step`` on that nobody confirmed: what a run without a terminal needs to go on."""
    rest = run.plan.steps[run.plan.steps.index(step) :]
    return [s.id for s in rest if s.danger is Danger.IRREVERSIBLE and s.id not in run.confirmed]
