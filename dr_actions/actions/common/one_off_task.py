"""One task of a tenant's own definition, run once with a command in place of its own, where its service runs. Pure.

Source: ECS API, RunTask (startedBy, clientToken, group, failures).
"""

from __future__ import annotations

from typing import Any

from dr_actions.model.action import CallDeclined, Sender
from dr_actions.model.plan import Call, Step
from dr_estate.config.environment import Environment
from dr_estate.readers import ecs

RUN = "ecs:RunTask"
LONGEST_OVERRIDES = 8192  # characters of all overrides of a task (API_TaskOverride)


def network_of(service: ecs.Service) -> dict[str, Any]:
    """The subnets and security groups of the service, as RunTask takes them, in an order of their own."""
    network: dict[str, Any] = {"subnets": sorted(service.subnets), "securityGroups": sorted(service.security_groups)}
    if service.public_ip:
        network["assignPublicIp"] = service.public_ip
    return {"awsvpcConfiguration": network}


def container_of(env: Environment, definition: ecs.TaskDefinition | None) -> str:
    """The container that the tenant's site runs in: that of the environment's name, else the definition's first."""
    names = [container.name for container in definition.containers] if definition else []
    return env.names.container if env.names.container in names or not names else names[0]


def send(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Run the task. Raises CallDeclined with ECS's reason where it answers that it did not."""
    answer = sender.send(call)
    refused = [
        str(failure.get("reason") or failure.get("detail") or "no reason given")
        for failure in answer.get("failures", ())
    ]
    if refused and not answer.get("tasks"):
        raise CallDeclined(f"ECS did not start the task: {', '.join(refused)}")
    return answer
