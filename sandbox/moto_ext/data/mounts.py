"""What a task may do with a file system it has mounted, by the file system's policy and the task role's.

Without a policy whoever reaches a mount target may do everything; with one, what neither it nor the task's role allows
is refused, and a deny wins. AWS takes minutes to enforce a change: so does the real pace, and the quick one does it at
once. Source: EFS User Guide, "Using IAM to control access to file systems".
"""

from __future__ import annotations

import json
from typing import Any

from moto.ecs.models import TaskDefinition
from moto.efs.models import EFSBackend, FileSystem
from moto.iam.models import iam_backends

from sandbox.moto_ext.efs.settings import policy_in_force
from sandbox.moto_ext.iam.iam import policies_of
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest, IamPolicy, decide, statements

MOUNT, WRITE = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"


def may(backend: EFSBackend, file_system: FileSystem, definition: TaskDefinition, action: str) -> bool:
    """Whether tasks of the definition may do ``action`` on the file system at this moment."""
    policy = policy_in_force(file_system)
    if not policy:
        return True
    role = str(definition.task_role_arn or "") if _signs_in(definition) else ""
    spoken = [statement for statement in statements(policy) if _means(statement.get("Principal"), role)]
    policies = [IamPolicy("file system", json.dumps({"Statement": spoken}))]
    iam = iam_backends[backend.account_id][backend.partition]
    policies += [
        policy
        for iam_role in iam.roles.values()
        if role and iam_role.arn == role
        for policy in policies_of(iam, iam_role)
    ]
    context = {"aws:SecureTransport": ("true",), "elasticfilesystem:AccessedViaMountTarget": ("true",)}
    return decide(policies, AccessRequest(action, file_system.file_system_arn, context)).word == ALLOWED


def _signs_in(definition: TaskDefinition) -> bool:
    """Whether the mount is made in the task role's name; else the client is anonymous."""
    mounts = [volume.get("efsVolumeConfiguration") or {} for volume in definition.volumes or []]
    return any((mount.get("authorizationConfig") or {}).get("iam") == "ENABLED" for mount in mounts)


def _means(principal: Any, role: str) -> bool:
    """Whether a statement's principal is everybody, the role, or the role's account."""
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    listed = named if isinstance(named, list) else [named]
    account = ":".join(role.split(":")[:5]) + ":root" if role else ""
    return bool({"*", role, account} & {str(identity) for identity in listed if identity})
