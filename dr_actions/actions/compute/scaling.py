"""Auto scaling's bounds during a recovery: fenced, released, raised, and restored to what they were (T36, T41).

All are one call, RegisterScalableTarget, for each tenant's scalable target of a side. They differ in whose bounds they
want, and when. Bounds of 0 stop target tracking and a minimum; the suspension stops scheduled actions, one of which
would start the old primary again in the morning. Source: Application Auto Scaling user guide, suspending and resuming.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dr_actions.actions.shared import (
    TenantService,
    as_before,
    name_list,
    tenant_services,
    unavailable_reasons,
)
from dr_actions.model.action import Action, Notes, PlanContext, StepState, StepStatus, if_seen, no_notes, present
from dr_actions.model.plan import Call, Danger, Goal, Json, Params, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import application_autoscaling, ecs
from dr_estate.readers.application_autoscaling import ScalableTarget

REGISTER = "application-autoscaling:RegisterScalableTarget"
SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
# Both: bounds of 0 do not stop a scheduled action, which sets bounds of its own.
FENCED: Params = {"MinCapacity": 0, "MaxCapacity": 0, "SuspendedState": dict.fromkeys(SUSPENSIONS, True)}
_BOUNDS, _SUSPENDED, _SCHEDULED = ("MinCapacity", "MaxCapacity"), "SuspendedState", SUSPENSIONS[-1]
_PARTS = (application_autoscaling.targets,)
_FENCED_SAYS = "Auto scaling and its schedules can no longer start {name} in {region}: bounds 0 to 0, suspended."
_AGAIN = "Auto scaling keeps {name} in {region} at {bounds} tasks again, as before the "


@dataclass(frozen=True)
class BoundsChange:
    """An action that registers bounds: ``wanted`` gives them for a service and its target, None where none are due.

    ``side`` is None where the run says which region is fenced or released.
    """

    name: str
    does: str
    wanted: Callable[[PlanContext, TenantService, ScalableTarget], Params | None]
    says: str
    side: Side | None = None
    then: str = "now"
    by_part: bool = False

    def plan_steps(self, context: PlanContext) -> Iterator[Step]:
        """A step for each target whose bounds are due."""
        for service, target in scaled_services(context, self.side or context.fence):
            wanted = self.wanted(context, service, target)
            if wanted is not None:
                yield self._step(context, service, target, wanted)

    def _step(self, context: PlanContext, service: TenantService, target: ScalableTarget, wanted: Params) -> Step:
        side, bounds = self.side or context.fence, f"{wanted['MinCapacity']} to {wanted['MaxCapacity']}"
        region = context.env.region(side)
        return context.step(
            self.name,
            target.service,
            part=context.fence_part if self.by_part else "",
            side=side,
            says=self.says.format(name=target.service, region=region, bounds=bounds),
            danger=Danger.REVERSIBLE,
            undo=f"Register the bounds {target.minimum} to {target.maximum} and the suspensions of {self.then} again.",
            budget_s=60,
            call=_register(context.env, side, target.service, **wanted),
            tenant=service.tenant.id,
            before=observed_bounds(target),
            after=dict(wanted),
        )

    def action(self, omissions: Notes = no_notes, *, essential: bool = True) -> Action:
        """The action."""
        return Action(
            *(self.name, self.does, {REGISTER}, _PARTS, self.plan_steps, bounds_status),
            rollback=as_before,
            essential=essential,
            omissions=omissions,
        )


def _target_of(step: Step, context: PlanContext) -> ScalableTarget:
    """The scalable target of the service that the step is about, as seen now. Raises Drifted, DataUnavailable."""
    found = context.snapshot.find(application_autoscaling.targets, step.side, service=step.subject)
    return present(found, f"{step.subject} has no scalable target any more.")


def _register(env: Environment, side: Side, service: str, **bounds: Json) -> Call:
    """``RegisterScalableTarget`` of the service: what ``bounds`` leaves out stays as it is."""
    which = {
        "ServiceNamespace": "ecs",
        "ResourceId": env.on(side).scaling_id(service),
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    return Call("application-autoscaling", "RegisterScalableTarget", env.region(side), {**which, **bounds})


def _bounds_of(target: ScalableTarget) -> Params:
    """The target's bounds, as RegisterScalableTarget takes them."""
    return {"MinCapacity": target.minimum, "MaxCapacity": target.maximum}


def _suspension(target: ScalableTarget) -> dict[str, bool]:
    """What of the target's scaling is suspended, as RegisterScalableTarget takes it."""
    values = (target.in_suspended, target.out_suspended, target.schedule_suspended)
    return dict(zip(SUSPENSIONS, values, strict=True))


def scaled_services(context: PlanContext, side: Side) -> Iterator[tuple[TenantService, ScalableTarget]]:
    """Each tenant's service of ``side`` with its scalable target, where it has one. Raises DataUnavailable."""
    targets = {target.service: target for target in context.snapshot.get(application_autoscaling.targets, side)}
    services = tenant_services(context, side)
    return ((row, targets[row.service.name]) for row in services if row.service.name in targets)


def observed_bounds(target: ScalableTarget) -> dict[str, object]:
    """Bounds and suspensions, as RegisterScalableTarget takes them."""
    return {**_bounds_of(target), "SuspendedState": _suspension(target)}


def bounds_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the bounds are as wanted; READY as the plan found them, or as the fence of the same plan left them."""
    target = _target_of(step, context)
    message = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    asleep = [name for name, suspended in _suspension(target).items() if suspended]
    message += f", {len(asleep)} of {len(SUSPENSIONS)} kinds of scaling suspended"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)), ("suspended", ", ".join(asleep)))
    now = observed_bounds(target)
    # Only what the step set: RegisterScalableTarget keeps what a call leaves out (its API page).
    if all(now[key] == value for key, value in step.after.items()):
        return StepStatus(StepState.DONE, f"{message}.", facts)
    # The fence of the same plan comes first and changes what this step was planned upon.
    if now in (step.before, FENCED):
        todo = "fenced" if step.after == FENCED else "set back"
        return StepStatus(StepState.READY, f"{message}: to be {todo}.", facts)
    return StepStatus(StepState.DRIFTED, f"{message}: neither as planned upon nor as wanted.", facts)


def _fence_again_bounds(context: PlanContext, _service: TenantService, target: ScalableTarget) -> Params | None:
    """Before a failback: of a primary that came back unfenced, whatever could still start a task."""
    # A maximum of 0 starts nothing: it is left as it is.
    return FENCED if context.primary_answers and target.maximum else None


def _standby_bounds(context: PlanContext, service: TenantService, target: ScalableTarget) -> Params | None:
    """As recorded by the failover that raised them; without any record, the standby's. None where all is so already.

    Before the services are stopped: with the failover's lower bound in force their tasks would be started again.
    """
    recorded = context.before(RAISE_DR.name, service.service.name)
    if not recorded and not context.recorded:
        least = min(target.minimum, context.env.standby_of(service.tenant.id))
        recorded = {"MinCapacity": least, "MaxCapacity": target.maximum}
    now = observed_bounds(target)
    return recorded if any(now[name] != value for name, value in recorded.items()) else None


def _primary_bounds(context: PlanContext, service: TenantService, target: ScalableTarget) -> Params | None:
    """As recorded by the fence; else as it is, where nobody fenced it; else by the environment and the DR twin."""
    if recorded := context.before(FENCE.name, service.service.name):
        return recorded
    if observed_bounds(target) != FENCED:
        return observed_bounds(target)
    least = context.env.tasks_of(service.tenant.id)
    # RegisterScalableTarget refuses a maximum below the minimum.
    most = max(least, _most_in_dr(context, service.service.name))
    return {"MinCapacity": least, "MaxCapacity": most, "SuspendedState": dict.fromkeys(SUSPENSIONS, False)}


def _most_in_dr(context: PlanContext, service: str) -> int:
    targets = context.snapshot.get_if_seen(application_autoscaling.targets, Side.DR) or ()
    return next((target.maximum for target in targets if target.service == service), 0)


def _unseen_targets(side: Side) -> Notes:
    def notes(context: PlanContext) -> Iterator[str]:
        for reason in unavailable_reasons(context, side, application_autoscaling.targets):
            yield f"Auto scaling of {context.env.region(side)} was planned without this: {reason}"

    return notes


def _unseen_fence(context: PlanContext) -> Iterator[str]:
    """Why the scaling of the old primary could not be read, where its region answers otherwise."""
    whose = "the old primary" if context.goal is not Goal.FENCE else context.env.region(context.fence)
    reasons = unavailable_reasons(context, context.fence, application_autoscaling.targets)
    for reason in reasons if context.fenced_answers else ():
        yield f"Auto scaling of {whose} is not fenced, and may start its services again: {reason}"


def _raise_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each target whose bounds, or a schedule, are below the failover size. Higher bounds are kept."""
    asleep = _services_to_suspend(context)
    for tenant_service, target in scaled_services(context, Side.DR):
        needed = context.env.tasks_of(tenant_service.tenant.id)
        sleeps = target.service in asleep
        if sleeps or min(target.minimum, target.maximum) < needed:
            name = tenant_service.service.name
            before = dict(_bounds_of(target))
            after: dict[str, Json] = {"MinCapacity": max(target.minimum, needed)}
            after |= {"MaxCapacity": max(target.maximum, needed)}
            if sleeps:
                before |= {_SUSPENDED: _suspension(target)}
                after |= {_SUSPENDED: _suspension(target) | {_SCHEDULED: True}}
            how = f"bounds {target.minimum} to {target.maximum} now" + (", its schedule is suspended" if sleeps else "")
            again = " and let its schedule go on" if sleeps else " again"
            yield context.step(
                RAISE_DR.name,
                name,
                side=Side.DR,
                says=f"Auto scaling keeps {name} at {needed} tasks or more ({how}).",
                danger=Danger.REVERSIBLE,
                undo=f"Register the bounds {target.minimum} to {target.maximum}{again}.",
                budget_s=60,
                call=_register(context.env, Side.DR, name, **after),
                tenant=tenant_service.tenant.id,
                before=before,
                after=after,
            )


def _services_to_suspend(context: PlanContext) -> set[str]:
    """The services that a schedule would shrink; none where schedules cannot be seen, which the notes say."""
    try:
        return {name for names in _schedules_that_shrink(context).values() for name in names}
    except DataUnavailable:
        return set()


def _raised_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once both bounds are as wanted or higher and the schedule is held, where it was to be.

    DRIFTED where somebody set others than the plan was made upon.
    """
    target = _target_of(step, context)
    message = f"auto scaling keeps {step.subject} between {target.minimum} and {target.maximum} tasks"
    facts = (("minimum", str(target.minimum)), ("maximum", str(target.maximum)))
    seen = observed_bounds(target)
    # Higher is as good: somebody may have raised them for the load of this very incident.
    high = all(seen[bound] >= step.after[bound] for bound in _BOUNDS)
    if high and (target.schedule_suspended or _SUSPENDED not in step.after):
        return StepStatus(StepState.DONE, f"{message}.", facts)
    if all(seen[name] == value for name, value in step.before.items()):
        return StepStatus(StepState.READY, f"{message}: to be raised.", facts)
    return StepStatus(StepState.DRIFTED, f"{message}: neither as planned upon nor as wanted.", facts)


def _raise_omissions(context: PlanContext) -> Iterator[str]:
    """Services that do not scale, schedules that would shrink one, and what could not be seen."""
    schedules = application_autoscaling.scheduled_actions
    for reason in unavailable_reasons(context, Side.DR, application_autoscaling.targets, schedules, ecs.services):
        yield f"Auto scaling of the DR region was planned without this: {reason}"
    yield from _services_of_fixed_size(context)
    yield from _suspended_schedules(context)


@if_seen
def _services_of_fixed_size(context: PlanContext) -> Iterator[str]:
    targets = {target.service for target in context.snapshot.get(application_autoscaling.targets, Side.DR)}
    fixed = [row.service.name for row in tenant_services(context, Side.DR) if row.service.name not in targets]
    if fixed:
        yield f"No auto scaling in {context.env.regions.dr}: {name_list(fixed)} would stay as large, whatever the load."


@if_seen
def _suspended_schedules(context: PlanContext) -> Iterator[str]:
    for schedule, names in sorted(_schedules_that_shrink(context).items()):
        least = " or ".join(map(str, sorted(set(names.values()))))
        yield (
            f"The schedule {schedule} in {context.env.regions.dr} would push {name_list(sorted(names))} below {least} "
            "tasks again (T36): it is suspended until failback."
        )


def _schedules_that_shrink(context: PlanContext) -> dict[str, dict[str, int]]:
    """The services that each schedule not suspended would shrink, with the tasks needed. Raises DataUnavailable."""
    ours = {row.service.name: context.env.tasks_of(row.tenant.id) for row in tenant_services(context, Side.DR)}
    targets = context.snapshot.get(application_autoscaling.targets, Side.DR)
    awake = {target.service for target in targets if not target.schedule_suspended}
    shrinking: dict[str, dict[str, int]] = {}
    for planned in context.snapshot.get(application_autoscaling.scheduled_actions, Side.DR):
        # A lower maximum shrinks too: Application Auto Scaling brings the count below it at once.
        bounds, needed = (planned.minimum, planned.maximum), ours.get(planned.service, 0)
        if planned.service in awake and any(bound is not None and bound < needed for bound in bounds):
            shrinking.setdefault(f"'{planned.name}' at {planned.schedule}", {})[planned.service] = needed
    return shrinking


FENCE = BoundsChange(
    "compute/fence_scaling",
    "Takes the services of the region to be fenced from auto scaling, so that nothing starts them again (T36, T41).",
    lambda context, _service, _target: FENCED if context.fenced_answers else None,
    _FENCED_SAYS,
    then="before",
    by_part=True,
).action(_unseen_fence)
FENCE_AGAIN = BoundsChange(
    "compute/fence_scaling_again",
    "Before a failback: auto scaling of a primary that came back unfenced can no longer start its tasks (T41).",
    _fence_again_bounds,
    _FENCED_SAYS,
    Side.PRIMARY,
    then="before",
).action()
RELEASE = BoundsChange(
    "compute/release_scaling",
    "Gives the services of a fenced region back to auto scaling: bounds and suspensions as before the fence (T36).",
    lambda context, service, _target: context.before_fence(FENCE.name, service.service.name) or None,
    f"{_AGAIN}fence.",
).action()
RAISE_DR = Action(
    "compute/raise_dr_scaling",
    "Raises the lower bound of auto scaling in the DR region, so that nothing pushes a failed-over service back (T36).",
    {REGISTER},
    _PARTS,
    _raise_steps,
    _raised_status,
    rollback=as_before,
    essential=False,
    omissions=_raise_omissions,
)
RESTORE_DR = BoundsChange(
    "compute/restore_dr_scaling",
    "Lets auto scaling shrink the DR region to a standby again: the bounds as before the failover (T36).",
    _standby_bounds,
    f"{_AGAIN}failover.",
    Side.DR,
).action(_unseen_targets(Side.DR), essential=False)
RESTORE_PRIMARY = BoundsChange(
    "compute/restore_primary_scaling",
    "Gives the primary's services back to auto scaling: bounds and suspensions as before the failover (T36).",
    _primary_bounds,
    f"{_AGAIN}failover.",
    Side.PRIMARY,
).action(_unseen_targets(Side.PRIMARY))
