"""What actions share: tenants and services in question, what becomes of a step whose part was not seen, one-off tasks,
and what an unfenced region may still do. Pure.

A one-off task is one of a tenant's own definition, run once with a command in place of its own, where its service runs.
Source: ECS API, RunTask (startedBy, clientToken, group, failures).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from dr_actions.model.action import CallDeclined, PlanContext, Sender
from dr_actions.model.plan import Call, Json, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import Command
from dr_estate.model.states import SERVICE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import application_autoscaling, ecs, ecs_stopped_tasks
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.tenants import Tenant, discover, is_chosen

T = TypeVar("T")
FORCE_NEW_DEPLOYMENT = "forceNewDeployment"
_NAMED = 5
_FENCE = Command(("fence", "--side", "primary"))
RUN = "ecs:RunTask"
LONGEST_OVERRIDES = 8192  # characters of all overrides of a task (API_TaskOverride)


@dataclass(frozen=True, slots=True)
class TenantService:
    """A tenant and its service on one side."""

    tenant: Tenant
    service: ecs.Service


def tenants_of(context: PlanContext) -> tuple[Tenant, ...]:
    """The tenants in question, in order. Raises DataUnavailable where none can be discovered."""
    found = discover(context.snapshot, context.env)
    return tuple(tenant for tenant in found if is_chosen(tenant.id, context.only_tenants))


def service_name(env: Environment, tenant: Tenant, side: Side) -> str:
    """The name of the tenant's service on ``side``."""
    return env.on(side).named(env.names.service, tenant=tenant.id)


def tenant_services(context: PlanContext, side: Side) -> tuple[TenantService, ...]:
    """Each tenant that has an active service on ``side``, with it. Raises DataUnavailable."""
    there = {row.name: row for row in context.snapshot.get(ecs.services, side) if SERVICE[row.status].serves}
    pairs = ((tenant, there.get(service_name(context.env, tenant, side))) for tenant in tenants_of(context))
    return tuple(TenantService(tenant, service) for tenant, service in pairs if service)


def tenants_without_service(context: PlanContext, side: Side) -> tuple[Tenant, ...]:
    """The tenants without an active service on ``side``. Raises DataUnavailable."""
    having = {tenant_service.tenant for tenant_service in tenant_services(context, side)}
    return tuple(tenant for tenant in tenants_of(context) if tenant not in having)


def reversing_call(step: Step, **changes: Json) -> Call:
    """The step's call with other values, without a forced deployment. Raises ValueError for a step without a call."""
    params = {key: value for key, value in step.planned_call.params.items() if key != FORCE_NEW_DEPLOYMENT}
    return Call(step.planned_call.service, step.planned_call.operation, step.planned_call.region, {**params, **changes})


def as_before(step: Step) -> Call:
    """The step's own call with the values of before, exactly."""
    return reversing_call(step, **step.before)


def name_list(names: Sequence[str]) -> str:
    """The names as a phrase, the first few of many."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def timestamp(moment: datetime | None) -> str:
    """A moment as sentences and facts say it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "never"


def unavailable_reasons(context: PlanContext, side: Side, *readers: Reader[Any]) -> Iterator[str]:
    """Why ``readers`` could not be seen on ``side``, one sentence each."""
    for reader in readers:
        try:
            context.snapshot.get(reader, side)
        except DataUnavailable as error:
            yield error.unavailable.why


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
        tenant_services(context, Side.PRIMARY)
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

    found = tenant_services(context, context.fence)
    return tuple(t.service.name for t in found if may_write(t.service, t.tenant.id))


def network_of(service: ecs.Service) -> dict[str, Any]:
    """The subnets and security groups of the service, as RunTask takes them, in an order of their own."""
    network: dict[str, Any] = {"subnets": sorted(service.subnets), "securityGroups": sorted(service.security_groups)}
    if service.public_ip:
        network["assignPublicIp"] = service.public_ip
    return {"awsvpcConfiguration": network}


def container_of(env: Environment, definition: ecs.TaskDefinition | None) -> str:
    """The container that the tenant's site runs in: that of the environment's name, else the definition's first."""
    names = [container.name for container in definition.containers] if definition else []
    return env.names.container if env.names.container in names or not names else names[0]


def send(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Run the task. Raises CallDeclined with ECS's reason where it answers that it did not."""
    answer = sender.send(call)
    refused = [str(row.get("reason") or row.get("detail") or "no reason given") for row in answer.get("failures", ())]
    if refused and not answer.get("tasks"):
        raise CallDeclined(f"ECS did not start the task: {', '.join(refused)}")
    return answer
