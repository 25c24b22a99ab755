"""A distribution that refuses visitors, or one that takes a tenant's away from the traffic name."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.edge import Config, distribution_id, update_distribution
from sandbox.disasters.elbv2 import balancer_of
from sandbox.world.world import World

_READS = ["GET", "HEAD"]


@disaster(
    "edge-refuses-posts",
    "The distribution admits GET and HEAD alone, as for a site of files: nobody can log in to WordPress or order",
    trips=("cloudfront-visitors.posts-admitted",),
)
def edge_refuses_posts(world: World) -> None:
    """Let the default behaviour admit GET and HEAD alone."""
    # One of three sets that CloudFront has (API_AllowedMethods).
    methods = {"Quantity": 2, "Items": _READS, "CachedMethods": {"Quantity": 2, "Items": _READS}}
    update_distribution(world, lambda config: config["DefaultCacheBehavior"].update(AllowedMethods=methods))


@disaster(
    "edge-tenant-apart",
    "A distribution of before the wildcard still has a tenant's name, and fetches from the primary's load balancer",
    trips=("cloudfront-visitors.nobody-led-apart",),
)
def edge_tenant_apart(world: World) -> None:
    """Create a distribution with the first tenant's host as its alias."""
    name = distribution_id(world)
    config: Config = world.call(Side.GLOBAL, "cloudfront", "get_distribution_config", Id=name)["DistributionConfig"]
    host = f"{world.tenants[0].replace('-', '')}.{world.environment.traffic.tenant_domain}"
    # CloudFront refuses a reference that another distribution has (DistributionAlreadyExists).
    config["CallerReference"] = host
    config["Aliases"] = {"Quantity": 1, "Items": [host]}
    config["Origins"]["Items"][0]["DomainName"] = balancer_of(world, Side.PRIMARY)["DNSName"]
    response = world.call(Side.GLOBAL, "cloudfront", "create_distribution", DistributionConfig=config)
    # On AWS it must be disabled first (API_DeleteDistribution); moto deletes it as it is.
    gone = {"Id": response["Distribution"]["Id"], "IfMatch": response["ETag"]}
    world.undo(Side.GLOBAL, "cloudfront", "delete_distribution", **gone)
