"""Files that do not arrive, cannot be mounted, or could be overwritten (T27, T28)."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.services import DEFINED_BY
from sandbox.world.world import World

NFS_PORT = 2049
_TWO_HOURS_S = 7200
# Not the user of the seeded access points.
_STRANGER = 1000
# The RPO is missed for minutes of each hour alone: until the next hourly copy has arrived.
LEFT_TO_BACKUPS = ("backup-plan.worst-case", "rpo.met", "rpo.skew")
# A page whose files are not mounted is 403.
UNMOUNTED = ("elbv2-routing.healthy-targets", "sites.every-site-answers")


def file_system(world: World, side: Side) -> dict[str, Any]:
    """Return the environment's file system on ``side``, as DescribeFileSystems reports it."""
    name = world.environment.named(world.environment.names.file_system)
    found = world.call(side, "efs", "DescribeFileSystems")["FileSystems"]
    return next(dict(system) for system in found if system.get("Name") == name)


def _access_point(world: World, tenant: str) -> dict[str, Any]:
    name = world.environment.named(world.environment.names.access_point, tenant=tenant)
    system = file_system(world, Side.DR)["FileSystemId"]
    points = world.client("efs", world.environment.regions.dr).get_paginator("describe_access_points")
    pages = points.paginate(FileSystemId=system)
    return next(dict(point) for page in pages for point in page["AccessPoints"] if point.get("Name") == name)


@disaster(
    "efs-replication-deleted",
    "Somebody deleted the replication of the shared file system",
    trips=("efs.replication-state",),
    consequences=LEFT_TO_BACKUPS,
)
def replication_deleted(world: World) -> None:
    """Delete the replication configuration from the primary's side; the DR copy stays and turns stale."""
    source, copy = file_system(world, Side.PRIMARY), file_system(world, Side.DR)
    destination = {
        "Region": world.environment.regions.dr,
        "FileSystemId": copy["FileSystemId"],
        "KmsKeyId": copy["KmsKeyId"],
    }
    # Recorded first, so replayed after the protection is off: EFS replicates into no protected file system.
    world.undo(
        Side.PRIMARY,
        "efs",
        "CreateReplicationConfiguration",
        SourceFileSystemId=source["FileSystemId"],
        Destinations=[destination],
    )
    world.undo(
        Side.DR,
        "efs",
        "UpdateFileSystemProtection",
        FileSystemId=copy["FileSystemId"],
        ReplicationOverwriteProtection="DISABLED",
    )
    world.call(Side.PRIMARY, "efs", "DeleteReplicationConfiguration", SourceFileSystemId=source["FileSystemId"])


disaster(
    "efs-replication-slow",
    "The replication of the shared file system is two hours behind",
    trips=("efs.last-replicated", "efs.sync-metric"),
    consequences=LEFT_TO_BACKUPS,
    run=lambda world: _alter_replication(world, lag_s=_TWO_HOURS_S),
)

disaster(
    "efs-replication-broken",
    "The replication of the shared file system is in error and cannot be repaired",
    trips=("efs.replication-state",),
    consequences=("efs.sync-metric", *LEFT_TO_BACKUPS),
    # Put the replication into ERROR: its metric is published no more (T23).
    run=lambda world: _alter_replication(world, trouble="ERROR"),
)


def _alter_replication(world: World, **values: Any) -> None:
    source = file_system(world, Side.PRIMARY)["FileSystemId"]
    # Each region's backend describes the replication from its own side.
    for side in (Side.PRIMARY, Side.DR):
        world.alter(side, "efs", ["replications", source], **values)


@disaster(
    "efs-copy-failed",
    "The file system of the DR region is in error",
    trips=("efs.file-system-exists",),
    consequences=UNMOUNTED,
)
def copy_failed(world: World) -> None:
    """Let the DR file system's life-cycle state be error."""
    copy = file_system(world, Side.DR)["FileSystemId"]
    # No call brings a file system into error.
    world.alter(Side.DR, "efs", ["file_systems_by_id", copy], life_cycle_state="error")


@disaster(
    "efs-unprotected",
    "The overwrite protection of the primary's file system was switched off",
    trips=("efs.overwrite-protection",),
)
def switch_protection_off(world: World) -> None:
    """Switch the protection off, as a failback prepares it, and forget to switch it on again (T28)."""
    source = file_system(world, Side.PRIMARY)["FileSystemId"]
    for turn, setting in ((world.undo, "ENABLED"), (world.call, "DISABLED")):
        turn(
            Side.PRIMARY,
            "efs",
            "UpdateFileSystemProtection",
            FileSystemId=source,
            ReplicationOverwriteProtection=setting,
        )


@disaster(
    "efs-mount-target-deleted",
    "One zone of the DR region lost its mount target",
    trips=("efs-mounts.targets-per-zone",),
)
def mount_target_deleted(world: World) -> None:
    """Delete one mount target of the DR file system."""
    copy = file_system(world, Side.DR)["FileSystemId"]
    target = world.call(Side.DR, "efs", "DescribeMountTargets", FileSystemId=copy)["MountTargets"][0]
    mount_target_id = target["MountTargetId"]
    # DescribeMountTargets does not list the groups.
    groups = world.call(Side.DR, "efs", "DescribeMountTargetSecurityGroups", MountTargetId=mount_target_id)
    world.undo(
        Side.DR,
        "efs",
        "CreateMountTarget",
        FileSystemId=copy,
        SubnetId=target["SubnetId"],
        SecurityGroups=groups["SecurityGroups"],
    )
    world.call(Side.DR, "efs", "DeleteMountTarget", MountTargetId=mount_target_id)


@disaster(
    "efs-mount-blocked",
    "A security group of the DR region no longer lets tasks reach the files",
    trips=("efs-mounts.tasks-admitted",),
)
def mount_blocked(world: World) -> None:
    """Revoke the rule for TCP 2049 from the mount targets' group."""
    copy = file_system(world, Side.DR)["FileSystemId"]
    target = world.call(Side.DR, "efs", "DescribeMountTargets", FileSystemId=copy)["MountTargets"][0]
    groups = world.call(Side.DR, "efs", "DescribeMountTargetSecurityGroups", MountTargetId=target["MountTargetId"])
    group = groups["SecurityGroups"][0]
    described = world.call(Side.DR, "ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]
    rules = [
        {
            "IpProtocol": permission["IpProtocol"],
            "FromPort": permission["FromPort"],
            "ToPort": permission["ToPort"],
            "UserIdGroupPairs": [{"GroupId": pair["GroupId"]} for pair in permission["UserIdGroupPairs"]],
        }
        for permission in described["IpPermissions"]
        if permission.get("FromPort") == NFS_PORT
    ]
    world.undo(Side.DR, "ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=rules)
    world.call(Side.DR, "ec2", "RevokeSecurityGroupIngress", GroupId=group, IpPermissions=rules)


@disaster(
    "efs-access-point-renamed",
    "The access point of one tenant goes by another name in the DR region",
    trips=("efs-access.point-exists", "efs-access.volumes-local"),
)
def access_point_renamed(world: World) -> None:
    """Give the first tenant's access point a name that no tenant has."""
    point = _access_point(world, world.tenants[0])["AccessPointId"]
    # EFS has no call that changes an access point; its name is a tag.
    world.alter(Side.DR, "efs", ["access_points", point], name="old-access-point")


@disaster(
    "efs-access-point-user",
    "The access point of one tenant acts as another user in the DR region",
    trips=("efs-access.point-parity",),
)
def access_point_user(world: World) -> None:
    """Let the first tenant's access point act as a user that owns none of its files."""
    point = _access_point(world, world.tenants[0])["AccessPointId"]
    user = {"Uid": _STRANGER, "Gid": _STRANGER}
    # An access point's user is set when it is made, and EFS has no UpdateAccessPoint.
    world.alter(Side.DR, "efs", ["access_points", point], posix_user=user)


@disaster(
    "efs-copy-unencrypted",
    "The file system of the DR region was made without encryption",
    trips=("efs-mounts.encrypted",),
)
def copy_unencrypted(world: World) -> None:
    """Let the DR file system be unencrypted."""
    copy = file_system(world, Side.DR)["FileSystemId"]
    # Encryption at rest is set when a file system is made (API_CreateFileSystem).
    world.alter(Side.DR, "efs", ["file_systems_by_id", copy], encrypted=False, kms_key_id=None)


@disaster(
    "efs-copy-slow",
    "The file system of the DR region bursts where the primary's is elastic",
    trips=("efs-mounts.throughput-parity",),
)
def copy_slow(world: World) -> None:
    """Put the DR file system into bursting mode."""
    copy = file_system(world, Side.DR)["FileSystemId"]
    for turn, mode in ((world.undo, "elastic"), (world.call, "bursting")):
        turn(Side.DR, "efs", "UpdateFileSystem", FileSystemId=copy, ThroughputMode=mode)


@disaster(
    "efs-volume-of-the-primary",
    "One tenant's task definition in the DR region mounts the primary's file system",
    trips=("efs-access.volumes-local",),
    consequences=("ecs.zone-spread",),  # the new task is never healthy, so the old one serves on beside it
)
def volume_of_the_primary(world: World) -> None:
    """Register a revision that names the primary's file system, and let the tenant's service use it."""
    env, tenant = world.environment, world.tenants[0]
    service = env.named(env.names.service, tenant=tenant)
    named = {"cluster": env.named(env.names.cluster), "service": service}
    family = env.named(env.names.task_family, tenant=tenant)
    current = world.call(Side.DR, "ecs", "DescribeTaskDefinition", taskDefinition=family)["taskDefinition"]
    copy = {key: current[key] for key in DEFINED_BY if current.get(key)}
    for volume in copy["volumes"]:
        volume["efsVolumeConfiguration"]["fileSystemId"] = file_system(world, Side.PRIMARY)["FileSystemId"]
    task_definition_arn = world.call(Side.DR, "ecs", "RegisterTaskDefinition", **copy)["taskDefinition"][
        "taskDefinitionArn"
    ]
    world.undo(Side.DR, "ecs", "DeregisterTaskDefinition", taskDefinition=task_definition_arn)
    # Recorded last, so replayed before the revision is deregistered.
    world.undo(Side.DR, "ecs", "UpdateService", taskDefinition=current["taskDefinitionArn"], **named)
    world.call(Side.DR, "ecs", "UpdateService", taskDefinition=task_definition_arn, **named)


@disaster(
    "efs-policy-locks-out",
    "A policy of the DR region's file system denies every client outside the networks of the primary region",
    trips=("efs-policy.admits-alike",),
    consequences=UNMOUNTED,
)
def policy_locks_out(world: World) -> None:
    """Deny mounting from any VPC but one of the primary region."""
    system = file_system(world, Side.DR)["FileSystemId"]
    named = {"Name": "tag:Name", "Values": [world.environment.named(world.environment.names.vpc)]}
    network = world.call(Side.PRIMARY, "ec2", "DescribeVpcs", Filters=[named])["Vpcs"][0]["VpcId"]
    statement = {
        "Sid": "OurNetworkOnly",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "elasticfilesystem:ClientMount",
        # A VPC's id is of one region: a copied policy keeps the other's id.
        "Condition": {"StringNotEquals": {"aws:SourceVpc": network}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.undo(Side.DR, "efs", "DeleteFileSystemPolicy", FileSystemId=system)
    world.call(Side.DR, "efs", "PutFileSystemPolicy", FileSystemId=system, Policy=policy)
