"""What a region that is to be fenced may still do, and what it means where it was not stopped. Pure."""

from __future__ import annotations

from dr_actions.actions.common import unavailable_handling
from dr_actions.model.action import PlanContext
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import Command
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import application_autoscaling, ecs, ecs_stopped_tasks

_FENCE = Command(("fence", "--side", "primary"))


def living_tasks(context: PlanContext, side: Side, service: str, tenant: str) -> list[str]:
    """Return the tenant's living tasks: of its service, or of its family regardless of who started them."""
    family = context.env.on(side).named(context.env.names.task_family, tenant=tenant)
    alive = (*context.snapshot.get(ecs.tasks, side), *context.snapshot.get(ecs_stopped_tasks.tasks, side))
    return sorted(
        f"{task.arn.rpartition('/')[2]} ({task.status})"
        for task in alive
        if task.group == f"service:{service}" or task.task_definition.rpartition("/")[2].rpartition(":")[0] == family
    )


def unfenced_reason(context: PlanContext) -> str:
    """Why no step can fence the old primary, without a full stop; "" where steps can."""
    if not context.primary_answers:
        return f"the API of {context.env.regions.primary} does not answer"
    try:
        unavailable_handling.tenant_services(context, Side.PRIMARY)
    except DataUnavailable as error:
        return error.unavailable.why.rstrip(".")
    return ""


def unfenced_sentence(env: Environment, reason: str) -> str:
    """What it means that the old primary was not stopped, and what must be done when it comes back."""
    return (
        f"The old primary is UNFENCED: {reason}. When it comes back its tasks run: scheduled jobs and webhooks run "
        f"twice, and what they write is lost or in conflict (T31, T41). Keep the traffic pinned to {env.regions.dr}. "
        f"As soon as {env.regions.primary} answers, and before anything else: {_FENCE} plans how it stops writing."
    )


def unfenced_services(context: PlanContext) -> tuple[str, ...]:
    """The services of the region to be fenced that may still write, or be started again. Raises DataUnavailable."""
    # Auto Scaling may start the tasks of a stopped service again while its maximum is above 0 (T36).
    started = {t.service for t in context.snapshot.get(application_autoscaling.targets, context.fence) if t.maximum}

    def may_write(service: ecs.Service, tenant: str) -> bool:
        counted = service.desired or service.running or service.pending
        return bool(counted or service.name in started or living_tasks(context, context.fence, service.name, tenant))

    found = unavailable_handling.tenant_services(context, context.fence)
    return tuple(t.service.name for t in found if may_write(t.service, t.tenant.id))
