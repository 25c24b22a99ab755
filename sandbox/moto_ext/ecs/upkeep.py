"""What the service scheduler does as time passes: it replaces tasks that fail their health checks, and tries again.

A task is given the grace period and its checks' interval times their threshold, in which it may fail; then it is
stopped and another started, for ever, unless the circuit breaker has given the deployment up (ECS Developer Guide,
"Service load balancing"; T54). It happens when the service is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache

from moto.ecs.models import Service
from moto.elbv2.models import FakeTargetGroup

from sandbox.core.patching import state
from sandbox.core.state import now
from sandbox.core.timing import transition_s
from sandbox.moto_ext.ecs import services as keeping
from sandbox.moto_ext.ecs.deployments import complete
from sandbox.moto_ext.ecs.service_tasks import backend_of, rollouts_of, tasks_of
from sandbox.moto_ext.ecs.targets import Targets
from sandbox.moto_ext.ecs.tasks import NEVER_WELL, RunningTask, alive


def keep_up(services: Iterable[Service]) -> None:
    """Let each service's tasks be as the scheduler has them by now."""
    # One look at the load balancers of a region for all its services.
    targets_in = cache(Targets)
    for service in services:
        # Task sets have their own controller, which replaces their tasks.
        if service.status == "ACTIVE" and rollouts_of(service) and not service.task_sets:
            backend = backend_of(service)
            targets = targets_in(backend.account_id, backend.region_name)
            # Before tasks are given up: a deployment that was complete once has not failed.
            complete(service, targets)
            for group, task in _given_up(service, targets):
                task.stop(now(), f"{NEVER_WELL} in (target-group {group.arn})")
                keeping.note(service, f"(task {task.id}) is unhealthy in (target-group {group.arn}).")
            keeping.apply_circuit_breaker(service)
            # Before the next tasks start: old ones count against the quota.
            _drain(service)
            if not rollouts_of(service)[-1].get("failed") and _is_due(service):
                keeping.go_on(service)


def _given_up(service: Service, targets: Targets) -> list[tuple[FakeTargetGroup, RunningTask]]:
    """The tasks that have failed their checks for longer than they may."""
    moment, running = now(), _running(service)
    if not running or not service.load_balancers:
        return []
    grace = timedelta(seconds=float(service.__dict__.get("health_check_grace_period_seconds") or 0))
    return [
        (group, task)
        for group in targets.attached_to(service)
        for task in running
        if moment > task.runs_at + grace + _patience(group) and not targets.passes(service, task)
    ]


def _running(service: Service) -> list[RunningTask]:
    moment = now()
    return [task for task in alive(tasks_of(service)) if task.status(moment) == "RUNNING"]


def _patience(group: FakeTargetGroup) -> timedelta:
    # The load balancer needs so many failures in a row to call a target unhealthy.
    checks = int(group.unhealthy_threshold_count or 2)
    return timedelta(seconds=checks * int(group.health_check_interval_seconds or 30))


def _drain(service: Service) -> None:
    """Once a new deployment is complete, the tasks of older ones stop."""
    newest = rollouts_of(service)[-1]
    if newest.get("completed"):
        for task in alive(tasks_of(service)):
            if task.started_by != newest["id"] and task.stops_at is None:
                task.stop(now(), f"Scaling activity initiated by (deployment {newest['id']})")


def _is_due(service: Service) -> bool:
    """Whether the scheduler tries again by now, the time of a transition after it last did."""
    tried, moment = state(backend_of(service), "tried_at"), now()
    last = tried.get(service.arn)
    # ECS waits longer from try to try; here each is a transition apart (ECS guide, service throttle logic).
    if last is not None and moment < last + timedelta(seconds=transition_s()):
        return False
    tried[service.arn] = moment
    return True
