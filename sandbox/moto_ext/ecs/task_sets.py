"""Task sets of a service whose deployments somebody else controls (API_CreateTaskSet, API_TaskSet).

The emulator runs a set's tasks once, on container instances alone, and never again follows its scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Service, TaskSet
from moto.ecs.responses import EC2ContainerServiceResponse

from sandbox.core.patching import computed, refused, wrap
from sandbox.core.state import now
from sandbox.moto_ext.ecs import services as keeping
from sandbox.moto_ext.ecs.tasks import alive

WHOLE = {"unit": "PERCENT", "value": 100.0}


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
