"""Sends a batch's calls, each between two records. An answer that was lost is never guessed at: the world is asked.

Right before, what must hold is checked again: the plan was made upon a posture, and a primary that comes back halfway
changes everything (T43). Evidence older than execution.evidence_age_s is read again before the next change.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dr_actions.authorization.resumption import EXPECTED
from dr_actions.clients.mutating_client import Guarded, SendFailed, Trouble
from dr_actions.clients.terraform import TerraformFailed
from dr_actions.execution.run import Cause, Run, StepFailed
from dr_actions.journal.journal import Kind
from dr_actions.model.action import Confirmation, Declined, Sight, Standing, Verb
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_checks.posture.posture import WITNESSES, posture_of
from dr_estate.readers import route53, route53_health_checks

_GO_ON = (Standing.WAITING, Standing.DONE)
_TROUBLES: dict[type[Exception], str] = {Guarded: "guarded", TerraformFailed: "guarded"}
_NOT_NOW = (Trouble.THROTTLED, Trouble.BUSY, Trouble.UNCERTAIN)
_CAUSES = {Standing.CHANGED: Cause.CHANGED, Standing.UNSEEN: Cause.UNSEEN}

WITNESSED = frozenset(reader.name for reader in WITNESSES) | {
    route53.records.name,
    route53_health_checks.checks.name,
    route53_health_checks.statuses.name,
}
_ANYHOW = (Goal.CLEAN_UP,)  # what a drill left is taken away whatever has happened to the estate meanwhile
_POSTURE_GATE = "posture.expected"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step's call did not take effect, or is not known to have."""

    cause: Cause
    why: str


Refused = dict[str, Refusal]
Told = dict[str, Any] | Exception


def send_all(run: Run, verb: Verb, steps: list[Step], sight: Sight) -> Refused:
    """Send every step's call, at most execution.at_once at a time. Returns the refusal of each refused step.

    A throttled, unanswered or failed call is sent again only where a fresh look shows that it had no effect; one whose
    subject is busy, until the step's time is over.
    """
    refused: Refused = {}
    open_steps, began = steps, run.clock()
    for attempt in itertools.count():
        failures = _send_once(run, verb, open_steps, sight)
        if not failures:
            break
        run.pause(attempt)
        sight, open_steps = _still_open(run, verb, open_steps, failures, refused)
        waited_s = (run.clock() - began).total_seconds()
        for step in open_steps:
            if _is_busy(failures[step.id]) and waited_s <= step.budget_s:
                run.tell.waits(step, waited_s, step.budget_s, str(failures[step.id]))
            elif _is_busy(failures[step.id]) or attempt + 1 >= run.env.execution.attempts:
                why = f"given up after {attempt + 1} attempts: {failures[step.id]}"
                refused[step.id] = Refusal(Cause.LATE, why)
        open_steps = [step for step in open_steps if step.id not in refused]
        if not open_steps:
            break
    return refused


def _is_busy(failed: Exception) -> bool:
    return isinstance(failed, SendFailed) and failed.trouble is Trouble.BUSY


def _send_once(run: Run, verb: Verb, steps: Sequence[Step], sight: Sight) -> dict[str, Exception]:
    failures: dict[str, Exception] = {}
    size = run.env.execution.at_once
    for start in range(0, len(steps), size):
        chunk = steps[start : start + size]
        _ask_for_irreversible(run, chunk)
        calls = {step.id: _filled(verb, step, sight) for step in chunk if verb.work is None}
        _check_before_a_change(run, chunk[0].id)
        run.journal.append_many([(Kind.INTENT, step.id, _intended(calls.get(step.id))) for step in chunk])
        with ThreadPoolExecutor(max(1, len(chunk))) as pool:
            answers = list(pool.map(lambda step: _send(run, verb, step, calls.get(step.id)), chunk))  # noqa: B023 - done within
        failures |= {
            step.id: answer for step, answer in zip(chunk, answers, strict=True) if isinstance(answer, Exception)
        }
        run.journal.append_many([_outcome(step, answer) for step, answer in zip(chunk, answers, strict=True)])
    return failures


def _check_before_a_change(run: Run, step_id: str) -> None:
    """Check lock, stop switch, digest, evidence and posture. Raises Stopped, LockLost, Fenced, StepFailed."""
    run.stop_if_asked()
    paused = run.standing_order()
    if paused:
        raise StepFailed(step_id, f"authority.paused: all runs are stopped: {paused}", Cause.HALTED)
    ends = run.stop_condition()
    if ends:
        raise StepFailed(step_id, f"drill.alarms: {ends}")
    if run.plan.digest != run.clearance.digest:
        raise StepFailed(step_id, "the plan is not the one that was cleared: its digest differs", Cause.HALTED)
    if run.plan.goal in _ANYHOW:
        return
    _witness_again(run)
    posture = posture_of(run.snapshot, run.env)
    overrides = run.clearance.overrides
    overridden = any(override.gate == _POSTURE_GATE and override.until > run.clock() for override in overrides)
    if posture.name not in EXPECTED[run.plan.goal] and not overridden:
        raise StepFailed(
            step_id,
            f"the posture is {posture.name} now ({posture.says}), the plan was made upon {run.plan.posture}: assess "
            f"again, or override {_POSTURE_GATE} by name",
            Cause.HALTED,
        )


def _witness_again(run: Run) -> None:
    now = run.clock()
    seen_at = run.witnessed_at or run.snapshot.taken_at
    if (now - seen_at).total_seconds() > run.env.execution.evidence_age_s:
        run.sight_after(WITNESSED)
        seen_at = now
    run.witnessed_at = seen_at


def _filled(verb: Verb, step: Step, sight: Sight) -> Call:
    try:
        return verb.fill(step, sight)
    except ValueError as wrong:
        raise StepFailed(step.id, f"{step.id}: its call cannot be made: {wrong}") from wrong


def _intended(call: Call | None) -> dict[str, str]:
    """What the record says of a call about to leave; a step that runs a program has none."""
    return {"call": call.name, "region": call.region} if call else {}


def _send(run: Run, verb: Verb, step: Step, call: Call | None) -> Told:
    try:
        run.held()
        if verb.work is not None:
            verb.work(step, run.workshop)
            return {}
        if call is None:
            return {}
        with run.hands.permitting(run.guard_context(verb.writes | verb.reads)):
            return verb.act(step, call, run.hands)
    except (SendFailed, Guarded, TerraformFailed, Declined) as failed:
        return failed


def _outcome(step: Step, reply: Told) -> tuple[Kind, str, dict[str, str]]:
    """What the record says of a call's answer, with the id by which what it made is followed.

    That is a change in Route 53 (T02), or a deployment of an ECS service (T53).
    """
    if not isinstance(reply, Exception):
        answer = reply or {}
        ids = {"change": answer.get("ChangeInfo", {}).get("Id"), "deployment": answer.get("deployment")}
        return Kind.OUTCOME, step.id, {"result": "sent"} | {key: str(value) for key, value in ids.items() if value}
    trouble = reply.trouble if isinstance(reply, SendFailed) else _TROUBLES.get(type(reply), Trouble.REFUSED)
    return Kind.OUTCOME, step.id, {"result": str(trouble), "says": str(reply)}


def _still_open(
    run: Run, verb: Verb, steps: Sequence[Step], failures: dict[str, Exception], refused: Refused
) -> tuple[Sight, list[Step]]:
    """The failed steps that had no effect and may be sent again; what cannot be is put into ``refused``."""
    sight = run.sight(verb)
    again: list[Step] = []
    for step in steps:
        failed = failures.get(step.id)
        if failed is None:
            continue
        status = verb.confirm(step, sight) if verb.seeable else None
        if status is not None and status.standing in _GO_ON:
            says = f"it took effect all the same: {status.says}"
            run.journal.append(Kind.LOOKED, step.id, says=says, took_effect=True)
        elif _may_go_again(failed) and (status is None or status.standing is Standing.READY):
            again.append(step)
        else:
            refused[step.id] = Refusal(_cause(failed, status), str(failed))
    return sight, again


def _may_go_again(failed: Exception) -> bool:
    return isinstance(failed, SendFailed) and failed.trouble in _NOT_NOW


def _cause(failed: Exception, status: Confirmation | None) -> Cause:
    """What a call's failure means: an answer that was lost says nothing, then the look decides."""
    if status is None or not _may_go_again(failed):
        return Cause.FAILED
    return _CAUSES.get(status.standing, Cause.FAILED)


def _ask_for_irreversible(run: Run, steps: Sequence[Step]) -> None:
    for step in steps:
        if step.danger is not Danger.IRREVERSIBLE or step.id in run.confirmed:
            continue
        if not run.tell.confirm(step, run.stop):
            run.stop_if_asked()
            says = f"authority.irreversible: {step.id} was not confirmed: {step.says}"
            raise StepFailed(step.id, says, Cause.HALTED)
        run.confirmed |= {step.id}
        run.journal.append(Kind.LOOKED, step.id, says="the operator confirmed this irreversible step")
