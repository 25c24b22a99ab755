"""Which revision of its task definition a tenant's service uses, and which it would move to. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute.region_references import Pointer, counterparts, pointers
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, available
from dr_estate.readers import ecs, ecs_newest_definitions
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot


def used_by(
    context: PlanContext, tenant_service: unavailable_handling.TenantService, side: Side
) -> ecs.TaskDefinition | Unavailable:
    """The revision that the tenant's service on ``side`` uses. Raises DataUnavailable where none was read."""
    used = _by_arn(context.snapshot, side).get(tenant_service.service.task_definition)
    return used or _unavailable(context, ecs.task_definitions, side)


def newest_of(
    context: PlanContext, tenant_service: unavailable_handling.TenantService, side: Side
) -> ecs.TaskDefinition | Unavailable:
    """The newest revision of the family; the one in use where that needs nothing of the other region."""
    found = _by_family(context.snapshot, side).get(family_of(tenant_service.service.task_definition))
    used = used_by(context, tenant_service, side)
    if found is not None or isinstance(used, Unavailable):
        return found or used
    return (
        _unavailable(context, ecs_newest_definitions.newest, side)
        if replaceable(context, tenant_service, used, side)
        else used
    )


def tenant_service_of(step: Step, context: PlanContext) -> unavailable_handling.TenantService:
    """The tenant and the service that the step is about. Raises DataUnavailable."""
    there = unavailable_handling.tenant_services(context, step.side)
    found = next((row for row in there if row.service.name == step.subject), None)
    if found is None:
        raise DataUnavailable(Unavailable(UnavailableKind.ERROR, f"{step.subject} is not there any more."))
    return found


def newest_for(step: Step, context: PlanContext) -> ecs.TaskDefinition:
    """The newest revision for the service that the step is about. Raises DataUnavailable."""
    return available(newest_of(context, tenant_service_of(step, context), step.side))


def revision(context: PlanContext, arn: str, side: Side) -> ecs.TaskDefinition | None:
    """The revision ``arn``, None where it was not read. Raises DataUnavailable."""
    newest = _by_family(context.snapshot, side).get(family_of(arn))
    return _by_arn(context.snapshot, side).get(arn) or (newest if newest is not None and newest.arn == arn else None)


def family_of(arn: str) -> str:
    """The family of a revision's ARN."""
    return arn.rpartition("/")[2].rpartition(":")[0]


@lru_cache(maxsize=4)
def _by_arn(snapshot: Snapshot, side: Side) -> dict[str, ecs.TaskDefinition]:
    read = snapshot.get(ecs.task_definitions, side)
    return {found.arn: found for found in read if isinstance(found, ecs.TaskDefinition)}


@lru_cache(maxsize=4)
def _by_family(snapshot: Snapshot, side: Side) -> dict[str, ecs.TaskDefinition]:
    read = snapshot.get(ecs_newest_definitions.newest, side)
    return {found.family: found for found in read if isinstance(found, ecs.TaskDefinition)}


def _unavailable(
    context: PlanContext, reader: Reader[tuple[ecs.TaskDefinition | Unavailable, ...]], side: Side
) -> Unavailable:
    dark = (found for found in context.snapshot.get(reader, side) if isinstance(found, Unavailable))
    return next(dark, Unavailable(UnavailableKind.ERROR, f"Its revision was not among those read ({reader.name})."))


def is_repointed(
    context: PlanContext, tenant_service: unavailable_handling.TenantService, side: Side = Side.DR
) -> bool:
    """Whether the revision in use points into the other region where a counterpart is known: its service moves."""
    used = used_by(context, tenant_service, side)
    return isinstance(used, ecs.TaskDefinition) and bool(replaceable(context, tenant_service, used, side))


def replaceable(
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    definition: ecs.TaskDefinition,
    side: Side,
    their_files: frozenset[str] = frozenset(),
) -> tuple[Pointer, ...]:
    """What of the revision points into the other region, where a counterpart is known.

    ``their_files`` are file systems known to be the other region's, or left, besides those that are seen to be.
    """
    to = counterparts(context, tenant_service.tenant, side)
    known = replace(to, their_files=to.their_files | their_files)
    return tuple(pointer for pointer in pointers(definition, known) if pointer.new)
