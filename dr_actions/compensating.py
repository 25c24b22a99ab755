"""Takes back what can be taken back after a failure (T46), and says of each step what became of it.

In a switchover the way back is home: every step is undone, the latest first, down to the first that nothing can undo.
With a lost primary there is no home to go back to: only the failed batch is undone, and what was reached is kept for
the run that goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from dr_actions.hands import Guarded, SendFailed
from dr_actions.journal import Kind, MirrorFailed, State
from dr_actions.plan import Call, Danger, Goal, Step
from dr_actions.running import Run
from dr_actions.verbs import verbs

_TOUCHED = (State.INTENDED, State.DONE, State.FAILED)


def compensate(run: Run, failed_batch: Sequence[Step]) -> list[str]:
    """Undo as far as it goes. Returns and records a sentence for each step looked at. Raises Fenced alone."""
    said: list[str] = []
    whole = run.plan.goal is Goal.SWITCHOVER
    steps = run.plan.steps if whole else failed_batch
    for step in reversed(steps):
        if run.journal.state_of(step.id) not in _TOUCHED:
            continue
        if step.danger is Danger.IRREVERSIBLE:
            said.append(f"{step.id}: cannot be undone ({step.undo}); nothing before it was undone either")
            run.journal.append(Kind.COMPENSATION, step.id, says=said[-1], undone=False)
            break
        said.append(_undo(run, step))
    return said


def _undo(run: Run, step: Step) -> str:
    verb = verbs()[step.verb]
    call = verb.undo(step)
    if call is None:
        says, undone = f"{step.id}: left as it is ({step.undo})", False
    else:
        says, undone = _send(run, step, call, verb.writes)
    run.journal.append(Kind.UNDONE if undone else Kind.COMPENSATION, step.id, says=says, undone=undone)
    return says


def _send(run: Run, step: Step, call: Call, writes: frozenset[str]) -> tuple[str, bool]:
    try:
        run.journal.append(Kind.INTENT, step.id, call=call.name, region=call.region, undo=True)
        with run.hands.permitting(writes):
            run.hands.send(call)
    except (SendFailed, Guarded, MirrorFailed) as failed:
        return f"{step.id}: could NOT be undone: {failed}", False
    return f"{step.id}: undone ({step.undo})", True
