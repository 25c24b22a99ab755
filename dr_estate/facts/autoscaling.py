"""Application Auto Scaling of the ECS services: bounds, suspensions and scheduled actions."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.facts import REGIONAL, part
from dr_estate.looking import Look

_NAMESPACE = "ecs"


@dataclass(frozen=True, slots=True)
class Target:
    """The scalable target of one service: ``minimum`` and ``maximum`` are tasks."""

    service: str
    minimum: int
    maximum: int
    out_suspended: bool
    in_suspended: bool
    schedule_suspended: bool


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """A scheduled change of a service's bounds (tasks); None where the action leaves a bound as it is."""

    service: str
    name: str
    schedule: str
    minimum: int | None
    maximum: int | None


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalableTargets"}))
def targets(look: Look) -> tuple[Target, ...]:
    """The scalable targets of the cluster's services, fifty a page."""
    rows = look.pages(
        "application-autoscaling", "describe_scalable_targets", "ScalableTargets", ServiceNamespace=_NAMESPACE
    )
    return tuple(
        Target(
            service=name,
            minimum=row["MinCapacity"],
            maximum=row["MaxCapacity"],
            out_suspended=row.get("SuspendedState", {}).get("DynamicScalingOutSuspended", False),
            in_suspended=row.get("SuspendedState", {}).get("DynamicScalingInSuspended", False),
            schedule_suspended=row.get("SuspendedState", {}).get("ScheduledScalingSuspended", False),
        )
        for row in rows
        if (name := _service(look, row["ResourceId"]))
    )


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScheduledActions"}))
def scheduled_actions(look: Look) -> tuple[ScheduledAction, ...]:
    """The scheduled actions on the cluster's services, fifty a page."""
    rows = look.pages(
        "application-autoscaling", "describe_scheduled_actions", "ScheduledActions", ServiceNamespace=_NAMESPACE
    )
    return tuple(
        ScheduledAction(
            service=name,
            name=row["ScheduledActionName"],
            schedule=row["Schedule"],
            minimum=row.get("ScalableTargetAction", {}).get("MinCapacity"),
            maximum=row.get("ScalableTargetAction", {}).get("MaxCapacity"),
        )
        for row in rows
        if (name := _service(look, row["ResourceId"]))
    )


def _service(look: Look, resource: str) -> str:
    """The service of a resource id ``service/<cluster>/<name>``, or "" where it is of another cluster."""
    prefix = f"service/{look.env.named(look.env.names.cluster)}/"
    return resource.removeprefix(prefix) if resource.startswith(prefix) else ""
