"""The tasks and the deployments that belong to an ECS service."""

from __future__ import annotations

from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Service

from sandbox.moto_ext.ecs.tasks import RunningTask, of_group


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
