"""AWS Cloud Map: the services in which ECS registers tasks of the DR region, so that others find them by name."""

from __future__ import annotations

from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"servicediscovery:ListServices"})


@part(Side.DR, reads=READS)
def registries(context: ReadContext) -> tuple[str, ...]:
    """The ARNs of the region's Cloud Map services, a hundred a call; not asked where no ECS service names one."""
    if all(service.registries == () for service in context.part(ecs.services)):
        return ()
    rows = context.pages("servicediscovery", "list_services", "Services", MaxResults=100)
    return tuple(sorted(context.rows(rows, lambda row: str(row["Arn"]), "Name")))
