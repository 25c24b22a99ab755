"""The control stack's document and task that run a recovery or a full drill, where AWS may start them."""

from __future__ import annotations

import json

from dr_estate.model.recovery_document import CONTAINER, recovery_document
from sandbox.seeding.site import Estate, as_list, tag_map


def build(estate: Estate) -> None:
    """Make both in the DR region."""
    env = estate.environment
    if not (env.automation.enabled or env.holds_full_drills):
        return
    name, family = env.named(env.names.recovery_document), env.named(env.names.recovery_task)
    content = json.dumps(recovery_document(env))
    estate.dr.client("ssm").create_document(
        Name=name, Content=content, DocumentType="Automation", DocumentFormat="JSON", Tags=as_list(tag_map(env, name))
    )
    role = f"arn:aws:iam::{env.account}:role/{env.named(env.names.recovery_role)}"
    estate.dr.client("ecs").register_task_definition(
        family=family,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="2048",
        executionRoleArn=estate.roles["execution"],
        taskRoleArn=role,
        containerDefinitions=[{"name": CONTAINER, "image": estate.dr.image, "essential": True}],
        tags=as_list(tag_map(env, family), "key", "value"),
    )
