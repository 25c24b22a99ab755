"""Application Auto Scaling's pages (API_DescribeScalableTargets, API_DescribeScheduledActions): fifty items at most.

The emulator answers the same next token for every page after the first, and gives scheduled actions in one page.
"""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.responses import (
    ApplicationAutoScalingResponse,
    _build_scheduled_action,
    _build_target,
)

from sandbox.lacks.patching import operation, page

PAGE = 50


def _targets(self: ApplicationAutoScalingResponse, params: dict[str, Any]) -> dict[str, Any]:
    held = self.applicationautoscaling_backend.describe_scalable_targets(
        params["ServiceNamespace"], params.get("ResourceIds"), params.get("ScalableDimension")
    )
    found, token = page([_build_target(target) for target in held], params, PAGE)
    return {"ScalableTargets": found, "NextToken": token}


def _scheduled(self: ApplicationAutoScalingResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend: Any = self.applicationautoscaling_backend  # its hints demand what callers may leave out
    held = backend.describe_scheduled_actions(
        scheduled_action_names=params.get("ScheduledActionNames"),
        service_namespace=params["ServiceNamespace"],
        resource_id=params.get("ResourceId"),
        scalable_dimension=params.get("ScalableDimension"),
    )
    found, token = page([_build_scheduled_action(action) for action in held], params, PAGE)
    return {"ScheduledActions": found, "NextToken": token}


def install() -> None:
    """Repair both operations. Idempotent."""
    operation(ApplicationAutoScalingResponse, "describe_scalable_targets", _targets)
    operation(ApplicationAutoScalingResponse, "describe_scheduled_actions", _scheduled)
