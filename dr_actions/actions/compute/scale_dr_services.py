"""Brings each tenant's DR service to its failover size, on a task definition that needs nothing of the primary region.

A service is done when its tasks run, its rollout is complete, and the load balancer sees as many healthy targets:
traffic moves only after that (T07). One tenant's failure leaves the run degraded, and does not stop it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.common.unavailable_handling import name_list
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
from dr_estate.model.states import ROLLOUT
from dr_estate.readers import ecs, ecs_newest_definitions, ecs_stopped_tasks, elbv2, elbv2_targets
from dr_estate.readers import secretsmanager as readers_secretsmanager


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's DR service; one that is as wanted already is DONE without a call."""
    needed, services = context.env.capacity.tasks_per_service, unavailable_handling.tenant_services(context, Side.DR)
    more = sum(max(0, needed - row.service.desired) for row in services)
    budget_s = START_S + of.scale_out_s(context.env, len(services), more)
    for tenant_service in services:
        yield _step(context, tenant_service, needed, budget_s)


def _step(context: PlanContext, tenant_service: unavailable_handling.TenantService, needed: int, budget_s: int) -> Step:
    name, service, region = tenant_service.service.name, tenant_service.service, context.env.regions.dr
    before: dict[str, Json] = {"desiredCount": service.desired, "taskDefinition": service.task_definition}
    after: dict[str, Json] = {"desiredCount": needed}
    wanted: dict[str, Json] = {"desiredCount": max(needed, service.desired)}
    moves = is_repointed(context, tenant_service)
    if moves:
        wanted["taskDefinition"] = after["taskDefinition"] = _newest_sentence(service.task_definition)
    reason = reason_of(context, service, Side.DR)
    if reason:
        wanted[unavailable_handling.FORCE_NEW_DEPLOYMENT] = True
    undo = f"Set its desired count to {service.desired} again"
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"{name} runs {needed} healthy tasks in {region} ({service.desired} wanted now)"
        + (", of its repointed task definition" if moves else "")
        + (f". It is deployed again: {reason}." if reason else "."),
        danger=Danger.REVERSIBLE,
        undo=undo + (f", and its task definition to {service.task_definition}." if moves else "."),
        budget_s=budget_s + (DRAIN_S if service.running and (moves or reason) else 0),
        call=of.update(context.env, Side.DR, name, **wanted),
        tenant=tenant_service.tenant.id,
        before=before,
        after=after,
    )


def _newest_sentence(arn: str) -> str:
    return f"<the newest revision of {family_of(arn)}>"


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the revision's ARN, and a desired count that never lowers what runs. Raises ValueError,
    DataUnavailable.

    A ValueError says that no revision was registered that the service could move to.
    """
    service = of.service_of(step, context)
    changes = {
        "desiredCount": max(step.after["desiredCount"], service.desired),
        **redeployment_parameters(step, context, service),
    }
    if _moves(step):
        changes["taskDefinition"] = _newest(step, context, service)
        if changes["taskDefinition"] == step.before["taskDefinition"]:
            raise ValueError(f"{step.id}: no newer revision of its task definition was registered")
    return step.call_with(changes)


def _moves(step: Step) -> bool:
    return "taskDefinition" in step.after


def _newest(step: Step, context: PlanContext, service: ecs.Service) -> str:
    """The ARN of the revision to move to: the newest. Raises DataUnavailable."""
    newest = newest_for(step, context).arn
    return newest if service.task_definition == step.before["taskDefinition"] else service.task_definition


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE when running, rolled out and healthy. A deployment of this step's own call that ECS gave up is FAILED.

    A desired count between the planned and the wanted one is auto scaling's, and READY; a lower one is DRIFTED:
    somebody shrank the service since.
    """
    service = of.service_of(step, context)
    needed, planned = step.after["desiredCount"], step.before["taskDefinition"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}"
    facts = evidence_of(service)
    if service.task_definition != planned and not _moves(step):
        return StepStatus(StepState.DRIFTED, f"{message}; it was moved to {service.task_definition} since.", facts)
    if _moves(step) and service.task_definition == planned:
        return _before_the_move(step, context, service, message)
    if service.desired < min(step.before["desiredCount"], needed):
        return StepStatus(StepState.DRIFTED, f"{message}: it was shrunk since the plan was made.", facts)
    if service.desired < needed:
        return StepStatus(StepState.READY, f"{message}.", facts)
    if reason := redeployment_reason(step, context, service):
        return StepStatus(StepState.READY, f"{message}, and must be deployed again: {reason}.", facts)
    return progress(context, service, needed, message, Side.DR)


def _before_the_move(step: Step, context: PlanContext, service: ecs.Service, message: str) -> StepStatus:
    if _newest(step, context, service) == step.before["taskDefinition"]:
        lacks = "its task definition points into the primary region, and no newer revision was registered"
        return StepStatus(StepState.FAILED, f"{message}: {lacks}.", evidence_of(service))
    return StepStatus(StepState.READY, f"{message}, and is to move to the newest revision.", evidence_of(service))


def rollback_call(step: Step) -> Call | None:
    """Desired count and, where it was moved, task definition as they were."""
    recorded = step.before if _moves(step) else {"desiredCount": step.before["desiredCount"]}
    return unavailable_handling.reversing_call(step, **recorded)


def notes(context: PlanContext) -> Iterator[str]:
    """Tenants that are left out, and services that would start badly."""
    for reason in unavailable_handling.unavailable_reasons(context, Side.DR, ecs.services):
        yield f"No service of the DR region can be scaled: {reason}"
    yield from if_seen(lambda context: unavailable_secrets(context, Side.DR))(context)
    yield from _left_out(context)
    yield from _doubtful(context)


@if_seen
def _left_out(context: PlanContext) -> Iterator[str]:
    if names := [
        unavailable_handling.service_name(context.env, tenant)
        for tenant in unavailable_handling.tenants_without_service(context, Side.DR)
    ]:
        yield (
            f"There is no service {name_list(names)} in {context.env.regions.dr}: {len(names)} tenants are left out. "
            "Terraform creates services (aws_ecs_service with the DR provider); then make the plan again."
        )


@if_seen
def _doubtful(context: PlanContext) -> Iterator[str]:
    services = [row.service for row in unavailable_handling.tenant_services(context, Side.DR)]
    if apart := [service.name for service in services if not service.target_groups]:
        yield f"No request would reach {name_list(apart)} in {context.env.regions.dr}: attached to no target group."
    if broken := [service.name for service in services if ROLLOUT[service.rollout].broken]:
        region = context.env.regions.dr
        yield f"The newest deployment of {name_list(broken)} in {region} failed: the step deploys it again."


ACTION = action(
    globals(),
    {of.UPDATE},
    (
        *(ecs.services, ecs.tasks, ecs_newest_definitions.newest, elbv2.healthy_hosts, elbv2_targets.health),
        *(readers_secretsmanager.secrets, ecs_stopped_tasks.failures),
    ),
    send=send,
    essential=False,
)
