"""Roles of tasks that ECS may not assume in the DR region, or that may do nothing there ."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.services import service_of
from sandbox.world.world import World


def _role(world: World, kind: str = "executionRoleArn") -> str:
    """The role of the last tenant's tasks in the DR region, the execution role unless another kind is named."""
    definition = service_of(world, Side.DR, world.tenants[-1])["taskDefinition"]
    found = world.call(Side.DR, "ecs", "DescribeTaskDefinition", taskDefinition=definition)["taskDefinition"]
    return str(found[kind]).rpartition("/")[2]


def _text(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@disaster(
    "task-role-trusts-primary",
    "The execution role of the tasks lets ECS assume it for tasks of the primary region alone",
    trips=("roles.assumable",),
)
def task_role_trusts_primary(world: World) -> None:
    """Narrow the trust policy by aws:SourceArn."""
    env, name = world.environment, _role(world)
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    # What the ECS guide advises against the confused deputy, with one region too few.
    source = {"ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{env.regions.primary}:{env.account}:*"}}
    for turn, statement in ((world.undo, trust), (world.call, {**trust, "Condition": source})):
        turn(Side.GLOBAL, "iam", "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=_text(statement))


@disaster(
    "task-role-of-primary",
    "The execution role of the tasks may do nothing in the DR region",
    trips=("roles.tasks-allowed",),
)
def task_role_of_primary(world: World) -> None:
    """Deny the role whatever is asked for in the DR region."""
    condition = {"StringEquals": {"aws:RequestedRegion": world.environment.regions.dr}}
    # A deny beside the allows: the primary region's rights stay as they are.
    denial = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    named = {"RoleName": _role(world), "PolicyName": "region"}
    world.undo(Side.GLOBAL, "iam", "DeleteRolePolicy", **named)
    world.call(Side.GLOBAL, "iam", "PutRolePolicy", **named, PolicyDocument=_text(denial))


@disaster(
    "task-role-of-primary-stores",
    "The task role names the buckets and tables of the primary region alone: its copies are refused to it",
    trips=("roles.stores-allowed",),
)
def task_role_of_primary_stores(world: World) -> None:
    """Let the role use the originals and none of the copies."""
    env, name = world.environment, _role(world, "taskRoleArn")
    named = {"RoleName": name, "PolicyName": "task"}
    before = world.call(Side.GLOBAL, "iam", "GetRolePolicy", **named)["PolicyDocument"]
    buckets = [f"arn:aws:s3:::{env.named(pattern)}/*" for pattern in env.names.buckets]
    objects = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": buckets}
    files = {"Effect": "Allow", "Action": "elasticfilesystem:Client*", "Resource": "*"}
    narrow = {"Version": "2012-10-17", "Statement": [files, objects]}
    for turn, document in ((world.undo, before), (world.call, narrow)):
        turn(Side.GLOBAL, "iam", "PutRolePolicy", **named, PolicyDocument=json.dumps(document))
