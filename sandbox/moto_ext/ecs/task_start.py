"""What the agent fetches before a task's containers start, and what it reports where something is missing.

The values of secrets are those of the start: a later change reaches new tasks alone (ECS Developer Guide, "Pass Secrets
Manager secrets through environment variables"; T53). A secret named by its ARN is fetched from its own region (T73).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, TaskDefinition
from moto.logs.models import logs_backends
from moto.secretsmanager.models import secretsmanager_backends

from sandbox.core.state import STATE
from sandbox.moto_ext.ecs.images import resolve

ARN_PARTS = 7
SECRET_ARN = "arn:aws:secretsmanager:"  # noqa: S105 - how an ARN begins
RESOURCES = "ResourceInitializationError: "


class NotStarted(Exception):
    """The agent could not start the task; the message is the stopped reason."""


@dataclass(frozen=True)
class FetchedParts:
    """Image digests by container and secrets by variable, and the stopped reason where one is missing, else ""."""

    digests: Mapping[str, str]
    secrets: Mapping[str, str]
    missing: str = ""


def fetch(backend: EC2ContainerServiceBackend, definition: TaskDefinition, images_alone: bool = False) -> FetchedParts:
    """Fetch what the definition's containers need; ``images_alone`` leaves secrets and log groups for later."""
    containers: Iterable[dict[str, Any]] = definition.container_definitions
    found = {container["name"]: resolve(str(container["image"])) for container in containers}
    digests = {name: digest for name, digest in found.items() if digest is not None}
    if absent := sorted(found.keys() - digests.keys()):
        return FetchedParts(digests, {}, f"CannotPullContainerError: image of {', '.join(absent)} not found")
    if images_alone:
        return FetchedParts(digests, {})
    try:
        return FetchedParts(digests, secrets_at_start(backend, definition))
    except NotStarted as reason:
        return FetchedParts(digests, {}, str(reason))


def secrets_at_start(backend: EC2ContainerServiceBackend, definition: TaskDefinition) -> dict[str, str]:
    """The values of the definition's secrets by variable. Raises NotStarted where one, or a log group, is missing."""
    containers: Iterable[dict[str, Any]] = definition.container_definitions
    found: dict[str, str] = {}
    for container in containers:
        if reason := missing_log_group(backend, container):
            raise NotStarted(RESOURCES + reason)
        for secret in container.get("secrets") or ():
            found[secret["name"]] = _value(backend, str(secret["valueFrom"]))
    return found


def _value(backend: EC2ContainerServiceBackend, named: str) -> str:
    """The value that ``arn[:json-key:stage:version]`` names; "" for a parameter, which is not played."""
    if not named.startswith(SECRET_ARN):
        return ""
    parts = named.split(":")
    arn, region, key = ":".join(parts[:ARN_PARTS]), parts[3], (parts[ARN_PARTS:] or [""])[0]
    stored = secretsmanager_backends[backend.account_id][region].secrets.get(arn)
    if region in STATE.stopped or stored is None or stored.is_deleted():
        raise NotStarted(f"{RESOURCES}unable to pull secrets or registry auth: {arn} cannot be found")
    version = stored.versions.get(stored.default_version_id or "") or {}
    text = str(version.get("secret_string") or "")
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise NotStarted(f"{RESOURCES}unable to pull secrets: {arn} has no json key {key}") from None


def missing_log_group(backend: EC2ContainerServiceBackend, container: Mapping[str, Any]) -> str:
    """What the awslogs driver says where its group is missing, "" where it is there."""
    options = (container.get("logConfiguration") or {}).get("options") or {}
    group = options.get("awslogs-group")
    groups = logs_backends[backend.account_id][options.get("awslogs-region") or backend.region_name].groups
    if group and group not in groups and options.get("awslogs-create-group") != "true":
        return "failed to validate logger args: The specified log group does not exist."
    return ""
