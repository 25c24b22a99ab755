"""Takes the services of the region to be fenced from auto scaling, so that nothing starts them again (T36, T41)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.scaling_bounds import FENCED, observe, observed_bounds, scaled
from dr_actions.model.action import PlanContext, action
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.readers import application_autoscaling


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's scalable target in the region to be fenced, as far as that answers.

    Bounds of 0 stop target tracking and a minimum; the suspension stops scheduled actions, one of which would start the
    old primary again in the morning. Source: Application Auto Scaling user guide, suspending and resuming scaling.
    """
    if context.fenced_answers:
        for tenant_service, target in scaled(context, context.fence):
            yield step_of(context, tenant_service, target)


def step_of(
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    target: application_autoscaling.ScalableTarget,
    action: str = __name__,
) -> Step:
    """The step that fences one tenant's scalable target."""
    name, side = tenant_service.service.name, context.fence
    region = context.env.region(side)
    return context.step(
        action,
        name,
        part=context.fence_part,
        side=side,
        says=f"Auto scaling and its schedules can no longer start {name} in {region}: bounds 0 to 0, suspended.",
        danger=Danger.REVERSIBLE,
        undo=f"Register the bounds {target.minimum} to {target.maximum} and the suspensions of before again.",
        budget_s=60,
        call=of.register(context.env, side, name, **FENCED),
        tenant=tenant_service.tenant.id,
        before=observed_bounds(target),
        after=FENCED,
    )


def notes(context: PlanContext) -> Iterator[str]:
    """Why the scaling of the old primary could not be read, where its region answers otherwise."""
    if context.fenced_answers:
        whose = "the old primary" if context.goal is not Goal.FENCE else context.env.region(context.fence)
        for reason in unavailable_handling.unavailable_reasons(context, context.fence, application_autoscaling.targets):
            yield f"Auto scaling of {whose} is not fenced, and may start its services again: {reason}"


ACTION = action(
    globals(),
    {of.REGISTER},
    (application_autoscaling.targets,),
    observe=observe,
    rollback_call=unavailable_handling.as_before,
)
