"""What starts a recovery, in environments whose runs AWS starts."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.world.world import World


def _name_of(world: World, pattern: str) -> str:
    """The name by that pattern. Raises SandboxError where AWS starts no runs."""
    env = world.environment
    if not env.automation.enabled:
        raise SandboxError(f"AWS starts no runs of {env.name}: nothing to break.")
    return env.named(pattern)


@disaster(
    "recovery-document-gone",
    "The document by which a recovery is started was deleted",
    trips=("recovery-automation.document",),
)
def document_gone(world: World) -> None:
    """Delete the document. Raises SandboxError where AWS starts no runs."""
    name = _name_of(world, world.environment.names.recovery_document)
    content = world.call(Side.DR, "ssm", "GetDocument", Name=name)["Content"]
    kind = {"DocumentType": "Automation", "DocumentFormat": "JSON"}
    world.undo(Side.DR, "ssm", "CreateDocument", Name=name, Content=content, **kind)
    world.call(Side.DR, "ssm", "DeleteDocument", Name=name)


@disaster(
    "recovery-image-gone",
    "The task that runs a recovery names an image that the DR region does not hold",
    trips=("recovery-automation.task",),
)
def image_gone(world: World) -> None:
    """Register a revision of another digest. Raises SandboxError where AWS starts no runs."""
    revision = _task(world)
    container = revision["containerDefinitions"][0]
    # A digest is sixty-four hexadecimal digits; no image has this one.
    container["image"] = container["image"].partition("@")[0] + "@sha256:" + "0" * 64
    _register(world, revision)


@disaster(
    "recovery-wrapped-in-a-shell",
    "The task that runs a recovery starts a shell, which takes the tool's words for its own and drops them",
    trips=("recovery-automation.task",),
)
def wrapped(world: World) -> None:
    """Register a revision with an entry point. Raises SandboxError where AWS starts no runs."""
    revision = _task(world)
    revision["containerDefinitions"][0]["entryPoint"] = ["sh", "-c", "dr"]
    _register(world, revision)


@disaster(
    "recovery-starts-as-nobody",
    "The role by which the task that runs a recovery is started was deleted by a clean-up of unused roles",
    trips=("recovery-automation.roles",),
)
def starts_as_nobody(world: World) -> None:
    """Register a revision whose execution role is gone. Raises SandboxError where AWS starts no runs."""
    _register(world, _task(world) | {"executionRoleArn": f"arn:aws:iam::{world.environment.account}:role/unused"})


def _task(world: World) -> dict[str, Any]:
    """The newest revision of the task, as it is registered. Raises SandboxError where AWS starts no runs."""
    family = _name_of(world, world.environment.names.recovery_task)
    task: dict[str, Any] = world.call(Side.DR, "ecs", "DescribeTaskDefinition", taskDefinition=family)["taskDefinition"]
    names = ("family", "requiresCompatibilities", "networkMode", "cpu", "memory", "executionRoleArn", "taskRoleArn")
    return {name: task[name] for name in names} | {"containerDefinitions": [dict(task["containerDefinitions"][0])]}


def _register(world: World, revision: dict[str, Any]) -> None:
    added = world.call(Side.DR, "ecs", "RegisterTaskDefinition", **revision)["taskDefinition"]["taskDefinitionArn"]
    # An automation names the family: the newest revision that is ACTIVE is run.
    world.undo(Side.DR, "ecs", "DeregisterTaskDefinition", taskDefinition=added)


@disaster(
    "recovery-role-distrusted",
    "ECS may no longer assume the role of the task that runs a recovery",
    trips=("recovery-automation.roles",),
    consequences=("prerequisites.operator-allowed",),
)
def role_distrusted(world: World) -> None:
    """Let Lambda assume it instead. Raises SandboxError where AWS starts no runs."""
    name = _name_of(world, world.environment.names.recovery_role)
    for turn, service in ((world.undo, "ecs-tasks"), (world.call, "lambda")):
        principal = {"Service": f"{service}.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        turn(Side.GLOBAL, "iam", "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=text)
