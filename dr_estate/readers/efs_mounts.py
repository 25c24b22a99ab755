"""Access of tasks to EFS: mount targets, zones, and allowed sources of their security groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, efs
from dr_estate.readers.vpc import LIST_READS, by_blocks, cidr_of
from dr_estate.reading.reader import REGIONAL, ReadContext, part

MOUNT_READS = frozenset({"ec2:DescribeNetworkInterfaces", "efs:DescribeMountTargets"})
SUBNET_READS = frozenset({"ec2:DescribeSubnets"})
NFS_PORT = 2049


@dataclass(frozen=True, slots=True)
class MountTarget:
    """A mount target and the security groups that guard it."""

    id: str
    file_system_id: str
    subnet: str
    zone: str
    state: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskSubnet:
    """A subnet in which the cluster's services start their tasks."""

    id: str
    zone: str
    cidr: str


@dataclass(frozen=True, slots=True)
class NfsRule:
    """Who may reach a security group on the NFS port: groups and address ranges."""

    group: str
    groups: tuple[str, ...]
    cidrs: tuple[str, ...]


@part(*REGIONAL, reads=MOUNT_READS)
def mount_targets(context: ReadContext) -> tuple[MountTarget | Unavailable, ...]:
    """Every mount target of the file system: one a zone, its security groups read of its network interface.

    All interfaces take one call; DescribeMountTargetSecurityGroups takes one each, and a permission of EC2 beside it.
    """
    rows = efs.rows_of(context, "describe_mount_targets", "MountTargets", context.part(efs.file_systems))
    if not rows:
        return ()
    wanted = [row["NetworkInterfaceId"] for row in rows if row.get("NetworkInterfaceId")]
    filters = [{"Name": "network-interface-id", "Values": wanted}]
    interfaces = context.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=filters)
    groups = dict(context.rows(interfaces, _interface, "NetworkInterfaceId"))
    return context.rows(
        rows, lambda row: _mount_target(row, groups.get(row.get("NetworkInterfaceId", ""))), "MountTargetId"
    )


def _interface(row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return row["NetworkInterfaceId"], tuple(sorted(group["GroupId"] for group in row.get("Groups", [])))


def _mount_target(row: dict[str, Any], groups: tuple[str, ...] | None) -> MountTarget | Unavailable:
    target = row["MountTargetId"]
    if groups is None:
        # Without its groups a mount target would look as if nobody were admitted.
        return Unavailable(
            UnavailableKind.ERROR, f"The network interface of {target} was not among those that EC2 described."
        )
    zone = row.get("AvailabilityZoneName", "")
    return MountTarget(target, row["FileSystemId"], row["SubnetId"], zone, row["LifeCycleState"], groups)


@part(*REGIONAL, reads=SUBNET_READS)
def task_subnets(context: ReadContext) -> tuple[TaskSubnet, ...]:
    """The subnets in which the tenants' services start tasks: each of their zones needs a mount target."""
    pattern = context.env.names.service
    tenants = [service for service in context.part(ecs.services) if context.env.tenant_of(pattern, service.name)]
    wanted = sorted({subnet for service in tenants for subnet in service.subnets})
    if not wanted:
        return ()
    # A filter and not SubnetIds: by those EC2 refuses the whole call for one subnet that is gone.
    rows = context.pages("ec2", "describe_subnets", "Subnets", Filters=[{"Name": "subnet-id", "Values": wanted}])
    return context.rows(
        rows, lambda row: TaskSubnet(row["SubnetId"], row["AvailabilityZone"], cidr_of(row)), "SubnetId"
    )


@part(*REGIONAL, reads=frozenset({"ec2:DescribeSecurityGroups"}) | LIST_READS)
def nfs_rules(context: ReadContext) -> tuple[NfsRule, ...]:
    """Who may reach the mount targets' security groups on TCP 2049."""
    targets = [target for target in context.part(mount_targets) if isinstance(target, MountTarget)]
    wanted = sorted({group for target in targets for group in target.groups})
    if not wanted:
        return ()
    filters = [{"Name": "group-id", "Values": wanted}]
    rows = by_blocks(context, context.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters))
    return context.rows(rows, lambda row: _nfs_rule(row["GroupId"], row.get("IpPermissions", [])), "GroupId")


def _nfs_rule(group: str, permissions: Sequence[dict[str, Any]]) -> NfsRule:
    admitting = [p for p in permissions if _admits_nfs(p)]
    groups = {pair["GroupId"] for p in admitting for pair in p.get("UserIdGroupPairs", []) if pair.get("GroupId")}
    cidrs = {given["CidrIp"] for p in admitting for given in p.get("IpRanges", [])}
    return NfsRule(group, tuple(sorted(groups)), tuple(sorted(cidrs)))


def _admits_nfs(permission: dict[str, Any]) -> bool:
    # -1 is every protocol, and has no ports (EC2 API, IpPermission).
    if permission.get("IpProtocol") == "-1":
        return True
    low, high = permission.get("FromPort", -1), permission.get("ToPort", -1)
    return permission.get("IpProtocol") == "tcp" and low <= NFS_PORT <= high
