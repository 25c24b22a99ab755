"""Raises the lower bound of auto scaling in the DR region, so that nothing pushes a failed-over service back (T36).

A schedule that would (the night of a test environment) is suspended with the same call, until failback.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.common.unseen_handling import few
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.scaling_bounds import scaled
from dr_actions.actions.compute.scaling_bounds import seen as seen_of
from dr_actions.model.action import Confirmation, Sight, Standing, action, if_seen
from dr_actions.model.plan import Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import application_autoscaling, ecs

_BOUNDS, _SUSPENDED, _SCHEDULED = ("MinCapacity", "MaxCapacity"), "SuspendedState", of.SUSPENSIONS[-1]


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each scalable target with bounds below the failover size, or a schedule that would set such ones.

    Higher bounds are kept.
    """
    needed, sleeping = sight.env.capacity.tasks_per_service, _put_to_sleep(sight)
    for tenant_service, target in scaled(sight, Side.DR):
        sleeps = target.service in sleeping
        if sleeps or min(target.minimum, target.maximum) < needed:
            yield _step(sight, tenant_service, target, needed, sleeps)


def _put_to_sleep(sight: Sight) -> set[str]:
    """The services that a schedule would shrink; none where schedules cannot be seen, which the notes say."""
    try:
        return {name for names in _shrinking(sight).values() for name in names}
    except CannotSee:
        return set()


def _step(
    sight: Sight,
    tenant_service: unseen_handling.Held,
    target: application_autoscaling.Target,
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
    return sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Auto scaling keeps {name} at {needed} tasks or more ({how}).",
        danger=Danger.REVERSIBLE,
        undo=f"Register the bounds {target.minimum} to {target.maximum}{again}.",
        budget_s=60,
        call=of.register(sight.env, Side.DR, name, **after),
        tenant=tenant_service.tenant.id,
        before=before,
        after=after,
    )


def _raised(target: application_autoscaling.Target, needed: int) -> dict[str, Json]:
    return {"MinCapacity": max(target.minimum, needed), "MaxCapacity": max(target.maximum, needed)}


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once both bounds are as wanted or higher and the schedule is held, where it was to be.

    CHANGED where somebody set others than the plan was made upon.
    """
    target = of.target_of(step, sight)
    message = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)))
    seen = seen_of(target)
    high = all(seen[bound] >= step.after[bound] for bound in _BOUNDS)
    if high and (target.schedule_suspended or _SUSPENDED not in step.after):
        return Confirmation(Standing.DONE, f"{message}.", facts)
    if all(seen[name] == value for name, value in step.before.items()):
        return Confirmation(Standing.READY, f"{message}: to be raised.", facts)
    return Confirmation(Standing.CHANGED, f"{message}: neither as planned upon nor as wanted.", facts)


def notes(sight: Sight) -> Iterator[str]:
    """Services that do not scale, schedules that would shrink one, and what could not be seen."""
    for why in unseen_handling.unseen(
        sight, Side.DR, application_autoscaling.targets, application_autoscaling.scheduled_actions, ecs.services
    ):
        yield f"Auto scaling of the DR region was planned without this: {why}"
    yield from _unscaled(sight)
    yield from _suspending(sight)


@if_seen
def _unscaled(sight: Sight) -> Iterator[str]:
    scaled = {target.service for target in sight.snapshot.get(application_autoscaling.targets, Side.DR)}
    fixed = [
        tenant_service.service.name
        for tenant_service in unseen_handling.held(sight, Side.DR)
        if tenant_service.service.name not in scaled
    ]
    if fixed:
        yield f"No auto scaling in {sight.env.regions.dr}: {few(fixed)} would stay as large, whatever the load."


@if_seen
def _suspending(sight: Sight) -> Iterator[str]:
    needed = sight.env.capacity.tasks_per_service
    for schedule, names in sorted(_shrinking(sight).items()):
        yield (
            f"The schedule {schedule} in {sight.env.regions.dr} would push {few(sorted(names))} below {needed} "
            "tasks again (T36): it is suspended until failback."
        )


def _shrinking(sight: Sight) -> dict[str, list[str]]:
    """The services that each schedule would shrink, where it is not suspended. Raises CannotSee."""
    needed = sight.env.capacity.tasks_per_service
    ours = {tenant_service.service.name for tenant_service in unseen_handling.held(sight, Side.DR)}
    awake = {
        t.service for t in sight.snapshot.get(application_autoscaling.targets, Side.DR) if not t.schedule_suspended
    }
    shrinking: dict[str, list[str]] = {}
    for planned in sight.snapshot.get(application_autoscaling.scheduled_actions, Side.DR):
        lowers = [bound for bound in (planned.minimum, planned.maximum) if bound is not None and bound < needed]
        if planned.service in ours & awake and lowers:
            shrinking.setdefault(f"'{planned.name}' at {planned.schedule}", []).append(planned.service)
    return shrinking


VERB = action(
    globals(), {of.REGISTER}, (application_autoscaling.targets,), undo=unseen_handling.as_before, essential=False
)
