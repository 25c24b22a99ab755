"""Tenants' sites that fail, crawl, or show somebody else behind the DR region's load balancer."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.elbv2 import balancer_of
from sandbox.world.world import World

_SLOW_S = 6.0
_UNUSED_GROUP = (  # no rule forwards to the tenant's own group any more
    "elbv2-routing.host-rules",
    "elbv2-routing.target-groups",
    "elbv2-routing.healthy-targets",
)
_ERROR = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "Maintenance"}


def _act(world: World, tenant: str, action: dict[str, Any]) -> None:
    """Give the tenant's rule another action on every listener of the DR region."""
    group = _group(world, tenant)
    balancer = balancer_of(world, Side.DR)["LoadBalancerArn"]
    for listener in world.call(Side.DR, "elbv2", "DescribeListeners", LoadBalancerArn=balancer)["Listeners"]:
        rules = world.call(Side.DR, "elbv2", "DescribeRules", ListenerArn=listener["ListenerArn"])["Rules"]
        for rule in rules:
            # A tenant has a rule on each listener, of HTTP and HTTPS.
            if rule["Actions"][0].get("TargetGroupArn") == group:
                before = [{"Type": "forward", "TargetGroupArn": group}]
                world.undo(Side.DR, "elbv2", "ModifyRule", RuleArn=rule["RuleArn"], Actions=before)
                world.call(Side.DR, "elbv2", "ModifyRule", RuleArn=rule["RuleArn"], Actions=[action])


def _group(world: World, tenant: str) -> str:
    name = world.environment.named(world.environment.names.target_group, tenant=tenant)
    found = world.call(Side.DR, "elbv2", "DescribeTargetGroups", Names=[name])["TargetGroups"]
    return str(found[0]["TargetGroupArn"])


@disaster(
    "site-in-maintenance",
    "One tenant's rule in the DR region still answers with a maintenance page",
    trips=("sites.every-site-answers",),
    consequences=_UNUSED_GROUP,
)
def in_maintenance(world: World) -> None:
    """Let the last tenant's rules answer 503 themselves."""
    _act(world, world.tenants[-1], {"Type": "fixed-response", "FixedResponseConfig": _ERROR})


@disaster(
    "site-of-somebody-else",
    "One tenant's rule in the DR region leads to another tenant's site",
    trips=("sites.own-identity",),
    consequences=_UNUSED_GROUP,
)
def of_somebody_else(world: World) -> None:
    """Forward the last tenant's host to the first tenant's target group."""
    _act(world, world.tenants[-1], {"Type": "forward", "TargetGroupArn": _group(world, world.tenants[0])})


@disaster(
    "sites-crawl",
    "The sites of the DR region take seconds to answer: their database is on another continent",
    trips=("sites.in-good-time",),
)
def crawl(world: World) -> None:
    """Slow every visit of the DR region down."""
    world.outage(Side.DR, "slow", service="sites", seconds=_SLOW_S)
