"""ECS: the cluster's services and running tasks, and the task definitions they use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from dr_estate.config.environment import Side
from dr_estate.model import ecs_settings, states
from dr_estate.model.kept_values import DIGEST, hidden_references, pointer_or_digest
from dr_estate.model.references import Reference, arn_region, references
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import efs
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part

R = TypeVar("R")

CLUSTER_READS = frozenset({"ecs:DescribeClusters"})
SERVICE_READS = frozenset({"ecs:ListServices", "ecs:DescribeServices"})
TASK_READS = frozenset({"ecs:ListTasks", "ecs:DescribeTasks"})
DEFINITION_READS = frozenset({"ecs:DescribeTaskDefinition"})

# The most that DescribeServices and DescribeTasks take; Fargate's disk where a definition says nothing (ECS API).
_SERVICES_A_CALL = 10
_TASKS_A_CALL = 100
_FARGATE_DISK_GIB = 20
_NO_CLUSTER = ("ClusterNotFoundException",)
GROUP_OF = "service:"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of the environment; ``status`` is None where there is none, ``storage_key`` is the key of its tasks."""

    name: str
    status: str | None
    storage_key: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """An ECS service. ``name`` is its key: with its cluster before it where the environment has several.

    Counts are tasks; ``deployment`` is the id of its newest deployment, created at ``deployed_at``.

    ``rollout`` is the state of that deployment, or the stability of the primary task set; "" where ECS reports neither.
    ``event`` is the newest message that ECS wrote about it, at ``event_at``. ``registries`` are the ARNs of the
    Cloud Map services in which its tasks are registered, "" where ECS reports no ARN. ``settings`` and ``registries``
    are None where they were not read.
    """

    name: Annotated[str, At("serviceName", demanded=True)]
    arn: Annotated[str, At("serviceArn", demanded=True)]
    status: Annotated[str, At("status", demanded=True)]
    desired: Annotated[int, At("desiredCount", demanded=True)]
    running: Annotated[int, At("runningCount", demanded=True)]
    pending: Annotated[int, At("pendingCount", demanded=True)]
    task_definition: str
    launch_type: str
    platform_version: str
    target_groups: tuple[str, ...]
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    rollout: str
    public_ip: str = ""
    deployment: str = ""
    deployed_at: datetime | None = None
    event: str = ""
    event_at: datetime | None = None
    settings: ecs_settings.DeploymentSettings | None = None
    registries: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One running task and the image digests of its containers. It holds the secrets of when it was created.

    ``group`` is ``service:`` and the service's key, or ``family:`` and a family.
    ``started_at`` is when its containers ran, None while they do not. ``unhealthy``: its own
    health check fails.
    """

    arn: Annotated[str, At("taskArn", demanded=True)]
    group: Annotated[str, At("group")]
    status: Annotated[str, At("lastStatus", demanded=True)]
    task_definition: Annotated[str, At("taskDefinitionArn", demanded=True)]
    zone: Annotated[str, At("availabilityZone")]
    images: tuple[tuple[str, str], ...]
    created_at: Annotated[datetime | None, At("createdAt")] = None
    started_at: Annotated[datetime | None, At("startedAt")] = None
    unhealthy: Annotated[bool, At("healthStatus", on="UNHEALTHY")] = False


@dataclass(frozen=True, slots=True)
class Volume:
    """An EFS volume of a task definition. ``iam``: the task role must be allowed to mount it; ``root`` is "" for "/".

    ``iam`` is None where it was not read.
    """

    name: Annotated[str, At("name", demanded=True)]
    file_system_id: Annotated[str, At("efsVolumeConfiguration.fileSystemId", demanded=True)]
    access_point_id: Annotated[str, At("efsVolumeConfiguration.authorizationConfig.accessPointId")]
    transit_encryption: Annotated[bool, At("efsVolumeConfiguration.transitEncryption", on="ENABLED")]
    iam: Annotated[bool | None, At("efsVolumeConfiguration.authorizationConfig.iam", on="ENABLED")] = None
    root: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a container mounts a volume of its task definition."""

    volume: str
    path: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a task definition. ``environment`` and ``secrets`` are (name, value or ARN) pairs.

    A value is kept where it points somewhere (a host, a region, a schema). Otherwise only its digest is kept, as for
    values named like a secret and for what follows the host of a URL: these never enter the evidence.
    ``mounts`` is None where it was not read; ``settings`` is everything else that decides what runs,
    commands as digests. ``fetched`` are secrets by what the agent itself needs them for, ``files`` the files of
    variables (bucket/key); ``named`` are variables with each thing that a value leads to of which only the digest is
    kept.
    """

    name: Annotated[str, At("name", demanded=True)]
    image: Annotated[str, At("image", demanded=True)]
    ports: tuple[int, ...]
    environment: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]
    log_group: Annotated[str, At("logConfiguration.options.awslogs-group")]
    log_region: Annotated[str, At("logConfiguration.options.awslogs-region")]
    log_creates_group: Annotated[bool, At("logConfiguration.options.awslogs-create-group", on="true")] = False
    log_prefix: Annotated[str, At("logConfiguration.options.awslogs-stream-prefix")] = ""
    mounts: tuple[Mount, ...] | None = None
    settings: tuple[tuple[str, str], ...] | None = None
    fetched: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    @property
    def references(self) -> Iterator[tuple[str, Reference]]:
        """The variables with each thing that their values lead to."""
        shown = [*self.environment, *self.named]
        pairs = [(name, found) for name, text in shown if not text.startswith(DIGEST) for found in references(text)]
        yield from dict.fromkeys(pairs)

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """All secrets and parameters without which the container does not start."""
        return self.secrets + self.fetched


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task definition revision. ``cpu`` is in CPU units (1024 a vCPU), ``memory`` in MiB, ``disk`` in GiB.

    ``deregistered``: it was when it was read, which is for ever; one that was not may have been since.
    """

    arn: Annotated[str, At("taskDefinitionArn", demanded=True)]
    family: Annotated[str, At("family", demanded=True)]
    cpu: int
    memory: int
    network_mode: Annotated[str, At("networkMode")]
    execution_role: Annotated[str, At("executionRoleArn")]
    task_role: Annotated[str, At("taskRoleArn")]
    containers: tuple[Container, ...]
    volumes: tuple[Volume, ...]
    architecture: str = "X86_64"
    disk: int = _FARGATE_DISK_GIB
    deregistered: bool = False


@part(*REGIONAL, reads=CLUSTER_READS)
def cluster(context: ReadContext) -> Cluster:
    """The environment's cluster, the first of several."""
    return _described_cluster(context, context.env.clusters[0])


@part(*REGIONAL, reads=CLUSTER_READS)
def other_clusters(context: ReadContext) -> tuple[Cluster, ...]:
    """The environment's other clusters, where the map has several."""
    return tuple(_described_cluster(context, name) for name in context.env.clusters[1:])


def _described_cluster(context: ReadContext, name: str) -> Cluster:
    # Without CONFIGURATIONS the answer lacks the tasks' key (API_DescribeClusters, include).
    found = context.pages("ecs", "describe_clusters", "clusters", clusters=[name], include=["CONFIGURATIONS"])
    if not found:
        return Cluster(name, None)
    return context.understand(lambda: Cluster(name, found[0]["status"], ecs_settings.storage_key(found[0])), name)


def of_each_cluster(context: ReadContext, read: Callable[[str], Iterable[R]]) -> tuple[R, ...]:
    """What ``read`` finds in the environment's clusters, by their names."""
    return tuple(found for name in context.env.clusters for found in read(name))


@part(*REGIONAL, reads=SERVICE_READS)
def services(context: ReadContext) -> tuple[Service, ...]:
    """All services of the clusters, ten a call; empty where there is no cluster."""
    return of_each_cluster(context, lambda name: _services(context, name))


def _services(context: ReadContext, cluster: str) -> list[Service]:
    # Ten a page where no number is given (API_ListServices).
    listed = context.find_pages("ecs", "list_services", "serviceArns", _NO_CLUSTER, cluster=cluster, maxResults=100)

    def describe(batch: Sequence[str]) -> Sequence[Service]:
        rows = context.pages("ecs", "describe_services", "services", cluster=cluster, services=list(batch))
        # ECS still describes a deleted service, as INACTIVE (ECS API, DeleteService): it can serve no more.
        there = [_row_with_key(context, cluster, row, "serviceName") for row in rows if row.get("status") != "INACTIVE"]
        return context.rows(there, _service, "serviceName", context.env.names.service)

    return context.batches(describe, listed or [], _SERVICES_A_CALL)


@part(*REGIONAL, reads=TASK_READS)
def tasks(context: ReadContext) -> tuple[Task, ...]:
    """All running tasks of the clusters, a hundred a call."""
    if not context.part(services):
        return ()

    def tasks_in(cluster: str) -> list[dict[str, Any]]:
        # ListTasks shows running tasks alone: stopped ones are a part of their own.
        return described_tasks(context, cluster, task_arns(context, cluster))

    return context.rows(of_each_cluster(context, tasks_in), task_of, "group", GROUP_OF + context.env.names.service)


@part(*REGIONAL, reads=DEFINITION_READS)
def task_definitions(context: ReadContext) -> tuple[TaskDefinition | Unavailable, ...]:
    """The revision each service uses. AWS offers no batch read of these: one call a revision, and none of a known one.

    A revision never changes: another content is another revision. Source: API_RegisterTaskDefinition.
    """
    wanted = sorted({service.task_definition for service in context.part(services)})

    def describe(arn: str) -> TaskDefinition:
        return definition_of(context.call("ecs", "describe_task_definition", taskDefinition=arn)["taskDefinition"])

    def revision(arn: str) -> TaskDefinition:
        return context.immutable(arn, TaskDefinition, lambda: describe(arn), ecs_settings.SETTINGS_READ)

    return tuple(context.maybe(revision, wanted))


@part(*REGIONAL, reads=DEFINITION_READS)
def psql_definitions(context: ReadContext) -> tuple[TaskDefinition, ...]:
    """The newest active revision of names.psql_task; none where no such task is named, or ECS has none of it."""
    family = context.env.named(context.env.names.psql_task)
    # What ECS answers for a family that it does not know (API_DescribeTaskDefinition).
    unknown = ("ClientException",)
    found = family and context.find("ecs", "describe_task_definition", unknown, taskDefinition=family)
    return (definition_of(found["taskDefinition"]),) if found else ()


def run_definitions(context: ReadContext, side: Side | None = None) -> tuple[TaskDefinition | Unavailable, ...]:
    """The definitions of the tasks that a run starts: those that services use, and names.psql_task."""
    psql = context.part(psql_definitions, side) if context.env.names.psql_task else ()
    return (*context.part(task_definitions, side), *psql)


def definitions_by_arn(context: ReadContext) -> dict[str, TaskDefinition]:
    """The same by their ARNs, without those that were not read."""
    return {found.arn: found for found in run_definitions(context) if isinstance(found, TaskDefinition)}


@part(Side.DR, reads=frozenset({"ecs:ListTaskDefinitionFamilies"}))
def active_families(context: ReadContext) -> tuple[str, ...]:
    """Return the families with an active revision, a hundred per call: a known revision may be inactive by now."""
    if not context.part(services):
        return ()
    listed = context.pages("ecs", "list_task_definition_families", "families", status="ACTIVE", maxResults=100)
    return tuple(sorted(listed))


def task_arns(context: ReadContext, cluster: str, **which: Any) -> list[str]:
    """The tasks that ListTasks lists of ``which`` in the cluster."""
    absent = absent_clusters(context)
    return context.find_pages("ecs", "list_tasks", "taskArns", absent, cluster=cluster, **which) or []


def stopped_too(context: ReadContext, cluster: str, **which: Any) -> list[dict[str, Any]]:
    """The cluster's tasks of ``which`` that run or stopped in the last hour, as DescribeTasks returns them."""
    # ListTasks lists one desired status a call, RUNNING where none is named (API_ListTasks).
    statuses = ("RUNNING", "STOPPED")
    listed = [arn for wanted in statuses for arn in task_arns(context, cluster, desiredStatus=wanted, **which)]
    return described_tasks(context, cluster, listed)


def absent_clusters(context: ReadContext) -> tuple[str, ...]:
    """The error that is no error of several clusters: one may be gone, and the others are still to be read."""
    return _NO_CLUSTER if len(context.env.clusters) > 1 else ()


def described_tasks(context: ReadContext, cluster: str, arns: Sequence[str]) -> list[dict[str, Any]]:
    """The cluster's tasks of these ARNs, as DescribeTasks returns them, a hundred a call.

    The group of a service's task has the service's key.
    """

    def describe(batch: Sequence[str]) -> Sequence[dict[str, Any]]:
        rows = context.pages("ecs", "describe_tasks", "tasks", cluster=cluster, tasks=list(batch))
        return [_row_with_key(context, cluster, row, "group", GROUP_OF) for row in rows]

    return context.batches(describe, arns, _TASKS_A_CALL)


def _row_with_key(
    context: ReadContext, cluster: str, row: dict[str, Any], member: str, mark: str = ""
) -> dict[str, Any]:
    """The row with the service's key in the place of its name, which stands in ``member`` behind ``mark``."""
    text = str(row.get(member) or "")
    key = mark + context.env.service_key(cluster, text.removeprefix(mark))
    return {**row, member: key} if text.startswith(mark) and text and key != text else row


def _service(row: dict[str, Any]) -> Service:
    """The service; where CODE_DEPLOY or an EXTERNAL controller deploys it, its task set stands for the deployment."""
    # ECS's own controller has deployments; CODE_DEPLOY and EXTERNAL have task sets, and leave fields of the service
    # empty.
    newest = [*row.get("deployments", []), *row.get("taskSets", [])]
    primary: dict[str, Any] = next((d for d in newest if d.get("status") == "PRIMARY"), {})
    network = (row.get("networkConfiguration") or primary.get("networkConfiguration", {})).get(
        "awsvpcConfiguration", {}
    )
    definition = row.get("taskDefinition") or primary.get("taskDefinition")
    if not definition:
        controller = row.get("deploymentController", {}).get("type", "nobody")
        raise ValueError(f"it has no task definition, and no primary task set; {controller} deploys it")
    balancers = row.get("loadBalancers") or primary.get("loadBalancers", [])
    registered = row.get("serviceRegistries") or primary.get("serviceRegistries", [])
    event: dict[str, Any] = next(iter(row.get("events", [])), {})
    # How steady the primary task set is: CODE_DEPLOY and EXTERNAL deploy those, without a rollout state.
    return read(
        Service,
        row,
        task_definition=definition,
        launch_type=row.get("launchType") or primary.get("launchType", ""),
        platform_version=row.get("platformVersion") or primary.get("platformVersion", ""),
        target_groups=tuple(lb["targetGroupArn"] for lb in balancers if lb.get("targetGroupArn")),
        subnets=tuple(network.get("subnets", [])),
        security_groups=tuple(network.get("securityGroups", [])),
        rollout=primary.get("rolloutState")
        or next((s.get("stabilityStatus", "") for s in row.get("taskSets", []) if s.get("status") == "PRIMARY"), ""),
        public_ip=network.get("assignPublicIp", ""),
        deployment=primary.get("id", ""),
        deployed_at=primary.get("createdAt"),
        event=event.get("message", ""),
        event_at=event.get("createdAt"),
        settings=ecs_settings.deployment_settings(row, primary),
        registries=tuple(r.get("registryArn") or "" for r in registered),
    )


def task_of(row: dict[str, Any]) -> Task:
    """The task as DescribeTasks returns it."""
    images = tuple((c["name"], c.get("imageDigest", "")) for c in row.get("containers", []))
    return read(Task, row, images=images)


def definition_of(row: dict[str, Any]) -> TaskDefinition:
    """The definition as DescribeTaskDefinition returns it, without secrets."""
    # What Fargate takes where the definition says nothing: Linux on x86. An image of one starts on no other.
    platform = row.get("runtimePlatform", {})
    system = platform.get("operatingSystemFamily") or "LINUX"
    return read(
        TaskDefinition,
        row,
        cpu=int(row.get("cpu", 0)),
        memory=int(row.get("memory", 0)),
        containers=tuple(_container(c, arn_region(row["taskDefinitionArn"])) for c in row["containerDefinitions"]),
        volumes=tuple(_volume(v) for v in row.get("volumes", []) if v.get("efsVolumeConfiguration")),
        architecture=(platform.get("cpuArchitecture") or "X86_64") + ("" if system == "LINUX" else f" {system}"),
        disk=row.get("ephemeralStorage", {}).get("sizeInGiB") or _FARGATE_DISK_GIB,
        deregistered=states.DEFINITION[row.get("status", "")].gone,
    )


def _container(row: dict[str, Any], region: str) -> Container:
    variables = sorted((e["name"], e.get("value", "")) for e in row.get("environment", []))
    return read(
        Container,
        row,
        ports=tuple(port for mapping in row.get("portMappings", []) for port in _ports(mapping)),
        environment=tuple((name, pointer_or_digest(name, value, region)) for name, value in variables),
        secrets=tuple(sorted((s["name"], s["valueFrom"]) for s in row.get("secrets", []))),
        mounts=tuple(
            Mount(m["sourceVolume"], m["containerPath"], bool(m.get("readOnly")))
            for m in row.get("mountPoints", [])
            if m.get("sourceVolume") and m.get("containerPath")
        ),
        settings=ecs_settings.container_settings(row, region),
        fetched=ecs_settings.fetched_sources(row),
        files=ecs_settings.environment_files(row),
        named=tuple((name, found) for name, value in variables for found in hidden_references(name, value, region)),
    )


def _ports(mapping: dict[str, Any]) -> range:
    """The container's ports of a mapping: one, or those of a range such as ``8000-8010``."""
    first, _, last = str(mapping.get("containerPortRange") or mapping["containerPort"]).partition("-")
    return range(int(first), int(last or first) + 1)


def _volume(row: dict[str, Any]) -> Volume:
    root = row["efsVolumeConfiguration"].get("rootDirectory", "/")
    return read(Volume, row, root="" if root == "/" else root)


# The newest revision of a task definition's family, where the current one needs the other region.


@part(*REGIONAL, reads=DEFINITION_READS)
def newest_definitions(context: ReadContext) -> tuple[TaskDefinition | Unavailable, ...]:
    """The newest active revision of each family whose revision in use names the other region, or files not of here.

    In a sound estate there is none, and no call is made: ECS describes one revision a call. Where nothing replicates
    into the DR region's files they may have to be restored into others, and then each family that mounts them is asked
    for. A bare family means its newest ACTIVE revision. Source: DescribeTaskDefinition.
    """
    used = [found for found in context.part(task_definitions) if isinstance(found, TaskDefinition)]
    other = Side.PRIMARY if context.side is Side.DR else Side.DR
    systems = context.part_if_seen(efs.file_systems)
    region, here = context.env.region(other), None if systems is None else frozenset(row.id for row in systems)
    fed = context.part_if_seen(efs.replications) if context.side is Side.DR else None
    alone = bool(here) and fed is not None and not {row.destination_id for row in fed} & (here or frozenset())
    families = sorted({d.family for d in used if names_region(d, region) or _foreign(d, here) or (alone and d.volumes)})

    def describe(family: str) -> TaskDefinition:
        return definition_of(context.call("ecs", "describe_task_definition", taskDefinition=family)["taskDefinition"])

    return tuple(context.maybe(describe, families))


def names_region(definition: TaskDefinition, region: str) -> bool:
    """Whether a variable, secret, image or log setting of the definition holds the region's name."""
    return any(
        region in text
        for container in definition.containers
        for text in (
            container.image,
            container.log_region,
            *(value for _, value in container.environment),
            *(source for _, source in container.sources),
        )
    )


def _foreign(definition: TaskDefinition, here: frozenset[str] | None) -> bool:
    return here is not None and any(volume.file_system_id not in here for volume in definition.volumes)


# Other regions with the platform's services, read only when the primary region has none.
#
# Looking for the platform in the wrong region once scored a healthy estate 35 of 100.


@dataclass(frozen=True, slots=True)
class RegionCluster:
    """The environment's clusters in another configured region: active services and running tasks (0 if absent)."""

    region: str
    services: int
    tasks: int


@part(Side.PRIMARY, reads=CLUSTER_READS | SERVICE_READS)
def other_regions(context: ReadContext) -> tuple[RegionCluster | Unavailable, ...]:
    """The clusters in the DR region and in ``regions.others``; empty where the primary region holds services."""
    if context.part(services):
        return ()

    def at(region: str) -> RegionCluster:
        names = list(context.env.in_region(region).clusters)
        found = context.client.call("ecs", region, lambda client: client.describe_clusters(clusters=names))["clusters"]
        counts = (sum(row.get(f"{key}Count", 0) for row in found) for key in ("activeServices", "runningTasks"))
        return RegionCluster(region, *counts)

    return tuple(context.maybe(at, (context.env.regions.dr, *context.env.regions.others)))
