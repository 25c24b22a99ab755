"""Takes the old primary's services out of auto scaling's hands, so that nothing starts them again (T36, T41)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute import services as of
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling

_BUDGET_S = 60
_NOTHING = {"MinCapacity": 0, "MaxCapacity": 0, "SuspendedState": dict.fromkeys(of.SUSPENSIONS, True)}


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's scalable target in the primary region, as far as that answers.

    Bounds of 0 stop target tracking and a minimum; the suspension stops scheduled actions, one of which would start the
    old primary again in the morning. Source: Application Auto Scaling user guide, suspending and resuming scaling.
    """
    if not sight.primary_answers:
        return
    targets = {target.service: target for target in sight.snapshot.get(application_autoscaling.targets, Side.PRIMARY)}
    for one in unseen_handling.held(sight, Side.PRIMARY):
        if one.service.name in targets:
            yield step_of(sight, one, targets[one.service.name])


def step_of(
    sight: Sight, one: unseen_handling.Held, target: application_autoscaling.Target, action: str = __name__
) -> Step:
    """The step that fences one tenant's scalable target."""
    name, region = one.service.name, sight.env.regions.primary
    return sight.step(
        action,
        name,
        side=Side.PRIMARY,
        says=f"Auto scaling and its schedules can no longer start {name} in {region}: bounds 0 to 0, suspended.",
        danger=Danger.REVERSIBLE,
        undo=f"Register the bounds {target.minimum} to {target.maximum} and the suspensions of before again.",
        budget_s=_BUDGET_S,
        call=of.register(sight.env, Side.PRIMARY, name, **_NOTHING),
        tenant=one.tenant.id,
        before=_seen(target),
        after=_NOTHING,
    )


def _seen(target: application_autoscaling.Target) -> dict[str, object]:
    return {**of.bounds_of(target), "SuspendedState": of.suspended_of(target)}


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once the bounds are 0 and all scaling is suspended."""
    target = of.target_of(step, sight)
    if target is None:
        return Confirmation(Standing.CHANGED, f"{step.subject} has no scalable target any more.")
    asleep = [name for name, suspended in of.suspended_of(target).items() if suspended]
    said = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    said += f", {len(asleep)} of {len(of.SUSPENSIONS)} kinds of scaling suspended"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)), ("suspended", ", ".join(asleep)))
    if _seen(target) == step.after:
        return Confirmation(Standing.DONE, f"{said}.", facts)
    if _seen(target) == step.before:
        return Confirmation(Standing.READY, f"{said}: to be fenced.", facts)
    return Confirmation(Standing.CHANGED, f"{said}: neither as planned upon nor as wanted.", facts)


def notes(sight: Sight) -> Iterator[str]:
    """Why the scaling of the old primary could not be read, where its region answers otherwise."""
    if sight.primary_answers:
        for why in unseen_handling.unseen(sight, Side.PRIMARY, application_autoscaling.targets):
            yield f"Auto scaling of the old primary is not fenced, and may start its services again: {why}"


VERB = action(globals(), {of.REGISTER}, (application_autoscaling.targets,), undo=unseen_handling.as_before)
