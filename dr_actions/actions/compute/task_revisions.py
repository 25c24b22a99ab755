"""Which revision of its task definition a tenant's service uses, and which it would move to. Pure."""

from __future__ import annotations

from functools import lru_cache

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute.region_references import Pointer, counterparts, pointers
from dr_actions.model.action import Sight
from dr_estate.config.environment import Side
from dr_estate.model.unseen import Blindness, Unseen
from dr_estate.readers import ecs, ecs_newest_definitions
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot


def used_by(sight: Sight, tenant_service: unseen_handling.Held, side: Side) -> ecs.TaskDefinition | Unseen:
    """The revision that the tenant's service on ``side`` uses. Raises CannotSee where none was read."""
    used = _by_arn(sight.snapshot, side).get(tenant_service.service.task_definition)
    return used or _dark(sight, ecs.task_definitions, side)


def newest_of(sight: Sight, tenant_service: unseen_handling.Held, side: Side) -> ecs.TaskDefinition | Unseen:
    """The newest revision of the family; the one in use where that needs nothing of the other region."""
    found = _by_family(sight.snapshot, side).get(family_of(tenant_service.service.task_definition))
    used = used_by(sight, tenant_service, side)
    if found is not None or isinstance(used, Unseen):
        return found or used
    return _dark(sight, ecs_newest_definitions.newest, side) if replaceable(sight, tenant_service, used, side) else used


def revision(sight: Sight, arn: str, side: Side) -> ecs.TaskDefinition | None:
    """The revision ``arn``, None where it was not read. Raises CannotSee."""
    newest = _by_family(sight.snapshot, side).get(family_of(arn))
    return _by_arn(sight.snapshot, side).get(arn) or (newest if newest is not None and newest.arn == arn else None)


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


def _dark(sight: Sight, reader: Reader[tuple[ecs.TaskDefinition | Unseen, ...]], side: Side) -> Unseen:
    dark = (found for found in sight.snapshot.get(reader, side) if isinstance(found, Unseen))
    return next(dark, Unseen(Blindness.ERROR, f"Its revision was not among those read ({reader.name})."))


def is_repointed(sight: Sight, tenant_service: unseen_handling.Held, side: Side = Side.DR) -> bool:
    """Whether the revision in use points into the other region where a counterpart is known: its service moves."""
    used = used_by(sight, tenant_service, side)
    return isinstance(used, ecs.TaskDefinition) and bool(replaceable(sight, tenant_service, used, side))


def replaceable(
    sight: Sight, tenant_service: unseen_handling.Held, definition: ecs.TaskDefinition, side: Side
) -> tuple[Pointer, ...]:
    """What of the revision points into the other region, where a counterpart is known."""
    return tuple(
        pointer for pointer in pointers(definition, counterparts(sight, tenant_service.tenant, side)) if pointer.new
    )
