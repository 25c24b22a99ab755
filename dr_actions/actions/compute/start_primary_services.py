"""Starts the primary's services at their recorded counts, before any visitor is led there (T07)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.common.unavailable_handling import name_list
from dr_actions.actions.compute import failback as compute_failback
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.rollout import (
    DRAIN_S,
    START_S,
    evidence_of,
    progress,
    reason_of,
    redeployment_parameters,
    redeployment_reason,
    send,
    unavailable_secrets,
)
from dr_actions.actions.compute.task_revisions import family_of, is_repointed, newest_for
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, if_seen
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, ecs_newest_definitions, ecs_stopped_tasks, elbv2, elbv2_targets
from dr_estate.readers import secretsmanager as readers_secretsmanager

_DEFINITION = "taskDefinition"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service in the primary region; one that is as wanted already is DONE without a call."""
    tenant_services = unavailable_handling.tenant_services(context, Side.PRIMARY)
    counts = {
        tenant_service.service.name: compute_failback.primary_tasks(context, tenant_service)
        for tenant_service in tenant_services
    }
    budget_s = START_S + of.scale_out_s(context.env, len(tenant_services), sum(counts.values()))
    for service_of_tenant in tenant_services:
        yield _step(context, service_of_tenant, counts[service_of_tenant.service.name], budget_s)


def _step(context: PlanContext, tenant_service: unavailable_handling.TenantService, needed: int, budget_s: int) -> Step:
    name, service, region = tenant_service.service.name, tenant_service.service, context.env.regions.primary
    after: dict[str, Json] = {"desiredCount": needed}
    if is_repointed(context, tenant_service, Side.PRIMARY):
        after[_DEFINITION] = f"<the newest revision of {family_of(service.task_definition)}>"
    reason = reason_of(context, service, Side.PRIMARY)
    again_too: dict[str, Json] = {unavailable_handling.FORCE_NEW_DEPLOYMENT: True} if reason else {}
    return context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"{name} runs {needed} healthy tasks in {region} again ({service.desired} wanted now)."
        + (f" It is deployed again: {reason}." if reason else ""),
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {service.desired} again: no visitor was led there yet.",
        budget_s=budget_s + (DRAIN_S if service.running and (reason or _DEFINITION in after) else 0),
        call=of.update(context.env, Side.PRIMARY, name, **after, **again_too),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": service.desired, _DEFINITION: service.task_definition},
        after=after,
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the revision's ARN, never lowering what runs. Raises ValueError, DataUnavailable."""
    service = of.service_of(step, context)
    changes = {
        "desiredCount": max(step.after["desiredCount"], service.desired),
        **redeployment_parameters(step, context, service),
    }
    if _DEFINITION in step.after:
        changes[_DEFINITION] = newest_for(step, context).arn
    return step.call_with(changes)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE when running, rolled out and healthy. Any lower count is READY: the fence of the same plan made it 0."""
    service = of.service_of(step, context)
    needed = step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}"
    if _DEFINITION in step.after and service.task_definition != newest_for(step, context).arn:
        return StepStatus(StepState.READY, f"{message}, and is to move to the newest revision.", evidence_of(service))
    if _DEFINITION not in step.after and service.task_definition != step.before[_DEFINITION]:
        moved = f"{message}; it was moved to {service.task_definition} since."
        return StepStatus(StepState.DRIFTED, moved, evidence_of(service))
    if service.desired < needed:
        return StepStatus(StepState.READY, f"{message}.", evidence_of(service))
    if reason := redeployment_reason(step, context, service):
        return StepStatus(StepState.READY, f"{message}, and must be deployed again: {reason}.", evidence_of(service))
    return progress(context, service, needed, message, Side.PRIMARY)


def rollback_call(step: Step) -> Call | None:
    """The desired count as it was."""
    return unavailable_handling.reversing_call(step, desiredCount=step.before["desiredCount"], **_revision(step))


def _revision(step: Step) -> dict[str, Json]:
    return {_DEFINITION: step.before[_DEFINITION]} if _DEFINITION in step.after else {}


def notes(context: PlanContext) -> Iterator[str]:
    """Yield the tenants that have no service in the primary region, and what could not be seen."""
    for reason in unavailable_handling.unavailable_reasons(context, Side.PRIMARY, ecs.services):
        yield f"No service of the primary region can be started: {reason}"
    yield from if_seen(lambda context: unavailable_secrets(context, Side.PRIMARY))(context)
    yield from _left_out(context)


@if_seen
def _left_out(context: PlanContext) -> Iterator[str]:
    if names := [
        unavailable_handling.service_name(context.env, tenant)
        for tenant in unavailable_handling.tenants_without_service(context, Side.PRIMARY)
    ]:
        region = context.env.regions.primary
        yield f"There is no service {name_list(names)} in {region}: visitors of these tenants would find nobody there."


ACTION = action(
    globals(),
    {of.UPDATE},
    (
        *(ecs.services, ecs.tasks, ecs.task_definitions, ecs_newest_definitions.newest, ecs_stopped_tasks.failures),
        *(elbv2.healthy_hosts, elbv2_targets.health, readers_secretsmanager.secrets),
    ),
    send=send,
)
