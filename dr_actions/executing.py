"""Walks a plan batch by batch: looks, confirms, records, sends, looks again. A run can end anywhere and go on later.

For each batch (one verb of one stage) the world is looked at first. What is already as wanted is recorded and not done
again; what is neither as before nor as wanted stops the run (T43); the rest is sent, each call between two records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dr_actions import compensating, sending
from dr_actions.journal import Kind, State
from dr_actions.plan import Step
from dr_actions.planning import batches
from dr_actions.running import LookFailed, ManualPending, Run, StepFailed
from dr_actions.verbs import Confirmation, Sight, Standing, Verb, verbs

_LOOKS_BEFORE_GIVING_UP = 5


@dataclass
class Outcome:
    """How a run ended. ``degraded`` are the steps that failed without ending it; ``undone`` what was taken back."""

    finished: bool = False
    degraded: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    trouble: str = ""


def execute(run: Run, steps: Sequence[Step], outcome: Outcome) -> None:
    """Take ``steps`` in order; ``outcome`` tells what became of them.

    Raises StepFailed (after compensation), ManualPending, Stopped (the operator's Ctrl-C), and what ``run`` raises
    when the lock is lost. Everything is in the journal then, and the same command goes on from there.
    """
    for batch in batches(steps):
        try:
            _take(run, verbs()[batch[0].verb], batch, outcome)
        except ManualPending:
            raise
        except StepFailed as failed:
            outcome.trouble = str(failed)
            run.journal.append(Kind.FAILED, failed.step, says=str(failed))
            outcome.undone += compensating.compensate(run, batch)
            raise
    outcome.finished = True


def _take(run: Run, verb: Verb, batch: Sequence[Step], outcome: Outcome) -> None:
    open_steps = [step for step in batch if run.journal.state_of(step.id) is not State.DONE]
    if not open_steps:
        return
    run.stop_if_asked()
    run.tell.begins(open_steps)
    if not verb.seeable:
        _tell_unseeable(run, verb, open_steps, outcome)
        return
    sight, standings = _standings(run, verb, open_steps)
    for step in tuple(open_steps):
        if why := _not_to_be_taken(step, standings[step.id]):
            _failed(run, verb, step.id, why, outcome)
            open_steps.remove(step)
    ready = [step for step in open_steps if standings[step.id].standing is Standing.READY]
    by_hand = [step for step in ready if step.manual]
    if by_hand:
        _wait_for_person(run, verb, by_hand)
    own = [step for step in ready if not step.manual]
    if own:
        refused = sending.send_all(run, verb, own, sight)
        for step_id, why in refused.items():
            _failed(run, verb, step_id, why, outcome)
        open_steps = [step for step in open_steps if step.id not in refused]
    _wait(run, verb, open_steps, outcome)


def _tell_unseeable(run: Run, verb: Verb, steps: Sequence[Step], outcome: Outcome) -> None:
    """A message's outcome is what was recorded: sent is done, anything else is sent (again)."""
    sight = run.sight(verb)
    refused = sending.send_all(run, verb, list(steps), sight)
    for step in steps:
        if step.id in refused:
            _failed(run, verb, step.id, refused[step.id], outcome)
        else:
            run.journal.append(Kind.CONFIRMED, step.id, says="sent")
            run.tell.done(step, "sent")


def _standings(run: Run, verb: Verb, steps: Sequence[Step]) -> tuple[Sight, dict[str, Confirmation]]:
    """How each step stands now, looked at again a few times where it could not be seen. Raises LookFailed."""
    for attempt in range(_LOOKS_BEFORE_GIVING_UP):
        sight = run.sight(verb)
        found = {step.id: verb.confirm(step, sight) for step in steps}
        if all(told.standing is not Standing.UNSEEN for told in found.values()):
            break
        run.pause(attempt)
    return sight, found


def _not_to_be_taken(step: Step, told: Confirmation) -> str:
    """Why the step cannot be taken as the world is, "" where it can or is done."""
    if told.standing is Standing.CHANGED:
        return f"the world changed since the plan was made: {told.says} (T43)"
    if told.standing is Standing.UNSEEN:
        return f"{step.subject} cannot be seen: {told.says}"
    return told.says if told.standing is Standing.FAILED else ""


def _wait_for_person(run: Run, verb: Verb, steps: Sequence[Step]) -> None:
    """Say exactly what is to be changed by hand, then look until it is there, or the time for it is over."""
    until = run.clock() + run.manual_wait
    for step in steps:
        run.journal.append(Kind.MANUAL_WAIT, step.id, says=step.says)
        run.tell.by_hand(step)
    waiting = list(steps)
    while waiting:
        run.nap()
        sight = run.sight(verb)
        for step in tuple(waiting):
            told = verb.confirm(step, sight)
            if told.standing in (Standing.DONE, Standing.WAITING):
                run.journal.append(Kind.MANUAL_DONE, step.id, says=told.says)
                waiting.remove(step)
        if waiting and run.clock() >= until:
            raise ManualPending(waiting[0].id, f"{waiting[0].id} was not done by hand in time: {waiting[0].says}")


def _wait(run: Run, verb: Verb, steps: Sequence[Step], outcome: Outcome) -> None:
    """Look until every step is as wanted; a step whose budget is over fails, in so many words."""
    began = run.clock()
    waiting = {step.id: step for step in steps}
    while waiting:
        try:
            sight = run.sight(verb)
        except LookFailed as blind:
            sight, said = None, str(blind)
        for step in tuple(waiting.values()):
            told = verb.confirm(step, sight) if sight else Confirmation(Standing.UNSEEN, said)
            age_s = (run.clock() - began).total_seconds()
            if _settled(run, verb, step, told, age_s, outcome):
                del waiting[step.id]
        if waiting:
            run.nap()


def _settled(run: Run, verb: Verb, step: Step, told: Confirmation, age_s: float, outcome: Outcome) -> bool:
    if told.standing is Standing.DONE:
        run.journal.append(Kind.CONFIRMED, step.id, says=told.says, facts=dict(told.facts))
        run.tell.done(step, told.says)
        return True
    if told.standing is Standing.FAILED:
        _failed(run, verb, step.id, told.says, outcome)
        return True
    if age_s > step.budget_s:
        _failed(run, verb, step.id, f"not done within its {step.budget_s} s: {told.says}", outcome)
        return True
    run.tell.waits(step, age_s, told.says)
    return False


def _failed(run: Run, verb: Verb, step_id: str, why: str, outcome: Outcome) -> None:
    """An essential step's failure ends the run; another's is recorded, told, and leaves the run degraded."""
    if verb.essential:
        raise StepFailed(step_id, f"{step_id}: {why}")
    run.journal.append(Kind.FAILED, step_id, says=why)
    outcome.degraded.append(f"{step_id}: {why}")
    run.tell.degraded(step_id, why)
