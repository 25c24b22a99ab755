"""Scalable targets and scheduled actions are told in pages that all come."""

from __future__ import annotations

from tests.sandbox.lacks.conftest import PRIMARY, Clients

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
