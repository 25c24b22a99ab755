"""What actions share: tenants and services in question, and what becomes of a step whose part was not seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Call, Json, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.states import SERVICE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.tenants import Tenant, discover, is_chosen

T = TypeVar("T")
FORCE_NEW_DEPLOYMENT = "forceNewDeployment"
_NAMED = 5


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
    there = {
        service.name: service for service in context.snapshot.get(ecs.services, side) if SERVICE[service.status].serves
    }
    pairs = ((tenant, there.get(service_name(context.env, tenant, side))) for tenant in tenants_of(context))
    return tuple(TenantService(tenant, service) for tenant, service in pairs if service)


def tenants_without_service(context: PlanContext, side: Side) -> tuple[Tenant, ...]:
    """The tenants without an active service on ``side``. Raises DataUnavailable."""
    having = {tenant_service.tenant for tenant_service in tenant_services(context, side)}
    return tuple(tenant for tenant in tenants_of(context) if tenant not in having)


def reversing_call(step: Step, **changes: Json) -> Call:
    """Return the step's own call with other values, which reverts the step without forcing a new deployment.

    Raises ValueError for a step without a call.
    """
    params = {key: value for key, value in step.planned_call.params.items() if key != FORCE_NEW_DEPLOYMENT}
    return Call(step.planned_call.service, step.planned_call.operation, step.planned_call.region, {**params, **changes})


def as_before(step: Step) -> Call:
    """The step's own call with the values of before, exactly."""
    return reversing_call(step, **step.before)


def name_list(names: Sequence[str]) -> str:
    """The names as a phrase, the first few of many."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def unavailable_reasons(context: PlanContext, side: Side, *readers: Reader[Any]) -> Iterator[str]:
    """Why ``readers`` could not be seen on ``side``, one sentence each."""
    for reader in readers:
        try:
            context.snapshot.get(reader, side)
        except DataUnavailable as error:
            yield error.unavailable.why
