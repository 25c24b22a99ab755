"""What the two actions share that set auto scaling's bounds back to what they were, each on its side. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import services as of
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Danger, Params, Step
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling

FENCED: Params = {"MinCapacity": 0, "MaxCapacity": 0, "SuspendedState": dict.fromkeys(of.SUSPENSIONS, True)}


@dataclass(frozen=True)
class BoundsRestore:
    """An action that restores bounds: ``target_bounds`` gives them for a service and its target, None where none are
    due. ``since`` is what changed them.
    """

    action: str
    side: Side
    target_bounds: Callable[
        [PlanContext, unavailable_handling.TenantService, application_autoscaling.ScalableTarget], Params | None
    ]
    essential: bool
    since: str = "failover"


def restore_action(what: BoundsRestore) -> Action:
    """The action that does it."""
    return Action(
        name=name_of(what.action),
        does="",
        writes=frozenset({of.REGISTER}),
        parts=(application_autoscaling.targets,),
        steps=lambda context: restoring_steps(what, context),
        status=observe,
        rollback=unavailable_handling.as_before,
        essential=what.essential,
        omissions=lambda context: _notes(what, context),
    )


def observed_bounds(target: application_autoscaling.ScalableTarget) -> dict[str, object]:
    """Bounds and suspensions, as RegisterScalableTarget takes them."""
    return {**of.bounds_of(target), "SuspendedState": of.suspended_of(target)}


def scaled(
    context: PlanContext, side: Side
) -> Iterator[tuple[unavailable_handling.TenantService, application_autoscaling.ScalableTarget]]:
    """Each tenant's service of ``side`` with its scalable target, where it has one. Raises DataUnavailable."""
    targets = {target.service: target for target in context.snapshot.get(application_autoscaling.targets, side)}
    for tenant_service in unavailable_handling.tenant_services(context, side):
        if tenant_service.service.name in targets:
            yield tenant_service, targets[tenant_service.service.name]


def restoring_steps(what: BoundsRestore, context: PlanContext) -> Iterator[Step]:
    """A step for each target whose bounds are due. Raises DataUnavailable."""
    for tenant_service, target in scaled(context, what.side):
        wanted = what.target_bounds(context, tenant_service, target)
        if wanted is not None:
            yield _step(what, context, tenant_service, target, wanted)


def _step(
    what: BoundsRestore,
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    target: application_autoscaling.ScalableTarget,
    wanted: Params,
) -> Step:
    name, region = tenant_service.service.name, context.env.region(what.side)
    bounds = f"{wanted['MinCapacity']} to {wanted['MaxCapacity']}"
    return context.step(
        what.action,
        name,
        side=what.side,
        says=f"Auto scaling keeps {name} in {region} at {bounds} tasks again, as before the {what.since}.",
        danger=Danger.REVERSIBLE,
        undo=f"Register the bounds {target.minimum} to {target.maximum} and the suspensions of now again.",
        budget_s=60,
        call=of.register(context.env, what.side, name, **wanted),
        tenant=tenant_service.tenant.id,
        before=observed_bounds(target),
        after=dict(wanted),
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the bounds are as wanted; READY as the plan found them, or as the fence of the same plan left them."""
    target = of.target_of(step, context)
    message = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    asleep = [name for name, suspended in of.suspended_of(target).items() if suspended]
    message += f", {len(asleep)} of {len(of.SUSPENSIONS)} kinds of scaling suspended"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)), ("suspended", ", ".join(asleep)))
    now = observed_bounds(target)
    if _holds(step.after, now):
        return StepStatus(StepState.DONE, f"{message}.", facts)
    if now in (step.before, FENCED):
        todo = "fenced" if step.after == FENCED else "set back"
        return StepStatus(StepState.READY, f"{message}: to be {todo}.", facts)
    return StepStatus(StepState.DRIFTED, f"{message}: neither as planned upon nor as wanted.", facts)


def _holds(wanted: Mapping[str, object], now: Mapping[str, object]) -> bool:
    return all(now[key] == value for key, value in wanted.items())


def _notes(what: BoundsRestore, context: PlanContext) -> Iterator[str]:
    for reason in unavailable_handling.unavailable_reasons(context, what.side, application_autoscaling.targets):
        yield f"Auto scaling of {context.env.region(what.side)} was planned without this: {reason}"
