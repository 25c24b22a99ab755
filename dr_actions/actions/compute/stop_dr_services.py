"""Shrinks the DR region's services to the standby that they were before the failover. Nothing is deleted.

Their repointed task definitions stay in use: they name the DR region's own database, files and secrets, which is what
the next failover needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.rollout import evidence_of
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's DR service that runs more than it did before the failover."""
    for tenant_service in unavailable_handling.tenant_services(context, Side.DR):
        standby = _standby(context, tenant_service)
        if tenant_service.service.desired > standby:
            yield _step(context, tenant_service, standby)


def _standby(context: PlanContext, tenant_service: unavailable_handling.TenantService) -> int:
    """The count before the failover; where none was recorded, standby.tasks_per_service."""
    recorded = context.before("compute/scale_dr_services", tenant_service.service.name)
    return int(recorded.get("desiredCount", context.env.standby.tasks_per_service))


def _step(context: PlanContext, tenant_service: unavailable_handling.TenantService, standby: int) -> Step:
    name, service, region = tenant_service.service.name, tenant_service.service, context.env.regions.dr
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"{name} runs {standby} tasks in {region} again, as before the failover ({service.desired} wanted now).",
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {service.desired} again.",
        # The target group's deregistration delay (300 s by default), and Fargate's longest stopTimeout (120 s).
        budget_s=480,
        call=of.update(context.env, Side.DR, name, desiredCount=standby),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": service.desired},
        after={"desiredCount": standby},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no more tasks run than are wanted. Any higher count is READY: it scaled by its load until now."""
    service = of.service_of(step, context)
    wanted = step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running}, starts {service.pending}"
    if service.desired > wanted:
        return StepStatus(StepState.READY, f"{message}.", evidence_of(service))
    if service.desired < wanted:
        return StepStatus(StepState.DRIFTED, f"{message}: somebody shrank it further since.", evidence_of(service))
    if service.running + service.pending > wanted:
        moves = (str(service.running), str(service.pending))
        message = f"{message}: its tasks drain and stop."
        return StepStatus(StepState.IN_PROGRESS, message, evidence_of(service), progress=moves)
    return StepStatus(StepState.DONE, f"{message}.", evidence_of(service))


def notes(context: PlanContext) -> Iterator[str]:
    """Why the DR region's services could not be seen."""
    for reason in unavailable_handling.unavailable_reasons(context, Side.DR, ecs.services):
        yield f"Services of the DR region are not made smaller: {reason}"


ACTION = action(globals(), {of.UPDATE}, (ecs.services,), rollback_call=unavailable_handling.as_before, essential=False)
