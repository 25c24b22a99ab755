"""Stops the tasks of the region to be fenced, so that only one region serves and writes (T41). Nothing is deleted.

What it proves: no task of the tenants runs, starts or is still stopping in the region's cluster, regardless of who
started it, and auto scaling cannot start a task (fence_scaling). What it does not prove: that the region's DATABASE
refuses writes. The database still accepts connections; jobs, people and hosts outside ECS can write to it. Closing its
security groups would be a network change that a recovery must not make. So a switchover proves zero loss by the
replica's own position after this step, never by this step alone, and a standalone fence run freezes the database too. A
failover freezes it where the tasks were not seen to stop in time (``unfenced``): the primary may be impaired, and the
run does not wait for it any longer.

Rolled back in reverse order, the services first and auto scaling after them: while scaling is suspended nothing scales
a service back to 0, and it starts at exactly its previous count; if the scaling limits were restored first, auto
scaling would start tasks of its own in between. A rollback is allowed only while the DR database has not been promoted:
after that, two regions would write to two databases.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.common.unavailable_handling import name_list
from dr_actions.actions.common.unfenced import living_tasks, unfenced_reason, unfenced_sentence
from dr_actions.actions.compute import services as of
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, if_seen
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.readers import ecs, ecs_stopping_tasks


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service in the region, as far as that answers; see ``unfenced_reason`` for the rest."""
    if context.fenced_answers:
        for tenant_service in unavailable_handling.tenant_services(context, context.fence):
            yield step_of(context, tenant_service)


def step_of(context: PlanContext, tenant_service: unavailable_handling.TenantService, action: str = __name__) -> Step:
    """The step that fences one tenant's service."""
    name, side, desired = tenant_service.service.name, context.fence, tenant_service.service.desired
    region, fencing = context.env.region(side), context.goal is Goal.FENCE
    whose = "it" if fencing else "the old primary"
    undo = f"Set its desired count to {desired} again, only while the DR database has not been promoted."
    return context.step(
        action,
        name,
        part=context.fence_part,
        side=side,
        says=f"{name} stops in {region}, its requests drained: {whose} no longer serves or writes.",
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {desired} again: `dr_cli.py fence --release` does." if fencing else undo,
        # The target group's deregistration delay (300 s by default), and Fargate's longest stopTimeout (120 s).
        budget_s=480,
        call=of.update(context.env, side, name, desiredCount=0),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": desired},
        after={"desiredCount": 0},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no task of the tenant runs, starts or is stopping. Any desired count above 0 is READY.

    A primary that serves scales by its load, and the call says 0 whatever the count: a count other than the planned
    one is no reason to stop. ``undo`` restores the planned one, and scaling finds today's again.
    """
    service = of.service_of(step, context)
    tasks = living_tasks(context, step.side, step.subject, step.tenant or "")
    message = f"{step.subject} wants {service.desired}, runs {service.running}, starts {service.pending}"
    facts = tuple((key, str(getattr(service, key))) for key in ("desired", "running", "pending"))
    if service.desired:
        return StepStatus(StepState.READY, f"{message}.", facts)
    if service.running or service.pending:
        moves = (str(service.running), str(service.pending))
        message = f"{message}: its tasks drain and stop."
        return StepStatus(StepState.IN_PROGRESS, message, facts, progress=moves)
    if tasks:
        return StepStatus(
            StepState.IN_PROGRESS, f"{message}, but tasks of the tenant are alive: {name_list(tasks)}.", facts
        )
    return StepStatus(StepState.DONE, f"{message}: nothing of it serves or writes.", facts)


def notes(context: PlanContext) -> Iterator[str]:
    """That the old primary is unfenced: that is no clean-up, for a fence or a failback settles it."""
    if context.goal is not Goal.FENCE and (reason := unfenced_reason(context)):
        yield unfenced_sentence(context.env, reason)


def cleanup_notes(context: PlanContext) -> Iterator[str]:
    """Tasks outside the tenants' services that fencing does not stop."""
    if context.fenced_answers and not list(notes(context)):
        yield from _strangers(context)


@if_seen
def _strangers(context: PlanContext) -> Iterator[str]:
    """Tasks that no tenant's service keeps: a job of a tenant's family, or a service of another name."""
    services = {
        f"service:{unavailable_handling.service_name(context.env, tenant)}"
        for tenant in unavailable_handling.tenants_of(context)
    }
    others = {task.group for task in context.snapshot.get(ecs.tasks, context.fence)} - services
    if others and not context.only_tenants:
        yield (
            f"Tasks of {name_list(sorted(others))} run in {context.env.region(context.fence)} outside the tenants' "
            f"services, and "
            "are not fenced: stop them by hand if they write."
        )


ACTION = action(
    globals(),
    {of.UPDATE},
    (ecs.services, ecs.tasks, ecs_stopping_tasks.tasks),
    rollback_call=unavailable_handling.as_before,
)
