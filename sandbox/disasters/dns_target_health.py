"""Traffic records that inherit the health of every tenant's target group, so that one tenant moves all (T55)."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.dns_records import pair, with_evaluation
from sandbox.disasters.dns_zone import swap
from sandbox.disasters.services import update
from sandbox.world.world import World


@disaster(
    "one-tenant-moves-all",
    "The traffic records evaluate target health, and one tenant of the primary region was scaled to 0",
    trips=("dns-choice.no-tenant-moves-all",),
    consequences=(
        *("answers.as-recorded", "answers.resolvers-agree", "primary.services-running"),
        "sites.every-site-answers",
    ),
    posture="ON_DR_UNPLANNED",
)
def moves_all(world: World) -> None:
    """Let both records evaluate their target's health, and scale the last tenant to 0 in the primary region."""
    before = pair(world)
    swap(world, list(before), [with_evaluation(record) for record in before])
    update(world, Side.PRIMARY, world.tenants[-1], desiredCount=0)
