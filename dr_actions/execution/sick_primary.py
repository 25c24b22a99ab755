"""What a failover does with a primary region that may be sick: it tries for a limited time, and goes on without (T72).

A step of a failover needs the primary region where that is among its planes. It is tried for execution.primary_minutes
(those of the fence together), its failure never ends the run, and another step or a gate stands in for it. No other
step's look asks the primary region. A change that us-east-1 does not take is owed where health leads the visitors to
the DR region already: a person who has to make it is waited for as long, once us-east-1 is set aside by name (T01). A
switchover is different: its primary is well, or the run is taken back.
"""

from __future__ import annotations

from dr_actions.actions.shared import unfenced_reason, unfenced_sentence
from dr_actions.execution.run import FailureCause, PlanRun, StepFailed
from dr_actions.journal.entries import EntryKind, RecordedState
from dr_actions.model.gates import FENCE, PLANES, accepted_gates
from dr_actions.model.plan import Goal, Plan, Step
from dr_actions.model.sequence import Role, role_of
from dr_actions.planning.planner import context_of
from dr_checks.posture.signals import Api, signals_of
from dr_estate.config.environment import Side
from dr_estate.model.playbook import Plane

_MINUTE_S = 60
_BEFORE = (Role.NOTIFY, Role.FENCE, Role.CLOSE)


def is_tried(plan: Plan, step: Step) -> bool:
    """Whether the step may fail without ending the run."""
    return plan.goal is Goal.FAILOVER and Plane.PRIMARY in step.planes


def is_led_by_health(run: PlanRun, step: Step) -> bool:
    """Whether visitors reach the DR region without the step, which the control planes in us-east-1 have to take."""
    leads = run.plan.goal is Goal.FAILOVER and Plane.GLOBAL in step.planes
    return leads and signals_of(run.snapshot, run.env).answered_by_dr


def may_be_owed(run: PlanRun, step: Step) -> bool:
    """Whether a person's change need not be waited for: us-east-1 was set aside by name, and health leads visitors."""
    return PLANES in accepted_gates(run.clearance.overrides, run.clock.now()) and is_led_by_health(run, step)


def by_hand_limit_s(run: PlanRun, step: Step) -> float:
    """Seconds for which a person's change is waited for."""
    allowed_s = run.env.execution.manual_wait_minutes * _MINUTE_S
    return min(allowed_s, run.env.execution.primary_minutes * _MINUTE_S) if may_be_owed(run, step) else allowed_s


def sides_of(plan: Plan, action: str) -> frozenset[Side]:
    """The sides that looks for the action's steps ask: the primary region only where one of them needs it."""
    own = [step for step in plan.steps if step.action == action]
    asks = plan.goal is not Goal.FAILOVER or any(is_tried(plan, step) for step in own)
    return frozenset(Side) if asks else frozenset(Side) - {Side.PRIMARY}


def limit_s(run: PlanRun, step: Step, age_s: float) -> float:
    """Seconds after which the step, begun ``age_s`` ago, is given up."""
    if not is_tried(run.plan, step):
        return step.budget_s
    # The steps of the fence share one allowance: each with its own would let a sick region take several times as long.
    allowed_s = run.env.execution.primary_minutes * _MINUTE_S
    if role_of(run.plan.goal, step.id) is Role.FENCE:
        began_s = run.clock.monotonic() - age_s
        run.fence_began_s = began_s if run.fence_began_s is None else run.fence_began_s
        allowed_s -= began_s - run.fence_began_s
    return min(step.budget_s, allowed_s)


def weigh_fence(run: PlanRun, step: Step) -> str:
    """Why the old primary is left unfenced, once the run comes to ``step``; "" where it is fenced, or not yet known.

    Raises StepFailed where that region answers and nobody accepted this by name.
    """
    goal = run.plan.goal
    if goal is not Goal.FAILOVER or run.fence_weighed or role_of(goal, step.id) in _BEFORE:
        return ""
    # Once, when the run leaves the fence: later steps must not ask again for what was accepted.
    run.fence_weighed = True
    reason = _unfenced_reason(run)
    if not reason:
        return ""
    message, now = unfenced_sentence(run.env, reason), run.clock.now()
    # A silent region nobody can fence (T45); one that answers still writes, so a person has to accept that by name.
    silent = signals_of(run.snapshot, run.env).primary_api is Api.SILENT
    if not silent and FENCE not in accepted_gates(run.clearance.overrides, now):
        raise StepFailed(step.id, f"{FENCE}: {message} Somebody must accept that by name.", FailureCause.HALTED)
    run.journal.append(EntryKind.LOOKED, says=message, gate=FENCE)
    run.listener.note(message)
    return message


def _unfenced_reason(run: PlanRun) -> str:
    """Why it is not known that the old primary was stopped; "" where all its tasks are, or its database is closed."""
    goal = run.plan.goal
    fence = [step for step in run.plan.steps if role_of(goal, step.id) is Role.FENCE]
    closing = [step for step in run.plan.steps if role_of(goal, step.id) is Role.CLOSE]
    if not fence:
        context = context_of(run.env, run.snapshot, goal, run.only_tenants)
        return unfenced_reason(context)
    open_steps = [step.id for step in fence if run.journal.state_of(step.id) is not RecordedState.DONE]
    closed = closing and all(run.journal.state_of(step.id) is RecordedState.DONE for step in closing)
    if not open_steps or closed:
        return ""
    minutes = run.env.execution.primary_minutes
    text = f"{len(open_steps)} of {len(fence)} steps of its fence were not seen to be done in {minutes:g} minutes"
    return f"{text}, and its database {'did not refuse' if closing else 'could not be made to refuse'} writes"
