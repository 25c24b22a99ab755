"""Finds the steps of a recovery that were done and are no longer: somebody took them back meanwhile (T43).

A run looks for them when it goes on, and when a step fails: what a later step waits for in vain may be an earlier
one's. They are open again from then on. What cannot be seen, or is neither as before nor as wanted, is not lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr_actions.actions.registry import actions
from dr_actions.actions.shared import RUN
from dr_actions.execution import sick_primary
from dr_actions.execution.run import FailureCause, PlanRun, ReadFailed, StepFailed
from dr_actions.journal.entries import EntryKind, RecordedState, of_last_plan
from dr_actions.model.action import StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_actions.model.sequence import Role, role_of
from dr_estate.config.environment import Side

_LOST = frozenset({StepState.READY})
_LOST_DATABASE = _LOST | {StepState.DRIFTED}  # gone, and the copy it was made from too


@dataclass(frozen=True)
class LostEffects:
    """What became of steps whose effect is gone; ``irreplaceable`` made what may hold more than any copy."""

    message: str = ""
    irreplaceable: tuple[str, ...] = ()


def reopen(run: PlanRun, steps: Sequence[Step]) -> LostEffects:
    """Record those of ``steps`` whose effect is gone as open again, and report them.

    A database that may have been written to since is reported, and not restored again.
    """
    messages, irreplaceable = list[str](), list[str]()
    for step_id, status in _effect_statuses(run, steps).items():
        messages.append(f"{step_id} was done, and is no longer: {status.message} Somebody took that back (T43).")
        if _is_irreplaceable(run, step_id):
            irreplaceable.append(step_id)
            messages[-1] += f" {_irreplaceable(run)}"
        else:
            run.journal.append(EntryKind.UNDONE, step_id, says=messages[-1])
        run.listener.note(messages[-1])
    return LostEffects(" ".join(messages), tuple(irreplaceable))


def require_database(lost: LostEffects) -> None:
    """Raise StepFailed where a database is lost that may hold what no copy does."""
    for step_id in lost.irreplaceable:
        raise StepFailed(step_id, lost.message, FailureCause.POSTURE)


def _irreplaceable(run: PlanRun) -> str:
    incident = run.clearance.incident
    return (
        "Visitors may have written to it since: it is not restored again. Look for it under another name, or for its "
        f"last snapshot. `dr_cli.py failover --execute --replan --incident {incident}` goes by what the copies hold, "
        "once each gate that it names is overridden."
    )


def _is_irreplaceable(run: PlanRun, step_id: str) -> bool:
    """Whether the step made the database of a failover, and tasks upon it have been seen to serve."""
    if run.plan.goal is not Goal.FAILOVER or role_of(run.plan.goal, step_id) is not Role.DATABASE:
        return False
    # Once tasks upon it were seen to serve, visitors may have written what no copy holds.
    entries = of_last_plan(run.journal.entries)
    served = (entry for entry in entries if entry.kind is EntryKind.CONFIRMED and entry.step)
    return any(role_of(run.plan.goal, str(entry.step)) is Role.SERVICES for entry in served)


def _effect_statuses(run: PlanRun, steps: Sequence[Step]) -> dict[str, StepStatus]:
    done = [step for step in steps if run.journal.state_of(step.id) is RecordedState.DONE and _lasts(run, step)]
    parts = frozenset(part for step in done for part in actions()[step.action].reads_parts)
    if not parts:
        return {}
    try:
        # A lost primary region is not asked.
        sides = frozenset(Side) - {Side.PRIMARY} if run.plan.goal is Goal.FAILOVER else frozenset(Side)
        context = run.context_with(parts, sides)
    except ReadFailed:
        return {}
    lost: dict[str, StepStatus] = {}
    for step in done:
        status = actions()[step.action].observe(step, context)
        of_database = role_of(run.plan.goal, step.id) in (Role.DATABASE, Role.COPY_BACK)
        if status.state in (_LOST_DATABASE if of_database else _LOST):
            lost[step.id] = status
    return lost


def _lasts(run: PlanRun, step: Step) -> bool:
    """Return whether the step's call has an effect that can be seen now, and that no later step ends.

    A failback ends most of its own effects on purpose: of these only the database copy counts, until its promotion.
    """
    action = actions()[step.action]
    if run.plan.goal is not Goal.FAILOVER:
        copies = run.plan.goal is Goal.FAILBACK and role_of(run.plan.goal, step.id) is Role.COPY_BACK
        return copies and not _is_begun(run, Role.DATABASE)
    if RUN in action.writes:  # ECS may forget a task an hour after it stopped (DescribeTasks); what that did stays
        return False
    tried = sick_primary.is_tried(run.plan, step)
    return action.observable and action.run_program is None and step.call is not None and not (step.manual or tried)


def _is_begun(run: PlanRun, role: Role) -> bool:
    steps = (step for step in run.plan.steps if role_of(run.plan.goal, step.id) is role)
    return any(run.journal.state_of(step.id) is not RecordedState.NONE for step in steps)
