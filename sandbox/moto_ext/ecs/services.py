"""How an ECS service keeps its tasks: deployments, desired against running, and what it says of itself.

What the service scheduler does as time passes: it replaces tasks that fail their health checks, and tries again.

A task is given the grace period and its checks' interval times their threshold, in which it may fail; then it is
stopped and another started, for ever, unless the circuit breaker has given the deployment up (ECS Developer Guide,
"Service load balancing"; T54). It happens when the service is looked at.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecs.models import Cluster, EC2ContainerServiceBackend, Service, TaskSet, ecs_backends
from moto.elbv2.models import FakeTargetGroup, elbv2_backends

from sandbox.core.patching import computed, state
from sandbox.core.state import now
from sandbox.core.timing import duration_s, is_real, transition_s
from sandbox.moto_ext.ecs.deployments import complete, judge, serve_well
from sandbox.moto_ext.ecs.targets import Targets
from sandbox.moto_ext.ecs.tasks import (
    NEVER_WELL,
    RunningTask,
    TaskRequest,
    alive,
    all_tasks,
    arns_of,
    backend_of,
    group_of,
    launch,
    no_room,
    rollouts_of,
    tasks_of,
)

DELAY = "deregistration_delay.timeout_seconds"

# API_Service, events: at most a hundred are shown.
EVENTS_KEPT = 100


@computed(Service, "running_count")
def counted_running(self: Service) -> int:
    """How many tasks run at this moment."""
    return sum(1 for task in tasks_of(self) if task.status(now()) == "RUNNING")


@computed(Service, "pending_count")
def counted_pending(self: Service) -> int:
    """How many tasks are starting at this moment."""
    return sum(1 for task in tasks_of(self) if task.status(now()) == "PENDING")


def roll_out(service: Service) -> None:
    """Begin a new deployment: its tasks start, and the old ones stop when the new ones run."""
    moment = now()
    fresh = {
        "id": f"ecs-svc/{secrets.randbelow(10**19):019d}",
        "taskDefinition": service.task_definition,
        "createdAt": moment,
        "updatedAt": moment,
    }
    service.__dict__.setdefault("rollouts", []).append(fresh)
    before = alive(tasks_of(service))
    started = _start(service, service.desired_count)
    # Old tasks leave when the last of the new ones serves: none is missing in between.
    takes_over = max((task.serves_at or task.runs_at for task in started), default=moment)
    # New tasks that would not serve leave the old ones where they are.
    if len(alive(started)) >= min(service.desired_count, 1) and serve_well(service, started):
        for task in before:
            drain(service, task, takes_over, f"Scaling activity initiated by (deployment {fresh['id']})")
    apply_circuit_breaker(service)
    _say(service)


def apply_circuit_breaker(service: Service) -> None:
    """Let the circuit breaker judge the newest deployment, and roll it back where it is to."""
    if definition := judge(service):
        service.task_definition = definition
        roll_out(service)
        service.__dict__["rollouts"][-1]["rolls_back"] = True


def settle(service: Service) -> None:
    """Start what is missing and stop what is too much, as the scheduler does. A FAILED deployment starts none."""
    # Task sets of an external controller have desired counts of their own.
    for task_set in service.task_sets:
        _settle_set(service, task_set)
    if service.status != "ACTIVE" or not service.__dict__.get("rollouts"):
        return
    live = alive(tasks_of(service))
    missing = service.desired_count - len(live)
    # A FAILED deployment starts nothing more (T53).
    if missing > 0 and not service.__dict__["rollouts"][-1].get("failed"):
        _start(service, missing)
        apply_circuit_breaker(service)
    for task in live[service.desired_count :]:
        reason = f"Scaling activity initiated by (deployment {service.__dict__['rollouts'][-1]['id']})"
        drain(service, task, now(), reason)
    _say(service)


def go_on(service: Service) -> None:
    """Start what the newest deployment still lacks, whether or not older tasks serve on meanwhile."""
    own = [task for task in alive(tasks_of(service)) if task.started_by == service.__dict__["rollouts"][-1]["id"]]
    if len(own) < service.desired_count:
        _start(service, service.desired_count - len(own))
        apply_circuit_breaker(service)
        _say(service)


def settle_all(account: str, region: str) -> None:
    """Let every service of a region start what it could not start before, after a quota was raised."""
    for service in list(ecs_backends[account][region].services.values()):
        settle(service)


def close(service: Service) -> None:
    """Stop every task: the service was deleted."""
    for task in alive(tasks_of(service)):
        drain(service, task, now(), "Service deleted")


def tasks_in(service: Service, task_set: TaskSet) -> list[RunningTask]:
    """All tasks of one task set of the service."""
    return [task for task in tasks_of(service) if task.started_by == task_set.id]


def desired_in(service: Service, task_set: TaskSet) -> int:
    """How many tasks a task set is to run: its part of the service's, rounded up (API_TaskSet)."""
    # A small part of the service still runs one task.
    return math.ceil(service.desired_count * float((task_set.scale or {}).get("value", 100)) / 100)


def _settle_set(service: Service, task_set: TaskSet) -> None:
    live, desired = alive(tasks_in(service, task_set)), desired_in(service, task_set)
    if len(live) < desired:
        _start(service, desired - len(live), task_set)
    for task in live[desired:]:
        task.stop(now(), f"Scaling activity initiated by (task set {task_set.id})")


def _start(service: Service, count: int, task_set: TaskSet | None = None) -> list[RunningTask]:
    made_by = task_set or service
    network = (made_by.network_configuration or {}).get("awsvpcConfiguration", {})
    definition = backend_of(service).describe_task_definition(str(made_by.task_definition))
    # NONE, or nothing given: tasks have no tags of the service (API_CreateService, propagateTags).
    tags = {"SERVICE": service.tags, "TASK_DEFINITION": definition.tags}.get(service.propagate_tags, [])
    wanted = TaskRequest(
        cluster=service.cluster_name,
        group=group_of(service),
        definition=definition,
        started_by=task_set.id if task_set else service.__dict__["rollouts"][-1]["id"],
        launch_type=str(made_by.launch_type),
        subnets=tuple(network.get("subnets", ())),
        groups=tuple(network.get("securityGroups", ())),
        tags=(*tags, *(task_set.tags or () if task_set else ())),
        public=network.get("assignPublicIp") == "ENABLED",
        registries=arns_of(made_by),
    )
    started = launch(backend_of(service), wanted, count)
    if len(started) < count:
        note(service, f"was unable to place a task. Reason: {no_room(backend_of(service))}.")
    return started


def _say(service: Service) -> None:
    if len(alive(tasks_of(service))) >= service.desired_count:
        note(service, "has reached a steady state.")


def note(service: Service, words: str) -> None:
    """Put a sentence into the service's events."""
    message = f"(service {service.name}) {words}"
    service.events.insert(0, {"id": secrets.token_hex(16), "createdAt": now(), "message": message})
    del service.events[EVENTS_KEPT:]


def with_groups(backend: EC2ContainerServiceBackend, network: dict[str, Any] | None) -> dict[str, Any] | None:
    """The network configuration with the VPC's default security group where none is named, as ECS does it.

    Raises InvalidParameterException where a subnet or a security group of it does not exist.
    """
    if not network or "awsvpcConfiguration" not in network:
        return network
    inner: dict[str, Any] = {"securityGroups": [], **network["awsvpcConfiguration"]}
    place: Any = SimpleNamespace(_account_id=backend.account_id, region_name=backend.region_name)
    # moto's own check of subnets and groups, called without a service that holds them.
    Service._validate_network(place, {"awsvpcConfiguration": inner})
    if not inner["securityGroups"]:
        ec2 = ec2_backends[backend.account_id][backend.region_name]
        default = ec2.get_default_security_group(ec2.get_subnet(inner["subnets"][0]).vpc_id)
        inner["securityGroups"] = [default.id] if default else []
    return {"awsvpcConfiguration": inner}


@computed(Cluster, "active_services_count")
def services_in(self: Cluster) -> int:
    """How many services of the cluster are active."""
    return sum(1 for service in _backend_of(self).services.values() if _is_of(service, self))


@computed(Cluster, "running_tasks_count")
def running_in(self: Cluster) -> int:
    """How many tasks of the cluster run at this moment."""
    return _in_state(self, "RUNNING")


@computed(Cluster, "pending_tasks_count")
def pending_in(self: Cluster) -> int:
    """How many tasks of the cluster are starting at this moment."""
    return _in_state(self, "PENDING")


def _in_state(cluster: Cluster, status: str) -> int:
    moment = now()
    backend = _backend_of(cluster)
    ours = [task.status(moment) for task in all_tasks(backend).values() if task.cluster == cluster.name]
    on_instances = [task.last_status for task in backend.tasks.get(cluster.name, {}).values()]
    return (ours + on_instances).count(status)


def _is_of(service: Service, cluster: Cluster) -> bool:
    return bool(service.cluster_name == cluster.name and service.status == "ACTIVE")


def _backend_of(cluster: Cluster) -> EC2ContainerServiceBackend:
    return ecs_backends[cluster.arn.split(":")[4]][cluster.region_name]


def drain(service: Service, task: RunningTask, moment: datetime, reason: str) -> None:
    """Let the task leave at ``moment``; at the quick pace it is stopped by that."""
    # Deregistration first, then SIGTERM and the stop (ECS guide, task lifecycle).
    drains_s = _delay_s(service) + duration_s("ecs.stop-task", service.name) if is_real() else 0.0
    task.stop(moment, reason, drains_s)


def _delay_s(service: Service) -> float:
    """How long the service's target groups let a target drain, in seconds; 0 without a load balancer."""
    region, account = str(service.cluster_arn).split(":")[3:5]
    known = elbv2_backends[account][region].target_groups
    usual_s = duration_s("ecs.drain", service.name)
    groups = [known.get(balancer.get("targetGroupArn", "")) for balancer in service.load_balancers]
    return max((float(str(group.attributes.get(DELAY) or usual_s)) for group in groups if group), default=0.0)


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
                note(service, f"(task {task.id}) is unhealthy in (target-group {group.arn}).")
            apply_circuit_breaker(service)
            # Before the next tasks start: old ones count against the quota.
            _drain(service)
            if not rollouts_of(service)[-1].get("failed") and _is_due(service):
                go_on(service)


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
