"""Other regions with the platform's services, read only when the primary region has none.

Looking for the platform in the wrong region once scored a healthy estate 35 of 100.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext


@dataclass(frozen=True, slots=True)
class RegionCluster:
    """The environment's cluster in another configured region: its active services and running tasks (0 if absent)."""

    region: str
    services: int
    tasks: int


@part(Side.PRIMARY, reads=ecs.CLUSTER_READS | ecs.SERVICE_READS)
def elsewhere(context: ReadContext) -> tuple[RegionCluster | Unavailable, ...]:
    """The cluster in the DR region and in ``regions.others``; empty where the primary region holds services."""
    if context.part(ecs.services):
        return ()

    def at(region: str) -> RegionCluster:
        name = context.env.named(context.env.in_region(region).names.cluster)
        answer = context.client.call("ecs", region, lambda client: client.describe_clusters(clusters=[name]))
        found = answer["clusters"][0] if answer["clusters"] else {}
        return RegionCluster(region, found.get("activeServicesCount", 0), found.get("runningTasksCount", 0))

    return tuple(context.maybe(at, (context.env.regions.dr, *context.env.regions.others)))
