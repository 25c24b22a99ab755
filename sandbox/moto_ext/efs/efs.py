"""EFS replication and overwrite protection (AWS: efs-replication, API_DeleteReplicationConfiguration; T27, T28).

Both regions' backends hold the configuration, so that one side can forget it alone. Beside it throughput, backup
policies, deleted file system policies and checks of existence that the emulator lacks.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from moto.efs import urls
from moto.efs.exceptions import FileSystemNotFound
from moto.efs.models import AccessPoint, EFSBackend, FileSystem, efs_backends
from moto.efs.responses import EFSResponse

from sandbox.core.patching import catch_all, operation, page, refused, wrap
from sandbox.core.state import is_sick, now
from sandbox.core.timing import is_real, is_stopped, soon, to_the_second
from sandbox.moto_ext.data.store_sizes import kfiles
from sandbox.moto_ext.data.stored_data import files_of
from sandbox.moto_ext.efs.deletion import life_cycle
from sandbox.moto_ext.efs.model import (
    GIB,
    ReplicationConfiguration,
    gib_of,
    of_file_system,
    protection_of,
    replications,
)
from sandbox.moto_ext.kms import key_of_aws

# What the half shows whose other half was deleted alone; AWS says no more than that it cannot be recovered.
ABANDONED = "ERROR"
_AWS_KEY = "alias/aws/elasticfilesystem"


def _file_system(backend: EFSBackend, file_system_id: str) -> FileSystem:
    # By the emulator's own look-up, which raises FileSystemNotFound.
    return backend.describe_file_systems(file_system_id=file_system_id.rsplit("/", 1)[-1])[1][0]


def _destination(backend: EFSBackend, destination: dict[str, Any], source: FileSystem) -> FileSystem:
    if not destination.get("FileSystemId"):
        return backend.create_file_system(
            creation_token=f"replica-of-{source.file_system_id}-{uuid.uuid4()}",
            performance_mode=source.performance_mode,
            # EFS encrypts every destination that it makes itself (EFS guide, creating a replication).
            encrypted=True,
            kms_key_id=destination.get("KmsKeyId") or "",
            throughput_mode=source.throughput_mode,
            provisioned_throughput_in_mibps=0,
            availability_zone_name="",
            backup=False,
            tags=[],
        )
    given = _file_system(backend, destination["FileSystemId"])
    if any(of_file_system(backend, given.file_system_id)):
        raise refused("ConflictException", f"{given.file_system_id} is already part of a replication.")
    # A destination must have its overwrite protection off (EFS guide, replicating to an existing file system; T28).
    if protection_of(given) != "DISABLED":
        raise refused("ValidationException", f"Replication overwrite protection of {given.file_system_id} is on.")
    # An encrypted source takes an encrypted destination only (API_CreateReplicationConfiguration).
    if source.encrypted and not given.encrypted:
        raise refused("ConflictException", "The source is encrypted, the destination is not.")
    return given


@operation(EFSResponse, "create_replication_configuration")
def _create(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend = response.efs_backend
    source = _file_system(backend, params["SourceFileSystemId"])
    if any(of_file_system(backend, source.file_system_id)):
        raise refused("ValidationException", f"{source.file_system_id} is already part of a replication.")
    destination = params["Destinations"][0]
    there: EFSBackend = efs_backends[backend.account_id][destination.get("Region") or backend.region_name]
    target = _destination(there, destination, source)
    # From now on the destination is read-only.
    target.__dict__["_overwrite_protection"] = "REPLICATING"
    replication = ReplicationConfiguration(
        source.file_system_id,
        source.file_system_arn,
        target.file_system_id,
        there.region_name,
        backend.account_id,
        to_the_second(now()),
        soon("efs.first-sync", source.creation_token, gib=gib_of(source), kfiles=kfiles()),
        destination.get("RoleArn"),
    )
    replications(backend)[replication.source_id] = replication
    # One object in both regions: a disaster that changes it changes it for both.
    replications(there)[replication.source_id] = replication
    return replication.describe()


@operation(EFSResponse, "delete_replication_configuration")
def _delete(response: EFSResponse, params: dict[str, Any]) -> None:
    """Both sides, or this side alone (LOCAL_CONFIGURATION_ONLY: for when the other region cannot be reached, T27)."""
    here = response.efs_backend
    replication = replications(here).get(params["SourceFileSystemId"])
    if replication is None:
        raise refused("ReplicationNotFound", f"{params['SourceFileSystemId']} has no replication configuration.")
    # Before anything is deleted: what the destination keeps is what had arrived by now (T27).
    reached = files_of(efs_backends[here.account_id][replication.destination_region], replication.destination_id)
    regions = {replication.source_region, replication.destination_region}
    if params.get("DeletionMode") == "LOCAL_CONFIGURATION_ONLY":
        regions = {here.region_name}
    # Deleting both sides needs the other region: hence the local form
    # (API_DeleteReplicationConfiguration, DeletionMode).
    elif is_stopped(*(regions - {here.region_name})):
        raise refused("BadRequest", "The other region cannot be reached: use LOCAL_CONFIGURATION_ONLY.")
    stuck = len(regions) > 1 and is_sick(replication.source_region, "efs")
    ends = soon("efs.end-replication", replication.source_region) if is_real() else now()
    for region in (replication.source_region, replication.destination_region):
        known = replications(efs_backends[here.account_id][region])
        if region in regions:
            gone_at = None if stuck else ends
            known[replication.source_id] = replace(replication, arrived=tuple(reached), ends=gone_at, stuck=stuck)
        # The half that was not deleted stays, in error.
        elif (left := known.get(replication.source_id)) is not None:
            known[replication.source_id] = replace(left, trouble=ABANDONED, stuck=False)


@operation(EFSResponse, "describe_replication_configurations")
def _describe(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend = response.efs_backend
    found = list(replications(backend).values())
    if wanted := params.get("FileSystemId"):
        _file_system(backend, wanted)
        found = list(of_file_system(backend, wanted))
        if not found:
            raise refused("ReplicationNotFound", f"{wanted} has no replication configuration.")
    shown, token = page([replication.describe() for replication in found], params, wrong="BadRequest")
    return {"Replications": shown, "NextToken": token}


@operation(EFSResponse, "update_file_system_protection")
def _protect(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    file_system = _file_system(response.efs_backend, params["FileSystemId"])
    # Nobody changes the protection of a destination while it is one.
    if protection_of(file_system) == "REPLICATING":
        raise refused("ReplicationAlreadyExists", "The file system is the destination of a replication.")
    wanted = params.get("ReplicationOverwriteProtection") or protection_of(file_system)
    file_system.__dict__["_overwrite_protection"] = wanted
    return {"ReplicationOverwriteProtection": wanted}


@wrap(EFSBackend, "create_file_system")
def _create_file_system(original: Any, self: EFSBackend, *args: Any, **kwargs: Any) -> FileSystem:
    created: FileSystem = original(self, *args, **kwargs)
    # Encrypted without a key of its own it lies under AWS's key for EFS (API_CreateFileSystem, KmsKeyId).
    if created.encrypted and not created.kms_key_id:
        created.kms_key_id = key_of_aws(self, _AWS_KEY)
    return created


@wrap(FileSystem, "info_json")
def _with_protection(original: Any, self: FileSystem) -> dict[str, Any]:
    response: dict[str, Any] = original(self)
    protection = {"ReplicationOverwriteProtection": protection_of(self)}
    # At the real pace durations go by the size: DescribeFileSystems must show the same.
    size = {**response["SizeInBytes"], "Value": round(gib_of(self) * GIB)} if is_real() else response["SizeInBytes"]
    state_and_size = {"LifeCycleState": life_cycle(self), "SizeInBytes": size}
    return {**response, **state_and_size, "FileSystemProtection": protection}


catch_all(urls.url_paths, urls.response.dispatch)


@operation(EFSResponse, "update_file_system")
def _update(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    file_system = response.efs_backend.describe_file_systems(file_system_id=params["FileSystemId"])[1][0]
    file_system.throughput_mode = params.get("ThroughputMode") or file_system.throughput_mode
    if params.get("ProvisionedThroughputInMibps") is not None:
        file_system.provisioned_throughput_in_mibps = params["ProvisionedThroughputInMibps"]
    return file_system.info_json()


@operation(EFSResponse, "put_backup_policy")
def _put_policy(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    file_system = response.efs_backend.describe_file_systems(file_system_id=params["FileSystemId"])[1][0]
    wanted = params["BackupPolicy"]["Status"]
    # moto has a backup policy that is on, or none: the status that was put is kept beside it.
    file_system._backup = wanted == "ENABLED"
    file_system.__dict__["_backup_status"] = wanted
    return {"BackupPolicy": {"Status": wanted}}


def policy_in_force(file_system: FileSystem) -> str | None:
    """The policy that mounts go by at this moment: the one before a change, until the change has taken effect."""
    # EFS enforces a changed policy after minutes (EFS guide, file system policies); the one before holds until then.
    before, until = file_system.__dict__.get("_policy_before") or (None, None)
    return before if until is not None and now() < until else file_system.file_system_policy


def _change_policy(file_system: FileSystem) -> None:
    """Call before the policy is changed."""
    if is_real():
        until = soon("efs.apply-policy", file_system.creation_token)
        file_system.__dict__["_policy_before"] = (policy_in_force(file_system), until)


@wrap(EFSBackend, "put_file_system_policy")
def _put_file_system_policy(original: Any, self: EFSBackend, file_system_id: str, *args: Any, **kwargs: Any) -> Any:
    if file_system_id in self.file_systems_by_id:
        _change_policy(self.file_systems_by_id[file_system_id])
    return original(self, file_system_id, *args, **kwargs)


@operation(EFSResponse, "delete_file_system_policy")
def _delete_policy(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    file_system = response.efs_backend.describe_file_systems(file_system_id=params["FileSystemId"])[1][0]
    _change_policy(file_system)
    file_system.file_system_policy = None
    return {}


@wrap(EFSBackend, "describe_backup_policy")
def _policy(original: Any, self: EFSBackend, file_system_id: str) -> dict[str, str]:
    file_system = self.describe_file_systems(file_system_id=file_system_id)[1][0]
    if status := file_system.__dict__.get("_backup_status"):
        return {"Status": status}
    response: dict[str, str] = original(self, file_system_id)
    return response


@wrap(EFSBackend, "create_access_point")
def _access_point(original: Any, self: EFSBackend, *args: Any, **kwargs: Any) -> AccessPoint:
    found = self.file_systems_by_id.get(kwargs["file_system_id"])
    if found is None:
        raise FileSystemNotFound(kwargs["file_system_id"])
    # An access point needs a file system that is available (API_CreateAccessPoint).
    if life_cycle(found) != "available":
        raise refused("IncorrectFileSystemLifeCycleState", f"{found.file_system_id} is {life_cycle(found)}.")
    access_point: AccessPoint = original(self, *args, **kwargs)
    return access_point
