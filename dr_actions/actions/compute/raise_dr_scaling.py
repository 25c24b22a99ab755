"""Raises the lower bound of auto scaling in the DR region, so that nothing pushes a failed-over service back (T36).

A schedule that would (the night of a test environment) is suspended with the same call, until failback.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.common.unavailable_handling import name_list
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.scaling_bounds import observed_bounds as seen_of
from dr_actions.actions.compute.scaling_bounds import scaled
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, if_seen
from dr_actions.model.plan import Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import application_autoscaling, ecs

_BOUNDS, _SUSPENDED, _SCHEDULED = ("MinCapacity", "MaxCapacity"), "SuspendedState", of.SUSPENSIONS[-1]


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each scalable target with bounds below the failover size, or a schedule that would set such ones.

    Higher bounds are kept.
    """
    needed, sleeping = context.env.capacity.tasks_per_service, _put_to_sleep(context)
    for tenant_service, target in scaled(context, Side.DR):
        sleeps = target.service in sleeping
        if sleeps or min(target.minimum, target.maximum) < needed:
            yield _step(context, tenant_service, target, needed, sleeps)


def _put_to_sleep(context: PlanContext) -> set[str]:
    """The services that a schedule would shrink; none where schedules cannot be seen, which the notes say."""
    try:
        return {name for names in _shrinking(context).values() for name in names}
    except DataUnavailable:
        return set()


def _step(
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    target: application_autoscaling.ScalableTarget,
    needed: int,
    sleeps: bool,
) -> Step:
    name = tenant_service.service.name
    before, after = dict(of.bounds_of(target)), _raised(target, needed)
    if sleeps:
        before |= {_SUSPENDED: of.suspended_of(target)}
        after |= {_SUSPENDED: of.suspended_of(target) | {_SCHEDULED: True}}
    how = f"bounds {target.minimum} to {target.maximum} now" + (", its schedule is suspended" if sleeps else "")
    again = " and let its schedule go on" if sleeps else " again"
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Auto scaling keeps {name} at {needed} tasks or more ({how}).",
        danger=Danger.REVERSIBLE,
        undo=f"Register the bounds {target.minimum} to {target.maximum}{again}.",
        budget_s=60,
        call=of.register(context.env, Side.DR, name, **after),
        tenant=tenant_service.tenant.id,
        before=before,
        after=after,
    )


def _raised(target: application_autoscaling.ScalableTarget, needed: int) -> dict[str, Json]:
    return {"MinCapacity": max(target.minimum, needed), "MaxCapacity": max(target.maximum, needed)}


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once both bounds are as wanted or higher and the schedule is held, where it was to be.

    DRIFTED where somebody set others than the plan was made upon.
    """
    target = of.target_of(step, context)
    message = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)))
    seen = seen_of(target)
    high = all(seen[bound] >= step.after[bound] for bound in _BOUNDS)
    if high and (target.schedule_suspended or _SUSPENDED not in step.after):
        return StepStatus(StepState.DONE, f"{message}.", facts)
    if all(seen[name] == value for name, value in step.before.items()):
        return StepStatus(StepState.READY, f"{message}: to be raised.", facts)
    return StepStatus(StepState.DRIFTED, f"{message}: neither as planned upon nor as wanted.", facts)


def notes(context: PlanContext) -> Iterator[str]:
    """Services that do not scale, schedules that would shrink one, and what could not be seen."""
    for reason in unavailable_handling.unavailable_reasons(
        context, Side.DR, application_autoscaling.targets, application_autoscaling.scheduled_actions, ecs.services
    ):
        yield f"Auto scaling of the DR region was planned without this: {reason}"
    yield from _unscaled(context)
    yield from _suspending(context)


@if_seen
def _unscaled(context: PlanContext) -> Iterator[str]:
    scaled = {target.service for target in context.snapshot.get(application_autoscaling.targets, Side.DR)}
    fixed = [
        tenant_service.service.name
        for tenant_service in unavailable_handling.tenant_services(context, Side.DR)
        if tenant_service.service.name not in scaled
    ]
    if fixed:
        yield f"No auto scaling in {context.env.regions.dr}: {name_list(fixed)} would stay as large, whatever the load."


@if_seen
def _suspending(context: PlanContext) -> Iterator[str]:
    needed = context.env.capacity.tasks_per_service
    for schedule, names in sorted(_shrinking(context).items()):
        yield (
            f"The schedule {schedule} in {context.env.regions.dr} would push {name_list(sorted(names))} below {needed} "
            "tasks again (T36): it is suspended until failback."
        )


def _shrinking(context: PlanContext) -> dict[str, list[str]]:
    """The services that each schedule would shrink, where it is not suspended. Raises DataUnavailable."""
    needed = context.env.capacity.tasks_per_service
    ours = {tenant_service.service.name for tenant_service in unavailable_handling.tenant_services(context, Side.DR)}
    awake = {
        t.service for t in context.snapshot.get(application_autoscaling.targets, Side.DR) if not t.schedule_suspended
    }
    shrinking: dict[str, list[str]] = {}
    for planned in context.snapshot.get(application_autoscaling.scheduled_actions, Side.DR):
        lowers = [bound for bound in (planned.minimum, planned.maximum) if bound is not None and bound < needed]
        if planned.service in ours & awake and lowers:
            shrinking.setdefault(f"'{planned.name}' at {planned.schedule}", []).append(planned.service)
    return shrinking


ACTION = action(
    globals(),
    {of.REGISTER},
    (application_autoscaling.targets,),
    rollback_call=unavailable_handling.as_before,
    essential=False,
)
