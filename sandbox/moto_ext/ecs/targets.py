"""Who stands behind a target group: the tasks of the ECS services attached to it, and what was registered by hand.

A target answers its health check when its task runs, the check goes to a port the task listens on and a security
group of the task lets that port in. Nothing else listens in the sandbox, so any other address is unhealthy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecs.models import Service, ecs_backends
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from sandbox.core.patching import state
from sandbox.core.state import now
from sandbox.moto_ext.ecs.services import tasks_of
from sandbox.moto_ext.ecs.tasks import RunningTask, containers_of


@dataclass(frozen=True)
class GroupTarget:
    """One target of a group and how its health check goes (API_TargetHealth)."""

    address: str
    port: int
    zone: str
    state: str
    reason: str | None = None
    description: str | None = None

    def describe(self, checked_port: str) -> dict[str, Any]:
        """As DescribeTargetHealth answers."""
        health = {"State": self.state, "Reason": self.reason, "Description": self.description}
        zone = (
            {"AvailabilityZone": self.zone} if self.zone else {}
        )  # of a target by address alone (API_TargetDescription)
        return {
            "Target": {"Id": self.address, "Port": self.port, **zone},
            "HealthCheckPort": str(self.port) if checked_port in ("", "traffic-port") else checked_port,
            "TargetHealth": {key: value for key, value in health.items() if value is not None},
        }


class Targets:
    """The targets of every group of a region, as they are at the moment it is made."""

    def __init__(self, account: str, region: str) -> None:
        self._elb, self._ec2 = elbv2_backends[account][region], ec2_backends[account][region]
        self._attached: dict[str, list[tuple[Service, int]]] = {}
        self._open: dict[tuple[tuple[str, ...], int], bool] = {}
        for service in ecs_backends[account][region].services.values():
            for balancer in service.load_balancers if service.status == "ACTIVE" else ():
                port = int(balancer.get("containerPort") or 0)
                self._attached.setdefault(balancer.get("targetGroupArn", ""), []).append((service, port))

    def of(self, group: FakeTargetGroup) -> list[GroupTarget]:
        """The targets registered with ``group``, tasks first."""
        withdrawn = state(group, "withdrawn")
        tasks = [
            self._task(group, task, port)
            for service, port in self._attached.get(group.arn, ())
            for task in tasks_of(service)
            if task.address and task.id not in withdrawn and task.status(now()) == "RUNNING"
        ]
        known = {target.address for target in tasks}
        return tasks + [target for target in self._by_hand(group) if target.address not in known]

    def counts(self, group: FakeTargetGroup) -> tuple[int, int]:
        """How many targets are healthy, and how many are not."""
        states = [target.state for target in self.of(group)]
        return states.count("healthy"), states.count("unhealthy")

    def groups_of(self, balancer: FakeLoadBalancer) -> list[FakeTargetGroup]:
        """The target groups a load balancer forwards to."""
        return [group for group in self._elb.target_groups.values() if balancer.arn in group.load_balancer_arns]

    def serves(self, balancer: FakeLoadBalancer) -> bool:
        """Whether an alias with EvaluateTargetHealth counts the load balancer as healthy.

        Each of its groups needs a healthy target, one without targets is unhealthy, and so is a balancer without
        groups (Route 53 guide, resource-record-sets-values-alias-common; T07).
        """
        groups = self.groups_of(balancer)
        return bool(groups) and all(self.counts(group)[0] for group in groups)

    def task_at(self, group: FakeTargetGroup, address: str) -> RunningTask | None:
        """The live task of the group that holds ``address``."""
        for service, _ in self._attached.get(group.arn, ()):
            for task in tasks_of(service):
                if task.address == address and task.status(now()) != "STOPPED":
                    return task
        return None

    def _task(self, group: FakeTargetGroup, task: RunningTask, port: int) -> GroupTarget:
        checked = group.health_check_port
        probed = port if checked in (None, "", "traffic-port") else int(checked)
        place = (task.address, port, task.zone)
        if not group.load_balancer_arns:
            words = "Target group is not configured to receive traffic from the load balancer"
            return GroupTarget(*place, "unused", "Target.NotInUse", words)
        if probed not in _listening(task):
            return GroupTarget(*place, "unhealthy", "Target.FailedHealthChecks", "Health checks failed")
        if not self._lets_in(task.groups, probed):
            return GroupTarget(*place, "unhealthy", "Target.Timeout", "Request timed out")
        return GroupTarget(*place, "healthy")

    def _by_hand(self, group: FakeTargetGroup) -> Iterator[GroupTarget]:
        for registered in group.targets.values():
            name, port = str(registered["Id"]), int(registered.get("Port") or group.port or 0)
            if name.startswith(("i-", "arn:")):
                health_status = group.health_for({"Id": name, "Port": port}, self._ec2)
                yield GroupTarget(name, port, "", health_status.status, health_status.reason, health_status.description)
            else:
                yield GroupTarget(name, port, "", "unhealthy", "Target.Timeout", "Request timed out")

    def _lets_in(self, groups: tuple[str, ...], port: int) -> bool:
        if (groups, port) not in self._open:
            security_groups = [self._ec2.get_security_group_from_id(name) for name in groups]
            rules = [rule for group in security_groups if group for rule in group.ingress_rules]
            self._open[groups, port] = any(_covers(rule, port) for rule in rules)
        return self._open[groups, port]


def _covers(rule: Any, port: int) -> bool:
    if str(rule.ip_protocol) == "-1":
        return True
    return str(rule.ip_protocol) in ("tcp", "6") and int(rule.from_port) <= port <= int(rule.to_port)


def _listening(task: RunningTask) -> set[int]:
    return {
        int(mapping["containerPort"])
        for container in containers_of(task.definition)
        for mapping in container.get("portMappings", ())
        if "containerPort" in mapping
    }
