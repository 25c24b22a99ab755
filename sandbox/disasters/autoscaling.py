"""Auto scaling that would hold a failed-over service back (T36)."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.disasters.services import service_params, update
from sandbox.world.world import World

_SERVICE = "application-autoscaling"
_DIMENSION = "ecs:service:DesiredCount"


def _target(world: World, side: Side = Side.DR, tenant: str = "") -> dict[str, Any]:
    """Return how a tenant's scalable target was registered: by default the last tenant's, in the DR region."""
    who = service_params(world, tenant or world.tenants[-1])
    resource = f"service/{who['cluster']}/{who['service']}"
    found = world.call(side, _SERVICE, "DescribeScalableTargets", ServiceNamespace="ecs", ResourceIds=[resource])[
        "ScalableTargets"
    ][0]
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": _DIMENSION,
        # SuspendedState is left out: a registration without it leaves it as it is.
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
    # A minimum above the maximum is refused (API_RegisterScalableTarget).
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
        values = {"DynamicScalingOutSuspended": off, "DynamicScalingInSuspended": off, "ScheduledScalingSuspended": off}
        turn(Side.DR, _SERVICE, "RegisterScalableTarget", SuspendedState=values, **_target(world))


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
        # In UTC, for no time zone is named (API_PutScheduledAction).
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
    scaling_policies = world.call(Side.DR, _SERVICE, "DescribeScalingPolicies", **which)["ScalingPolicies"]
    for policy in scaling_policies:
        kind = "TargetTrackingScalingPolicyConfiguration"
        again = {key: policy[key] for key in ("PolicyName", "PolicyType", kind)}
        world.undo(Side.DR, _SERVICE, "PutScalingPolicy", **which, **again)
        world.call(Side.DR, _SERVICE, "DeleteScalingPolicy", PolicyName=policy["PolicyName"], **which)


@disaster(
    "services-asleep",
    "The night's schedule has put every service of the primary region to sleep, and knows those of the DR region too",
    trips=(),
    consequences=(
        "autoscaling.no-scheduled-shrink",
        "elbv2-routing.healthy-targets",
        "primary.services-running",
        "sites.every-site-answers",
    ),
    posture="NORMAL or IMPAIRED",  # by the hour: asleep at night, and gone by day
    answer="DO_NOT_FAILOVER or RISKY",
    unseen="at night it is as planned, and the traffic records, which evaluate no target, move nobody",
)
def asleep(world: World) -> None:
    """Scale the primary's services to 0, and give each of the DR region's an evening and a morning (T36)."""
    if world.environment.scaling_schedule is None:
        raise SandboxError(f"The services of {world.environment.name} never sleep (scaling_schedule): try -e sit.")
    for tenant in world.tenants:
        home, away = _target(world, Side.PRIMARY, tenant), _target(world, Side.DR, tenant)
        world.undo(Side.PRIMARY, _SERVICE, "RegisterScalableTarget", **home)
        # The minimum first, else the next scaling activity would start tasks again (T36).
        world.call(Side.PRIMARY, _SERVICE, "RegisterScalableTarget", **(home | {"MinCapacity": 0}))
        update(world, Side.PRIMARY, tenant, desiredCount=0)
        bounds = {"MinCapacity": away["MinCapacity"], "MaxCapacity": away["MaxCapacity"]}
        for name, hour, action in (("night", 19, {"MinCapacity": 0, "MaxCapacity": 0}), ("morning", 7, bounds)):
            which = {key: away[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
            which["ScheduledActionName"] = name
            world.undo(Side.DR, _SERVICE, "DeleteScheduledAction", **which)
            when = f"cron(0 {hour} * * ? *)"
            world.call(Side.DR, _SERVICE, "PutScheduledAction", Schedule=when, ScalableTargetAction=action, **which)


@disaster(
    "primary-grown",
    "One tenant runs more tasks in the primary region than the DR region may ever start",
    trips=("load.carried",),
)
def primary_grown(world: World) -> None:
    """Let the last tenant's service run a task more than the DR region's maximum."""
    update(world, Side.PRIMARY, world.tenants[-1], desiredCount=int(_target(world)["MaxCapacity"]) + 1)
