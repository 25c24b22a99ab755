"""The shared file systems, their mount targets in every zone, and one access point a tenant in both regions.

Where data replicates the DR file system exists beforehand, so that its mount targets and access points are in place;
its overwrite protection is switched off once, to let the replication begin (T27, T28).
"""

from __future__ import annotations

from datetime import timedelta

from moto.efs.models import efs_backends

from sandbox.core.state import now
from sandbox.moto_ext.data.stored_data import install_folder
from sandbox.seeding.site import Estate, Site, as_list, tag_map

INSTALLED_AGO = timedelta(days=60)


def build(estate: Estate) -> None:
    """Make both file systems with mount targets and access points, and replicate primary to DR where expected."""
    for site in estate.sites:
        _file_system(site)
    env = estate.environment
    if env.replicates and "replication" in env.replication.files:
        _replicate(estate)
    for site in estate.sites:
        for tenant in estate.tenants:
            name = env.named(env.names.access_point, tenant=tenant.name)
            # An access point forces this user upon every client: both regions must have the
            # same, or tasks of the one may not write what those of the other wrote.
            owner = {"Uid": env.names.access_point_uid, "Gid": env.names.access_point_uid}
            response = site.client("efs").create_access_point(
                ClientToken=name,
                FileSystemId=site.file_system,
                PosixUser=owner,
                RootDirectory={
                    "Path": env.named(env.names.access_point_path, tenant=tenant.name),
                    "CreationInfo": {"OwnerUid": owner["Uid"], "OwnerGid": owner["Gid"], "Permissions": "0755"},
                },
                Tags=as_list(tag_map(env, name, tenant)),
            )
            site.access_points[tenant.name] = response["AccessPointId"]
    _install(estate)


def _install(estate: Estate) -> None:
    """Put each tenant's site into its folder, in the DR region where nothing is to be replicated there."""
    env = estate.environment
    # A replica is read-only: what stands in it arrives by the replication alone (T27).
    for site in estate.sites if not env.replicates else (estate.primary,):
        backend = efs_backends[env.account][site.region]
        for tenant in estate.tenants:
            path = env.named(env.names.access_point_path, tenant=tenant.name)
            install_folder(backend, site.file_system, path, tenant.name, now() - INSTALLED_AGO)


def _file_system(site: Site) -> None:
    env, efs = site.environment, site.client("efs")
    name = env.named(env.names.file_system)
    response = efs.create_file_system(
        CreationToken=name,
        PerformanceMode="generalPurpose",
        ThroughputMode="elastic",
        Encrypted=True,
        KmsKeyId=site.keys["efs"],
        # EFS switches automatic backups on only where it is asked for by this (API_CreateFileSystem).
        Backup=site.is_primary,
        Tags=as_list(tag_map(env, name, data=site.is_primary)),
    )
    site.file_system = response["FileSystemId"]
    for subnet in site.private_subnets:
        efs.create_mount_target(FileSystemId=site.file_system, SubnetId=subnet, SecurityGroups=[site.groups["files"]])


def _replicate(estate: Estate) -> None:
    estate.dr.client("efs").update_file_system_protection(
        # A new file system is protected against being overwritten: the replication would be refused (T28).
        FileSystemId=estate.dr.file_system,
        ReplicationOverwriteProtection="DISABLED",
    )
    estate.primary.client("efs").create_replication_configuration(
        SourceFileSystemId=estate.primary.file_system,
        Destinations=[
            {"Region": estate.dr.region, "FileSystemId": estate.dr.file_system, "KmsKeyId": estate.dr.keys["efs"]}
        ],
    )
