"""The newest revision of a task definition's family, where the current one needs the other region."""

from __future__ import annotations

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import ecs, efs
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext


@part(*REGIONAL, reads=ecs.DEFINITION_READS)
def newest(context: ReadContext) -> tuple[ecs.TaskDefinition | Unavailable, ...]:
    """The newest active revision of each family whose revision in use names the other region, or files not of here.

    In a sound estate there is none, and no call is made: ECS describes one revision a call. Where nothing replicates
    into the DR region's files they may have to be restored into others, and then each family that mounts them is asked
    for. A bare family means its newest ACTIVE revision. Source: DescribeTaskDefinition.
    """
    used = [found for found in context.part(ecs.task_definitions) if isinstance(found, ecs.TaskDefinition)]
    other = Side.PRIMARY if context.side is Side.DR else Side.DR
    region, here = context.env.region(other), _file_systems(context)
    alone = context.side is Side.DR and _is_unreplicated(context, here)
    families = sorted({d.family for d in used if names_region(d, region) or _foreign(d, here) or (alone and d.volumes)})

    def describe(family: str) -> ecs.TaskDefinition:
        return ecs.definition_of(
            context.call("ecs", "describe_task_definition", taskDefinition=family)["taskDefinition"]
        )

    return tuple(context.maybe(describe, families))


def names_region(definition: ecs.TaskDefinition, region: str) -> bool:
    """Whether a variable, secret, image or log setting of the definition holds the region's name."""
    return any(
        region in text
        for container in definition.containers
        for text in (
            container.image,
            container.log_region,
            *(value for _, value in container.environment),
            *(source for _, source in container.sources),
        )
    )


def _file_systems(context: ReadContext) -> frozenset[str] | None:
    try:
        return frozenset(system.id for system in context.part(efs.file_systems))
    except DataUnavailable:
        return None


def _is_unreplicated(context: ReadContext, here: frozenset[str] | None) -> bool:
    try:
        fed = {row.destination_id for row in context.part(efs.replications)}
    except DataUnavailable:
        return False
    return bool(here) and not fed & (here or frozenset())


def _foreign(definition: ecs.TaskDefinition, here: frozenset[str] | None) -> bool:
    return here is not None and any(volume.file_system_id not in here for volume in definition.volumes)
