"""A secret header between CloudFront and the load balancers that one region missed the rotation of."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.disasters.edge import Config, update_distribution
from sandbox.disasters.elbv2 import balancer_of
from sandbox.world.world import World

_HEADER, _OLD, _NEW = "X-Origin-Verify", "of last year", "of this year"


@disaster(
    "edge-secret-rotated",
    "The secret header of CloudFront was rotated, and the load balancer of the DR region demands the old one",
    trips=("cloudfront-routing.header-sent",),
    consequences=("elbv2-routing.host-rules", "sites.own-identity"),
)
def edge_secret_rotated(world: World) -> None:
    """Let CloudFront send a secret, and the rules of the DR region's HTTP listener demand another."""
    added = {"Quantity": 1, "Items": [{"HeaderName": _HEADER, "HeaderValue": _NEW}]}

    def change(config: Config) -> None:
        config["Origins"]["Items"][0]["CustomHeaders"] = added

    # CloudFront guide, restrict access to Application Load Balancers: a header that only CloudFront sends.
    update_distribution(world, change)
    arn = balancer_of(world, Side.DR)["LoadBalancerArn"]
    listeners = world.call(Side.DR, "elbv2", "DescribeListeners", LoadBalancerArn=arn)["Listeners"]
    plain = next((row["ListenerArn"] for row in listeners if row["Protocol"] == "HTTP"), None)
    if plain is None:
        raise SandboxError("The load balancer of the DR region has no listener of HTTP.")
    pages = world.client("elbv2", world.environment.regions.dr).get_paginator("describe_rules")
    demand = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": _HEADER, "Values": [_OLD]}}
    for rule in (rule for page in pages.paginate(ListenerArn=plain) for rule in page["Rules"] if not rule["IsDefault"]):
        # A description repeats the hosts under Values: ModifyRule takes one of the two.
        before = [{key: c[key] for key in ("Field", "HostHeaderConfig")} for c in rule["Conditions"]]
        for turn, conditions in ((world.undo, before), (world.call, [*before, demand])):
            turn(Side.DR, "elbv2", "ModifyRule", RuleArn=rule["RuleArn"], Conditions=conditions)
