"""The call that starts one task of a tenant's own definition of the DR region, where its service runs. Pure.

Source: ECS API, RunTask (startedBy, clientToken, group).
"""

from __future__ import annotations

import uuid

from dr_actions.actions.common import one_off_task
from dr_actions.actions.common.unavailable_handling import TenantService
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Call, Json
from dr_estate.config.environment import Side
from dr_estate.model.drill_names import TAG
from dr_estate.readers import ecs


def call_of(context: PlanContext, tenant_service: TenantService, overrides: Json, group: str = "") -> Call:
    """RunTask of one task in the service's subnets and security groups; the same token gives the same task."""
    env, service = context.env, tenant_service.service
    what = ":".join([env.name, context.incident, tenant_service.tenant.id, *([group] if group else ())])
    params: dict[str, Json] = {
        "cluster": env.named(env.names.cluster),
        "taskDefinition": service.task_definition,
        "launchType": "FARGATE",
        "count": 1,
        "startedBy": context.incident,
        "clientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, what)),
        "networkConfiguration": one_off_task.network_of(service),
        "overrides": overrides,
        "tags": [{"key": TAG, "value": context.incident}],
        **({"group": group} if group else {}),
    }
    return Call("ecs", "RunTask", env.regions.dr, params)


def container_of(context: PlanContext, service: ecs.Service) -> str:
    """The name of the container that the tenant's site runs in. Raises DataUnavailable."""
    seen = context.snapshot.get(ecs.task_definitions, Side.DR)
    known = (
        definition
        for definition in seen
        if isinstance(definition, ecs.TaskDefinition) and definition.arn == service.task_definition
    )
    return one_off_task.container_of(context.env, next(known, None))
