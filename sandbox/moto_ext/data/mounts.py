"""What a task may do with a file system it has mounted, by the file system's policy and the task role's.

Without a policy any client that reaches a mount target may do everything, unless it signs in by a role whose own
policies deny it or whose boundary leaves it out; with a policy, what neither it nor the task role's allows is refused,
and a deny wins. AWS takes minutes to enforce a change: so does the real pace, and the quick pace enforces it at once.
Source: EFS User Guide, "Using IAM to control access to file systems".
"""

from __future__ import annotations

import json
from typing import Any

from moto.ecs.models import TaskDefinition
from moto.efs.models import EFSBackend, FileSystem, efs_backends
from moto.iam.models import iam_backends

from sandbox.moto_ext.ecs.task_network import NFS, NetworkPeer, TaskNetwork
from sandbox.moto_ext.efs.efs import policy_in_force
from sandbox.moto_ext.iam.iam import boundary_of, policies_of
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest, IamPolicy, statements
from sandbox.moto_ext.iam.role_access import decide_now, opens

EFS_UTILS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: "
_POINT = "elasticfilesystem:AccessPointArn"
EVERY_CLIENT = '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}]}'
"""What stands where no policy was put. Source: EFS User Guide, "Default EFS file system policy"."""
MOUNT, WRITE = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"


def may(backend: EFSBackend, file_system: FileSystem, definition: TaskDefinition, action: str) -> bool:
    """Whether tasks of the definition may do ``action`` on the file system at this moment."""
    policy = policy_in_force(file_system) or EVERY_CLIENT
    # Without iam ENABLED the client is anonymous: only a principal of everybody allows it.
    role = str(vars(definition).get("task_role_arn") or "") if _signs_in(definition) else ""
    spoken = [statement for statement in statements(policy) if _means(statement.get("Principal"), role)]
    policies = [IamPolicy("file system", json.dumps({"Statement": spoken}))]
    iam = iam_backends[backend.account_id][backend.partition]
    # The file system's policy and the role's in one list: either may allow, and a deny in either wins.
    signed = [iam_role for iam_role in iam.roles.values() if role and iam_role.arn == role]
    policies += [policy for iam_role in signed for policy in policies_of(iam, iam_role)]
    # What a role's boundary leaves out no other policy gives it (IAM User Guide, "Permissions boundaries").
    limits = [policy for iam_role in signed for policy in boundary_of(iam, iam_role)]
    mounts = [volume.get("efsVolumeConfiguration") or {} for volume in definition.volumes or []]
    own = [mount for mount in mounts if mount.get("fileSystemId") == file_system.file_system_id]
    # A policy that demands TLS refuses a volume without transit
    # encryption (EFS guide, enforcing encryption in transit).
    by_tls = str(all(mount.get("transitEncryption") == "ENABLED" for mount in own)).lower()
    context: dict[str, tuple[str, ...]] = {
        "aws:SecureTransport": (by_tls,),
        **({"aws:PrincipalAccount": (backend.account_id,)} if role else {}),
        # Each mount of a task goes by a mount target: policies use this key so as not to be public.
        "elasticfilesystem:AccessedViaMountTarget": ("true",),
    }
    if points := _points(definition, file_system.file_system_id):
        of_region = f"arn:aws:elasticfilesystem:{backend.region_name}:{backend.account_id}:access-point"
        context[_POINT] = tuple(f"{of_region}/{point}" for point in points)
    return decide_now(policies, AccessRequest(action, file_system.file_system_arn, context), limits).word == ALLOWED


def mount_fault(account: str, region: str, definition: TaskDefinition, network: TaskNetwork) -> str:
    """The stopped reason where a volume cannot be mounted from the task's subnet, "" where all can."""
    for volume in definition.volumes or []:
        if (wanted := volume.get("efsVolumeConfiguration")) and (
            reason := _volume_fault(efs_backends[account][region], wanted, definition, network)
        ):
            return EFS_UTILS + reason
    return ""


def _volume_fault(backend: EFSBackend, wanted: dict[str, Any], definition: TaskDefinition, network: TaskNetwork) -> str:
    name, point = str(wanted.get("fileSystemId")), (wanted.get("authorizationConfig") or {}).get("accessPointId")
    found = backend.file_systems_by_id.get(name)
    # The name of a file system is there once a mount target is.
    if found is None or found.life_cycle_state != "available":
        return f'Failed to resolve "{name}.efs.{backend.region_name}.amazonaws.com"'
    access_point = backend.access_points.get(point) if point else None
    if point and (access_point is None or access_point.file_system_id != name):
        return f"mount.nfs4: access point {point} does not exist"
    # EFS itself opens the key, by a grant: IAM of the task is not asked (T19).
    if not opens(backend.account_id, backend.region_name, str(found.kms_key_id or ""), "elasticfilesystem"):
        return f"mount.nfs4: the key {found.kms_key_id} of the file system is not usable"
    if not may(backend, found, definition, MOUNT):
        return "mount.nfs4: access denied by server while mounting 127.0.0.1:/"
    return _target_fault(backend, name, network) if network.is_modelled else ""


def _target_fault(backend: EFSBackend, name: str, network: TaskNetwork) -> str:
    """A file system is reached by the mount target of the task's own zone, which its name resolves to."""
    zone = network.zone_of(network.subnet)
    targets = [
        target
        for target in backend.mount_targets_by_id.values()
        if target.file_system_id == name
        and target.life_cycle_state == "available"
        # The name resolves to the mount target of the client's own zone (EFS guide, mounting by DNS name).
        and network.zone_of(target.subnet_id) == zone
    ]
    named = network.resolves() and network.names_hosts() and network.finds(f"{name}.efs")
    if not targets or not named:
        return f'Failed to resolve "{name}.efs.{backend.region_name}.amazonaws.com" - no mount target in {zone}'
    peers = [NetworkPeer(f"{t.ip_address}/32", tuple(t.security_groups or ()), t.subnet_id) for t in targets]
    return "" if any(network.passes(peer, NFS) for peer in peers) else "mount.nfs4: Connection timed out"


def _signs_in(definition: TaskDefinition) -> bool:
    """Whether the mount is made in the task role's name; else the client is anonymous."""
    mounts = [volume.get("efsVolumeConfiguration") or {} for volume in definition.volumes or []]
    return any((mount.get("authorizationConfig") or {}).get("iam") == "ENABLED" for mount in mounts)


def _points(definition: TaskDefinition, file_system: str) -> list[str]:
    """The access points by which the definition mounts the file system."""
    mounts = [volume.get("efsVolumeConfiguration") or {} for volume in definition.volumes or []]
    own = [mount for mount in mounts if mount.get("fileSystemId") == file_system]
    points = {str((mount.get("authorizationConfig") or {}).get("accessPointId") or "") for mount in own}
    return sorted(points - {""})


def _means(principal: Any, role: str) -> bool:
    """Whether a statement's principal is everybody, the role, or the role's account."""
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    listed = named if isinstance(named, list) else [named]
    # The account's root as principal leaves the decision to the account's own policies; here it allows the role.
    account = ":".join(role.split(":")[:5]) + ":root" if role else ""
    return bool({"*", role, account} & {str(identity) for identity in listed if identity})
