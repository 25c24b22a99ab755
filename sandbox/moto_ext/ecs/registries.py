"""The registries of Cloud Map in which ECS registers the tasks of a service: a task that it cannot register stops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.servicediscovery.models import servicediscovery_backends

_REGION, _ACCOUNT = 3, 4
_REASON = "The Service Discovery instance could not be registered."


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
