"""Who stands behind a target group: the tasks of the ECS services attached to it, and what was registered by hand.

A target answers its health check when its task runs, the check goes to a port the task listens on and a security
group of the task lets that port in; it is healthy when its page, which needs the tenant's stores, has a status of the
group's matcher, or the check is by TCP. Nothing else listens in the sandbox, so any other address is unhealthy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecs.models import Service, ecs_backends
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from sandbox.core.patching import state
from sandbox.core.state import lost_zones, now
from sandbox.moto_ext.data.tenant_pages import FINE, NOT_FOUND, UNAUTHORISED, PageAnswer, TenantPages, install_sites
from sandbox.moto_ext.ecs.task_network import NetworkPeer, TaskNetwork
from sandbox.moto_ext.ecs.tasks import RunningTask, containers_of, tasks_of

_TCP = "TCP"


@dataclass(frozen=True)
class GroupTarget:
    """One target of a group and how its health check goes (API_TargetHealth).

    ``reachable``: a request to it is answered in time. ``listens``: something answers at its port at all.
    """

    address: str
    port: int
    zone: str
    state: str
    reason: str | None = None
    description: str | None = None
    reachable: bool = True
    listens: bool = True

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
    """The targets of every group of a region, or of ``groups`` (ARNs) alone, as they are at the moment it is made."""

    def __init__(self, account: str, region: str, groups: frozenset[str] = frozenset()) -> None:
        self._region = region
        # Before pages are looked at: a site answers once it is installed.
        install_sites(ecs_backends[account][region])
        self._elb, self._ec2 = elbv2_backends[account][region], ec2_backends[account][region]
        self._pages = TenantPages(account, region)
        self._counts: dict[str, tuple[int, int]] = {}
        # Answers of one moment: an instance is made for each question, and asks each thing once.
        self._open: dict[tuple[tuple[str, ...], str, tuple[str, ...], int], bool] = {}
        self._services, self._groups = ecs_backends[account][region].services, groups

    @cached_property
    def _services_by_group(self) -> dict[str, list[tuple[Service, int]]]:
        """The services of each target group, and the ports that they register with it."""
        found: dict[str, list[tuple[Service, int]]] = {}
        for service in self._services.values():
            for balancer in service.load_balancers if service.status == "ACTIVE" else ():
                arn = balancer.get("targetGroupArn", "")
                if not self._groups or arn in self._groups:
                    found.setdefault(arn, []).append((service, int(balancer.get("containerPort") or 0)))
        return found

    def of(self, group: FakeTargetGroup) -> list[GroupTarget]:
        """The targets registered with ``group``, tasks first."""
        # Tasks that DeregisterTargets took out by hand: ECS does not register them again.
        withdrawn = state(group, "withdrawn")
        tasks = [
            self._task(group, task, port)
            for service, port in self._services_by_group.get(group.arn, ())
            for task in tasks_of(service)
            # A DEACTIVATING task is still registered, and drains.
            if task.address and task.id not in withdrawn and task.status(now()) in ("RUNNING", "DEACTIVATING")
        ]
        known = {target.address for target in tasks}
        return tasks + [target for target in self._by_hand(group) if target.address not in known]

    def services_of(self, group: FakeTargetGroup) -> list[Service]:
        """The services that register their tasks with ``group``."""
        return [service for service, _ in self._services_by_group.get(group.arn, ())]

    def counts(self, group: FakeTargetGroup) -> tuple[int, int]:
        """How many targets are healthy, and how many are not."""
        if group.arn not in self._counts:
            states = [target.state for target in self.of(group)]
            self._counts[group.arn] = states.count("healthy"), states.count("unhealthy")
        return self._counts[group.arn]

    def groups_of(self, balancer: FakeLoadBalancer) -> list[FakeTargetGroup]:
        """The target groups a load balancer forwards to."""
        return [group for group in self._elb.target_groups.values() if balancer.arn in group.load_balancer_arns]

    def serves(self, balancer: FakeLoadBalancer) -> bool:
        """Whether an alias with EvaluateTargetHealth counts the load balancer as healthy.

        Each of its groups needs a healthy target, one without targets is unhealthy, and so is a balancer without
        groups (Route 53 guide, resource-record-sets-values-alias-common; T07).
        """
        groups = self.groups_of(balancer)
        # Stricter than the guide for groups without targets, which sources count in both ways (T07).
        return bool(groups) and all(self.counts(group)[0] for group in groups)

    def attached_to(self, service: Service) -> list[FakeTargetGroup]:
        """The target groups in which the service registers its tasks."""
        named = [balancer.get("targetGroupArn", "") for balancer in service.load_balancers]
        return [self._elb.target_groups[arn] for arn in named if arn in self._elb.target_groups]

    def passes(self, service: Service, task: RunningTask) -> bool:
        """Whether the task, once it runs, is not unhealthy in any group of its service."""
        ports = {lb.get("targetGroupArn", ""): int(lb.get("containerPort") or 0) for lb in service.load_balancers}
        groups = self.attached_to(service)
        return all(self._task(group, task, ports[group.arn]).state != "unhealthy" for group in groups)

    def answers(self, service: Service, task: RunningTask, pages: frozenset[str]) -> bool:
        """Whether requests and health checks of a balancer reach the task in every group, and a whole page passes them.

        What the page says now is another matter: a standby has no database. ``pages`` are the paths that programs other
        than WordPress are known to have.
        """
        ports = {lb.get("targetGroupArn", ""): int(lb.get("containerPort") or 0) for lb in service.load_balancers}
        groups = self.attached_to(service)
        return bool(groups) and all(self._answers(group, task, ports[group.arn], pages) for group in groups)

    def _answers(self, group: FakeTargetGroup, task: RunningTask, port: int, pages: frozenset[str]) -> bool:
        probed = _probe_port(group, port)
        # Requests go to the port that was registered, checks perhaps to another: both must be listened on.
        listens = bool(group.load_balancer_arns) and {port, probed} <= _listening(task) and _asks_as_served(group)
        known = frozenset[str]() if _is_wordpress(task) else pages
        passes = listens and _takes_whole_page(group, known) and self._is_enabled(group, task.zone)
        return passes and self.lets_in(group, task, port) and self.lets_in(group, task, probed)

    def _is_enabled(self, group: FakeTargetGroup, zone: str) -> bool:
        """Whether each balancer of the group has a subnet in the zone: else its targets there get no request.

        Source: Application Load Balancers guide, "Availability Zones".
        """
        balancers = filter(None, map(self._elb.load_balancers.get, group.load_balancer_arns))
        return all(zone in {str(subnet.availability_zone) for subnet in balancer.subnets} for balancer in balancers)

    def task_at(self, group: FakeTargetGroup, address: str) -> RunningTask | None:
        """The live task of the group that holds ``address``."""
        for service in self.services_of(group):
            for task in tasks_of(service):
                if task.address == address and task.status(now()) != "STOPPED":
                    return task
        return None

    def _task(self, group: FakeTargetGroup, task: RunningTask, port: int) -> GroupTarget:
        probed = _probe_port(group, port)
        place = (task.address, port, task.zone)
        # Unused, not unhealthy: nobody checks a group that no listener forwards to (API_TargetHealth).
        if not group.load_balancer_arns:
            words = "Target group is not configured to receive traffic from the load balancer"
            return GroupTarget(*place, "unused", "Target.NotInUse", words)
        moment = now()
        if task.status(moment) == "DEACTIVATING":
            words = "Target deregistration is in progress"
            return GroupTarget(*place, "draining", "Target.DeregistrationInProgress", words)
        # A packet that is dropped is a timeout; only what answers on another port is refused.
        late = GroupTarget(*place, "unhealthy", "Target.Timeout", "Request timed out", reachable=False)
        # Before all else: a lost zone answers nothing.
        if task.zone in lost_zones(self._region):
            return late
        if probed not in _listening(task) or not _asks_as_served(group):
            here = port in _listening(task)
            words = "Health checks failed"
            return GroupTarget(*place, "unhealthy", "Target.FailedHealthChecks", words, listens=here)
        if not self.lets_in(group, task, probed):
            return late
        page = self.page(task)
        if not _matches(group, page.status):
            words = f"Health checks failed with these codes: [{page.status}]"
            return GroupTarget(*place, "unhealthy", "Target.ResponseCodeMismatch", words)
        # Last: checks that would fail are unhealthy from the first one on.
        if task.serves_at is not None and moment < task.serves_at:
            return GroupTarget(*place, "initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
        return GroupTarget(*place, "healthy")

    def page(self, task: RunningTask) -> PageAnswer:
        """What the task's page answers."""
        return self._pages.of(task)

    def _by_hand(self, group: FakeTargetGroup) -> Iterator[GroupTarget]:
        for registered in group.targets.values():
            name, port = str(registered["Id"]), int(registered.get("Port") or group.port or 0)
            # Instances and load balancers as targets: moto knows whether they run.
            if name.startswith(("i-", "arn:")):
                health_status = group.health_for({"Id": name, "Port": port}, self._ec2)
                yield GroupTarget(name, port, "", health_status.status, health_status.reason, health_status.description)
            else:
                yield GroupTarget(name, port, "", "unhealthy", "Target.Timeout", "Request timed out")

    def lets_in(self, group: FakeTargetGroup, task: RunningTask, port: int) -> bool:
        """Whether a balancer of the group reaches the task's port, from each of its subnets."""
        key = (tuple(group.load_balancer_arns), task.subnet, task.groups, port)
        if key not in self._open:
            self._open[key] = all(self._admits(arn, task, port) for arn in group.load_balancer_arns)
        return self._open[key]

    def _admits(self, arn: str, task: RunningTask, port: int) -> bool:
        balancer, network = self._elb.load_balancers.get(arn), TaskNetwork(self._ec2, task.subnet, task.groups)
        # In a world without routes only the task's own security groups are looked at.
        if balancer is None or not network.is_modelled or not balancer.subnets:
            rules = [self._ec2.get_security_group_from_id(name) for name in task.groups]
            return any(covers_port(rule, port) for found in rules if found for rule in found.ingress_rules)
        groups = tuple(balancer.security_groups or ())
        peers = [NetworkPeer(str(subnet.cidr_block), groups, str(subnet.id)) for subnet in balancer.subnets]
        # From each subnet of the load balancer: it sends from a node in each of them.
        return all(network.admits_from(peer, port) for peer in peers)


def _probe_port(group: FakeTargetGroup, port: int) -> int:
    """The port that the group's health check goes to."""
    checked = group.health_check_port
    return port if checked in (None, "", "traffic-port") else int(checked)


def _asks_as_served(group: FakeTargetGroup) -> bool:
    """Whether the health check speaks as requests do, and both what a web server of HTTP/1.1 understands.

    Of a network load balancer's group requests may be of any protocol: a check by TCP, or by a page, is as good.
    """
    checked = str(group.health_check_protocol or group.protocol)
    if group.protocol == _TCP:
        return checked in (_TCP, "HTTP")
    return checked == str(group.protocol) and (group.protocol_version or "HTTP1") == "HTTP1"


def _is_wordpress(task: RunningTask) -> bool:
    return any(
        str(variable["name"]).startswith("WORDPRESS_")
        for container in containers_of(task.definition)
        for variable in container.get("environment") or ()
    )


def _takes_whole_page(group: FakeTargetGroup, known: frozenset[str]) -> bool:
    """Whether the health check asks for a page that the program has, and takes an answer that it gives."""
    if group.health_check_protocol == _TCP:
        return True
    path = str(group.health_check_path or "/").partition("?")[0]
    # WordPress has pages that end so; any other path is not found, whatever the database says.
    is_page = path in known if known else path.endswith((".php", "/"))
    return any(_matches(group, status) for status in ((FINE, UNAUTHORISED) if is_page else (NOT_FOUND,)))


def _matches(group: FakeTargetGroup, status: int) -> bool:
    """Whether the group's matcher (``200``, ``200,401`` or ``200-399``) takes the status: a check by TCP asks none."""
    if group.health_check_protocol == _TCP:
        return True
    spans = (part.partition("-") for part in str((group.matcher or {}).get("HttpCode") or "200").split(","))
    return any(int(first) <= status <= int(last or first) for first, _, last in spans)


def covers_port(rule: Any, port: int) -> bool:
    """Whether a security group's rule is about this TCP port."""
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
