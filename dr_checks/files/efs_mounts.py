"""Checks of EFS mounts in the DR region: mount targets, security groups, key and throughput."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from dr_checks.core.model import Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.references import arn_region
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, efs, efs_mounts

# EFS speaks NFS 4 on this port alone (EFS guide, security groups).
_NFS = 2049


def _name(view: View) -> str:
    return view.env.named(view.env.names.file_system)


@check("every availability zone in which the DR region starts tasks has an available mount target")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("EfsMountTargetsPerAz", "efs_multi_az_enabled", "REL10-BP01", "NIST CP-7")
def targets_per_zone(view: View) -> Iterator[Finding]:
    """The zones of the services' subnets, against available mount targets. Source: EFS API."""
    targets, zones = view.get(efs_mounts.mount_targets), {s.zone for s in view.get(efs_mounts.task_subnets)}
    if not view.get(efs.file_systems) or not zones:
        raise NothingToJudge(_name(view), "no file system, or no service with a subnet: see efs and ecs checks")
    unseen = [target for target in targets if isinstance(target, Unavailable)]
    there = {t.zone: t.state for t in targets if not isinstance(t, Unavailable)}
    for unavailable in unseen:
        yield view.unknown(_name(view), "available", unavailable)
    for zone in sorted(zones):
        word = there.get(zone, "")
        if word and not states.FILE_SYSTEM[word].known:
            yield view.undocumented(zone, "available", word)
        elif word and states.FILE_SYSTEM[word].serves:
            yield view.ok(zone, word, "available", "tasks of this zone can mount the files")
        elif not unseen:
            reason = "tasks started in this zone fail to mount the files"
            remedy = Remedy(
                f"Apply aws_efs_mount_target for {_name(view)} in a subnet of {zone}.",
                () if word else _mount_target(view, zone),
            )
            yield view.gap(zone, word or "no mount target", "available", reason, remedy)


@check("the mount targets of the DR region accept NFS connections from the tasks of every service")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("EfsMountTargetsPerAz", "REL13-BP04", "NIST CP-7")
def tasks_admitted(view: View) -> Iterator[Finding]:
    """Every mount target's groups allow TCP 2049 from a group of each tenant's service, or from its subnets: EFS, EC2.

    A task has every group of its service at once, so one that is let in is enough.
    """
    rules = {rule.group: rule for rule in view.get(efs_mounts.nfs_rules)}
    mine = [s for s in view.get(ecs.services) if view.env.tenant_of(view.env.names.service, s.name)]
    callers = {service.security_groups for service in mine if service.security_groups}
    cidrs = [subnet.cidr for subnet in view.get(efs_mounts.task_subnets)]
    targets = view.get(efs_mounts.mount_targets)
    for target in targets if callers else ():
        if isinstance(target, Unavailable):
            yield view.unknown(_name(view), "TCP 2049 open", target)
            continue
        guards = [rules[group] for group in target.groups if group in rules]
        admitted = {group for guard in guards for group in guard.groups}
        # Security groups add up: one of a task's groups that is let in opens the mount target to it.
        left = {group for groups in callers if not admitted & set(groups) for group in groups}
        if not left or (cidrs and all(_is_covered(cidr, guards) for cidr in cidrs)):
            yield view.ok(target.zone, "TCP 2049 open", "TCP 2049 open", "the tasks' connections are allowed")
        else:
            measured = f"{', '.join(sorted(left))} not allowed by {', '.join(target.groups) or 'any group'}"
            reason = "mounting would time out and the task would not start"
            remedy = Remedy(
                f"Allow TCP 2049 from {', '.join(sorted(left))}: aws_vpc_security_group_ingress_rule.",
                tuple(_admit(view, target.groups[0], caller) for caller in sorted(left)) if target.groups else (),
            )
            yield view.gap(target.zone, measured, "TCP 2049 open", reason, remedy)
    if not targets or not callers:
        yield view.none_expected(_name(view), "no mount target or no service: see efs and ecs checks")


def _is_covered(cidr: str, guards: list[efs_mounts.NfsRule]) -> bool:
    ranges = [ip_network(given, strict=False) for guard in guards for given in guard.cidrs]
    wanted = ip_network(cidr, strict=False)
    return any(wanted.version == r.version and wanted.subnet_of(r) for r in ranges)  # type: ignore[arg-type] # same version


@check("the file system of the DR region is encrypted under a key of the DR region")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T19", "KmsKeyUsableInRegion", "EFS_ENCRYPTED_CHECK", "efs_encryption_at_rest_enabled", "REL09-BP02")
def encrypted(view: View) -> Iterator[Finding]:
    """Encrypted, and the key's ARN is of the DR region; whether that key works is said by the KMS checks (T19)."""
    found = view.get(efs.file_systems)
    view.need(found, _name(view), "there is no file system: see efs.file-system-exists")
    for system in found:
        where = arn_region(system.key)
        if system.encrypted and where == view.region:
            reason = "it can be read without another region"
            yield view.ok(_name(view), f"key in {where}", f"key in {view.region}", reason)
        else:
            measured = f"key in {where or 'no region'}" if system.encrypted else "not encrypted"
            reason = "files must be encrypted in the DR region, and readable without the primary region"
            remedy = (
                "Encryption is set at creation: recreate aws_efs_file_system with encrypted = true and kms_key_id "
                "of the DR region, and replicate into it."
            )
            yield view.gap(_name(view), measured, f"key in {view.region}", reason, remedy)


@check("the file system of the DR region has the throughput of the primary's")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("REL13-BP04", "NIST CP-7")
def throughput_parity(view: View) -> Iterator[Finding]:
    """Elastic, or the primary's mode with no less provisioned. Source: EFS User Guide, throughput modes."""
    there, here = view.get(efs.file_systems), view.get(efs.file_systems, Side.PRIMARY)
    if not there or not here:
        raise NothingToJudge(_name(view), "not in both regions: see efs.file-system-exists")
    dr, primary = there[0], here[0]
    measured, wanted = _speed(dr), _speed(primary)
    # bursting depends on how much is stored, and a replica stores as much: equal modes are equally fast.
    alike = dr.throughput == primary.throughput and dr.provisioned_mibps >= primary.provisioned_mibps
    if alike or dr.throughput == "elastic":
        yield view.ok(_name(view), measured, wanted, "file throughput stays the same after a failover")
    else:
        remedy = Remedy("aws_efs_file_system.throughput_mode as the primary's.", (_throughput(view, dr, primary),))
        yield view.gap(_name(view), measured, wanted, "every tenant would be slower after a failover", remedy)


def _throughput(view: View, dr: efs.FileSystem, primary: efs.FileSystem) -> str:
    # The value is required in the mode provisioned, and refused in the others (API_UpdateFileSystem).
    mibps = {"ProvisionedThroughputInMibps": primary.provisioned_mibps} if primary.provisioned_mibps else {}
    mode = primary.throughput
    return view.command("efs", "UpdateFileSystem", FileSystemId=dr.id, ThroughputMode=mode, **mibps)


def _mount_target(view: View, zone: str) -> tuple[str, ...]:
    """The command that makes a mount target in a subnet of the tasks, with the groups of its neighbours."""
    system, subnets = view.get(efs.file_systems)[0], view.get(efs_mounts.task_subnets)
    place = next((subnet.id for subnet in subnets if subnet.zone == zone), None)
    groups = next((t.groups for t in view.get(efs_mounts.mount_targets) if not isinstance(t, Unavailable)), ())
    if place is None or not groups:
        return ()
    return (
        view.command("efs", "CreateMountTarget", FileSystemId=system.id, SubnetId=place, SecurityGroups=list(groups)),
    )


def _admit(view: View, guard: str, caller: str) -> str:
    port = {"IpProtocol": "tcp", "FromPort": _NFS, "ToPort": _NFS, "UserIdGroupPairs": [{"GroupId": caller}]}
    return view.command("ec2", "AuthorizeSecurityGroupIngress", GroupId=guard, IpPermissions=[port])


def _speed(system: efs.FileSystem) -> str:
    provisioned = f" {system.provisioned_mibps:g} MiB/s" if system.provisioned_mibps else ""
    return f"{system.throughput}{provisioned}"
