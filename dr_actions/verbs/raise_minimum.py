"""Raises the lower bound of auto scaling in the DR region, so that nothing pushes a failed-over service back (T36)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.plan import Call, Danger, Step
from dr_actions.verbs import Confirmation, Sight, Standing, Verb
from dr_actions.verbs import compute as of
from dr_estate.environments import Side
from dr_estate.facts import autoscaling, ecs
from dr_estate.playbook import Plane

NAME, STAGE = "minimum", 45
_BUDGET_S = 60


@of.where_seen
def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's scalable target whose bounds are below the failover size; higher bounds are kept."""
    needed = sight.env.capacity.tasks_per_service
    targets = {target.service: target for target in sight.snapshot.get(autoscaling.targets, Side.DR)}
    for one in of.held(sight, Side.DR):
        target = targets.get(one.service.name)
        if target is not None and min(target.minimum, target.maximum) < needed:
            yield _step(sight, one, target, needed)


def _step(sight: Sight, one: of.Held, target: autoscaling.Target, needed: int) -> Step:
    name = one.service.name
    after = {"MinCapacity": max(target.minimum, needed), "MaxCapacity": max(target.maximum, needed)}
    return Step(
        id=f"{NAME}.{name}",
        number=of.RESTORE,
        stage=STAGE,
        verb=NAME,
        subject=name,
        owner=of.OWNERS[of.RESTORE],
        side=Side.DR,
        says=f"Auto scaling keeps {name} at {needed} tasks or more (bounds {target.minimum} to {target.maximum} now).",
        danger=Danger.REVERSIBLE,
        undo=f"Register the bounds {target.minimum} to {target.maximum} again.",
        budget_s=_BUDGET_S,
        call=of.register(sight.env, Side.DR, name, **after),
        tenant=one.tenant.id,
        before=of.bounds_of(target),
        after=after,
        planes=(Plane.DR,),
    )


@of.careful
def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once both bounds are as wanted or higher; CHANGED where somebody set others than the plan was made upon."""
    target = of.target_of(step, sight)
    if target is None:
        return Confirmation(Standing.CHANGED, f"{step.subject} has no scalable target any more.")
    said = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)))
    seen = of.bounds_of(target)
    if all(seen[bound] >= value for bound, value in step.after.items()):
        return Confirmation(Standing.DONE, f"{said}.", facts)
    if seen == step.before:
        return Confirmation(Standing.READY, f"{said}: to be raised.", facts)
    return Confirmation(Standing.CHANGED, f"{said}: neither as planned upon nor as wanted.", facts)


def undo(step: Step) -> Call | None:
    """The bounds as they were, exactly."""
    return of.again(step, **step.before)


def notes(sight: Sight) -> Iterator[str]:
    """Services that do not scale, schedules that would shrink one, and what could not be seen."""
    for why in of.unseen_of(sight, Side.DR, autoscaling.targets, autoscaling.scheduled_actions, ecs.services):
        yield f"Auto scaling of the DR region was planned without this: {why}"
    yield from _unscaled(sight)
    yield from _shrinking(sight)


@of.where_seen
def _unscaled(sight: Sight) -> Iterator[str]:
    scaled = {target.service for target in sight.snapshot.get(autoscaling.targets, Side.DR)}
    fixed = [one.service.name for one in of.held(sight, Side.DR) if one.service.name not in scaled]
    if fixed:
        yield f"No auto scaling in {sight.env.regions.dr}: {of.few(fixed)} would stay as large, whatever the load."


@of.where_seen
def _shrinking(sight: Sight) -> Iterator[str]:
    needed = sight.env.capacity.tasks_per_service
    ours = {one.service.name for one in of.held(sight, Side.DR)}
    awake = {t.service for t in sight.snapshot.get(autoscaling.targets, Side.DR) if not t.schedule_suspended}
    shrinking: dict[str, list[str]] = {}
    for action in sight.snapshot.get(autoscaling.scheduled_actions, Side.DR):
        lowers = [bound for bound in (action.minimum, action.maximum) if bound is not None and bound < needed]
        if action.service in ours & awake and lowers:
            shrinking.setdefault(f"'{action.name}' at {action.schedule}", []).append(action.service)
    for schedule, names in sorted(shrinking.items()):
        yield (
            f"The schedule {schedule} in {sight.env.regions.dr} would push {of.few(sorted(names))} below {needed} "
            "tasks again (T36): suspend it for the time (aws application-autoscaling register-scalable-target "
            "--suspended-state ScheduledScalingSuspended=true)."
        )


VERB = Verb(
    name=NAME,
    writes=frozenset({of.REGISTER}),
    watches=(autoscaling.targets.name,),
    foresee=foresee,
    confirm=confirm,
    undo=undo,
    essential=False,
    notes=notes,
)
