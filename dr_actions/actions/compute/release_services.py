"""Starts the services of a fenced region at the counts that they had before the fence."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import fence_services
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.rollout import START_S, evidence_of
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Danger, Step
from dr_estate.readers import ecs


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service that the incident's fence of this side recorded."""
    for tenant_service in unavailable_handling.tenant_services(context, context.fence):
        recorded = context.before_fence(fence_services.ACTION.name, tenant_service.service.name)
        if recorded:
            yield _step(context, tenant_service, int(recorded["desiredCount"]))


def _step(context: PlanContext, tenant_service: unavailable_handling.TenantService, needed: int) -> Step:
    name, desired = tenant_service.service.name, tenant_service.service.desired
    region = context.env.region(context.fence)
    return context.step(
        __name__,
        name,
        side=context.fence,
        says=f"{name} runs {needed} tasks in {region} again, as before the fence ({desired} wanted now).",
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {desired} again: `dr_cli.py fence` does.",
        budget_s=START_S,
        call=of.update(context.env, context.fence, name, desiredCount=needed),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": desired},
        after={"desiredCount": needed},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once as many tasks run as before the fence. Any lower count is READY."""
    service, needed = of.service_of(step, context), step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}."
    if service.desired < needed:
        return StepStatus(StepState.READY, message, evidence_of(service))
    state = StepState.DONE if service.running >= needed else StepState.IN_PROGRESS
    return StepStatus(state, message, evidence_of(service))


ACTION = action(globals(), {of.UPDATE}, (ecs.services,), rollback_call=unavailable_handling.as_before)
