"""A step that AWS works on for long ends no run: people are asked and alarmed once the RTO is at stake.

A restore to a point in time is `creating` for up to a few hours, without any other sign of life (T78). Where a run ends
for that, another has to be ordered, and in PROD approved, while AWS goes on with the same work. A trial is given up
after the objective: that its restore takes longer is what it is to find.
"""

from __future__ import annotations

from dr_actions.actions.notifications.messages import step_takes_long
from dr_actions.execution import write_pause_watch
from dr_actions.execution.run import PlanRun
from dr_actions.execution.write_pause_watch import raise_alarm
from dr_actions.model.action import Action, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_estate.model.drill_names import is_trial

_MINUTE_S = 60


def is_awaited(run: PlanRun, action: Action, how: StepStatus, still_s: float) -> bool:
    """Whether a step that stood still for ``still_s`` is waited for on.

    So it is where AWS's own word says that it works, and in a run of AWS also where anything of the step was seen:
    there nobody goes on by the same command without another approval. What is not essential holds nothing up: it is
    waited for when all else is done (``executor.await_rest``). While nobody can write, every essential step is.
    """
    if write_pause_watch.is_waited_on(run, action):
        return True
    if how.state is not StepState.IN_PROGRESS or not (action.essential or run.awaits_rest):
        return False
    if is_trial(run.clearance.incident):
        return how.works and still_s <= run.env.objectives.rto_minutes * _MINUTE_S
    return how.works or (run.started_by_aws and bool(how.progress))


def is_at_stake(run: PlanRun, step: Step, how: StepStatus, stands: bool) -> bool:
    """Whether people are to be asked: the objective is in danger, or nothing says how much time there is."""
    unbounded = run.rto_ends_at is None or not how.works
    return run.endangers_rto(step) or (stands and unbounded)


def motion(how: StepStatus, stands: bool) -> str:
    """Say whether a step that takes long moves."""
    if how.state is StepState.UNAVAILABLE:
        return "it cannot be seen"
    if not stands:
        return "it moves"
    works = how.works or (how.state is StepState.IN_PROGRESS and how.progress)
    return f"nothing of it moves{', and AWS works on it' if works else ''}"


def alarm(run: PlanRun, step: Step, number: int, reason: str) -> None:
    """Notify the critical topic that the step takes long, for the ``number``-th time."""
    if is_trial(run.clearance.incident):
        return
    message = step_takes_long(run.env, run.clearance.incident, step.id, number, reason, run.journal.run)
    raise_alarm(run, message, reason)
