"""What the two verbs share that set auto scaling's bounds back to what they were, each on its side. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute import services as of
from dr_actions.model.action import Confirmation, Sight, Standing, Verb
from dr_actions.model.plan import Danger, Params, Step
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling

FENCED: Params = {"MinCapacity": 0, "MaxCapacity": 0, "SuspendedState": dict.fromkeys(of.SUSPENSIONS, True)}


@dataclass(frozen=True)
class Restoring:
    """A verb that restores bounds: ``wanted`` gives them for a service and its target, None where none are due."""

    verb: str
    side: Side
    wanted: Callable[[Sight, unseen_handling.Held, application_autoscaling.Target], Params | None]
    essential: bool


def restoring(what: Restoring) -> Verb:
    """The verb that does it."""
    return Verb(
        module=what.verb,
        writes=frozenset({of.REGISTER}),
        parts=(application_autoscaling.targets,),
        foresee=lambda sight: _steps(what, sight),
        confirm=confirm,
        undo=unseen_handling.as_before,
        essential=what.essential,
        notes=lambda sight: _notes(what, sight),
    )


def seen(target: application_autoscaling.Target) -> dict[str, object]:
    """Bounds and suspensions, as RegisterScalableTarget takes them."""
    return {**of.bounds_of(target), "SuspendedState": of.suspended_of(target)}


def scaled(sight: Sight, side: Side) -> Iterator[tuple[unseen_handling.Held, application_autoscaling.Target]]:
    """Each tenant's service of ``side`` with its scalable target, where it has one. Raises CannotSee."""
    targets = {target.service: target for target in sight.snapshot.get(application_autoscaling.targets, side)}
    for tenant_service in unseen_handling.held(sight, side):
        if tenant_service.service.name in targets:
            yield tenant_service, targets[tenant_service.service.name]


def _steps(what: Restoring, sight: Sight) -> Iterator[Step]:
    for tenant_service, target in scaled(sight, what.side):
        wanted = what.wanted(sight, tenant_service, target)
        if wanted is not None:
            yield _step(what, sight, tenant_service, target, wanted)


def _step(
    what: Restoring,
    sight: Sight,
    tenant_service: unseen_handling.Held,
    target: application_autoscaling.Target,
    wanted: Params,
) -> Step:
    name, region = tenant_service.service.name, sight.env.region(what.side)
    bounds = f"{wanted['MinCapacity']} to {wanted['MaxCapacity']}"
    return sight.step(
        what.verb,
        name,
        side=what.side,
        says=f"Auto scaling keeps {name} in {region} at {bounds} tasks again, as before the failover.",
        danger=Danger.REVERSIBLE,
        undo=f"Register the bounds {target.minimum} to {target.maximum} and the suspensions of now again.",
        budget_s=60,
        call=of.register(sight.env, what.side, name, **wanted),
        tenant=tenant_service.tenant.id,
        before=seen(target),
        after=dict(wanted),
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once the bounds are as wanted; READY as the plan found them, or as the fence of the same plan left them."""
    target = of.target_of(step, sight)
    message = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    asleep = [name for name, suspended in of.suspended_of(target).items() if suspended]
    message += f", {len(asleep)} of {len(of.SUSPENSIONS)} kinds of scaling suspended"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)), ("suspended", ", ".join(asleep)))
    now = seen(target)
    if _holds(step.after, now):
        return Confirmation(Standing.DONE, f"{message}.", facts)
    if now == step.before or (step.side is Side.PRIMARY and now == FENCED):
        todo = "fenced" if step.after == FENCED else "set back"
        return Confirmation(Standing.READY, f"{message}: to be {todo}.", facts)
    return Confirmation(Standing.CHANGED, f"{message}: neither as planned upon nor as wanted.", facts)


def _holds(wanted: Mapping[str, object], now: Mapping[str, object]) -> bool:
    return all(now[key] == value for key, value in wanted.items())


def _notes(what: Restoring, sight: Sight) -> Iterator[str]:
    for why in unseen_handling.unseen(sight, what.side, application_autoscaling.targets):
        yield f"Auto scaling of {sight.env.region(what.side)} was planned without this: {why}"
