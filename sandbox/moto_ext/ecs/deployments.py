"""The deployments of an ECS service: their descriptions, and when the circuit breaker stops them (API_Deployment).

A deployment completes when all its tasks run and pass their health checks. The breaker counts tasks that do not start
or never get healthy; a deployment that it stopped is FAILED and starts nothing more until a new deployment is made, or
it is rolled back to the last completed deployment (ECS Developer Guide, "How the Amazon ECS deployment circuit breaker
detects failures"; T53). One round of failures counts as AWS's three or more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.ecs.models import Service

from sandbox.core.patching import computed
from sandbox.core.state import now
from sandbox.moto_ext.ecs.targets import Targets
from sandbox.moto_ext.ecs.tasks import FAILED, FARGATE_PLATFORM, RunningTask, alive, backend_of, rollouts_of, tasks_of


def serve_well(service: Service, tasks: Iterable[RunningTask], targets: Targets | None = None) -> bool:
    """Whether the tasks, once they run, pass the checks of every target group of the service."""
    if not service.load_balancers:
        return True
    backend = backend_of(service)
    # Given by who judges many services: a look at each load balancer is not cheap.
    targets = targets or Targets(backend.account_id, backend.region_name)
    return all(targets.passes(service, task) for task in tasks)


@computed(Service, "deployments")
def counted_deployments(self: Service) -> list[dict[str, Any]]:
    """The newest deployment as PRIMARY, and older ones as long as a task of theirs lives (API_Deployment)."""
    moment = now()
    descriptions = [_deployment_description(self, rollout, moment) for rollout in reversed(rollouts_of(self))]
    # A deleted service has no deployments.
    if not descriptions or self.status == "INACTIVE":
        return []
    # An older deployment disappears with its last task.
    retained = [descriptions[0]] + [old for old in descriptions[1:] if _lives(old)]
    newest = rollouts_of(self)[-1]
    # COMPLETED when all run, nothing older is left and the checks have passed once (API_Deployment, rolloutState).
    done = descriptions[0]["runningCount"] >= self.desired_count and len(retained) == 1 and complete(self)
    words = "failed: tasks failed to start" if newest.get("failed") else "completed" if done else "in progress"
    retained[0]["rolloutState"] = words.partition(":")[0].replace(" ", "_").upper()
    retained[0]["rolloutStateReason"] = f"ECS deployment {retained[0]['id']} {words}."
    for row in retained:
        del row["draining"]
    return retained


def _lives(described: dict[str, Any]) -> bool:
    return bool(described["runningCount"] or described["pendingCount"] or described["draining"])


def complete(service: Service, targets: Targets | None = None) -> bool:
    """Whether the newest deployment was complete once: what happens to its tasks later is none of its failures."""
    newest, moment = rollouts_of(service)[-1], now()
    # Kept once it is true: a task that dies later is no failure of the deployment.
    if not newest.get("completed"):
        running = [task for task in _own_tasks(service, newest) if task.status(moment) == "RUNNING"]
        newest["completed"] = len(running) >= service.desired_count and serve_well(service, running, targets)
    return bool(newest["completed"])


def judge(service: Service) -> str:
    """Give the newest deployment up: by the circuit breaker where none of its tasks lives and some of them failed, by
    its alarms where one has gone off since it began.

    Returns the task definition to roll back to, "" where nothing is rolled back: without the option, or without another
    definition that was once complete. FAILED stays whatever is scaled.
    """
    newest = rollouts_of(service)[-1]
    own = _own_tasks(service, newest)
    settings = service.__dict__.get("deployment_configuration") or {}
    breaker, alarms = settings.get("deploymentCircuitBreaker") or {}, settings.get("alarms") or {}
    # One round of failures with nobody left: AWS counts at least three tasks, by half of the desired count.
    failed = any(task.reason.startswith(FAILED) for task in own) and not alive(own)
    stops = [breaker] if failed else []
    stops += [alarms] if _gone_off(service, newest, alarms) else []
    stops = [found for found in stops if found.get("enable")]
    # FAILED is final for this deployment alone (T53).
    if not stops or newest.get("failed") or newest.get("completed"):
        return ""
    newest["failed"] = True
    earlier = [rollout for rollout in rollouts_of(service)[:-1] if rollout.get("completed")]
    # A deployment that is a rollback itself is not rolled back again.
    if not any(found.get("rollback") for found in stops) or newest.get("rolls_back") or not earlier:
        return ""
    before = str(earlier[-1]["taskDefinition"])
    return before if before != newest["taskDefinition"] else ""


def _gone_off(service: Service, rollout: dict[str, Any], alarms: dict[str, Any]) -> bool:
    """Whether an alarm of the deployment is on that was not when it began: one that was is not watched.

    Source: ECS Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment failures".
    """
    backend = backend_of(service)
    known = cloudwatch_backends[backend.account_id][backend.region_name].alarms
    named = [known[name] for name in alarms.get("alarmNames") or () if name in known]
    on = {str(alarm.name) for alarm in named if alarm.state_value == "ALARM"}
    # Filled at the first look, which is when the deployment begins.
    return bool(on - rollout.setdefault("alarms_before", on))


def _own_tasks(service: Service, rollout: dict[str, Any]) -> list[RunningTask]:
    return [task for task in tasks_of(service) if task.started_by == rollout["id"]]


def _deployment_description(service: Service, rollout: dict[str, Any], moment: datetime) -> dict[str, Any]:
    own = _own_tasks(service, rollout)
    states = [task.status(moment) for task in own]
    primary = rollout is rollouts_of(service)[-1]
    return {
        "id": rollout["id"],
        "status": "PRIMARY" if primary else "ACTIVE",
        "taskDefinition": rollout["taskDefinition"],
        "desiredCount": service.desired_count if primary else 0,
        "runningCount": states.count("RUNNING"),
        "pendingCount": states.count("PENDING"),
        "draining": states.count("DEACTIVATING"),
        "failedTasks": sum(1 for task in own if task.reason.startswith(FAILED)),
        "createdAt": rollout["createdAt"],
        "updatedAt": rollout["updatedAt"],
        "launchType": service.launch_type,
        "platformVersion": service.platform_version or FARGATE_PLATFORM,
        "platformFamily": "Linux",
        "networkConfiguration": service.network_configuration or None,
        "rolloutState": "COMPLETED",
    }
