"""Starts the primary's services at their recorded counts, before any visitor is led there (T07)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.common.unseen_handling import few
from dr_actions.actions.compute import failback as compute_failback
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
from dr_estate.model.unseen import CannotSee, Unseen
from dr_estate.readers import ecs, ecs_newest_definitions, elbv2
from dr_estate.readers import secretsmanager as readers_secretsmanager

_DEFINITION = "taskDefinition"


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's service in the primary region; one that is as wanted already is DONE without a call."""
    tenant_services = unseen_handling.held(sight, Side.PRIMARY)
    counts = {
        tenant_service.service.name: compute_failback.tasks_at_home(sight, tenant_service)
        for tenant_service in tenant_services
    }
    budget_s = START_S + of.scale_out_s(sight.env, len(tenant_services), sum(counts.values()))
    for service_of_tenant in tenant_services:
        yield _step(sight, service_of_tenant, counts[service_of_tenant.service.name], budget_s)


def _step(sight: Sight, tenant_service: unseen_handling.Held, needed: int, budget_s: int) -> Step:
    name, service, region = tenant_service.service.name, tenant_service.service, sight.env.regions.primary
    after: dict[str, Json] = {"desiredCount": needed}
    if is_repointed(sight, tenant_service, Side.PRIMARY):
        after[_DEFINITION] = f"<the newest revision of {family_of(service.task_definition)}>"
    reason = reason_of(sight, service, Side.PRIMARY)
    anew_too: dict[str, Json] = {unseen_handling.ANEW: True} if reason else {}
    return sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"{name} runs {needed} healthy tasks in {region} again ({service.desired} wanted now)."
        + (f" It is deployed again: {reason}." if reason else ""),
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {service.desired} again: no visitor was led there yet.",
        budget_s=budget_s + (DRAIN_S if service.running and (reason or _DEFINITION in after) else 0),
        call=of.update(sight.env, Side.PRIMARY, name, **after, **anew_too),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": service.desired, _DEFINITION: service.task_definition},
        after=after,
    )


def fill(step: Step, sight: Sight) -> Call:
    """The call with the revision's ARN, never lowering what runs. Raises ValueError, CannotSee."""
    service = of.service_of(step, sight)
    changes = {"desiredCount": max(step.after["desiredCount"], service.desired), **forced(step, sight, service)}
    if _DEFINITION in step.after:
        changes[_DEFINITION] = _newest(step, sight)
    return step.call_with(changes)


def _newest(step: Step, sight: Sight) -> str:
    """The ARN of the revision to run: the newest of the family. Raises CannotSee."""
    tenant_service = next(
        service_of_tenant
        for service_of_tenant in unseen_handling.held(sight, Side.PRIMARY)
        if service_of_tenant.service.name == step.subject
    )
    newest = newest_of(sight, tenant_service, Side.PRIMARY)
    if isinstance(newest, Unseen):
        raise CannotSee(newest)
    return newest.arn


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE when running, rolled out and healthy. Any lower count is READY: the fence of the same plan made it 0."""
    service = of.service_of(step, sight)
    needed = step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}"
    if _DEFINITION in step.after and service.task_definition != _newest(step, sight):
        return Confirmation(Standing.READY, f"{message}, and is to move to the newest revision.", facts_of(service))
    if _DEFINITION not in step.after and service.task_definition != step.before[_DEFINITION]:
        moved = f"{message}; it was moved to {service.task_definition} since."
        return Confirmation(Standing.CHANGED, moved, facts_of(service))
    if service.desired < needed:
        return Confirmation(Standing.READY, f"{message}.", facts_of(service))
    if reason := anew(step, sight, service):
        return Confirmation(Standing.READY, f"{message}, and must be deployed again: {reason}.", facts_of(service))
    return progress(sight, service, needed, message, Side.PRIMARY)


def undo(step: Step) -> Call | None:
    """The desired count as it was."""
    return unseen_handling.again(step, desiredCount=step.before["desiredCount"], **_revision(step))


def _revision(step: Step) -> dict[str, Json]:
    return {_DEFINITION: step.before[_DEFINITION]} if _DEFINITION in step.after else {}


def notes(sight: Sight) -> Iterator[str]:
    """Tenants that have no service at home, and what could not be seen."""
    for why in unseen_handling.unseen(sight, Side.PRIMARY, ecs.services):
        yield f"No service of the primary region can be started: {why}"
    yield from if_seen(lambda sight: unseen_secrets(sight, Side.PRIMARY))(sight)
    yield from _left_out(sight)


@if_seen
def _left_out(sight: Sight) -> Iterator[str]:
    if names := [
        unseen_handling.service_name(sight.env, tenant) for tenant in unseen_handling.lacking(sight, Side.PRIMARY)
    ]:
        region = sight.env.regions.primary
        yield f"There is no service {few(names)} in {region}: visitors of these tenants would find nobody there."


VERB = action(
    globals(),
    {of.UPDATE},
    (
        *(ecs.services, ecs.tasks, ecs.task_definitions, ecs_newest_definitions.newest),
        *(elbv2.healthy_hosts, readers_secretsmanager.secrets),
    ),
    act=send,
)
