"""Freeze before promotion: no store of the primary region becomes writable while the DR region's may take writes. Pure.

Rule ``guard.frozen-first``: in a failback the call that makes the primary's files writable is sent only once the freeze
of the DR region's files is confirmed in the journal, and the call that promotes its database only once every freeze of
the plan is. So at each moment one region writes to each store (T41).
"""

from __future__ import annotations

from dr_actions.guard.context import GuardContext
from dr_actions.guard.failback_exemptions import END, LOCAL_ONLY
from dr_actions.model.gates import Refusal
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment

RULE = "guard.frozen-first"
PROMOTE = "rds:PromoteReadReplica"


def refusal(call: Call, context: GuardContext) -> Refusal | None:
    """Why ``call`` must not leave, None where it makes nothing writable or the DR region is frozen."""
    env = context.env
    frozen_at = context.files_frozen_at if call.name == END else context.frozen_at
    if context.goal is not Goal.FAILBACK or frozen_at is not None or not makes_writable(call, env):
        return None
    reason = f"{env.regions.dr} is not frozen, so two regions would take writes (T41)"
    return Refusal(RULE, f"{call.name} in {call.region} lets {env.regions.primary} take writes: {reason}.")


def makes_writable(call: Call, env: Environment) -> bool:
    """Whether ``call`` lets the primary's database or files take writes."""
    if call.name == PROMOTE:
        return call.region == env.regions.primary
    return call.name == END and call.region == env.regions.dr and call.params.get("DeletionMode") != LOCAL_ONLY
