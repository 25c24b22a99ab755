"""What ECS lists and describes of tasks, in pages as long as AWS's (API_ListTasks, API_DescribeTasks)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse

from sandbox.core.patching import offset, operation, refused, wrap
from sandbox.core.state import now
from sandbox.moto_ext.ecs.commands import play
from sandbox.moto_ext.ecs.tasks import FARGATE_PLATFORM, NOT_STARTED, RunningTask, all_tasks, mac_of, of_group

# API_DescribeTasks; ListServices gives ten a page where nothing is asked, the other lists a hundred.
TASKS_DESCRIBED_AT_ONCE = 100
PAGE, SERVICES_PAGE = 100, 10


def describe_tasks(backend: EC2ContainerServiceBackend, tasks: Iterable[RunningTask]) -> list[dict[str, Any]]:
    """The tasks as the API names their parts."""
    return [_task_description(backend, task) for task in tasks]


def arn_of(backend: EC2ContainerServiceBackend, task: RunningTask) -> str:
    """The task's ARN, in the long format."""
    return f"arn:{backend.partition}:ecs:{backend.region_name}:{backend.account_id}:task/{task.cluster}/{task.id}"


def _task_description(backend: EC2ContainerServiceBackend, task: RunningTask) -> dict[str, Any]:
    moment = now()
    status = task.status(moment)
    description: dict[str, Any] = {
        "taskArn": arn_of(backend, task),
        "clusterArn": backend.clusters[task.cluster].arn,
        "taskDefinitionArn": task.definition.arn,
        "group": task.group,
        "startedBy": task.started_by,
        "launchType": task.launch_type,
        "platformVersion": FARGATE_PLATFORM,
        "platformFamily": "Linux",
        "availabilityZone": task.zone or f"{backend.region_name}a",
        "desiredStatus": task.desired_status(moment),
        "lastStatus": status,
        "healthStatus": "UNKNOWN",
        "connectivity": "CONNECTED",
        "cpu": task.definition.cpu,
        "memory": task.definition.memory,
        "createdAt": task.created_at,
        # Not where the image was never pulled.
        "startedAt": task.runs_at if task.runs_at <= moment and task.digests else None,
        "overrides": {"containerOverrides": [], **task.overrides},
        "tags": task.tags,
        "version": 1,
        "containers": [
            _container(backend, task, container, status) for container in task.definition.container_definitions
        ],
        "attachments": [_attachment(task)] if task.address else [],
    }
    if status == "STOPPED":
        # A stop by StopTask is UserInitiated on AWS (API_Task, stopCode).
        code = "TaskFailedToStart" if task.reason.startswith(NOT_STARTED) else "ServiceSchedulerInitiated"
        code = code if task.exit_code is None else "EssentialContainerExited"
        description |= {"stoppedAt": task.stops_at, "stoppedReason": task.reason, "stopCode": code}
    return description


def _container(
    backend: EC2ContainerServiceBackend, task: RunningTask, definition: dict[str, Any], status: str
) -> dict[str, Any]:
    base = arn_of(backend, task).replace(":task/", ":container/")
    return {
        "containerArn": f"{base}/{definition['name']}",
        "taskArn": arn_of(backend, task),
        "name": definition["name"],
        "image": definition["image"],
        "imageDigest": task.digests.get(definition["name"]),
        "runtimeId": f"{task.id}-{definition['name']}",
        "lastStatus": status,
        "healthStatus": "UNKNOWN",
        "exitCode": task.exit_codes.get(definition["name"], task.exit_code) if status == "STOPPED" else None,
        "cpu": str(definition.get("cpu", 0)),
        "networkInterfaces": [{"attachmentId": task.interface, "privateIpv4Address": task.address}]
        if task.address
        else [],
    }


def _attachment(task: RunningTask) -> dict[str, Any]:
    details = {
        "subnetId": task.subnet,
        "networkInterfaceId": task.interface,
        "macAddress": mac_of(task),
        "privateIPv4Address": task.address,
    }
    return {
        "id": task.interface,
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED" if task.holds_address else "DELETED",
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def page_of(items: list[Any], params: dict[str, Any], default: int = PAGE) -> tuple[list[Any], str | None]:
    """One page of ``items`` as maxResults and nextToken (an offset) ask, and the next token or None."""
    start = offset(params.get("nextToken"), "InvalidParameterException", "Invalid token.")
    end = start + min(int(params.get("maxResults") or default), PAGE)
    return items[start:end], str(end) if end < len(items) else None


@wrap(EC2ContainerServiceResponse, "list_tasks")
def _list_tasks(original: Callable[..., Any], self: EC2ContainerServiceResponse) -> Any:
    from moto.core.responses import ActionResult

    params, backend = self.params, self.ecs_backend
    # Before the list: what has ended meanwhile must be listed as STOPPED.
    play(backend)
    cluster = backend._get_cluster(params.get("cluster", "default")).name
    wanted, moment = params.get("desiredStatus") or "RUNNING", now()
    if service := params.get("serviceName"):
        name = service.split("/")[-1]
        backend._get_service(cluster, name)
        tasks = of_group(backend, cluster, f"service:{name}")
    else:
        tasks = [task for task in all_tasks(backend).values() if task.cluster == cluster]
    found = [
        arn_of(backend, task)
        for task in tasks
        if task.desired_status(moment) == wanted
        and params.get("family") in (None, task.definition.family)
        and params.get("startedBy") in (None, task.started_by)
        and params.get("launchType") in (None, task.launch_type)
        and not params.get("containerInstance")
    ]
    # moto's own tasks on container instances beside ours.
    if not service:
        found += original(self).result["taskArns"]
    page, token = page_of(found, params)
    return ActionResult({"taskArns": page, "nextToken": token})


@wrap(EC2ContainerServiceResponse, "describe_tasks")
def _describe_tasks(original: Callable[..., Any], self: EC2ContainerServiceResponse) -> Any:
    from moto.core.responses import ActionResult

    params, backend = self.params, self.ecs_backend
    play(backend)
    tasks = params.get("tasks") or []
    if len(tasks) > TASKS_DESCRIBED_AT_ONCE:
        raise refused("InvalidParameterException", "Tasks cannot be more than 100.")
    answer = original(self)
    cluster = backend._get_cluster(params.get("cluster", "default")).name
    known = all_tasks(backend)
    descriptions, failures = list(answer.result["tasks"]), []
    others = {task.task_arn.split("/")[-1] for task in descriptions}
    for name in tasks:
        task = known.get(name.split("/")[-1])
        if task is not None and task.cluster == cluster:
            descriptions += describe_tasks(backend, [task])
        elif name.split("/")[-1] not in others:
            failures.append({"arn": name, "reason": "MISSING"})
    return ActionResult({"tasks": descriptions, "failures": failures})


@operation(EC2ContainerServiceResponse, "list_services")
def _list_services(self: EC2ContainerServiceResponse, params: dict[str, Any]) -> dict[str, Any]:
    cluster = self.ecs_backend._get_cluster(params.get("cluster", "default")).name
    found = [
        service.arn
        for service in self.ecs_backend.services.values()
        if service.cluster_name == cluster
        # moto lists services that were deleted.
        and service.status == "ACTIVE"
        and params.get("launchType") in (None, service.launch_type)
        and params.get("schedulingStrategy") in (None, service.scheduling_strategy)
    ]
    page, token = page_of(sorted(found), params, SERVICES_PAGE)
    return {"serviceArns": page, "nextToken": token}


@operation(EC2ContainerServiceResponse, "list_task_definitions")
def _list_definitions(self: EC2ContainerServiceResponse, params: dict[str, Any]) -> dict[str, Any]:
    found = self.ecs_backend.list_task_definitions(
        params.get("familyPrefix"),  # type: ignore[arg-type] # None means all families
        params.get("status") or "ACTIVE",
    )
    # By family and revision as a number: 10 comes after 9.
    found = sorted(found, key=lambda arn: (arn.rpartition(":")[0], int(arn.rpartition(":")[2])))
    page, token = page_of(found[::-1] if params.get("sort") == "DESC" else found, params)
    return {"taskDefinitionArns": page, "nextToken": token}


@operation(EC2ContainerServiceResponse, "list_task_definition_families")
def _list_families(self: EC2ContainerServiceResponse, params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("status") or "ALL"
    found = [
        family
        for family, revisions in self.ecs_backend.task_definitions.items()
        if family.startswith(params.get("familyPrefix") or "")
        and (
            wanted == "ALL"
            or ("ACTIVE" in {revision.status for revision in revisions.values()}) == (wanted == "ACTIVE")
        )
    ]
    page, token = page_of(sorted(found), params)
    return {"families": page, "nextToken": token}


@operation(EC2ContainerServiceResponse, "list_clusters")
def _list_clusters(self: EC2ContainerServiceResponse, params: dict[str, Any]) -> dict[str, Any]:
    found = [cluster.arn for cluster in self.ecs_backend.clusters.values() if cluster.status == "ACTIVE"]
    page, token = page_of(found, params)
    return {"clusterArns": page, "nextToken": token}
