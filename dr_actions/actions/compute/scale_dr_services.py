"""Brings each tenant's DR service to its failover size, on a task definition that needs nothing of the primary region.

A service is done when its tasks run, its rollout is complete, and the load balancer sees as many healthy targets:
traffic moves only after that (T07). One tenant's failure leaves the run degraded, and does not stop it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.common.unseen_handling import few
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.rollout import (
    DRAIN_S,
    START_S,
    anew,
    facts_of,
    forced,
    progress,
    reason_of,
    send,
    unseen_secrets,
)
from dr_actions.actions.compute.task_revisions import family_of, is_repointed, newest_of
from dr_actions.model.action import Confirmation, Sight, Standing, action, if_seen
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import ROLLOUT
from dr_estate.model.unseen import CannotSee, Unseen
from dr_estate.readers import ecs, ecs_newest_definitions, elbv2
from dr_estate.readers import secretsmanager as readers_secretsmanager


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's DR service; one that is as wanted already is DONE without a call."""
    needed, tenant_services = sight.env.capacity.tasks_per_service, unseen_handling.held(sight, Side.DR)
    more = sum(max(0, needed - tenant_service.service.desired) for tenant_service in tenant_services)
    budget_s = START_S + of.scale_out_s(sight.env, len(tenant_services), more)
    for service_of_tenant in tenant_services:
        yield _step(sight, service_of_tenant, needed, budget_s)


def _step(sight: Sight, tenant_service: unseen_handling.Held, needed: int, budget_s: int) -> Step:
    name, service, region = tenant_service.service.name, tenant_service.service, sight.env.regions.dr
    before: dict[str, Json] = {"desiredCount": service.desired, "taskDefinition": service.task_definition}
    after: dict[str, Json] = {"desiredCount": needed}
    wanted: dict[str, Json] = {"desiredCount": max(needed, service.desired)}
    moves = is_repointed(sight, tenant_service)
    if moves:
        wanted["taskDefinition"] = after["taskDefinition"] = _newest_sentence(service.task_definition)
    reason = reason_of(sight, service, Side.DR)
    if reason:
        wanted[unseen_handling.ANEW] = True
    undo = f"Set its desired count to {service.desired} again"
    return sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"{name} runs {needed} healthy tasks in {region} ({service.desired} wanted now)"
        + (", of its repointed task definition" if moves else "")
        + (f". It is deployed again: {reason}." if reason else "."),
        danger=Danger.REVERSIBLE,
        undo=undo + (f", and its task definition to {service.task_definition}." if moves else "."),
        budget_s=budget_s + (DRAIN_S if service.running and (moves or reason) else 0),
        call=of.update(sight.env, Side.DR, name, **wanted),
        tenant=tenant_service.tenant.id,
        before=before,
        after=after,
    )


def _newest_sentence(arn: str) -> str:
    return f"<the newest revision of {family_of(arn)}>"


def fill(step: Step, sight: Sight) -> Call:
    """The call with the revision's ARN, and a desired count that never lowers what runs. Raises ValueError, CannotSee.

    A ValueError says that no revision was registered that the service could move to.
    """
    service = of.service_of(step, sight)
    changes = {"desiredCount": max(step.after["desiredCount"], service.desired), **forced(step, sight, service)}
    if _moves(step):
        changes["taskDefinition"] = _newest(step, sight, service)
        if changes["taskDefinition"] == step.before["taskDefinition"]:
            raise ValueError(f"{step.id}: no newer revision of its task definition was registered")
    return step.call_with(changes)


def _moves(step: Step) -> bool:
    return "taskDefinition" in step.after


def _newest(step: Step, sight: Sight, service: ecs.Service) -> str:
    """The ARN of the revision to move to: the newest. Raises CannotSee."""
    tenant_service = next(
        service_of_tenant
        for service_of_tenant in unseen_handling.held(sight, Side.DR)
        if service_of_tenant.tenant.id == step.tenant
    )
    newest = newest_of(sight, tenant_service, Side.DR)
    if isinstance(newest, Unseen):
        raise CannotSee(newest)
    return newest.arn if service.task_definition == step.before["taskDefinition"] else service.task_definition


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE when running, rolled out and healthy. A deployment of this step's own call that ECS gave up is FAILED.

    A desired count between the planned and the wanted one is auto scaling's, and READY; a lower one is CHANGED:
    somebody shrank the service since.
    """
    service = of.service_of(step, sight)
    needed, planned = step.after["desiredCount"], step.before["taskDefinition"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}"
    facts = facts_of(service)
    if service.task_definition != planned and not _moves(step):
        return Confirmation(Standing.CHANGED, f"{message}; it was moved to {service.task_definition} since.", facts)
    if _moves(step) and service.task_definition == planned:
        return _before_the_move(step, sight, service, message)
    if service.desired < min(step.before["desiredCount"], needed):
        return Confirmation(Standing.CHANGED, f"{message}: it was shrunk since the plan was made.", facts)
    if service.desired < needed:
        return Confirmation(Standing.READY, f"{message}.", facts)
    if reason := anew(step, sight, service):
        return Confirmation(Standing.READY, f"{message}, and must be deployed again: {reason}.", facts)
    return progress(sight, service, needed, message, Side.DR)


def _before_the_move(step: Step, sight: Sight, service: ecs.Service, message: str) -> Confirmation:
    if _newest(step, sight, service) == step.before["taskDefinition"]:
        lacks = "its task definition points into the primary region, and no newer revision was registered"
        return Confirmation(Standing.FAILED, f"{message}: {lacks}.", facts_of(service))
    return Confirmation(Standing.READY, f"{message}, and is to move to the newest revision.", facts_of(service))


def undo(step: Step) -> Call | None:
    """Desired count and, where it was moved, task definition as they were."""
    recorded = step.before if _moves(step) else {"desiredCount": step.before["desiredCount"]}
    return unseen_handling.again(step, **recorded)


def notes(sight: Sight) -> Iterator[str]:
    """Tenants that are left out, and services that would start badly."""
    for why in unseen_handling.unseen(sight, Side.DR, ecs.services):
        yield f"No service of the DR region can be scaled: {why}"
    yield from if_seen(lambda sight: unseen_secrets(sight, Side.DR))(sight)
    yield from _left_out(sight)
    yield from _doubtful(sight)


@if_seen
def _left_out(sight: Sight) -> Iterator[str]:
    if names := [unseen_handling.service_name(sight.env, tenant) for tenant in unseen_handling.lacking(sight, Side.DR)]:
        yield (
            f"There is no service {few(names)} in {sight.env.regions.dr}: {len(names)} tenants are left out. "
            "Terraform creates services (aws_ecs_service with the DR provider); then make the plan again."
        )


@if_seen
def _doubtful(sight: Sight) -> Iterator[str]:
    tenant_services = unseen_handling.held(sight, Side.DR)
    if apart := [
        tenant_service.service.name for tenant_service in tenant_services if not tenant_service.service.target_groups
    ]:
        yield f"No request would reach {few(apart)} in {sight.env.regions.dr}: attached to no target group."
    if broken := [
        tenant_service.service.name
        for tenant_service in tenant_services
        if ROLLOUT[tenant_service.service.rollout].broken
    ]:
        yield f"The newest deployment of {few(broken)} in {sight.env.regions.dr} failed: the step deploys it again."


VERB = action(
    globals(),
    {of.UPDATE},
    (*(ecs.services, ecs.tasks, ecs_newest_definitions.newest, elbv2.healthy_hosts), readers_secretsmanager.secrets),
    act=send,
    essential=False,
)
