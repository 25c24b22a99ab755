"""Stops the tasks of a region, so that only one serves and writes (T41), and starts them again. Nothing is deleted.

What a fence proves: no task of the tenants runs, starts or is still stopping in the region's cluster, regardless of who
started it, and auto scaling cannot start a task (scaling.py). What it does not prove: that the region's DATABASE
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

from dr_actions.actions import shared
from dr_actions.actions.compute.rollout import START_S, UPDATE, evidence_of, service_of, update_call
from dr_actions.actions.shared import living_tasks, name_list, unfenced_reason, unfenced_sentence
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, if_seen
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, ecs_stopped_tasks

_FENCE_PARTS = (ecs.services, ecs.tasks, ecs_stopped_tasks.tasks)


def fence_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service in the region, as far as that answers; see ``unfenced_reason`` for the rest."""
    # A region that does not answer is not waited for: the run goes on unfenced, and its notes state that.
    if context.fenced_answers:
        for tenant_service in shared.tenant_services(context, context.fence):
            yield _fence_step(context, tenant_service, FENCE.name)


def _fence_step(context: PlanContext, tenant_service: shared.TenantService, action: str) -> Step:
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
        # Deregistration delay (ELB API, TargetGroupAttribute: 300 s) and stopTimeout (ECS API: 120 s at most).
        budget_s=480,
        call=update_call(context.env, side, name, desiredCount=0),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": desired},
        after={"desiredCount": 0},
    )


def fence_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no task of the tenant runs, starts or is stopping. Any desired count above 0 is READY.

    A primary that serves scales by its load, and the call says 0 whatever the count: a count other than the planned
    one is no reason to stop. ``undo`` restores the planned one, and scaling finds today's again.
    """
    service = service_of(step, context)
    tasks = living_tasks(context, step.side, step.subject, step.tenant or "")
    message = f"{step.subject} wants {service.desired}, runs {service.running}, starts {service.pending}"
    facts = tuple((key, str(getattr(service, key))) for key in ("desired", "running", "pending"))
    if service.desired:
        return StepStatus(StepState.READY, f"{message}.", facts)
    if service.running or service.pending:
        moves = (str(service.running), str(service.pending))
        message = f"{message}: its tasks drain and stop."
        return StepStatus(StepState.IN_PROGRESS, message, facts, progress=moves)
    # A service's counts leave stopping tasks out, and one may write until its container is gone.
    if tasks:
        message = f"{message}, but tasks of the tenant are alive: {name_list(tasks)}."
        return StepStatus(StepState.IN_PROGRESS, message, facts)
    return StepStatus(StepState.DONE, f"{message}: nothing of it serves or writes.", facts)


def fence_notes(context: PlanContext) -> Iterator[str]:
    """That the old primary is unfenced: that is no clean-up, for a fence or a failback settles it."""
    if context.goal is not Goal.FENCE and (reason := unfenced_reason(context)):
        yield unfenced_sentence(context.env, reason)


def fence_leftovers(context: PlanContext) -> Iterator[str]:
    """Tasks outside the tenants' services that fencing does not stop."""
    # Where the region is unfenced anyway, tasks beside the services are no news of their own.
    if context.fenced_answers and not list(fence_notes(context)):
        yield from _unfenced_tasks(context)


@if_seen
def _unfenced_tasks(context: PlanContext) -> Iterator[str]:
    """Tasks that no tenant's service keeps: a job of a tenant's family, or a service of another name."""
    services = {f"service:{shared.service_name(context.env, row, context.fence)}" for row in shared.tenants_of(context)}
    # A job that an operator or EventBridge started belongs to no service: the fence cannot scale it away.
    others = {task.group for task in context.snapshot.get(ecs.tasks, context.fence)} - services
    if others and not context.only_tenants:
        yield (
            f"Tasks of {name_list(sorted(others))} run in {context.env.region(context.fence)} outside the tenants' "
            "services, and are not fenced: stop them by hand if they write."
        )


def _services_that_run(context: PlanContext) -> list[shared.TenantService]:
    # Running counts beside desired: a service that was set to 0 may still write until its last task ends.
    there = shared.tenant_services(context, Side.PRIMARY) if context.primary_answers else ()
    return [row for row in there if row.service.desired or row.service.running]


def fence_again_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service that runs in the primary while the DR region serves."""
    for tenant_service in _services_that_run(context):
        yield _fence_step(context, tenant_service, FENCE_AGAIN.name)


def fence_again_leftovers(context: PlanContext) -> Iterator[str]:
    """That the primary may have written while nobody looked: what it wrote is kept aside, and not merged."""
    if _services_that_run(context):
        yield (
            f"The primary region came back unfenced: its tasks run. What they wrote since (scheduled jobs, webhooks) "
            f"stays in the old database of {context.env.regions.primary}, which is kept aside, and is not merged (T31)."
        )


def release_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service that the incident's fence of this side recorded."""
    for tenant_service in shared.tenant_services(context, context.fence):
        recorded = context.before_fence(FENCE.name, tenant_service.service.name)
        if recorded:
            needed = int(recorded["desiredCount"])
            name, desired = tenant_service.service.name, tenant_service.service.desired
            region = context.env.region(context.fence)
            yield context.step(
                RELEASE.name,
                name,
                side=context.fence,
                says=f"{name} runs {needed} tasks in {region} again, as before the fence ({desired} wanted now).",
                danger=Danger.REVERSIBLE,
                undo=f"Set its desired count to {desired} again: `dr_cli.py fence` does.",
                budget_s=START_S,
                call=update_call(context.env, context.fence, name, desiredCount=needed),
                tenant=tenant_service.tenant.id,
                before={"desiredCount": desired},
                after={"desiredCount": needed},
            )


def release_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once as many tasks run as before the fence. Any lower count is READY."""
    service, needed = service_of(step, context), step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}."
    if service.desired < needed:
        return StepStatus(StepState.READY, message, evidence_of(service))
    # Running is enough: no visitor is led there by a release, so no load balancer is asked.
    state = StepState.DONE if service.running >= needed else StepState.IN_PROGRESS
    return StepStatus(state, message, evidence_of(service))


FENCE = Action(
    "compute/fence_services",
    "Stops the tasks of the region to be fenced, so that only one region serves and writes (T41). Nothing is deleted.",
    {UPDATE},
    _FENCE_PARTS,
    fence_steps,
    fence_status,
    omissions=fence_notes,
    leftovers=fence_leftovers,
    rollback=shared.as_before,
)
FENCE_AGAIN = Action(
    "compute/fence_services_again",
    "Before a failback: tasks of a primary that came back unfenced stop, so that one region alone writes (T31, T41).",
    {UPDATE},
    _FENCE_PARTS,
    fence_again_steps,
    fence_status,
    leftovers=fence_again_leftovers,
    rollback=shared.as_before,
)
RELEASE = Action(
    "compute/release_services",
    "Starts the services of a fenced region at the counts that they had before the fence.",
    {UPDATE},
    (ecs.services,),
    release_steps,
    release_status,
    rollback=shared.as_before,
)
