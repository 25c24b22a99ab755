"""ECS operations with tasks behind them (Amazon ECS API reference).

The emulator starts no task for a service, fails without security groups, drops half of the parameters of CreateService
and UpdateService, lists deleted services, and pages nothing. Call it with plain boto3: ``create_service``,
``update_service``, ``list_tasks(serviceName=)``, ``describe_tasks``, ``stop_task``, ``run_task``.

Task sets of a service whose deployments somebody else controls (API_CreateTaskSet, API_TaskSet).

The emulator runs a set's tasks once, on container instances alone, and never again follows its scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore import xform_name
from moto.core.resource_tagging import TaggedResource
from moto.ecs.models import EC2ContainerServiceBackend, Service, TaskDefinition, TaskSet
from moto.ecs.responses import EC2ContainerServiceResponse

from sandbox.core import truth
from sandbox.core.patching import computed, operation, refused, wrap
from sandbox.core.state import now
from sandbox.moto_ext.ecs import services as keeping
from sandbox.moto_ext.ecs.commands import interrupt, run_once
from sandbox.moto_ext.ecs.descriptions import arn_of, describe_tasks
from sandbox.moto_ext.ecs.services import keep_up
from sandbox.moto_ext.ecs.tasks import TaskRequest, alive, all_tasks, containers_of, launch, no_room, tasks_of

# What moto's create_service and update_service do not keep.
KEPT = (
    "healthCheckGracePeriodSeconds",
    "deploymentConfiguration",
    "capacityProviderStrategy",
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "serviceConnectConfiguration",
    "availabilityZoneRebalancing",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "platformVersion",
    "propagateTags",
)
EXTERNAL = "EXTERNAL"
# Of a deployment where none are given. Source: ECS API, DeploymentConfiguration.
BOUNDS = {"maximumPercent": 200, "minimumHealthyPercent": 100}
FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
DESCRIBED_AT_ONCE = 10
WHOLE = {"unit": "PERCENT", "value": 100.0}


@wrap(EC2ContainerServiceResponse, "create_service")
def _create_service(original: Callable[..., Any], self: EC2ContainerServiceResponse) -> Any:
    params, backend = self.params, self.ecs_backend
    cluster = backend._get_cluster(params.get("cluster", "default"))
    # Refused also where it is alike in all: AWS takes that for a repetition (API_CreateService).
    standing = backend.services.get(f"{cluster.name}:{params['serviceName']}")
    if standing is not None and standing.status == "ACTIVE":
        raise refused("InvalidParameterException", "Creation of service was not idempotent.")
    from moto.elbv2.models import elbv2_backends

    known = elbv2_backends[self.current_account][self.region].target_groups
    for balancer in params.get("loadBalancers") or ():
        arn = balancer.get("targetGroupArn")
        # The message is AWS's own: a target group must be used by a listener first.
        if arn and (arn not in known or not known[arn].load_balancer_arns):
            message = f"The target group with targetGroupArn {arn} does not have an associated load balancer."
            raise refused("InvalidParameterException", message)
    if params.get("taskDefinition"):
        _active(backend, params["taskDefinition"], "ClientException")
    _require_containers(backend, params.get("taskDefinition"), params.get("loadBalancers"))
    if _is_fargate(params):
        _require_fargate(backend, params.get("taskDefinition"))
    # A capacity provider of Fargate is no launch type to moto: no task would start.
    if _is_fargate(params):
        params["launchType"] = "FARGATE"
    params["networkConfiguration"] = keeping.with_groups(backend, params.get("networkConfiguration"))
    answer = original(self)
    service = backend.services[f"{cluster.name}:{params['serviceName']}"]
    setattr(service, "created_at", now())  # noqa: B010 - the emulator's class declares no such attribute
    _keep(service, params)
    # With an external controller task sets start tasks, not the service.
    if service.task_definition and service.deployment_controller["type"] != EXTERNAL:
        keeping.roll_out(service)
    return answer


def _require_containers(backend: EC2ContainerServiceBackend, named: str | None, balancers: list[Any] | None) -> None:
    """Refuse a load balancer of a container, or of a port of it, that the task definition does not have.

    Source: API_LoadBalancer, containerName and containerPort; the words are AWS's answer.
    """
    if not named:
        return
    definition = backend.describe_task_definition(named)
    for balancer in balancers or ():
        name, port = balancer.get("containerName"), balancer.get("containerPort")
        found: Any = next((row for row in definition.container_definitions if row["name"] == name), None)
        if found is None:
            raise refused("InvalidParameterException", f"The container {name} does not exist in the task definition.")
        if not any(_has_port(mapping, int(port or 0)) for mapping in found.get("portMappings") or ()):
            message = f"The container {name} did not have a container port {port} defined."
            raise refused("InvalidParameterException", message)


def _require_fargate(backend: EC2ContainerServiceBackend, named: str | None) -> None:
    """Refuse a task definition that was registered for other launch types alone.

    Source: RegisterTaskDefinition, requiresCompatibilities; the words are AWS's answer.
    """
    wanted = backend.describe_task_definition(named).requires_compatibilities if named else None
    if wanted and "FARGATE" not in wanted:
        raise refused("InvalidParameterException", "Task definition does not support launch_type FARGATE.")


def _has_port(mapping: dict[str, Any], port: int) -> bool:
    first, _, last = str(mapping.get("containerPortRange") or mapping.get("containerPort") or 0).partition("-")
    return int(first) <= port <= int(last or first)


def _active(backend: EC2ContainerServiceBackend, named: str, code: str) -> TaskDefinition:
    """The definition, of which something new is made. Raises a refusal of ``code`` where it was deregistered.

    Source: ECS Developer Guide, "Deregistering an Amazon ECS task definition revision"; the words are AWS's answer.
    """
    definition = backend.describe_task_definition(named)
    if definition.status != "ACTIVE":
        raise refused(code, "TaskDefinition is inactive")
    return definition


def _is_fargate(params: dict[str, Any]) -> bool:
    providers = [item["capacityProvider"] for item in params.get("capacityProviderStrategy") or ()]
    return params.get("launchType") == "FARGATE" or any(name in FARGATE_PROVIDERS for name in providers)


def _keep(service: Service, params: dict[str, Any]) -> None:
    """Keep what is given; of the deployment configuration what is not given stays, as on AWS."""
    before = vars(service).get("deployment_configuration") or {}
    for name in KEPT:
        if params.get(name) is not None:
            setattr(service, xform_name(name), params[name])
    if (service.deployment_controller or {}).get("type", "ECS") != EXTERNAL:
        found = vars(service).get("deployment_configuration") or {}
        setattr(service, "deployment_configuration", {**BOUNDS, **before, **found})  # noqa: B010 - no attribute of the class


@operation(EC2ContainerServiceResponse, "update_service")
def _update_service(self: EC2ContainerServiceResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend = self.ecs_backend
    service = backend._get_service(params.get("cluster", "default"), params["service"].split("/")[-1])
    if service.status != "ACTIVE":
        raise refused("ServiceNotActiveException", "Service was not ACTIVE.")
    balancers: list[Any] | None = params.get("loadBalancers")
    wanted = params.get("taskDefinition") or service.task_definition
    _require_containers(backend, wanted, service.load_balancers if balancers is None else balancers)
    if _is_fargate({"launchType": service.launch_type, **params}):
        _require_fargate(backend, params.get("taskDefinition"))
    before = _deployment_settings(service)
    if params.get("networkConfiguration"):
        params["networkConfiguration"] = keeping.with_groups(backend, params["networkConfiguration"])
    if params.get("taskDefinition"):
        wanted = backend.describe_task_definition(params["taskDefinition"]).arn
        # A service may stay on a definition that was deregistered; a new one must be ACTIVE.
        if wanted != service.task_definition:
            wanted = _active(backend, wanted, "ClientException").arn
        service.task_definition = wanted
    if params.get("desiredCount") is not None:
        service.desired_count = int(params["desiredCount"])
    _keep(service, params)
    # A changed desired count alone is no new deployment (API_UpdateService).
    changed = bool(params.get("forceNewDeployment")) or _deployment_settings(service) != before
    if changed and service.task_definition:  # moto takes a service that has none
        keeping.roll_out(service)
    else:
        keeping.settle(service)
    return {"service": service}


def _deployment_settings(service: Service) -> tuple[Any, ...]:
    """What begins a new deployment where it changes (API_UpdateService, API_ServiceRegistry)."""
    return (
        *(service.task_definition, service.network_configuration, service.platform_version),
        list(service.service_registries or []),
    )


@wrap(EC2ContainerServiceBackend, "delete_service")
def _delete_service(
    original: Callable[..., Any], self: EC2ContainerServiceBackend, cluster_name: str, service_name: str, force: bool
) -> Service:
    service: Service = original(self, cluster_name, service_name.rsplit("/", maxsplit=1)[-1], force)
    # Tasks go on to drain after the service is gone from the list.
    keeping.close(service)
    service.desired_count = 0
    return service


@wrap(EC2ContainerServiceBackend, "describe_services")
def _describe_services(
    original: Callable[..., Any], self: EC2ContainerServiceBackend, cluster_str: str, service_names_or_arns: list[str]
) -> Any:
    if len(service_names_or_arns) > DESCRIBED_AT_ONCE:
        raise refused("InvalidParameterException", "Services cannot be more than 10.")
    found = original(self, cluster_str, service_names_or_arns)
    # Each look lets the scheduler act: the emulator has no thread for it.
    keep_up(found[0])
    return found


@wrap(EC2ContainerServiceResponse, "run_task")
def _run_task(original: Callable[..., Any], self: EC2ContainerServiceResponse) -> Any:
    from moto.core.responses import ActionResult

    params, backend = self.params, self.ecs_backend
    # Tasks of EC2 run on moto's container instances.
    if not _is_fargate(params):
        return original(self)
    cluster = backend._get_cluster(params.get("cluster", "default"))
    definition = _active(backend, params["taskDefinition"], "InvalidParameterException")
    _require_fargate(backend, params["taskDefinition"])
    _refuse_override_of_secret(definition, params.get("overrides") or {})
    network = keeping.with_groups(backend, params.get("networkConfiguration"))
    if network is None:
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        raise refused("InvalidParameterException", message)
    inner = network["awsvpcConfiguration"]
    wanted = TaskRequest(
        cluster=cluster.name,
        group=params.get("group") or f"family:{definition.family}",
        definition=definition,
        started_by=params.get("startedBy", ""),
        subnets=tuple(inner["subnets"]),
        groups=tuple(inner["securityGroups"]),
        tags=tuple(params.get("tags") or ()),
        overrides=params.get("overrides") or {},
        public=inner.get("assignPublicIp") == "ENABLED",
    )
    count, token = int(params.get("count") or 1), str(params.get("clientToken") or "")
    started = run_once(backend, token, lambda: launch(backend, wanted, count))
    # RunTask succeeds with what could be placed and names the rest as failures (API_RunTask).
    failures = [{"reason": no_room(backend)}] * (count - len(started))
    return ActionResult({"tasks": describe_tasks(backend, started), "failures": failures})


def _refuse_override_of_secret(definition: TaskDefinition, overrides: dict[str, Any]) -> None:
    """No override gives a value to a variable that the definition fills from a secret. Raises ClientException (T74)."""
    if not truth.answer("ecs.override-of-secret-is-refused"):
        return
    secrets = {
        (container["name"], secret["name"])
        for container in containers_of(definition)
        for secret in container.get("secrets") or ()
    }
    given = overrides.get("containerOverrides") or ()
    pairs = ((row.get("name"), pair["name"]) for row in given for pair in row.get("environment") or ())
    if both := next((pair[1] for pair in pairs if pair in secrets), ""):
        message = "The secret name must be unique and not shared with any new or existing environment variables set on"
        raise refused("ClientException", f"{message} the container, such as '{both}'.")


@wrap(EC2ContainerServiceResponse, "stop_task")
def _stop_task(original: Callable[..., Any], self: EC2ContainerServiceResponse) -> Any:
    from moto.core.responses import ActionResult

    task = all_tasks(self.ecs_backend).get(self.params["task"].split("/")[-1])
    if task is None:
        return original(self)
    interrupt(task)
    task.stop(now(), self.params.get("reason") or "Task stopped by user")
    service = self.ecs_backend.services.get(f"{task.cluster}:{task.group.partition('service:')[2]}")
    # The service replaces a task that was stopped by hand.
    if service is not None and len(alive(tasks_of(service))) < service.desired_count:
        keeping.settle(service)
    return ActionResult({"task": describe_tasks(self.ecs_backend, [task])[0]})


@wrap(EC2ContainerServiceBackend, "register_task_definition")
def _register_definition(original: Callable[..., Any], self: EC2ContainerServiceBackend, *args: Any, **kw: Any) -> Any:
    definition = original(self, *args, **kw)
    definition.registered_at = now()
    definition.registered_by = f"arn:aws:iam::{self.account_id}:root"
    for container in definition.container_definitions:
        for name in ("portMappings", "environment", "mountPoints", "volumesFrom"):
            # moto gives the caller's own lists: two definitions would share them.
            container[name] = list(container[name])
        for mapping in container["portMappings"]:
            if "containerPort" in mapping and definition.network_mode != "bridge":
                # awsvpc and host: the host's port is the container's (API_PortMapping).
                mapping.setdefault("hostPort", mapping["containerPort"])
            mapping.setdefault("protocol", "tcp")
    return definition


@wrap(EC2ContainerServiceBackend, "describe_task_definition")
def _describe_definition(
    original: Callable[..., Any], self: EC2ContainerServiceBackend, task_definition_str: str
) -> Any:
    """A bare family means its newest ACTIVE revision: a deregistered one is not started by that name."""
    name = task_definition_str
    family = name.rsplit("/", maxsplit=1)[-1]
    if ":" not in family:
        revisions = self.task_definitions.get(family, {})
        # moto takes the newest revision, deregistered or not.
        active = [number for number, revision in revisions.items() if revision.status == "ACTIVE"]
        if not active:
            raise refused("ClientException", "Unable to describe task definition.")
        name = f"{family}:{max(active)}"
    return original(self, name)


@wrap(EC2ContainerServiceBackend, "iter_tagged_resources")
def _tagged_resources(original: Callable[..., Any], self: EC2ContainerServiceBackend) -> Iterator[TaggedResource]:
    """The sandbox's own tasks are found by their tags as well, while they live."""
    yield from original(self)
    for task in alive(all_tasks(self).values()):
        tags = {tag["key"]: tag["value"] for tag in task.tags}
        yield TaggedResource(arn=arn_of(self, task), tags=tags, resource_type="ecs:task")


def _service_of(task_set: TaskSet) -> Service:
    found: Service = task_set.__dict__["service_object"]
    return found


@computed(TaskSet, "running_count")
def count_running(self: TaskSet) -> int:
    """How many of the set's tasks run at this moment."""
    return sum(1 for task in keeping.tasks_in(_service_of(self), self) if task.status(now()) == "RUNNING")


@computed(TaskSet, "pending_count")
def count_pending(self: TaskSet) -> int:
    """How many of the set's tasks are starting at this moment."""
    return sum(1 for task in keeping.tasks_in(_service_of(self), self) if task.status(now()) == "PENDING")


@computed(TaskSet, "computed_desired_count")
def count_desired(self: TaskSet) -> int:
    """How many tasks the set is to run."""
    return keeping.desired_in(_service_of(self), self)


@wrap(EC2ContainerServiceResponse, "create_task_set")
def _create(original: Callable[..., Any], self: EC2ContainerServiceResponse) -> Any:
    params, backend = self.params, self.ecs_backend
    # Kept from moto, which would start tasks on container instances by it.
    scale = params.pop("scale", None) or WHOLE
    params["networkConfiguration"] = keeping.with_groups(backend, params.get("networkConfiguration"))
    answer = original(self)
    created: TaskSet = answer.result["taskSet"]
    service = next(each for each in backend.services.values() if each.arn == created.service_arn)
    # A task set of moto does not know its service: counts are asked of the set alone.
    created.scale, created.__dict__["service_object"] = scale, service
    # The emulator has no scheduler: each change starts and stops what it asks for.
    keeping.settle(service)
    return answer


@wrap(EC2ContainerServiceBackend, "update_task_set")
def _update(
    original: Callable[..., Any],
    self: EC2ContainerServiceBackend,
    cluster: str,
    service: str,
    task_set: str,
    scale: dict[str, Any],
) -> TaskSet:
    changed: TaskSet = original(self, cluster, service, task_set, scale)
    keeping.settle(_service_of(changed))
    return changed


@wrap(EC2ContainerServiceResponse, "delete_task_set")
def _delete_if_scaled_down(original: Callable[..., Any], self: EC2ContainerServiceResponse) -> Any:
    """A set that is not scaled down to zero is deleted with ``force`` alone (API_DeleteTaskSet, force)."""
    name = str(self.params.get("taskSet", ""))
    sets = (each for service in self.ecs_backend.services.values() for each in service.task_sets)
    wanted = next((each for each in sets if each.task_set_arn.endswith(name)), None)
    if wanted is not None and not self.params.get("force") and count_desired(wanted):
        raise refused("InvalidParameterException", "The task set is not scaled down to zero: use force to delete it.")
    return original(self)


@wrap(EC2ContainerServiceBackend, "delete_task_set")
def _delete(
    original: Callable[..., Any], self: EC2ContainerServiceBackend, cluster: str, service: str, task_set: str
) -> TaskSet:
    gone: TaskSet = original(self, cluster, service, task_set)
    for task in alive(keeping.tasks_in(_service_of(gone), gone)):
        task.stop(now(), "Task set deleted")
    return gone
