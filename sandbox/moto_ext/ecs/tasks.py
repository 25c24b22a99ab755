"""The tasks behind ECS services: where each runs, since when, and on which image digest.

The emulator lists no task for a service. Ours are started and stopped by the calls that ask for it, in the time
Fargate takes: 100 at once, then 20 a second for an account and region (AWS: throttling.html of ECS; T35). Time alone
moves a task from PENDING to RUNNING and, when it was replaced, to STOPPED; describing moves nothing.

The tasks and the deployments that belong to an ECS service.
"""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend, Service, TaskDefinition
from moto.servicediscovery.models import servicediscovery_backends

from sandbox.core.patching import state
from sandbox.core.state import ill, lost_zones, now
from sandbox.core.timing import duration_s, is_real, transition_s
from sandbox.moto_ext.ecr import size_gib
from sandbox.moto_ext.ecs.task_network import TaskNetwork
from sandbox.moto_ext.ecs.task_start import fetch, network_fault

# Fargate's launch rates: a bucket of 100 that fills by 20 a second (T35).
LAUNCH_BURST, LAUNCH_PER_S = 100.0, 20.0
# DescribeTasks shows stopped tasks for at least an hour (API_DescribeTasks).
FORGOTTEN_AFTER = timedelta(hours=1)
# The network, the router, DNS and one reserved for later: the first four of a subnet (VPC guide, subnet sizing).
RESERVED_ADDRESSES = 4
# What LATEST means on Linux.
FARGATE_PLATFORM = "1.4.0"
NOT_STARTED = ("CannotPull", "ResourceInitializationError", "ECS was unable to assume")
NEVER_WELL = "Task failed ELB health checks"
# How the stopped reasons begin of tasks that count against their deployment (stopped task error codes).
FAILED = (*NOT_STARTED, NEVER_WELL)
_REGION, _ACCOUNT = 3, 4
_REASON = "The Service Discovery instance could not be registered."


@dataclass(eq=False)
class RunningTask:
    """One task. ``group`` is ``service:NAME`` or ``family:NAME``.

    ``leaves_at`` is when it serves no more, ``stops_at`` when it has drained and stopped; both may lie ahead.
    ``exit_codes`` are of its containers by their names, where they ended in different ways. ``serves_at`` is when its
    load balancer may first find it healthy, None for as soon as it runs. ``marked``: it has written a marker.
    """

    id: str
    cluster: str
    group: str
    definition: TaskDefinition
    started_by: str
    launch_type: str
    created_at: datetime
    runs_at: datetime
    subnet: str = ""
    zone: str = ""
    address: str = ""
    interface: str = ""
    holds_address: bool = False
    groups: tuple[str, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    leaves_at: datetime | None = None
    stops_at: datetime | None = None
    serves_at: datetime | None = None
    reason: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    exit_codes: dict[str, int] = field(default_factory=dict)
    process: bool = False
    marked: bool = False
    secrets: dict[str, str] = field(default_factory=dict)

    def status(self, moment: datetime) -> str:
        """PENDING, RUNNING, DEACTIVATING or STOPPED; a task that was run with overrides is PROVISIONING at first."""
        if self.stops_at is not None and moment >= self.stops_at:
            return "STOPPED"
        if self.leaves_at is not None and moment >= self.leaves_at:
            return "DEACTIVATING"
        if self.overrides and moment < self.created_at + (self.runs_at - self.created_at) / 2:
            return "PROVISIONING"
        return "RUNNING" if moment >= self.runs_at else "PENDING"

    def desired_status(self, moment: datetime) -> str:
        """STOPPED as soon as a stop is asked for, while the task still drains (ECS guide, task lifecycle)."""
        return "STOPPED" if self.leaves_at is not None and moment >= self.leaves_at else "RUNNING"

    def stop(self, moment: datetime, reason: str, drains_s: float = 0.0) -> None:
        """Leave at ``moment`` and be stopped ``drains_s`` later, unless it leaves before that."""
        # The earlier stop wins: a task that drains is not made to stay longer.
        if self.leaves_at is None or moment < self.leaves_at:
            self.leaves_at, self.stops_at, self.reason = moment, moment + timedelta(seconds=drains_s), reason


@dataclass(frozen=True)
class TaskRequest:
    """What is to be started: for whom, on which subnets, behind which security groups, with a public address or not."""

    cluster: str
    group: str
    definition: TaskDefinition
    started_by: str
    launch_type: str = "FARGATE"
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tags: tuple[dict[str, str], ...] = ()
    overrides: dict[str, Any] = field(default_factory=dict)
    public: bool = False
    registries: tuple[str, ...] = ()


def containers_of(definition: TaskDefinition) -> list[dict[str, Any]]:
    """The container definitions, as they were registered."""
    container_definitions: list[dict[str, Any]] = definition.container_definitions
    return container_definitions


def all_tasks(backend: EC2ContainerServiceBackend) -> dict[str, RunningTask]:
    """Every task of the region by its id, stopped ones of the last hour included."""
    return state(backend, "tasks_by_id")


def of_group(backend: EC2ContainerServiceBackend, cluster: str, group: str) -> list[RunningTask]:
    """The tasks of a service (``service:NAME``) of a cluster."""
    found: list[RunningTask] = state(backend, "tasks_by_group").get((cluster, group), [])
    return found


def alive(tasks: Iterable[RunningTask], moment: datetime | None = None) -> list[RunningTask]:
    """Return the tasks that run or will run, and have not been asked to stop."""
    at = moment or now()
    return [task for task in tasks if task.leaves_at is None or task.leaves_at > at]


def addresses_taken(backend: EC2ContainerServiceBackend, subnet: str) -> int:
    """How many addresses of a subnet live tasks hold."""
    return sum(1 for task in alive(all_tasks(backend).values()) if task.subnet == subnet)


def launch(backend: EC2ContainerServiceBackend, wanted: TaskRequest, count: int) -> list[RunningTask]:
    """Start up to ``count`` tasks; fewer where the region's vCPU quota or the subnets' addresses are used up (T33).

    A task that lacks something it needs to start (roles, image, secrets, files, log group, a route to them) is created
    and stops at once, as ECS reports it; a task with overrides fails on secrets and log group only when it would run.
    """
    _forget(backend, wanted)
    # Once for all tasks of the call: they start at the same moment.
    fetched = fetch(backend, wanted.definition, wanted.cluster, images_alone=bool(wanted.overrides))
    started = []
    for _ in range(min(count, _room(backend, wanted))):
        task = _new_task(backend, wanted)
        if task is None:
            break
        task.digests, task.secrets = dict(fetched.digests), dict(fetched.secrets)
        lost = registry_fault(backend.region_name, wanted.registries)
        if missing := fetched.missing or _start_fault(backend, wanted, task) or lost:
            task.stop(task.created_at, missing)
            release(backend, [task])
        # A task that failed to start is listed too, with its stopped reason.
        all_tasks(backend)[task.id] = task
        state(backend, "tasks_by_group").setdefault((wanted.cluster, wanted.group), []).append(task)
        started.append(task)
    return started


def _start_fault(backend: EC2ContainerServiceBackend, wanted: TaskRequest, task: RunningTask) -> str:
    """Why the task does not start in its subnet, "" where it does. Files are looked for when a command runs."""
    from sandbox.moto_ext.data.mounts import mount_fault

    network = network_of(backend, task, wanted.public)
    if reason := network_fault(backend, wanted.definition, network):
        return reason
    if wanted.overrides:
        return ""
    return mount_fault(backend.account_id, backend.region_name, wanted.definition, network)


def network_of(backend: EC2ContainerServiceBackend, task: RunningTask, public: bool = False) -> TaskNetwork:
    """The task's end of its connections."""
    return TaskNetwork(ec2_backends[backend.account_id][backend.region_name], task.subnet, task.groups, public)


def release(backend: EC2ContainerServiceBackend, tasks: Iterable[RunningTask]) -> None:
    """Give the addresses of stopped tasks back."""
    for task in tasks:
        if task.holds_address:
            task.holds_address = False
            _addresses(backend, task.subnet).discard(task.address)


def _new_task(backend: EC2ContainerServiceBackend, wanted: TaskRequest) -> RunningTask | None:
    moment = now()
    place = _address(backend, wanted) if wanted.subnets else ("", "", "")
    if place is None:
        # Addresses are given back late, as nobody waits for them: only a full subnet looks for them.
        release(backend, [task for task in all_tasks(backend).values() if task.status(moment) == "STOPPED"])
        place = _address(backend, wanted)
    if place is None:
        return None
    subnet, zone, address = place
    identity = uuid.uuid4().hex
    # Each task of a service has a duration of its own, the same in each rerun.
    subject = f"{wanted.group}:{len(of_group(backend, wanted.cluster, wanted.group))}"
    gib = sum(size_gib(str(container["image"])) for container in containers_of(wanted.definition))
    runs_at = moment + timedelta(seconds=_turn_s(backend) + duration_s("ecs.start-task", subject, gib=gib))
    # WordPress warms up, then the load balancer's first checks: only at the real pace.
    checked_s = sum(duration_s(row, subject) for row in ("ecs.warm-up", "elb.first-check")) if is_real() else 0.0
    return RunningTask(
        id=identity,
        cluster=wanted.cluster,
        group=wanted.group,
        definition=wanted.definition,
        started_by=wanted.started_by,
        launch_type=wanted.launch_type,
        created_at=moment,
        runs_at=runs_at,
        serves_at=runs_at + timedelta(seconds=checked_s) if checked_s else None,
        subnet=subnet,
        zone=zone,
        address=address,
        interface=f"eni-{identity[:17]}" if address else "",
        holds_address=bool(address),
        groups=wanted.groups,
        tags=list(wanted.tags),
        overrides=wanted.overrides,
    )


def _turn_s(backend: EC2ContainerServiceBackend) -> float:
    """Seconds until Fargate's token bucket lets the next task start; 0 while a world is built."""
    # A world that is built would otherwise use up the bucket of the first failover.
    if transition_s() <= 0:
        return 0.0
    bucket, moment = state(backend, "launch_bucket"), now()
    idle_s = (moment - bucket.get("at", moment)).total_seconds()
    level = min(LAUNCH_BURST, bucket.get("level", LAUNCH_BURST) + idle_s * LAUNCH_PER_S)
    # Below zero: each task beyond the bucket waits for its own refill.
    bucket.update(level=level - 1, at=moment)
    return float(max(0.0, (1 - level) / LAUNCH_PER_S))


def _address(backend: EC2ContainerServiceBackend, wanted: TaskRequest) -> tuple[str, str, str] | None:
    """Subnet, zone and free address for the next task, its subnets in turn; None when all are full."""
    network, moment = ec2_backends[backend.account_id][backend.region_name], now()
    # Fargate spreads the tasks of a service over zones (ECS Developer Guide, "Amazon ECS availability best practices").
    own = of_group(backend, wanted.cluster, wanted.group)
    used = Counter(task.subnet for task in own if task.status(moment) != "STOPPED")
    offset, count = len(all_tasks(backend)), len(wanted.subnets)
    turns = [wanted.subnets[(offset + turn) % count] for turn in range(count)]
    for subnet in map(network.get_subnet, sorted(turns, key=lambda name: used[name])):
        is_lost = subnet.availability_zone in lost_zones(backend.region_name)
        if not is_lost and (found := _free(backend, subnet)):
            return subnet.id, subnet.availability_zone, found
    return None


def _free(backend: EC2ContainerServiceBackend, subnet: Any) -> str | None:
    block, taken = ipaddress.ip_network(subnet.cidr_block), _addresses(backend, subnet.id)
    usable = block.num_addresses - RESERVED_ADDRESSES - 1
    # Interfaces that were made by hand hold addresses too.
    others = sum(len(eni.private_ip_addresses) for eni in subnet.ec2_backend.enis.values() if eni.subnet is subnet)
    if len(taken) + others >= usable:
        return None
    first = state(backend, "next_address").get(subnet.id, 0)
    # From the last one on: an address that was just given back is not used again at once.
    for step in range(usable):
        place = (first + step) % usable
        address = str(block[RESERVED_ADDRESSES + place])
        if address not in taken:
            taken.add(address)
            state(backend, "next_address")[subnet.id] = place + 1
            return address
    return None


def _addresses(backend: EC2ContainerServiceBackend, subnet: str) -> set[str]:
    taken: set[str] = state(backend, "addresses_of_tasks").setdefault(subnet, set())
    return taken


def _room(backend: EC2ContainerServiceBackend, wanted: TaskRequest) -> int:
    """How many such tasks the region's vCPU quota still allows, none where the region has no capacity."""
    from sandbox.moto_ext.quotas.quota_table import limit

    vcpu = float(wanted.definition.cpu or 0) / 1024
    if wanted.launch_type == "FARGATE" and ill(backend.region_name, "no-capacity", "ecs"):
        return 0
    if not vcpu or wanted.launch_type != "FARGATE":
        return 1_000_000
    used = vcpus_in_use(backend)
    allowed = limit(backend.account_id, backend.region_name, "fargate", "L-3032A538")
    # Quarters of a vCPU do not add up exactly as binary fractions of others do.
    return max(0, int((allowed - used) / vcpu + 1e-9))


def no_room(backend: EC2ContainerServiceBackend) -> str:
    """Why a task found no place, as a service's event and RunTask's failure have it."""
    if ill(backend.region_name, "no-capacity", "ecs"):
        return "Capacity is unavailable at this time. Please try again later or in a different availability zone"
    return "You've reached the limit on vCPUs or free addresses"


def vcpus_in_use(backend: EC2ContainerServiceBackend) -> float:
    """The vCPUs of all live Fargate tasks of the region."""
    tasks = (task for task in alive(all_tasks(backend).values()) if task.launch_type == "FARGATE")
    return sum(float(task.definition.cpu or 0) for task in tasks) / 1024


def _forget(backend: EC2ContainerServiceBackend, wanted: TaskRequest) -> None:
    """Drop the group's tasks that stopped over an hour ago, and free the addresses of those that stopped since."""
    tasks, moment = of_group(backend, wanted.cluster, wanted.group), now()
    gone = [task for task in tasks if task.stops_at and task.stops_at <= moment]
    release(backend, gone)
    for task in gone:
        if task.stops_at and task.stops_at < moment - FORGOTTEN_AFTER:
            all_tasks(backend).pop(task.id, None)
            tasks.remove(task)


def mac_of(task: RunningTask) -> str:
    """A stable hardware address for the task's interface."""
    digest = hashlib.sha256(task.id.encode()).hexdigest()
    return "06:" + ":".join(digest[place : place + 2] for place in range(0, 10, 2))


def arns_of(service: Any) -> tuple[str, ...]:
    """The registries that a service, or a task set, names."""
    return tuple(row["registryArn"] for row in service.service_registries or () if row.get("registryArn"))


def registry_fault(region: str, arns: Iterable[str]) -> str:
    """The stopped reason of a task of ``region`` where one of the registries is not there, "" where all are."""
    return _REASON if any(not _is_there(region, arn) for arn in arns) else ""


def _is_there(region: str, arn: str) -> bool:
    parts = arn.split(":")
    # ECS registers in its own region's Cloud Map alone.
    if parts[_REGION] != region:
        return False
    services = servicediscovery_backends[parts[_ACCOUNT]][region].services
    return any(service.arn == arn for service in services.values())


def backend_of(service: Service) -> EC2ContainerServiceBackend:
    """The emulator's backend that the service lives in."""
    backend: EC2ContainerServiceBackend = service._backend
    return backend


def group_of(service: Service) -> str:
    """The group its tasks carry."""
    return f"service:{service.name}"


def tasks_of(service: Service) -> list[RunningTask]:
    """All tasks of the service, stopped ones of the last hour included."""
    return of_group(backend_of(service), service.cluster_name, group_of(service))


def rollouts_of(service: Service) -> list[dict[str, Any]]:
    """Its deployments in order, the newest last."""
    found: list[dict[str, Any]] = service.__dict__.setdefault("rollouts", [])
    return found
