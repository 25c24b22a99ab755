"""Waits, before any visitor is moved, until every tenant has a healthy target in the region to come (T07, T23).

A service that is stable may have no target that passes its health check. The load balancer's own counts of the last
minutes decide (HealthyHostCount: DescribeTargetHealth is one call a group, and shares ELB's small request bucket with
ECS, which registers targets meanwhile); a count that is missing or old is not a healthy target. A tenant is moved
without one only where that was accepted by name. A service that wants no task is not waited for: the step fails.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.common.unavailable_handling import name_list
from dr_actions.actions.compute.rollout import healthy_targets, reason_of_targets
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.gates import targets_gate
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, elbv2, elbv2_targets

# The counts of a minute are published about two minutes later (the services' own steps have waited for them before).
_BUDGET_S = 300


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step, for all tenants."""
    side = Side.PRIMARY if context.goal is Goal.FAILBACK else Side.DR
    region, tenants = context.env.region(side), unavailable_handling.tenants_of(context)
    yield context.step(
        __name__,
        region,
        side=side,
        says=f"Move no traffic before each of the {len(tenants)} tenants has a healthy target in {region}.",
        budget_s=_BUDGET_S,
        after={"tenants": [tenant.id for tenant in tenants]},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once each tenant has a healthy target, or was accepted without one. Raises DataUnavailable."""
    services = {t.tenant.id: t.service for t in unavailable_handling.tenant_services(context, step.side)}
    counts = {
        tenant: healthy_targets(context, services[tenant], step.side) if tenant in services else 0
        for tenant in step.after["tenants"]
    }
    lacking = {tenant: count for tenant, count in counts.items() if not count}
    waits = [tenant for tenant in lacking if targets_gate(tenant) not in context.accepted]
    facts = tuple((tenant, "not read" if count is None else str(count)) for tenant, count in counts.items())
    region = context.env.region(step.side)
    if waits:
        gates = name_list([f"--override {targets_gate(tenant)}" for tenant in waits])
        reasons = (reason_of_targets(context, services[tenant], step.side) for tenant in waits if tenant in services)
        reason = next((f" ({reason})" for reason in reasons if reason), "")
        message = f"no healthy target in {region} is seen of {name_list(waits)}{reason}"
        message += f"; to move traffic all the same: {gates}"
        idle = [tenant for tenant in waits if tenant not in services or not services[tenant].desired]
        if idle:  # no time makes a target of a task that nobody wants
            return StepStatus(StepState.FAILED, f"{message} (no task is wanted of {name_list(idle)})", facts)
        return StepStatus(StepState.IN_PROGRESS, message, facts)
    without = f"; accepted by name without: {name_list(list(lacking))}" if lacking else ""
    message = f"{len(counts) - len(lacking)} of {len(counts)} tenants have healthy targets in {region}{without}."
    return StepStatus(StepState.DONE, message, facts)


ACTION = action(
    globals(), (), (ecs.services, elbv2.load_balancer, elbv2.target_groups, elbv2.healthy_hosts, elbv2_targets.health)
)
