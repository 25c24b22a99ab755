"""Auto scaling that would hold a failed-over service back (T36)."""

from __future__ import annotations

from typing import Any

from dr_estate.environments import Side
from sandbox.disasters import disaster
from sandbox.disasters.services import named
from sandbox.world import World

_SERVICE = "application-autoscaling"
_DIMENSION = "ecs:service:DesiredCount"


def _target(world: World) -> dict[str, Any]:
    """How the last tenant's scalable target in the DR region was registered."""
    who = named(world, world.tenants[-1])
    resource = f"service/{who['cluster']}/{who['service']}"
    found = world.call(Side.DR, _SERVICE, "DescribeScalableTargets", ServiceNamespace="ecs", ResourceIds=[resource])[
        "ScalableTargets"
    ][0]
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": _DIMENSION,
        "MinCapacity": found["MinCapacity"],
        "MaxCapacity": found["MaxCapacity"],
    }


@disaster(
    "scaling-target-missing",
    "One tenant's service in the DR region is not scaled automatically",
    trips=("autoscaling.targets-exist",),
)
def target_missing(world: World) -> None:
    """Deregister the last tenant's scalable target."""
    target = _target(world)
    world.undo(Side.DR, _SERVICE, "RegisterScalableTarget", **target)
    which = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    world.call(Side.DR, _SERVICE, "DeregisterScalableTarget", **which)


@disaster(
    "scaling-capped",
    "Auto scaling holds one tenant's service in the DR region at a single task",
    trips=("autoscaling.bounds",),
)
def capped(world: World) -> None:
    """Lower the maximum of the last tenant's target to one task."""
    target = _target(world)
    world.undo(Side.DR, _SERVICE, "RegisterScalableTarget", **target)
    low = {"MinCapacity": min(1, target["MinCapacity"]), "MaxCapacity": 1}
    world.call(Side.DR, _SERVICE, "RegisterScalableTarget", **(target | low))


@disaster(
    "scaling-suspended",
    "A drill left one tenant's scaling suspended in the DR region",
    trips=("autoscaling.not-suspended",),
)
def suspended(world: World) -> None:
    """Suspend scaling out for the last tenant's service."""
    for turn, off in ((world.undo, False), (world.call, True)):
        held = {"DynamicScalingOutSuspended": off, "DynamicScalingInSuspended": off, "ScheduledScalingSuspended": off}
        turn(Side.DR, _SERVICE, "RegisterScalableTarget", SuspendedState=held, **_target(world))


@disaster(
    "scaling-night-for-ever",
    "A schedule puts one tenant's service in the DR region to sleep and never wakes it",
    trips=("autoscaling.no-scheduled-shrink",),
)
def night_for_ever(world: World) -> None:
    """Schedule the last tenant's service to 0 every evening, without a morning."""
    target = _target(world)
    which = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    which["ScheduledActionName"] = "night"
    world.undo(Side.DR, _SERVICE, "DeleteScheduledAction", **which)
    world.call(
        Side.DR,
        _SERVICE,
        "PutScheduledAction",
        Schedule="cron(0 19 * * ? *)",
        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 0},
        **which,
    )


@disaster(
    "scaling-policy-missing",
    "One tenant's service in the DR region may scale, and has no policy to scale by",
    trips=("autoscaling.policies-alike",),
)
def policy_missing(world: World) -> None:
    """Delete the policies of the last tenant's service."""
    target = _target(world)
    which = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    told = world.call(Side.DR, _SERVICE, "DescribeScalingPolicies", **which)["ScalingPolicies"]
    for policy in told:
        kind = "TargetTrackingScalingPolicyConfiguration"
        again = {key: policy[key] for key in ("PolicyName", "PolicyType", kind)}
        world.undo(Side.DR, _SERVICE, "PutScalingPolicy", **which, **again)
        world.call(Side.DR, _SERVICE, "DeleteScalingPolicy", PolicyName=policy["PolicyName"], **which)
