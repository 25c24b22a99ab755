"""Application Auto Scaling's pages: fifty targets or scheduled actions at most, ten policies (API_DescribeScaling...).

The emulator answers the same next token for every page of targets after the first, gives scheduled actions in one page
and policies by the hundred, and takes a resource whose id is a part of the one asked for.
"""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.models import FakeScalableTarget
from moto.applicationautoscaling.responses import (
    ApplicationAutoScalingResponse,
    _build_policy,
    _build_scheduled_action,
    _build_target,
)

from sandbox.core.patching import operation, page

# MaxResults of the API reference: 50 targets or actions, 10 policies.
PAGE, POLICIES_A_PAGE = 50, 10
NOT_GIVEN = "InvalidNextTokenException"
ROLES = {"dynamodb": "DynamoDBTable", "ecs": "ECSService", "rds": "RDSCluster"}
# Read before the repair takes its place: it goes on to check what the request names.
WITHOUT_PAGES = ApplicationAutoScalingResponse.describe_scalable_targets
_NARROWED_BY = {
    "service_namespace": "ServiceNamespace",
    "resource_id": "ResourceId",
    "scalable_dimension": "ScalableDimension",
}


SUSPENDED = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


def _target(self: ApplicationAutoScalingResponse, target: FakeScalableTarget) -> dict[str, Any]:
    """A target with the role AWS links to its service, and with what is suspended of it (API_ScalableTarget)."""
    row = _build_target(target)
    service = target.service_namespace
    # The service-linked role that AWS makes for each service where no role is named.
    role = f"AWSServiceRoleForApplicationAutoScaling_{ROLES.get(service, service.title())}"
    path = f"aws-service-role/{service}.application-autoscaling.amazonaws.com/{role}"
    return row | {
        "RoleARN": row["RoleARN"] or f"arn:{self.partition}:iam::{self.current_account}:role/{path}",
        "SuspendedState": dict.fromkeys(SUSPENDED, False) | (row["SuspendedState"] or {}),
    }


@operation(ApplicationAutoScalingResponse, "describe_scalable_targets")
def _targets(self: ApplicationAutoScalingResponse, params: dict[str, Any]) -> dict[str, Any]:
    scalable_targets = self.applicationautoscaling_backend.describe_scalable_targets(
        params["ServiceNamespace"], params.get("ResourceIds"), params.get("ScalableDimension")
    )
    found, token = page(scalable_targets, params, PAGE, NOT_GIVEN)
    WITHOUT_PAGES(self)  # which refuses a namespace or a dimension that nothing has
    return {"ScalableTargets": [_target(self, target) for target in found], "NextToken": token}


@operation(ApplicationAutoScalingResponse, "describe_scheduled_actions")
def _describe_scheduled_actions(self: ApplicationAutoScalingResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend: Any = self.applicationautoscaling_backend  # its hints demand what callers may leave out
    actions = backend.describe_scheduled_actions(
        scheduled_action_names=params.get("ScheduledActionNames"),
        service_namespace=params["ServiceNamespace"],
        resource_id=params.get("ResourceId"),
        scalable_dimension=params.get("ScalableDimension"),
    )
    found, token = page(actions, params, PAGE, NOT_GIVEN)
    return {"ScheduledActions": [_build_scheduled_action(action) for action in found], "NextToken": token}


@operation(ApplicationAutoScalingResponse, "describe_scaling_policies")
def _policies(self: ApplicationAutoScalingResponse, params: dict[str, Any]) -> dict[str, Any]:
    names = params.get("PolicyNames")
    scaling_policies = [
        policy
        # Equal, not contained: moto takes service/a/b for service/a/bc too.
        for policy in self.applicationautoscaling_backend.policies.values()
        if all(getattr(policy, field) == params[key] for field, key in _NARROWED_BY.items() if params.get(key))
        and (not names or policy.policy_name in names)
    ]
    found, token = page(scaling_policies, params, POLICIES_A_PAGE, NOT_GIVEN)
    return {"ScalingPolicies": [_build_policy(policy) for policy in found], "NextToken": token}
