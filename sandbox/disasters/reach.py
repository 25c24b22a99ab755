"""An operator who does not reach the estate from where they are, or whose credentials end (T70, T71)."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import ANYTHING, NO_ANSWER, disaster
from sandbox.disasters.elbv2 import balancer_of
from sandbox.world.world import World

# Route 53's health checkers (ip-ranges.json, ROUTE53_HEALTHCHECKS).
CHECKERS = "15.177.0.0/18"
# AWS's managed prefix list (CloudFront guide, locations and IP ranges of edge servers).
CLOUDFRONT = "com.amazonaws.global.cloudfront.origin-facing"
# An hour is the most that a chained role's session lasts (T59).
CALLS_LEFT, HOUR_S = 260, 3600.0
_LATER = "nothing is wrong until the credentials have expired"


disaster(
    "port-53-closed",
    "No DNS server can be reached from here: port 53 is closed",
    trips=("answers.as-recorded", "answers.servers-answer"),
    consequences=("answers.delegated", "answers.hosts-answer", "answers.resolvers-agree"),
    # Questions to a name server are of no region.
    run=lambda world: world.outage_everywhere("hang", "dns"),
)


@disaster(
    "reached-through-cloudfront-only",
    "The load balancers let in CloudFront and the health checkers alone: a visit from here is not answered",
    trips=("sites.handshake-accepted",),
    consequences=("sites.every-site-answers", "sites.own-identity", "sites.in-good-time", "vpc-reach.security-groups"),
)
def through_cloudfront_only(world: World) -> None:
    """Open the load balancers' groups to the prefix list and the checkers in the place of everybody."""
    for side in (Side.PRIMARY, Side.DR):
        group = balancer_of(world, side)["SecurityGroups"][0]
        lists = world.call(side, "ec2", "DescribeManagedPrefixLists")["PrefixLists"]
        listed = next(entry["PrefixListId"] for entry in lists if entry["PrefixListName"] == CLOUDFRONT)
        sources: dict[str, Any] = {"IpRanges": [{"CidrIp": CHECKERS}], "PrefixListIds": [{"PrefixListId": listed}]}
        # Revoke, then authorize, port by port: the undo of each is recorded before its call.
        for port in (80, 443):
            anybody = [_rule(port, IpRanges=[{"CidrIp": "0.0.0.0/0"}])]
            some = [_rule(port, **{kind: value}) for kind, value in sources.items()]
            world.undo(side, "ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=anybody)
            world.call(side, "ec2", "RevokeSecurityGroupIngress", GroupId=group, IpPermissions=anybody)
            world.undo(side, "ec2", "RevokeSecurityGroupIngress", GroupId=group, IpPermissions=some)
            world.call(side, "ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=some)


def _rule(port: int, **sources: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **sources}


@disaster(
    "credentials-end-midway",
    "The session's credentials expire in the middle of a run: so many calls are answered, and no more",
    unseen=_LATER,
)
def end_midway(world: World) -> None:
    """Answer ExpiredToken in every region once so many calls have been answered there."""
    for side in Side:
        world.outage(side, "expired", after=CALLS_LEFT)


@disaster(
    "credentials-end-in-an-hour",
    "The session's credentials expire an hour from now, as those of a chained role do (T59)",
    unseen=_LATER,
)
def end_in_an_hour(world: World) -> None:
    """Answer ExpiredToken in every region from then on."""
    for side in Side:
        world.outage(side, "expired", seconds=HOUR_S)


@disaster(
    "identity-in-lost-region",
    "The primary region is dark, and with it the identity provider: sessions have expired and nobody can log in again",
    trips=("prerequisites.credentials-work",),
    consequences=ANYTHING,
    posture=NO_ANSWER,
    answer=NO_ANSWER,
)
def identity_lost(world: World) -> None:
    """Refuse the primary region, and answer ExpiredToken everywhere else."""
    world.outage(Side.PRIMARY, "refuse")
    for side in (Side.DR, Side.GLOBAL):
        world.outage(side, "expired")
