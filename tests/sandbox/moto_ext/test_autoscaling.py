"""Scalable targets, scheduled actions and policies are listed in pages that all come."""

from __future__ import annotations

from tests.sandbox.moto_ext.conftest import PRIMARY, Clients

TARGETS = 120
DIMENSION = {"ServiceNamespace": "dynamodb", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}


def test_every_page_of_scalable_targets_and_scheduled_actions_comes_once(aws: Clients) -> None:
    scaling = aws("application-autoscaling", PRIMARY)
    wanted = {f"table/t{number}" for number in range(TARGETS)}
    for resource in sorted(wanted):
        scaling.register_scalable_target(ResourceId=resource, MinCapacity=1, MaxCapacity=2, **DIMENSION)
        scaling.put_scheduled_action(
            ResourceId=resource, ScheduledActionName="night", Schedule="cron(0 19 * * ? *)", **DIMENSION
        )
    for operation, key in (
        ("describe_scalable_targets", "ScalableTargets"),
        ("describe_scheduled_actions", "ScheduledActions"),
    ):
        pages = list(scaling.get_paginator(operation).paginate(ServiceNamespace="dynamodb"))
        assert [50, 50, 20] == [len(page[key]) for page in pages]
        assert sorted(wanted) == sorted(row["ResourceId"] for page in pages for row in page[key])


def test_scaling_policies_come_once_by_page_and_a_resource_by_its_whole_id(aws: Clients) -> None:
    scaling = aws("application-autoscaling", PRIMARY)
    tracking = {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
    }
    wanted = {f"table/t{number}" for number in range(TARGETS // 4)}
    for resource in sorted(wanted):
        scaling.register_scalable_target(ResourceId=resource, MinCapacity=1, MaxCapacity=2, **DIMENSION)
        scaling.put_scaling_policy(
            PolicyName="reads",
            ResourceId=resource,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
            **DIMENSION,
        )
    pages = list(scaling.get_paginator("describe_scaling_policies").paginate(ServiceNamespace="dynamodb"))
    assert [10, 10, 10] == [len(page["ScalingPolicies"]) for page in pages]
    assert sorted(wanted) == sorted(row["ResourceId"] for page in pages for row in page["ScalingPolicies"])
    scaling_policies = scaling.describe_scaling_policies(ServiceNamespace="dynamodb", ResourceId="table/t21")[
        "ScalingPolicies"
    ]
    assert ["table/t21"] == [row["ResourceId"] for row in scaling_policies]
    assert tracking == scaling_policies[0]["TargetTrackingScalingPolicyConfiguration"]
