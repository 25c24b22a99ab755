"""Deployments whose tasks cannot start or never get healthy: given up by the circuit breaker, else tried for ever.

Source: Amazon ECS Developer Guide, "How the Amazon ECS deployment circuit breaker detects failures" (T53, T54).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from moto.ecs.models import ecs_backends

from sandbox.core.state import STATE, Outage
from sandbox.moto_ext.ecs.tasks import all_tasks
from tests.sandbox.moto_ext.compute import MEDIA_TYPE, Platform, platform, push
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, Clients

NOWHERE = [{"name": "WORDPRESS_DB_HOST", "value": "gone.example:3306"}]
GIVES_UP = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
GOES_BACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
WATCHED = {"alarmNames": ["too-many-errors"], "enable": True, "rollback": True}
ALARM = {
    "AlarmName": "too-many-errors",
    "MetricName": "HTTPCode_Target_5XX_Count",
    "Namespace": "AWS/ApplicationELB",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 10.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
PAST_ITS_CHECKS = timedelta(minutes=5)


def _grow_older() -> None:
    """Let every task have run for five minutes more."""
    for task in all_tasks(ecs_backends[ACCOUNT][DR]).values():
        task.runs_at -= PAST_ITS_CHECKS


def _deploy(there: Platform, **more: Any) -> None:
    revision = there.register("nginx:1.27", **more)
    there.client("ecs").update_service(cluster="shop", service="tenant-a", taskDefinition=revision)


def _newest(there: Platform) -> dict[str, Any]:
    found: dict[str, Any] = there.service()["deployments"][0]
    return found


def test_tasks_never_healthy_fail_the_deployment_and_the_old_ones_serve(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2, deploymentConfiguration=GIVES_UP)
    before = {task["taskArn"] for task in there.tasks()}
    _deploy(there, environment=NOWHERE)
    assert ("IN_PROGRESS", 2) == (_newest(there)["rolloutState"], len(before & {t["taskArn"] for t in there.tasks()}))
    _grow_older()
    assert ("FAILED", 2) == (_newest(there)["rolloutState"], _newest(there)["failedTasks"])
    assert before == {task["taskArn"] for task in there.tasks()}
    reasons = {task["stoppedReason"].partition(" in ")[0] for task in there.tasks(desiredStatus="STOPPED")}
    assert {"Task failed ELB health checks"} == reasons
    there.scale(4)
    assert before == {task["taskArn"] for task in there.tasks()}, "a failed deployment starts nothing"


def test_without_a_circuit_breaker_it_goes_on_trying(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    there.client("ecs").stop_task(cluster="shop", task=there.tasks()[0]["taskArn"])
    _deploy(there, environment=NOWHERE)
    for _ in range(3):
        _grow_older()
        assert "IN_PROGRESS" == _newest(there)["rolloutState"]
    assert 3 <= len(there.tasks(desiredStatus="STOPPED"))


def test_a_task_whose_image_comes_late_is_tried_again(aws: Clients) -> None:
    image, _ = push(aws, DR, "6.7")
    there = platform(aws, DR)
    there.serve(tasks=1, image=image.replace("6.7", "6.8"))
    assert 0 == there.service()["runningCount"]
    ecr = there.client("ecr")
    manifest = ecr.batch_get_image(repositoryName="web", imageIds=[{"imageTag": "6.7"}])["images"][0]["imageManifest"]
    ecr.put_image(repositoryName="web", imageManifest=manifest, imageTag="6.8", imageManifestMediaType=MEDIA_TYPE)
    assert ["COMPLETED", 1] == [_newest(there)["rolloutState"], there.service()["runningCount"]]


def test_a_deployment_that_fails_goes_back_to_the_last_that_was_complete(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1, deploymentConfiguration=GOES_BACK)
    first = there.service()["taskDefinition"]
    _deploy(there, environment=NOWHERE)
    _grow_older()
    there.service()
    assert (first, "COMPLETED") == (there.service()["taskDefinition"], _newest(there)["rolloutState"])


@pytest.mark.parametrize(("on_before", "rolled_back"), [(False, True), (True, False)])
def test_an_alarm_that_goes_off_meanwhile_rolls_the_deployment_back(
    aws: Clients, on_before: bool, rolled_back: bool
) -> None:
    """Source: Amazon ECS Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment failures"."""
    there = platform(aws, DR)
    there.serve(tasks=1, deploymentConfiguration={"alarms": WATCHED})
    first = there.service()["taskDefinition"]
    cloudwatch = there.client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM)
    goes_off = {"AlarmName": ALARM["AlarmName"], "StateValue": "ALARM", "StateReason": "a test"}
    if on_before:
        cloudwatch.set_alarm_state(**goes_off)
    _deploy(there, environment=NOWHERE)
    assert first != there.service()["taskDefinition"]
    cloudwatch.set_alarm_state(**goes_off)
    there.service()
    assert rolled_back is (first == there.service()["taskDefinition"])


def test_a_failure_after_a_complete_deployment_is_replaced_for_ever(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1, deploymentConfiguration=GIVES_UP)
    assert "COMPLETED" == _newest(there)["rolloutState"]
    (task,) = there.tasks()
    STATE.outages = [Outage(DR, "zone-lost", detail=task["availabilityZone"])]
    _grow_older()
    there.service()
    (moved,) = there.tasks()
    assert moved["availabilityZone"] != task["availabilityZone"]
    assert ("COMPLETED", 0) == (_newest(there)["rolloutState"], _newest(there)["failedTasks"] - 1)


def test_without_capacity_nothing_is_placed_and_the_event_says_so(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    STATE.outages = [Outage(DR, "no-capacity", "ecs")]
    there.scale(3)
    assert (1, 3) == (there.service()["runningCount"], there.service()["desiredCount"])
    message = "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later"
    assert any(message in event["message"] for event in there.service()["events"])
    answer = there.client("ecs").run_task(
        cluster="shop", taskDefinition="tenant-a", launchType="FARGATE", networkConfiguration=there.network
    )
    assert ([], 1) == (answer["tasks"], len(answer["failures"]))
    assert answer["failures"][0]["reason"].startswith("Capacity is unavailable at this time")
    STATE.outages = []
    assert 3 == there.service()["runningCount"] + there.service()["pendingCount"]
