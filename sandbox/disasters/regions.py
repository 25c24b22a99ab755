"""Whole regions that answer badly. Global services sign with us-east-1: a dark primary leaves them alone (T01, T14)."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.disasters import ANYTHING, NO_ANSWER, disaster
from sandbox.world.world import World


@disaster(
    "primary-dark",
    "The primary region refuses every connection; replication stands still",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="PRIMARY_LOST",
    answer="PROCEED",
)
def primary_dark(world: World) -> None:
    """Refuse every call to the primary region."""
    world.outage(Side.PRIMARY, "refuse")


@disaster(
    "primary-hangs",
    "The primary region accepts connections and never answers",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="PRIMARY_LOST",
    answer="PROCEED",
)
def primary_hangs(world: World) -> None:
    """Hold every call to the primary region until the client gives up."""
    world.outage(Side.PRIMARY, "hang")


@disaster(
    "primary-throttled",
    "The primary region throttles every call",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="BLIND",
)
def primary_throttled(world: World) -> None:
    """Throttle every call to the primary region."""
    world.outage(Side.PRIMARY, "throttle")


@disaster(
    "dr-dark",
    "The DR region refuses every connection",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture="DR_UNSEEN",
)
def dr_dark(world: World) -> None:
    """Refuse every call to the DR region."""
    world.outage(Side.DR, "refuse")


@disaster(
    "us-east-1-dark",
    "us-east-1 is down: the control planes of Route 53, CloudFront and IAM do not answer",
    trips=("route53.zone-accessible", "prerequisites.operator-allowed"),
    consequences=ANYTHING,
)
def us_east_1_dark(world: World) -> None:
    """Refuse every call to the region of the global services' control planes (T01)."""
    world.outage(Side.GLOBAL, "refuse")


@disaster(
    "us-east-1-sick",
    "The control planes in us-east-1 answer 503: changes of Route 53, IAM, CloudFront and certificates of it",
    trips=("prerequisites.operator-allowed",),
    consequences=ANYTHING,
)
def us_east_1_sick(world: World) -> None:
    """Answer 503 to changes of records, and to everything of the other control planes."""
    world.outage(Side.GLOBAL, "error", "route53", writes=True)
    for service in ("iam", "cloudfront", "acm"):
        world.outage(Side.GLOBAL, "error", service)


@disaster(
    "credentials-expired",
    "The session token of every caller has expired",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture=NO_ANSWER,
    answer=NO_ANSWER,
)
def credentials_expired(world: World) -> None:
    """Answer ExpiredToken in every region of the estate."""
    for side in Side:
        world.outage(side, "expired")
