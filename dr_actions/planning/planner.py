"""Decides the order: every action's steps upon one snapshot become a plan, with a recovery time estimate. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from dr_actions.actions.registry import actions
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal, Plan, Step, prefix_of
from dr_actions.model.sequence import SEQUENCE
from dr_actions.planning.estimate import Sizes, estimate_s, past_durations, sizes_of
from dr_actions.run_history.durations import StepDurations
from dr_checks.posture.posture import Api, posture_of, signals_of
from dr_estate.config.environment import Environment
from dr_estate.model import stores
from dr_estate.snapshot.snapshot import Snapshot

_MINUTE_S = 60


def context_of(
    env: Environment, snapshot: Snapshot, goal: Goal, only_tenants: frozenset[str] = frozenset(), incident: str = ""
) -> PlanContext:
    """What the actions decide from: the snapshot, and whether the primary region's API answers in it."""
    # The API and not the posture: a primary that serves nobody may still take a call, and then it gets one.
    answers = signals_of(snapshot, env).primary_api is Api.ANSWERS
    return PlanContext(env, snapshot, goal, answers, only_tenants, incident)


def make_plan(context: PlanContext, posture: str) -> Plan:
    """The plan for ``context``: each action's steps by stage, and why anything was left out."""
    known = (action for action in actions().values() if context.goal in action.goals)
    # A store that the estate lacks has no steps and no notes: nobody is to read of it in an outage.
    ours = [action for action in known if not stores.lacks(context.env, action.name.partition("/")[0])]
    steps = [step for action in ours for step in action.plan_steps(context)]
    leaves = {action.name: list(action.cleanup_notes(context)) for action in ours}
    # Once each, in order: many tenants' steps leave out one thing for one reason.
    notes = dict.fromkeys(note for action in ours for note in (*action.notes(context), *leaves[action.name]))
    left = dict.fromkeys(note for found in leaves.values() for note in found)
    env = context.env
    return Plan(env.name, env.account, context.goal, posture, in_order(context.goal, steps), tuple(notes), tuple(left))


def in_order(goal: Goal, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps by stage, row and id. Raises ValueError where two have one id: a run could not be resumed."""
    rows = {row.prefix: number for number, row in enumerate(SEQUENCE[goal])}
    # The id last, so that one estate has one order: the order is part of the digest that is approved.
    ordered = sorted(steps, key=lambda step: (step.stage, rows[prefix_of(step.id)], step.id))
    name, times = Counter(step.id for step in ordered).most_common(1)[0] if ordered else ("", 0)
    if times > 1:
        raise ValueError(f"two steps are called {name}")
    return tuple(ordered)


def plan_estimate_s(
    plan: Plan, env: Environment, measured: Mapping[str, StepDurations] | None = None, sizes: Sizes | None = None
) -> int:
    """Seconds that the plan's steps take. Batches run one after another, the steps of one at once.

    ``measured`` is what past runs took by action (``durations.by_action``): it goes before the table of durations.
    """
    return estimate_s(plan.steps, env, measured or {}, sizes or Sizes())


def failover_estimate_s(environment: Environment, snapshot: Snapshot) -> int:
    """Seconds that a failover planned upon ``snapshot`` is estimated to take, as its assessment says them."""
    posture = posture_of(snapshot, environment)
    context = context_of(environment, snapshot, Goal.FAILOVER)
    plan, past = make_plan(context, posture.name), past_durations(snapshot)
    return rto_estimate_s(plan, environment, past, sizes_of(snapshot, environment))


def rto_estimate_s(
    plan: Plan, env: Environment, measured: Mapping[str, StepDurations] | None = None, sizes: Sizes | None = None
) -> int:
    """Seconds from now to tenants served: the boxes for assessing and verifying, the plan's steps, and the drain.

    Clients leave the old region when the record's TTL and their kept-alive connections are over (T11).
    """
    boxes_s = (env.execution.assess_minutes + env.execution.verify_minutes) * _MINUTE_S
    # Not part of the plan: no step waits for clients that hold the former address.
    drain_s = env.thresholds.record_ttl_s + env.thresholds.alb_keep_alive_s
    return boxes_s + plan_estimate_s(plan, env, measured, sizes) + drain_s
