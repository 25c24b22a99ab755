"""Other regions with the platform's services, read only when the primary region has none.

Looking for the platform in the wrong region once scored a healthy estate 35 of 100.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.unseen import Unseen
from dr_estate.readers import ecs
from dr_estate.reading.part import part
from dr_estate.reading.reader import Look


@dataclass(frozen=True, slots=True)
class ClusterAt:
    """The environment's cluster in another configured region: its active services and running tasks (0 if absent)."""

    region: str
    services: int
    tasks: int


@part(Side.PRIMARY, reads=ecs.CLUSTER_READS | ecs.SERVICE_READS)
def elsewhere(look: Look) -> tuple[ClusterAt | Unseen, ...]:
    """The cluster in the DR region and in ``regions.others``; empty where the primary region holds services."""
    if look.part(ecs.services):
        return ()
    name = look.env.named(look.env.names.cluster)

    def at(region: str) -> ClusterAt:
        answer = look.eyes.call("ecs", region, lambda client: client.describe_clusters(clusters=[name]))
        found = answer["clusters"][0] if answer["clusters"] else {}
        return ClusterAt(region, found.get("activeServicesCount", 0), found.get("runningTasksCount", 0))

    return tuple(look.maybe(at, (look.env.regions.dr, *look.env.regions.others)))
